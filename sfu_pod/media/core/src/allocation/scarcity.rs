//! When a path carries not even the lowest layers: video waits, so that sound is not lost with it.

use std::time::{Duration, Instant};

/// A key frame alone makes a second dear: only what lasts counts.
const GRACE: Duration = Duration::from_secs(2);
/// How long video waits before it is tried again: at first, and after trials that failed.
const WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Scarcity within this time of a trial is the trial's failure.
const TRIAL: Duration = Duration::from_secs(20);

/// What one transport has been through.
#[derive(Debug, Default)]
pub(super) struct Scarcity {
    /// The lowest layers do not fit since then.
    since: Option<Instant>,
    /// Video waits until then.
    until: Option<Instant>,
    wait: Duration,
    tried: Option<Instant>,
}

impl Scarcity {
    /// Video that waits is to be tried again; the estimate does not show when, as it knows only what
    /// is sent.
    pub(super) fn is_over(&mut self, now: Instant) -> bool {
        let over = self.until.is_some_and(|until| until <= now);
        if over {
            self.until = None;
            self.since = None;
            self.tried = Some(now);
        }
        over
    }

    /// When video that waited was tried again last.
    pub(super) fn tried(&self) -> Option<Instant> {
        self.tried
    }

    /// Notes whether the lowest layers fit; returns whether those that do not shall wait from now on.
    pub(super) fn begins(&mut self, now: Instant, fits: bool) -> bool {
        if fits {
            self.since = None;
            return false;
        }
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) < GRACE {
            return false;
        }
        let failed = self.tried.is_some_and(|at| now.saturating_duration_since(at) < TRIAL);
        self.wait = if failed { (self.wait * 2).min(LONGEST_WAIT) } else { WAIT };
        self.since = None;
        self.until = Some(now + self.wait);
        true
    }

    /// No limit is known any more. Returns whether video waited.
    pub(super) fn end(&mut self) -> bool {
        std::mem::take(self).until.is_some()
    }
}
