//! What a worker is told once, when it is made.

use std::time::{Duration, SystemTime};

/// Settings of a [`crate::Worker`].
#[derive(Debug, Clone)]
pub struct Config {
    /// Seed of everything random: first sequence numbers, offsets, our own SSRCs. Sessions of one
    /// process should differ; tests write it down.
    pub seed: u64,
    /// The wall clock at the `now` given to [`crate::Worker::new`]: sender reports carry it.
    pub wall_clock: SystemTime,
    /// Packets of one run that differ in size by at most this many bytes are padded to equal
    /// sizes with RTP padding, so that they fit one GSO message. 0 turns it off.
    pub pad_segments_up_to: u8,
    /// Bounds what each transport is sent at a time. `None`: everything leaves at once.
    pub pacing: Option<Pacing>,
    /// Shortest time between two key frame requests for one encoding.
    pub key_frame_interval: Duration,
}

/// How fast packets may follow one another on one transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pacing {
    /// No more packets leave in an interval once so many bytes have.
    pub bytes: usize,
    /// How long an interval is.
    pub interval: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 0,
            wall_clock: SystemTime::UNIX_EPOCH,
            pad_segments_up_to: 16,
            pacing: None,
            key_frame_interval: Duration::from_millis(500),
        }
    }
}
