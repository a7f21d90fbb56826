//! Frames in a stream of bytes (RFC 4571 section 2).

use std::fmt;

/// What stands in front of each frame: its length, the highest byte first.
pub const LENGTH_BYTES: usize = 2;

/// The longest frame that is taken. Media and handshakes fit the packets of any network; who
/// announces more is no ICE agent, or has lost his place in the stream.
pub const MAX_FRAME: usize = 8192;

/// A frame of so many bytes was announced, more than [`MAX_FRAME`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameTooLong(pub usize);

impl fmt::Display for FrameTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a frame of {} bytes was announced, at most {MAX_FRAME} are taken", self.0)
    }
}

impl std::error::Error for FrameTooLong {}

/// Finds frames in a stream, however the stream was cut into pieces.
///
/// ```
/// # use rotunda_tcp::Deframer;
/// let mut deframer = Deframer::default();
/// let mut buffer = [0; 64];
/// for (piece, expected) in [(&b"\x00\x02a"[..], &[][..]), (b"b\x00\x01c", &[&b"ab"[..], b"c"])] {
///     let start = deframer.begin(&mut buffer);
///     buffer[start..start + piece.len()].copy_from_slice(piece);
///     let frames = deframer.finish(&mut buffer[..start + piece.len()]).unwrap();
///     assert_eq!(frames.collect::<Vec<_>>(), expected);
/// }
/// ```
#[derive(Debug, Default)]
pub struct Deframer {
    /// The beginning of a frame whose end has not come: never a whole one.
    partial: Vec<u8>,
}

impl Deframer {
    /// Puts what was left over at the front of `buffer`, which is longer than the longest frame and
    /// its length, and tells how many bytes that are. What arrives next belongs behind them.
    pub fn begin(&self, buffer: &mut [u8]) -> usize {
        buffer[..self.partial.len()].copy_from_slice(&self.partial);
        self.partial.len()
    }

    /// The whole frames in `bytes`, which begin with what [`Deframer::begin`] put there; what is
    /// left over is kept. After an error the stream cannot be read on.
    pub fn finish<'a>(&mut self, bytes: &'a mut [u8]) -> Result<Frames<'a>, FrameTooLong> {
        let (whole, rest) = bytes.split_at_mut(whole_frames(bytes)?);
        self.partial.clear();
        self.partial.extend_from_slice(rest);
        Ok(Frames { rest: whole })
    }
}

/// Whole frames one after the other, without their lengths. A frame may be empty.
#[derive(Debug)]
pub struct Frames<'a> {
    rest: &'a mut [u8],
}

impl<'a> Iterator for Frames<'a> {
    type Item = &'a mut [u8];

    fn next(&mut self) -> Option<&'a mut [u8]> {
        let len = frame_len(self.rest)?;
        let (frame, rest) = std::mem::take(&mut self.rest).split_at_mut(LENGTH_BYTES + len);
        self.rest = rest;
        Some(&mut frame[LENGTH_BYTES..])
    }
}

/// How many bytes at the beginning are whole frames with their lengths.
fn whole_frames(bytes: &[u8]) -> Result<usize, FrameTooLong> {
    let mut whole = 0;
    while let Some(len) = frame_len(&bytes[whole..]) {
        if len > MAX_FRAME {
            return Err(FrameTooLong(len));
        }
        let end = whole + LENGTH_BYTES + len;
        if end > bytes.len() {
            break;
        }
        whole = end;
    }
    Ok(whole)
}

/// The length of the first frame, if that much is there.
fn frame_len(bytes: &[u8]) -> Option<usize> {
    bytes.first_chunk().map(|length| usize::from(u16::from_be_bytes(*length)))
}
