//! Frames in a stream: however it is cut, the same frames come out, and each is in the stream.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotunda_tcp::{Deframer, FrameTooLong, LENGTH_BYTES, MAX_FRAME};

const PIECE_BYTES: usize = 4096;

fuzz_target!(|bytes: &[u8]| {
    // The first byte says into how large pieces the rest is cut.
    let Some((size, stream)) = bytes.split_first() else { return };
    let whole = deframe(stream.chunks(PIECE_BYTES));
    let pieces = deframe(stream.chunks(1 + usize::from(*size)));
    assert_eq!(whole, pieces);
    let Ok(frames) = whole else { return };
    let mut rest = stream;
    for frame in frames {
        let (length, after) = rest.split_at(LENGTH_BYTES);
        assert_eq!(usize::from(u16::from_be_bytes([length[0], length[1]])), frame.len());
        rest = after.strip_prefix(&frame[..]).expect("the frame is in the stream");
    }
});

fn deframe<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Vec<u8>>, FrameTooLong> {
    let (mut deframer, mut frames) = (Deframer::default(), Vec::new());
    let mut buffer = vec![0; LENGTH_BYTES + MAX_FRAME + PIECE_BYTES];
    for piece in pieces {
        let start = deframer.begin(&mut buffer);
        assert!(start < LENGTH_BYTES + MAX_FRAME);
        buffer[start..start + piece.len()].copy_from_slice(piece);
        frames.extend(deframer.finish(&mut buffer[..start + piece.len()])?.map(|f| f.to_vec()));
    }
    Ok(frames)
}
