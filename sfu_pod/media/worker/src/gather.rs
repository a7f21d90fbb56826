//! How long a busy thread lets datagrams gather before it receives them.
//!
//! A frame leaves a browser as some ten packets within a millisecond. A thread that wakes at the
//! first finds them one by one, and sends them on one by one; received together they leave in one
//! message for each subscriber, which saves up to half of the whole cost, and where messages cannot
//! be joined there is still less waking. So the busier a worker is, the longer it waits between
//! waking and receiving. The delay is bounded by [`LONGEST`], and a worker with little to do adds
//! none.

use std::time::{Duration, Instant};

/// The longest pause.
const LONGEST: Duration = Duration::from_millis(1);
/// The share of a CPU from which on the pause is the longest.
const BUSY: f64 = 0.2;
/// A shorter pause costs more, in waking once more, than it brings.
const SHORTEST: Duration = Duration::from_micros(200);
/// How often the share is looked at.
const WINDOW: Duration = Duration::from_millis(100);

/// Watches how busy a thread is.
pub(crate) struct Gathering {
    since: Instant,
    busy: Duration,
    pause: Duration,
}

impl Gathering {
    /// A thread that begins now.
    pub(crate) fn new(now: Instant) -> Self {
        Self { since: now, busy: Duration::ZERO, pause: Duration::ZERO }
    }

    /// How long to let datagrams gather now. `busy` tells the thread's CPU time so far and is asked
    /// only now and then.
    pub(crate) fn pause(&mut self, now: Instant, busy: impl FnOnce() -> Duration) -> Duration {
        let window = now.duration_since(self.since);
        if window >= WINDOW {
            let busy = busy();
            let share = busy.saturating_sub(self.busy).as_secs_f64() / window.as_secs_f64();
            *self = Self { since: now, busy, pause: pause_at(share) };
        }
        self.pause
    }
}

fn pause_at(share: f64) -> Duration {
    let pause = LONGEST.mul_f64((share / BUSY).min(1.0));
    if pause < SHORTEST { Duration::ZERO } else { pause }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_follows_the_load_of_the_last_window() {
        let start = Instant::now();
        let mut gathering = Gathering::new(start);
        let ms = Duration::from_millis;
        assert_eq!(gathering.pause(start + ms(99), || unreachable!()), Duration::ZERO);
        assert_eq!(gathering.pause(start + ms(100), || ms(10)), ms(1) / 2);
        assert_eq!(gathering.pause(start + ms(150), || unreachable!()), ms(1) / 2);
        assert_eq!(gathering.pause(start + ms(200), || ms(90)), ms(1));
        assert_eq!(gathering.pause(start + ms(300), || ms(93)), Duration::ZERO);
    }
}
