//! Frames come out as they went in, however the stream between was cut.

use proptest::prelude::*;
use rotunda_tcp::{Deframer, FrameTooLong, LENGTH_BYTES, MAX_FRAME, Outgoing, Pushed};

/// The stream that carries these frames.
fn stream_of(frames: &[Vec<u8>]) -> Vec<u8> {
    let length = |frame: &Vec<u8>| (frame.len() as u16).to_be_bytes();
    frames.iter().flat_map(|frame| [&length(frame)[..], frame].concat()).collect()
}

/// What comes out of pieces that arrive one after the other.
fn deframe<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Vec<u8>>, FrameTooLong> {
    let (mut deframer, mut frames) = (Deframer::default(), Vec::new());
    let mut buffer = vec![0xee; LENGTH_BYTES + MAX_FRAME + (64 << 10)];
    for piece in pieces {
        let start = deframer.begin(&mut buffer);
        assert!(start < LENGTH_BYTES + MAX_FRAME, "a whole frame was kept");
        buffer[start..start + piece.len()].copy_from_slice(piece);
        let found = deframer.finish(&mut buffer[..start + piece.len()])?;
        frames.extend(found.map(|frame| frame.to_vec()));
    }
    Ok(frames)
}

#[test]
fn golden_stream() {
    assert_eq!(stream_of(&[b"ab".to_vec(), b"c".to_vec()]), b"\x00\x02ab\x00\x01c");
    let mut outgoing = Outgoing::default();
    let pushed = outgoing.push(10, |buffer| {
        buffer[..3].copy_from_slice(b"abc");
        Some(3)
    });
    assert_eq!(pushed, Pushed::Queued);
    let mut sent = Vec::new();
    assert!(outgoing.flush(&mut sent).unwrap());
    assert_eq!(sent, b"\x00\x03abc");
}

#[test]
fn byte_by_byte_and_all_at_once() {
    let frames = vec![vec![1; 300], vec![], vec![2], vec![3; MAX_FRAME]];
    let stream = stream_of(&frames);
    assert_eq!(deframe(stream.chunks(1)).unwrap(), frames);
    assert_eq!(deframe([&stream[..]]).unwrap(), frames);
}

#[test]
fn a_length_beyond_the_limit_is_refused_before_its_bytes_come() {
    let length = (MAX_FRAME as u16 + 1).to_be_bytes();
    assert_eq!(deframe([&length[..]]), Err(FrameTooLong(MAX_FRAME + 1)));
    assert_eq!(deframe([&b"\x00\x01a\xff"[..], b"\xff"]), Err(FrameTooLong(0xffff)));
    assert!(FrameTooLong(0xffff).to_string().contains("65535"));
}

#[test]
fn nothing_arrives_and_nothing_comes_out() {
    assert_eq!(deframe([&b""[..], b"", b"\x00", b"", b"\x00"]).unwrap(), [b""]);
}

fn frames() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let short = prop::collection::vec(any::<u8>(), 0..40);
    let long = (1..=MAX_FRAME, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]);
    prop::collection::vec(prop_oneof![8 => short, 1 => long], 0..30)
}

proptest! {
    #[test]
    fn any_frames_cut_anywhere(frames in frames(), sizes in prop::collection::vec(1usize..2000, 1..50)) {
        let stream = stream_of(&frames);
        let (mut rest, mut pieces, mut sizes) = (&stream[..], Vec::new(), sizes.iter().cycle());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        prop_assert_eq!(deframe(pieces).unwrap(), frames);
    }

    #[test]
    fn garbage_gives_the_same_whole_or_in_pieces(bytes in prop::collection::vec(any::<u8>(), 0..4000)) {
        let whole = deframe([&bytes[..]]);
        let pieces = deframe(bytes.chunks(7));
        // In pieces an error comes as late as its length, with the frames before it already out.
        prop_assert_eq!(&whole, &pieces);
        if let Ok(frames) = whole {
            let stream = stream_of(&frames);
            prop_assert!(bytes.starts_with(&stream));
        }
    }

    #[test]
    fn what_is_queued_arrives_in_order_however_slowly(
        frames in prop::collection::vec(prop::collection::vec(0u8..100, 1..200), 1..60),
        takes in prop::collection::vec(0usize..600, 1..20),
    ) {
        let (mut outgoing, mut sink, mut pieces) = (Outgoing::default(), Slow::default(), takes.iter().cycle());
        for frame in &frames {
            let pushed = outgoing.push(frame.len() + 16, |buffer| {
                buffer[..frame.len()].copy_from_slice(frame);
                Some(frame.len())
            });
            prop_assert_eq!(pushed, Pushed::Queued);
            sink.room = *pieces.next().unwrap();
            let done = outgoing.flush(&mut sink).unwrap();
            prop_assert_eq!(done, outgoing.waiting() == 0);
        }
        sink.room = usize::MAX;
        prop_assert!(outgoing.flush(&mut sink).unwrap());
        prop_assert_eq!(deframe(sink.bytes.chunks(50_000)).unwrap(), frames);
    }
}

/// Takes so many bytes, then none for now.
#[derive(Default)]
struct Slow {
    bytes: Vec<u8>,
    room: usize,
}

impl std::io::Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = bytes.len().min(self.room);
        if count == 0 {
            return Err(std::io::ErrorKind::WouldBlock.into());
        }
        self.room -= count;
        self.bytes.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
