//! When something better may be tried: not right after congestion.

use std::time::{Duration, Instant};

/// After congestion nothing better is tried for so long; longer where it was the trying that
/// brought it about.
const CALM: Duration = Duration::from_secs(3);
const LONGEST_CALM: Duration = Duration::from_secs(60);
/// Congestion within this time of a climb is the climb's fault.
const TRIAL: Duration = Duration::from_secs(8);

/// What one transport's climbs came to.
#[derive(Debug)]
pub(super) struct Trials {
    /// The last congestion or descent.
    trouble: Option<Instant>,
    calm: Duration,
    climbed: Option<Instant>,
}

impl Default for Trials {
    fn default() -> Self {
        Self { trouble: None, calm: CALM, climbed: None }
    }
}

impl Trials {
    /// Whether anything better may be tried.
    pub(super) fn may_climb(&self, now: Instant) -> bool {
        self.trouble.is_none_or(|at| now.saturating_duration_since(at) > self.calm)
    }

    /// A consumer goes from one option to another. One that became too much is like congestion:
    /// nothing better is tried at once.
    pub(super) fn moved(&mut self, now: Instant, from: Option<usize>, to: usize) {
        match from {
            Some(from) if to > from => self.climbed = Some(now),
            Some(from) if to < from => self.trouble = Some(now),
            _ => {}
        }
    }

    /// The estimate fell.
    pub(super) fn congested(&mut self, now: Instant) {
        let failed = self.climbed.take().map(|at| now.saturating_duration_since(at) < TRIAL);
        self.calm = match failed {
            Some(true) => (self.calm * 2).min(LONGEST_CALM),
            Some(false) => CALM,
            None => self.calm,
        };
        self.trouble = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn climbs_that_fail_make_the_next_one_wait_longer() {
        let start = Instant::now();
        let second = |n: u64| start + Duration::from_secs(n);
        let mut trials = Trials::default();
        assert!(trials.may_climb(start));
        trials.congested(start);
        assert!(!trials.may_climb(second(3)));
        assert!(trials.may_climb(second(4)));
        trials.moved(second(4), Some(0), 1);
        trials.congested(second(5));
        assert!(!trials.may_climb(second(11)), "twice as long");
        assert!(trials.may_climb(second(12)));
        trials.moved(second(12), Some(0), 1);
        trials.congested(second(30));
        assert!(trials.may_climb(second(34)), "the climb was not at fault");
    }

    #[test]
    fn a_descent_is_like_congestion() {
        let start = Instant::now();
        let mut trials = Trials::default();
        trials.moved(start, None, 0);
        assert!(trials.may_climb(start));
        trials.moved(start, Some(2), 1);
        assert!(!trials.may_climb(start));
    }
}
