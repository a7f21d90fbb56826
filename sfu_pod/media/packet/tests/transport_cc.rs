//! Transport-wide feedback read and written.

mod common;

use common::hex;
use proptest::prelude::*;
use rotunda_packet::rtcp::{
    PacketStatus, RtcpError, RtcpPacket, TransportFeedback, packets, write_transport_feedback,
};

fn parse(bytes: &[u8]) -> Result<TransportFeedback<'_>, RtcpError> {
    match packets(bytes).next().unwrap()? {
        RtcpPacket::TransportFeedback(feedback) => Ok(feedback),
        other => panic!("{other:?}"),
    }
}

fn statuses(bytes: &[u8]) -> Vec<(u16, Option<u32>)> {
    let feedback = parse(bytes).unwrap();
    let read: Vec<_> = feedback
        .statuses()
        .map(|PacketStatus { sequence_number, arrival }| (sequence_number, arrival))
        .collect();
    assert_eq!(read.len(), usize::from(feedback.status_count));
    read
}

/// A feedback packet whose chunks and time steps are given: base 10, reference 1.
fn feedback(count: u16, rest: &str) -> Vec<u8> {
    let rest = hex(rest);
    let words = 4 + rest.len().div_ceil(4);
    let mut bytes = hex(&format!("8f cd {words:04x} 00000001 00000002 000a {count:04x} 000001 07"));
    bytes.extend(rest);
    bytes.resize((words + 1) * 4, 0);
    bytes
}

#[test]
fn reads_every_kind_of_chunk() {
    // A run of 3 small steps; 14 one-bit symbols 1, 0, 1, 0…; 7 two-bit symbols 0, 1, 2, 0….
    let bytes = feedback(24, "2003 a800 c600 01 02 03 04 05 06 fffe");
    let feedback = parse(&bytes).unwrap();
    assert_eq!((feedback.sender_ssrc, feedback.media_ssrc), (1, 2));
    assert_eq!((feedback.base_sequence, feedback.feedback_count), (10, 7));
    let arrived: Vec<_> =
        statuses(&bytes).into_iter().filter_map(|(n, at)| Some((n, at?))).collect();
    assert_eq!(
        arrived,
        [(10, 257), (11, 259), (12, 262), (13, 266), (15, 271), (28, 277), (29, 275)]
    );
}

#[test]
fn symbols_past_the_count_are_ignored() {
    assert_eq!(statuses(&feedback(1, "bfff 05")), [(10, Some(261))]);
    assert_eq!(statuses(&feedback(2, "3fff 05 06")), [(10, Some(261)), (11, Some(267))]);
    assert_eq!(statuses(&feedback(0, "")), []);
}

#[test]
fn contradictions_are_refused() {
    assert_eq!(parse(&feedback(15, "bfff")).err(), Some(RtcpError::Truncated), "a chunk short");
    assert_eq!(parse(&feedback(9, "2009 0102")).err(), Some(RtcpError::Truncated), "steps short");
    assert_eq!(parse(&feedback(1, "6001 0000")).err(), Some(RtcpError::Feedback), "reserved run");
    assert_eq!(parse(&feedback(1, "f000 0000")).err(), Some(RtcpError::Feedback), "reserved");
    assert_eq!(
        parse(&hex("8f cd 0003 00000001 00000002 000a0001")).err(),
        Some(RtcpError::Truncated)
    );
}

#[test]
fn golden_feedback() {
    let mut out = Vec::new();
    // 12 is lost; 13 arrived a little before 11.
    let arrivals = [(10, 0x1234_5678), (11, 0x1234_5690), (13, 0x1234_5680), (14, 0x1234_5780)];
    assert_eq!(write_transport_feedback(&mut out, 1, 2, 9, &arrivals), 4);
    let expected = "8f cd 0006 00000001 00000002 000a 0005 123456 09
                    d4a0 78 18 fff0 0100";
    assert_eq!(out, hex(expected));
}

#[test]
fn long_runs_take_one_chunk() {
    let mut out = Vec::new();
    let arrivals: Vec<_> = (0..500u16).map(|n| (n, 1024 + u32::from(n) * 4)).collect();
    assert_eq!(write_transport_feedback(&mut out, 1, 2, 0, &arrivals), 500);
    assert_eq!(out.len(), 20 + 2 + 500 + 2, "one chunk, and padding to 32 bits");
    let expected: Vec<_> = arrivals.iter().map(|(n, at)| (*n, Some(*at))).collect();
    assert_eq!(statuses(&out), expected);
}

#[test]
fn what_does_not_fit_is_left_for_another_packet() {
    let mut out = Vec::new();
    assert_eq!(write_transport_feedback(&mut out, 1, 2, 0, &[]), 0);
    assert!(out.is_empty());
    let leap = [(1, 0), (2, 40_000), (3, 40_001)];
    assert_eq!(write_transport_feedback(&mut out, 1, 2, 0, &leap), 1, "a step of 10 s");
    assert_eq!(write_transport_feedback(&mut out, 1, 2, 0, &leap[1..]), 2);
    let gap = [(1, 0), (5000, 1)];
    assert_eq!(write_transport_feedback(&mut out, 1, 2, 0, &gap), 1, "a gap of 5,000");
    let backwards = [(5, 0), (4, 1)];
    assert_eq!(write_transport_feedback(&mut out, 1, 2, 0, &backwards), 1, "not ascending");
    out.clear();
    let many: Vec<_> = (0..2000u16).map(|n| (n, u32::from(n) * 300)).collect();
    let taken = write_transport_feedback(&mut out, 1, 2, 0, &many);
    assert!((400..2000).contains(&taken) && out.len() <= 1100, "{taken} in {}", out.len());
}

proptest! {
    #[test]
    fn arrivals_survive(
        base: u16,
        start: u32,
        steps in prop::collection::vec((1u16..30, -600i32..600), 1..200),
    ) {
        let (mut sequence, mut time) = (base, start);
        let arrivals: Vec<_> = steps
            .iter()
            .map(|(gap, step)| {
                sequence = sequence.wrapping_add(*gap);
                time = time.wrapping_add_signed(*step);
                (sequence, time)
            })
            .collect();
        let (mut rest, mut read) = (&arrivals[..], Vec::new());
        while !rest.is_empty() {
            let mut out = Vec::new();
            let taken = write_transport_feedback(&mut out, 1, 2, 3, rest);
            prop_assert!(taken > 0 && out.len() <= 1100 && out.len() % 4 == 0);
            let told = statuses(&out);
            prop_assert!(told.iter().zip(&told[1..]).all(|(a, b)| b.0.wrapping_sub(a.0) == 1));
            read.extend(told.into_iter().filter_map(|(number, at)| Some((number, at?))));
            rest = &rest[taken..];
        }
        prop_assert_eq!(read, arrivals);
    }

    #[test]
    fn noise_never_panics(
        count: u16,
        noise in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let mut bytes = feedback(count, "");
        bytes.extend(&noise[..noise.len() / 4 * 4]);
        bytes[3] = (bytes.len() / 4 - 1) as u8;
        if let Ok(feedback) = parse(&bytes) {
            prop_assert_eq!(feedback.statuses().count(), usize::from(count));
        }
    }
}
