//! What the owner lets a peer send: told to it as a REMB, and held where it sends more all the same.

use std::time::{Duration, Instant};

/// Congestion control swings around its limit, so video may have this share of it.
const SHARE: f64 = 1.5;
/// What may come at once, in time at that rate: a key frame of a screen is many times a frame's size.
const BURST: Duration = Duration::from_secs(2);
/// Between two words about what was refused.
const TELL_INTERVAL: Duration = Duration::from_secs(1);

/// A token bucket for the video of one transport. Sound is told with it, but never refused.
#[derive(Debug)]
pub(crate) struct IncomingLimit {
    bits_per_second: u64,
    /// Bytes that may come now.
    tokens: f64,
    filled: Instant,
    refused: u64,
    untold: u64,
    told: Option<Instant>,
}

impl IncomingLimit {
    pub(crate) fn new(now: Instant, bits_per_second: u64) -> Self {
        let mut limit =
            Self { bits_per_second, tokens: 0.0, filled: now, refused: 0, untold: 0, told: None };
        limit.tokens = limit.most();
        limit
    }

    /// What the peer is told, all its media together, in bit/s.
    pub(crate) fn bits_per_second(&self) -> u64 {
        self.bits_per_second
    }

    /// Another limit; what is saved up stays, as far as it allows.
    pub(crate) fn change(&mut self, now: Instant, bits_per_second: u64) {
        self.fill(now);
        self.bits_per_second = bits_per_second;
        self.tokens = self.tokens.min(self.most());
    }

    /// Whether a video packet of so many bytes may go on; one that may not is counted.
    pub(crate) fn admits(&mut self, now: Instant, bytes: usize) -> bool {
        self.fill(now);
        let admitted = bytes as f64 <= self.tokens;
        if admitted {
            self.tokens -= bytes as f64;
        } else {
            self.refused += 1;
            self.untold += 1;
        }
        admitted
    }

    /// Packets refused so far.
    pub(crate) fn refused(&self) -> u64 {
        self.refused
    }

    /// How many were refused since it was last asked for, if it is time to tell.
    pub(crate) fn take_refused(&mut self, now: Instant) -> Option<u64> {
        let recently =
            self.told.is_some_and(|at| now.saturating_duration_since(at) < TELL_INTERVAL);
        if self.untold == 0 || recently {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.untold))
    }

    fn fill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = self.filled.max(now);
        self.tokens = (self.tokens + elapsed * self.bytes_per_second()).min(self.most());
    }

    fn bytes_per_second(&self) -> f64 {
        self.bits_per_second as f64 * SHARE / 8.0
    }

    fn most(&self) -> f64 {
        self.bytes_per_second() * BURST.as_secs_f64()
    }
}
