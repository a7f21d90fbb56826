//! What the path of a peer may bear, where transport-wide feedback was not negotiated: told by REMB
//! (draft-alvestrand-rmcat-remb-03), which Chromium follows to the bit.

use std::time::{Duration, Instant};

const START: f64 = 3_000_000.0;
const FLOOR: f64 = 150_000.0;
const CEILING: f64 = 10_000_000.0;
/// Loss, in 1/256, above which less is asked for, and below which more.
const HIGH_LOSS: u8 = 26;
const LOW_LOSS: u8 = 5;

/// A limit led by loss alone.
#[derive(Debug)]
pub(crate) struct ReceiveLimit {
    bitrate: f64,
    changed: Option<Instant>,
}

impl Default for ReceiveLimit {
    fn default() -> Self {
        Self { bitrate: START, changed: None }
    }
}

impl ReceiveLimit {
    /// The limit after an interval in which the worst encoding lost `fraction_lost` and all
    /// together made `received` bit/s.
    pub(crate) fn update(&mut self, now: Instant, fraction_lost: u8, received: u64) -> u64 {
        let elapsed = self
            .changed
            .replace(now)
            .map_or(Duration::ZERO, |before| now.saturating_duration_since(before));
        if fraction_lost > HIGH_LOSS {
            self.bitrate = self.bitrate.min(received as f64 * 0.85);
        } else if fraction_lost < LOW_LOSS {
            self.bitrate *= f64::powf(1.08, elapsed.as_secs_f64().min(2.0));
        }
        self.bitrate = self.bitrate.clamp(FLOOR, CEILING);
        self.bitrate as u64
    }
}
