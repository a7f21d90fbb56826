//! RTCP read and written, but for transport-wide feedback.

mod common;

use common::hex;
use proptest::prelude::*;
use rotunda_packet::rtcp::{
    FirEntry, Pli, ReportBlock, RtcpError, RtcpPacket, SenderInfo, packets, write_bye, write_fir,
    write_nack, write_pli, write_receiver_report, write_remb, write_sdes_cname,
    write_sender_report,
};

const INFO: SenderInfo = SenderInfo {
    ntp: 0x0102_0304_0506_0708,
    rtp_timestamp: 0x1112_1314,
    packet_count: 0x2122_2324,
    octet_count: 0x3132_3334,
};

const BLOCK: ReportBlock = ReportBlock {
    ssrc: 0x4142_4344,
    fraction_lost: 0x51,
    cumulative_lost: -2,
    highest_sequence: 0x6162_6364,
    jitter: 0x7172_7374,
    last_sender_report: 0x8182_8384,
    delay_since_last: 0x9192_9394,
};

const BLOCK_HEX: &str = "41424344 51fffffe 61626364 71727374 81828384 91929394";

fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    out
}

fn single(bytes: &[u8]) -> RtcpPacket<'_> {
    let mut all = packets(bytes);
    let first = all.next().unwrap().unwrap();
    assert!(all.next().is_none());
    first
}

macro_rules! expect {
    ($bytes:expr, $kind:ident) => {
        match single($bytes) {
            RtcpPacket::$kind(packet) => packet,
            other => panic!("{other:?}"),
        }
    };
}

#[test]
fn golden_sender_report() {
    let bytes = written(|out| write_sender_report(out, 0xcafe_f00d, &INFO, &[BLOCK]));
    let head = "81 c8 000c cafef00d 0102030405060708 11121314 21222324 31323334";
    assert_eq!(bytes, hex(&format!("{head} {BLOCK_HEX}")));
    let report = expect!(&bytes, SenderReport);
    assert_eq!((report.ssrc, report.info), (0xcafe_f00d, INFO));
    assert_eq!(report.blocks().collect::<Vec<_>>(), [BLOCK]);
}

#[test]
fn golden_receiver_report() {
    let bytes = written(|out| write_receiver_report(out, 0xcafe_f00d, &[BLOCK, BLOCK]));
    assert_eq!(bytes, hex(&format!("82 c9 000d cafef00d {BLOCK_HEX} {BLOCK_HEX}")));
    let report = expect!(&bytes, ReceiverReport);
    assert_eq!(report.ssrc, 0xcafe_f00d);
    assert_eq!(report.blocks().collect::<Vec<_>>(), [BLOCK, BLOCK]);
}

#[test]
fn golden_sdes() {
    let bytes = written(|out| write_sdes_cname(out, 0xcafe_f00d, "ab"));
    assert_eq!(bytes, hex("81 ca 0003 cafef00d 01 02 6162 00 000000"));
    let names: Vec<_> = expect!(&bytes, Sdes).cnames().collect();
    assert_eq!(names, [(0xcafe_f00d, &b"ab"[..])]);
}

