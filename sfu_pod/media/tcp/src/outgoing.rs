//! Frames that wait to be sent to one peer.
//!
//! A peer that does not keep up must not hold media back: what is late is of no use, and the memory
//! would grow. So the queue is bounded, and what it does not take is dropped. A picture of which one
//! packet is missing cannot be shown, so a picture is taken whole or not at all: the first half of
//! the queue admits new pictures, the second half is for the rest of those that were admitted, and
//! for what is not media: checks, handshakes and reports.

use std::io::{self, Write};

use rustc_hash::FxHashMap;

use crate::frame::LENGTH_BYTES;

/// Bytes that wait at most; one frame more while it is looked at.
pub const QUEUE_BYTES: usize = 256 << 10;
/// With more waiting no new picture is begun.
const PICTURE_BYTES: usize = QUEUE_BYTES / 2;
/// A queue that was longer gives its memory back when it is empty.
const KEPT_BYTES: usize = 32 << 10;
/// Media streams that are remembered; a transport has fewer unless it lives for days.
const MAX_STREAMS: usize = 4096;

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// It waits.
    Queued,
    /// There was no room for it.
    Dropped,
    /// There was none.
    Nothing,
}

/// The queue.
#[derive(Debug, Default)]
pub struct Outgoing {
    bytes: Vec<u8>,
    /// What has been sent of `bytes`.
    sent: usize,
    /// The newest picture of each media stream, by SSRC.
    pictures: FxHashMap<u32, Picture>,
}

/// Packets of one stream with one timestamp (RFC 3550 section 5.1): of video a frame.
#[derive(Debug, Clone, Copy)]
struct Picture {
    timestamp: u32,
    dropped: bool,
}

impl Outgoing {
    /// Bytes that wait.
    pub fn waiting(&self) -> usize {
        self.bytes.len() - self.sent
    }

    /// A new picture would be dropped.
    pub fn is_crowded(&self) -> bool {
        self.waiting() > PICTURE_BYTES
    }

    /// Adds a frame: `fill` writes it into a buffer of `capacity` bytes and returns its length, or
    /// `None` for no frame after all. It is called in any case, as only what it writes tells
    /// whether the frame is taken.
    pub fn push(
        &mut self,
        capacity: usize,
        fill: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> Pushed {
        let capacity = capacity.min(usize::from(u16::MAX));
        let (waiting, start) = (self.waiting(), self.bytes.len());
        self.bytes.resize(start + LENGTH_BYTES + capacity, 0);
        let frame = start + LENGTH_BYTES;
        let pushed = match fill(&mut self.bytes[frame..]) {
            Some(len) if (1..=capacity).contains(&len) => {
                self.bytes.truncate(frame + len);
                self.bytes[start..frame].copy_from_slice(&(len as u16).to_be_bytes());
                let media = media_of(&self.bytes[frame..]);
                match self.admits(media, waiting + LENGTH_BYTES + len) {
                    true => Pushed::Queued,
                    false => Pushed::Dropped,
                }
            }
            _ => Pushed::Nothing,
        };
        if pushed != Pushed::Queued {
            self.bytes.truncate(start);
        }
        pushed
    }

    /// Writes what waits, as far as `sink` takes it now. True when nothing is left.
    pub fn flush(&mut self, sink: &mut impl Write) -> io::Result<bool> {
        while self.waiting() > 0 {
            match sink.write(&self.bytes[self.sent..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.compact();
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        self.sent = 0;
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        Ok(true)
    }

    /// Whether a frame is taken with which so many bytes would wait.
    fn admits(&mut self, media: Option<(u32, u32)>, waiting: usize) -> bool {
        let Some((ssrc, timestamp)) = media else { return waiting <= QUEUE_BYTES };
        let known = self.pictures.get(&ssrc).filter(|picture| picture.timestamp == timestamp);
        let limit = if known.is_some() { QUEUE_BYTES } else { PICTURE_BYTES };
        let dropped = known.is_some_and(|picture| picture.dropped) || waiting > limit;
        if self.pictures.len() >= MAX_STREAMS {
            self.pictures.clear();
        }
        self.pictures.insert(ssrc, Picture { timestamp, dropped });
        !dropped
    }

    /// Moves what waits to the front once that is the smaller part: each byte moves once at most
    /// for each byte sent.
    fn compact(&mut self) {
        if self.sent > self.waiting() {
            self.bytes.copy_within(self.sent.., 0);
            self.bytes.truncate(self.waiting());
            self.sent = 0;
        }
    }
}

/// SSRC and timestamp of an SRTP packet; they are not encrypted. `None` for anything else (RFC 7983
/// section 7, RFC 5761 section 4).
fn media_of(frame: &[u8]) -> Option<(u32, u32)> {
    let [128..=191, second, _, _, t0, t1, t2, t3, s0, s1, s2, s3, ..] = *frame else { return None };
    let is_rtcp = (192..=223).contains(&second);
    let (ssrc, timestamp) = ([s0, s1, s2, s3], [t0, t1, t2, t3]);
    (!is_rtcp).then(|| (u32::from_be_bytes(ssrc), u32::from_be_bytes(timestamp)))
}
