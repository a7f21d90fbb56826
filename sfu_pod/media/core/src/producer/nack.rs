//! Which packets of a stream to ask for again, and when (RFC 4585).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// More gaps than this at once are not worth repairing: a key frame is cheaper.
const MAX_MISSING: usize = 256;
/// How often one packet is asked for.
const MAX_REQUESTS: u8 = 8;
/// A packet this old would come too late for playback.
const MAX_AGE: Duration = Duration::from_millis(1500);
/// Shortest time between two requests for one packet.
const MIN_SPACING: Duration = Duration::from_millis(20);
/// Round trip assumed until one was measured.
const DEFAULT_ROUND_TRIP: Duration = Duration::from_millis(100);
/// Bounds of the time that a packet may be overtaken before it counts as lost.
const TOLERANCE: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(5)..=Duration::from_millis(50);

/// Missing packets of one stream.
#[derive(Debug)]
pub(crate) struct NackGenerator {
    missing: VecDeque<Missing>,
    tolerance: Duration,
    round_trip: Option<Duration>,
    gave_up: bool,
}

#[derive(Debug)]
struct Missing {
    sequence: u64,
    since: Instant,
    requests: u8,
    asked: Instant,
    next: Instant,
}

impl NackGenerator {
    pub(crate) fn new() -> Self {
        Self {
            missing: VecDeque::new(),
            tolerance: *TOLERANCE.start(),
            round_trip: None,
            gave_up: false,
        }
    }

    /// `skipped` numbers right before `sequence` did not come.
    pub(crate) fn skipped(&mut self, now: Instant, sequence: u64, skipped: u64) {
        if self.missing.len() as u64 + skipped > MAX_MISSING as u64 {
            self.missing.clear();
            self.gave_up = true;
            return;
        }
        self.missing.extend((sequence - skipped..sequence).map(|sequence| Missing {
            sequence,
            since: now,
            requests: 0,
            asked: now,
            next: now + self.tolerance,
        }));
    }

    /// A packet older than the newest came, by itself or as a retransmission. Returns whether it
    /// was missing.
    pub(crate) fn arrived(&mut self, now: Instant, sequence: u64, repaired: bool) -> bool {
        let Ok(index) = self.missing.binary_search_by_key(&sequence, |missing| missing.sequence)
        else {
            return false;
        };
        let Some(missing) = self.missing.remove(index) else { return false };
        let late = now.saturating_duration_since(missing.since);
        if !repaired {
            // Overtaken rather than lost: be as patient as the network is disorderly.
            self.tolerance =
                ((self.tolerance * 7 + late * 2) / 8).clamp(*TOLERANCE.start(), *TOLERANCE.end());
        } else if missing.requests == 1 {
            let sample = now.saturating_duration_since(missing.asked);
            let smoothed = self.round_trip.map_or(sample, |before| (before * 7 + sample) / 8);
            self.round_trip = Some(smoothed.min(MAX_AGE));
        }
        true
    }

    /// Whether a packet is still hoped for.
    pub(crate) fn misses(&self, sequence: u64) -> bool {
        self.missing.binary_search_by_key(&sequence, |missing| missing.sequence).is_ok()
    }

    /// Forgets everything: the source started over.
    pub(crate) fn reset(&mut self) {
        self.missing.clear();
    }

    /// Appends the numbers to ask for now, in order.
    pub(crate) fn due(&mut self, now: Instant, sequences: &mut Vec<u16>) {
        let before = self.missing.len();
        self.missing.retain(|missing| {
            missing.requests < MAX_REQUESTS
                && now.saturating_duration_since(missing.since) < MAX_AGE
        });
        self.gave_up |= self.missing.len() != before;
        let spacing = (self.round_trip.unwrap_or(DEFAULT_ROUND_TRIP) * 5 / 4).max(MIN_SPACING);
        for missing in self.missing.iter_mut().filter(|missing| missing.next <= now) {
            sequences.push(missing.sequence as u16);
            missing.requests += 1;
            missing.asked = now;
            missing.next = now + spacing + spacing / 2 * u32::from(missing.requests - 1);
        }
    }

    /// When [`Self::due`] will have something to do.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.missing.iter().map(|missing| missing.next).min()
    }

    /// Whether packets were given up since the last call: only a key frame helps then.
    pub(crate) fn take_gave_up(&mut self) -> bool {
        std::mem::take(&mut self.gave_up)
    }

    /// Round trip to the source as requests and answers show it.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(nack: &mut NackGenerator, now: Instant) -> Vec<u16> {
        let mut sequences = Vec::new();
        nack.due(now, &mut sequences);
        sequences
    }

    #[test]
    fn a_gap_is_asked_for_after_the_reordering_tolerance() {
        let start = Instant::now();
        let mut nack = NackGenerator::new();
        nack.skipped(start, 13, 2);
        assert_eq!(due(&mut nack, start), []);
        assert_eq!(nack.next(), Some(start + Duration::from_millis(5)));
        assert_eq!(due(&mut nack, start + Duration::from_millis(5)), [11, 12]);
        assert!(nack.arrived(start + Duration::from_millis(45), 11, true));
        assert_eq!(nack.round_trip(), Some(Duration::from_millis(40)));
        assert!(!nack.arrived(start + Duration::from_millis(46), 11, true));
    }

    #[test]
    fn requests_are_spaced_bounded_and_given_up() {
        let start = Instant::now();
        let mut nack = NackGenerator::new();
        nack.skipped(start, 2, 1);
        let asked: Vec<u64> = (0..3000)
            .filter(|ms| !due(&mut nack, start + Duration::from_millis(*ms)).is_empty())
            .collect();
        assert!(asked.len() > 2 && asked.len() <= usize::from(MAX_REQUESTS), "{asked:?}");
        assert!(asked.windows(2).all(|pair| pair[1] - pair[0] >= 100), "{asked:?}");
        assert_eq!(nack.next(), None);
        assert!(nack.take_gave_up());
        assert!(!nack.take_gave_up());
    }

    #[test]
    fn reordering_makes_it_patient() {
        let start = Instant::now();
        let mut nack = NackGenerator::new();
        for n in 1..40 {
            nack.skipped(start, 2 * n, 1);
            nack.arrived(start + Duration::from_millis(20), 2 * n - 1, false);
        }
        nack.skipped(start, 1000, 1);
        assert_eq!(due(&mut nack, start + Duration::from_millis(25)), []);
        assert_eq!(due(&mut nack, start + Duration::from_millis(50)), [999]);
    }

    #[test]
    fn too_many_gaps_are_not_asked_for() {
        let start = Instant::now();
        let mut nack = NackGenerator::new();
        nack.skipped(start, 5000, 2000);
        assert_eq!(nack.next(), None);
        assert!(nack.take_gave_up());
    }
}