#[test]
fn sdes_finds_names_among_other_items_and_chunks() {
    let bytes = hex("83 ca 0009
                     00000001 02 03 787878 01 01 61 00 000000
                     00000002 02 01 78 00
                     00000003 01 02 6263 00 000000");
    let names: Vec<_> = expect!(&bytes, Sdes).cnames().collect();
    assert_eq!(names, [(1, &b"a"[..]), (3, b"bc")]);
}

#[test]
fn golden_bye() {
    let bytes = written(|out| write_bye(out, &[1, 2]));
    assert_eq!(bytes, hex("82 cb 0002 00000001 00000002"));
    assert_eq!(expect!(&bytes, Bye).ssrcs().collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn golden_nack() {
    let bytes = written(|out| write_nack(out, 1, 2, &[10, 11, 26, 27, 65_535, 0]));
    assert_eq!(bytes, hex("81 cd 0005 00000001 00000002 000a 8001 001b 0000 ffff 0001"));
    let nack = expect!(&bytes, Nack);
    assert_eq!((nack.sender_ssrc, nack.media_ssrc), (1, 2));
    assert_eq!(nack.sequence_numbers().collect::<Vec<_>>(), [10, 11, 26, 27, 65_535, 0]);
}

#[test]
fn golden_key_frame_requests() {
    let bytes = written(|out| write_pli(out, 1, 2));
    assert_eq!(bytes, hex("81 ce 0002 00000001 00000002"));
    assert_eq!(expect!(&bytes, Pli), Pli { sender_ssrc: 1, media_ssrc: 2 });
    let entry = FirEntry { ssrc: 2, sequence_number: 7 };
    let bytes = written(|out| write_fir(out, 1, &[entry]));
    assert_eq!(bytes, hex("84 ce 0004 00000001 00000000 00000002 07000000"));
    let fir = expect!(&bytes, Fir);
    assert_eq!((fir.sender_ssrc, fir.entries().collect::<Vec<_>>()), (1, vec![entry]));
}

#[test]
fn golden_remb() {
    // 1 Mbit/s: mantissa 250,000 (18 bits), exponent 2.
    let bytes = written(|out| write_remb(out, 1, 1_000_000, &[2, 3]));
    assert_eq!(bytes, hex("8f ce 0006 00000001 00000000 52454d42 020bd090 00000002 00000003"));
    let remb = expect!(&bytes, Remb);
    assert_eq!((remb.sender_ssrc, remb.bitrate), (1, 1_000_000));
    assert_eq!(remb.ssrcs().collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn lists_longer_than_their_count_are_cut() {
    let bytes = written(|out| write_bye(out, &[7; 40]));
    assert_eq!(expect!(&bytes, Bye).ssrcs().count(), 31);
    let bytes = written(|out| write_receiver_report(out, 1, &[BLOCK; 40]));
    assert_eq!(expect!(&bytes, ReceiverReport).blocks().count(), 31);
    let bytes = written(|out| write_remb(out, 1, 1, &[7; 300]));
    assert_eq!(expect!(&bytes, Remb).ssrcs().count(), 255);
    let bytes = written(|out| write_sdes_cname(out, 1, &"n".repeat(300)));
    assert_eq!(expect!(&bytes, Sdes).cnames().next().unwrap().1.len(), 255);
}

#[test]
fn compounds_are_taken_apart() {
    let mut bytes = written(|out| write_receiver_report(out, 1, &[]));
    write_pli(&mut bytes, 1, 2);
    bytes.extend(hex("80 cf 0001 00000001")); // extended report
    bytes.extend(hex("8f ce 0003 00000001 00000000 4d4f5245")); // another application's feedback
    let kinds: Vec<_> = packets(&bytes).map(Result::unwrap).collect();
    assert!(matches!(
        kinds[..],
        [
            RtcpPacket::ReceiverReport(_),
            RtcpPacket::Pli(_),
            RtcpPacket::Other { packet_type: 207, format: 0 },
            RtcpPacket::Other { packet_type: 206, format: 15 },
        ]
    ));
}

#[test]
fn padding_is_not_content() {
    let padded = hex("a1 cd 0004 00000001 00000002 000a0000 00000004");
    assert_eq!(expect!(&padded, Nack).sequence_numbers().collect::<Vec<_>>(), [10]);
    for count in ["00", "11"] {
        let wrong = hex(&format!("a1 cd 0004 00000001 00000002 000a0000 000000{count}"));
        assert_eq!(packets(&wrong).next().unwrap().err(), Some(RtcpError::Padding));
    }
    assert_eq!(packets(&hex("a0 cb 0000")).next().unwrap().err(), Some(RtcpError::Padding));
}

#[test]
fn an_error_inside_leaves_the_next_packet_and_a_wrong_length_does_not() {
    let mut bytes = hex("82 c9 0001 00000001"); // two blocks told, none there
    write_pli(&mut bytes, 1, 2);
    let results: Vec<_> = packets(&bytes).collect();
    assert_eq!(results[0].as_ref().err(), Some(&RtcpError::Truncated));
    assert!(matches!(results[1..], [Ok(RtcpPacket::Pli(_))]));
    bytes[3] = 9;
    let results: Vec<_> = packets(&bytes).collect();
    assert!(matches!(results[..], [Err(RtcpError::Truncated)]));
    assert!(matches!(packets(&[0x40, 201, 0, 0]).next(), Some(Err(RtcpError::Version))));
    assert!(packets(&[]).next().is_none());
}

#[test]
fn a_bitrate_past_64_bits_is_refused() {
    let bytes = hex("8f ce 0004 00000001 00000000 52454d42 00 ffffff");
    assert_eq!(packets(&bytes).next().unwrap().err(), Some(RtcpError::Feedback));
}

proptest! {
    #[test]
    fn nacks_survive(first: u16, steps in prop::collection::vec(1u16..40, 0..60)) {
        let missing: Vec<_> = steps
            .iter()
            .scan(first, |at, step| {
                *at = at.wrapping_add(*step);
                Some(*at)
            })
            .collect();
        let bytes = written(|out| write_nack(out, 1, 2, &missing));
        prop_assert_eq!(expect!(&bytes, Nack).sequence_numbers().collect::<Vec<_>>(), missing);
    }

    #[test]
    fn nacks_in_any_order_ask_for_the_same(mut missing in prop::collection::vec(any::<u16>(), 0..60)) {
        let bytes = written(|out| write_nack(out, 1, 2, &missing));
        let mut asked: Vec<_> = expect!(&bytes, Nack).sequence_numbers().collect();
        asked.sort_unstable();
        asked.dedup();
        missing.sort_unstable();
        missing.dedup();
        prop_assert_eq!(asked, missing);
    }

    #[test]
    fn bitrates_are_rounded_down_a_little(bitrate: u64) {
        let bytes = written(|out| write_remb(out, 1, bitrate, &[]));
        let read = expect!(&bytes, Remb).bitrate;
        prop_assert!(read <= bitrate && bitrate - read <= bitrate >> 17);
    }

    #[test]
    fn losses_survive(lost in -0x80_0000i32..0x80_0000, fraction_lost: u8) {
        let block = ReportBlock { cumulative_lost: lost, fraction_lost, ..BLOCK };
        let bytes = written(|out| write_receiver_report(out, 1, &[block]));
        prop_assert_eq!(expect!(&bytes, ReceiverReport).blocks().next(), Some(block));
    }

    #[test]
    fn noise_never_panics(
        noise in prop::collection::vec(any::<u8>(), 0..80),
        first in 0x80u8..0xc0,
        kind in 200u8..208,
    ) {
        let words = noise.len() / 4;
        let framed = [&[first, kind, 0, words as u8], &noise[..words * 4]].concat();
        for bytes in [&noise, &framed] {
            for packet in packets(bytes).flatten() {
                let _ = match packet {
                    RtcpPacket::SenderReport(report) => report.blocks().count(),
                    RtcpPacket::ReceiverReport(report) => report.blocks().count(),
                    RtcpPacket::Sdes(sdes) => sdes.cnames().count(),
                    RtcpPacket::Bye(bye) => bye.ssrcs().count(),
                    RtcpPacket::Nack(nack) => nack.sequence_numbers().count(),
                    RtcpPacket::TransportFeedback(feedback) => feedback.statuses().count(),
                    RtcpPacket::Fir(fir) => fir.entries().count(),
                    RtcpPacket::Remb(remb) => remb.ssrcs().count(),
                    RtcpPacket::Pli(_) | RtcpPacket::Other { .. } => 0,
                };
            }
        }
    }
}
