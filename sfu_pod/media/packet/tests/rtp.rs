//! RTP headers read and written.

mod common;

use common::hex;
use proptest::prelude::*;
use rotunda_packet::rtp::{RtpError, RtpHeader, RtpPacket, split_rtx, write_padding, write_rtx};

const HEADER: RtpHeader = RtpHeader {
    marker: true,
    payload_type: 96,
    sequence_number: 0x1234,
    timestamp: 0x89ab_cdef,
    ssrc: 0xcafe_f00d,
};

#[test]
fn reads_every_field() {
    let bytes = hex("b2 e0 1234 89abcdef cafef00d 00000001 00000002
                     bede 0002 10 61 21 62 63 00 00 00
                     01 02 03 00 02");
    let packet = RtpPacket::parse(&bytes).unwrap();
    assert!(packet.marker());
    assert_eq!(packet.payload_type(), 96);
    assert_eq!(packet.sequence_number(), 0x1234);
    assert_eq!(packet.timestamp(), 0x89ab_cdef);
    assert_eq!(packet.ssrc(), 0xcafe_f00d);
    assert_eq!(packet.csrcs().collect::<Vec<_>>(), [1, 2]);
    let extensions: Vec<_> = packet.extensions().collect();
    assert_eq!(extensions, [(1, &b"a"[..]), (2, b"bc")]);
    assert_eq!(packet.extension(2), Some(&b"bc"[..]));
    assert_eq!(packet.extension(3), None);
    assert_eq!(packet.header_len(), 32);
    assert_eq!(packet.payload(), [1, 2, 3]);
    assert_eq!(packet.payload_range(), 32..35);
    assert_eq!(packet.padding_len(), 2);
    let sealed = RtpPacket::parse_header(&bytes).unwrap();
    assert_eq!(sealed.payload_range(), 32..37, "padding cannot be read while encrypted");
}

#[test]
fn golden_header_without_extensions() {
    let mut buffer = [0; 12];
    assert_eq!(HEADER.write(&mut buffer, &[]), Some(12));
    assert_eq!(buffer[..], hex("80 e0 1234 89abcdef cafef00d"));
}

#[test]
fn golden_header_in_the_one_byte_form() {
    let mut buffer = [0xff; 40];
    assert_eq!(HEADER.write(&mut buffer, &[(1, b"a"), (14, b"bc")]), Some(24));
    assert_eq!(buffer[..24], hex("90 e0 1234 89abcdef cafef00d bede 0002 10 61 e1 62 63 000000"));
    assert_eq!(buffer[24], 0xff);
}

#[test]
fn golden_header_in_the_two_byte_form() {
    let mut buffer = [0xff; 40];
    assert_eq!(HEADER.write(&mut buffer, &[(1, b"a"), (15, b"")]), Some(24));
    assert_eq!(buffer[..24], hex("90 e0 1234 89abcdef cafef00d 1000 0002 01 01 61 0f 00 000000"));
}

#[test]
fn the_form_follows_ids_and_sizes() {
    let profile = |id: u8, value: &[u8]| {
        let mut buffer = [0; 300];
        HEADER.write(&mut buffer, &[(id, value)]).map(|_| [buffer[12], buffer[13]])
    };
    assert_eq!(profile(14, &[0; 16]), Some([0xbe, 0xde]));
    assert_eq!(profile(15, &[0; 16]), Some([0x10, 0]));
    assert_eq!(profile(14, &[0; 17]), Some([0x10, 0]));
    assert_eq!(profile(14, &[]), Some([0x10, 0]));
    assert_eq!(profile(255, &[0; 255]), Some([0x10, 0]));
    assert_eq!(profile(0, b"a"), None);
    assert_eq!(profile(1, &[0; 256]), None);
}

#[test]
fn too_little_room_is_told() {
    for room in 0..24 {
        assert_eq!(HEADER.write(&mut vec![0; room], &[(1, b"a"), (14, b"bc")]), None, "{room}");
    }
}

#[test]
fn extensions_end_where_rfc_8285_says() {
    let read = |text: &str| {
        let bytes = hex(&format!("90 e0 1234 89abcdef cafef00d {text}"));
        let packet = RtpPacket::parse(&bytes).unwrap();
        packet.extensions().map(|(id, value)| (id, value.to_vec())).collect::<Vec<_>>()
    };
    assert_eq!(read("bede 0002 00 10 61 00 20 62 00 00"), [(1, b"a".into()), (2, b"b".into())]);
    assert_eq!(read("bede 0001 10 61 f0 20"), [(1, b"a".into())], "id 15 ends");
    assert_eq!(read("bede 0001 03 61 62 63"), [], "id 0 with a length ends");
    assert_eq!(read("bede 0001 10 61 2f 62"), [(1, b"a".into())], "cut short");
    assert_eq!(read("1007 0002 00 11 02 6162 05 00 00"), [(17, b"ab".into()), (5, vec![])]);
    assert_eq!(read("1000 0001 05 03 61 62"), [], "cut short");
    assert_eq!(read("1000 0001 00 00 00 05"), [], "cut short");
    assert_eq!(read("abac 0001 10 61 00 00"), [], "another profile");
    assert_eq!(read("bede 0000"), []);
}

#[test]
fn broken_packets_name_what_is_wrong() {
    let error = |text: &str| RtpPacket::parse(&hex(text)).err();
    let fixed = "e0 1234 89abcdef cafef00d";
    assert_eq!(error(&format!("40 {fixed}")), Some(RtpError::Version));
    assert_eq!(error(&format!("81 {fixed} 000000")), Some(RtpError::Truncated));
    assert_eq!(error(&format!("90 {fixed} bede")), Some(RtpError::Truncated));
    assert_eq!(error(&format!("90 {fixed} bede 0002 00000000")), Some(RtpError::Truncated));
    assert_eq!(error(&format!("a0 {fixed}")), Some(RtpError::Padding));
    assert_eq!(error(&format!("a0 {fixed} 01 00")), Some(RtpError::Padding));
    assert_eq!(error(&format!("a0 {fixed} 01 03")), Some(RtpError::Padding));
    assert_eq!(error(&format!("a0 {fixed} 01 02")), None, "nothing but padding");
    assert_eq!(error("80 e0 1234"), Some(RtpError::Truncated));
}

#[test]
fn padding_is_appended() {
    let mut buffer = [0xff; 32];
    let at = HEADER.write(&mut buffer, &[]).unwrap();
    buffer[at..at + 3].copy_from_slice(b"abc");
    assert_eq!(write_padding(&mut buffer, 15, 0), Some(15));
    assert_eq!(RtpPacket::parse(&buffer[..15]).unwrap().padding_len(), 0);
    assert_eq!(write_padding(&mut buffer, 15, 5), Some(20));
    let packet = RtpPacket::parse(&buffer[..20]).unwrap();
    assert_eq!((packet.payload(), packet.padding_len()), (&b"abc"[..], 5));
    assert_eq!(buffer[15..20], [0, 0, 0, 0, 5]);
    assert_eq!(write_padding(&mut buffer, 15, 18), None, "no room");
}

#[test]
fn rtx_carries_the_original_number() {
    let mut payload = *b"..abc";
    assert_eq!(write_rtx(&mut payload, 0x1234), Some(2));
    assert_eq!(split_rtx(&payload), Some((0x1234, &b"abc"[..])));
    assert_eq!(split_rtx(&[]), None);
    assert_eq!(split_rtx(&[1]), None);
    assert_eq!(write_rtx(&mut [0], 1), None);
}

fn headers() -> impl Strategy<Value = RtpHeader> {
    (any::<bool>(), 0u8..128, any::<u16>(), any::<u32>(), any::<u32>()).prop_map(
        |(marker, payload_type, sequence_number, timestamp, ssrc)| RtpHeader {
            marker,
            payload_type,
            sequence_number,
            timestamp,
            ssrc,
        },
    )
}

proptest! {
    #[test]
    fn headers_survive(
        header in headers(),
        elements in prop::collection::vec(
            (1u8..=255, prop::collection::vec(any::<u8>(), 0..40)),
            0..6,
        ),
        payload in prop::collection::vec(any::<u8>(), 0..60),
        padding in 0u8..30,
    ) {
        let extensions: Vec<_> = elements.iter().map(|(id, value)| (*id, &value[..])).collect();
        let mut buffer = vec![0xff; 600];
        let at = header.write(&mut buffer, &extensions).unwrap();
        buffer[at..at + payload.len()].copy_from_slice(&payload);
        let len = write_padding(&mut buffer, at + payload.len(), padding).unwrap();
        let packet = RtpPacket::parse(&buffer[..len]).unwrap();
        let read = RtpHeader {
            marker: packet.marker(),
            payload_type: packet.payload_type(),
            sequence_number: packet.sequence_number(),
            timestamp: packet.timestamp(),
            ssrc: packet.ssrc(),
        };
        prop_assert_eq!(read, header);
        prop_assert_eq!(packet.extensions().collect::<Vec<_>>(), extensions);
        prop_assert_eq!(packet.payload(), &payload[..]);
        prop_assert_eq!(packet.padding_len(), usize::from(padding));
        prop_assert_eq!(packet.csrcs().count(), 0);
    }

    #[test]
    fn noise_never_panics(
        mut noise in prop::collection::vec(any::<u8>(), 0..100),
        first in 0x80u8..0xc0,
    ) {
        if let Some(byte) = noise.first_mut() {
            *byte = first;
        }
        let parsed = [RtpPacket::parse(&noise), RtpPacket::parse_header(&noise)];
        for packet in parsed.iter().flatten() {
            let _ = (packet.csrcs().count(), packet.extensions().count());
            prop_assert!(packet.payload_range().end <= noise.len());
            let parts = packet.header_len() + packet.payload().len() + packet.padding_len();
            prop_assert_eq!(parts, noise.len());
        }
    }
}
