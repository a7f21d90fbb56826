//! When something is due.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use crate::keys::{ProducerKey, RouterKey, TransportKey};

/// What wants to be looked after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// Feedback, reports, consent.
    Transport(TransportKey),
    /// NACKs, key frame requests, encodings that died.
    Producer(ProducerKey),
    /// The active speaker.
    Router(RouterKey),
}

/// The time at which one thing is looked after next; lives in the thing itself, and tells stale
/// entries of the queue from the one that counts.
#[derive(Debug, Default)]
pub(crate) struct Due(Option<Instant>);

/// All timers, earliest first.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    queue: BinaryHeap<Reverse<(Instant, Timer)>>,
}

impl Timers {
    /// Sees to it that `timer` fires at `at` or before.
    pub(crate) fn schedule(&mut self, due: &mut Due, timer: Timer, at: Instant) {
        if due.0.is_none_or(|before| at < before) {
            due.0 = Some(at);
            self.queue.push(Reverse((at, timer)));
        }
    }

    /// When [`Self::expired`] has something; perhaps earlier.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.queue.peek().map(|Reverse((at, _))| *at)
    }

    /// The next timer that is due. Compare with [`Due::fires`] before acting.
    pub(crate) fn expired(&mut self, now: Instant) -> Option<(Instant, Timer)> {
        if self.next()? > now {
            return None;
        }
        self.queue.pop().map(|Reverse(entry)| entry)
    }
}

impl Due {
    /// Whether the entry for `at` is the one that counts, which is then used up.
    pub(crate) fn fires(&mut self, at: Instant) -> bool {
        let fires = self.0 == Some(at);
        if fires {
            self.0 = None;
        }
        fires
    }
}
