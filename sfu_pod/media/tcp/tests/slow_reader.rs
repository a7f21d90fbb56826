//! What a peer that does not keep up is still sent.

use std::io;

use rotunda_tcp::{LENGTH_BYTES, Outgoing, Pushed, QUEUE_BYTES};

const PACKET: usize = 1200;
const STUN: [u8; 20] = [0; 20];

/// Takes nothing for now.
struct Stuck;

impl io::Write for Stuck {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn push(outgoing: &mut Outgoing, bytes: &[u8]) -> Pushed {
    outgoing.push(bytes.len(), |buffer| {
        buffer.copy_from_slice(bytes);
        Some(bytes.len())
    })
}

/// One packet of the picture with this timestamp.
fn media(ssrc: u32, timestamp: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 96, 0, 0];
    packet.extend(timestamp.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.resize(PACKET, 0);
    packet
}

#[test]
fn a_picture_is_taken_whole_or_not_at_all() {
    const PACKETS: usize = 20;
    let mut outgoing = Outgoing::default();
    let mut fates = Vec::new();
    for timestamp in 0..40 {
        let pushed: Vec<_> =
            (0..PACKETS).map(|_| push(&mut outgoing, &media(7, timestamp))).collect();
        assert!(pushed.iter().all(|one| *one == pushed[0]), "picture {timestamp}: {pushed:?}");
        fates.push(pushed[0]);
        assert!(!outgoing.flush(&mut Stuck).unwrap());
    }
    let taken = fates.iter().filter(|fate| **fate == Pushed::Queued).count();
    assert_eq!(outgoing.waiting(), taken * PACKETS * (PACKET + LENGTH_BYTES));
    assert!((1..40).contains(&taken), "{taken} pictures were taken");
    assert!(outgoing.waiting() <= QUEUE_BYTES);
}

#[test]
fn a_dropped_picture_stays_dropped_when_there_is_room_again() {
    let mut outgoing = Outgoing::default();
    while push(&mut outgoing, &media(7, 1)) == Pushed::Queued {}
    let mut sink = Vec::new();
    assert!(outgoing.flush(&mut sink).unwrap());
    assert_eq!(push(&mut outgoing, &media(7, 1)), Pushed::Dropped, "the rest of the picture");
    assert_eq!(push(&mut outgoing, &media(8, 1)), Pushed::Queued, "another stream's");
    assert_eq!(push(&mut outgoing, &media(7, 2)), Pushed::Queued, "the next");
}

#[test]
fn checks_and_reports_still_pass_where_new_pictures_do_not() {
    let mut outgoing = Outgoing::default();
    let mut timestamp = 0;
    while push(&mut outgoing, &media(7, timestamp)) == Pushed::Queued {
        timestamp += 1;
    }
    assert!(outgoing.waiting() > QUEUE_BYTES / 2 - 2 * PACKET);
    assert_eq!(push(&mut outgoing, &STUN), Pushed::Queued);
    let mut report = media(7, 0);
    report[1] = 201;
    assert_eq!(push(&mut outgoing, &report), Pushed::Queued);
    while push(&mut outgoing, &report) == Pushed::Queued {}
    assert!(outgoing.waiting() <= QUEUE_BYTES, "those are bounded too");
}

#[test]
fn what_is_declined_or_empty_or_too_long_is_not_there() {
    let mut outgoing = Outgoing::default();
    assert_eq!(outgoing.push(100, |_| None), Pushed::Nothing);
    assert_eq!(outgoing.push(100, |_| Some(0)), Pushed::Nothing);
    assert_eq!(outgoing.push(100, |_| Some(101)), Pushed::Nothing);
    assert_eq!(outgoing.push(1 << 20, |buffer| Some(buffer.len() + 1)), Pushed::Nothing);
    assert_eq!(outgoing.waiting(), 0);
}
