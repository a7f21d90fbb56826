//! How long a busy thread lets datagrams gather before it receives them.
//!
//! A frame leaves a browser as some ten packets within a millisecond. A thread that wakes at the
//! first finds them one by one, and sends them on one by one; received together they leave in one
//! message for each subscriber, which saves up to half of the whole cost, and where messages cannot
//! be joined there is still less waking. So the busier a worker is, the longer it waits between
//! waking and receiving. The delay is bounded by [`LONGEST`], and a worker with little to do adds
//! none.
//!
//! Datagrams gather while the thread works as well, so that time counts: the pause ends a bounded
//! time after the sockets were last found empty, and there is none where one of them was left with
//! datagrams in it. A saturated thread never sleeps.

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
    gathered: Gathered,
}

/// What the last turn that received knows of datagrams that wait.
#[derive(Debug, Clone, Copy)]
enum Gathered {
    /// No socket was read from.
    Unknown,
    /// Every socket was found empty, the first at this time.
    Since(Instant),
    /// One was not: more than a turn's share is there.
    LeftOver,
}

impl Gathering {
    /// A thread that begins now.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            since: now,
            busy: Duration::ZERO,
            pause: Duration::ZERO,
            gathered: Gathered::Unknown,
        }
    }

    /// Sockets are about to be read from.
    pub(crate) fn turn_begins(&mut self) {
        self.gathered = Gathered::Unknown;
    }

    /// A socket was empty then.
    pub(crate) fn emptied(&mut self, at: Instant) {
        if matches!(self.gathered, Gathered::Unknown) {
            self.gathered = Gathered::Since(at);
        }
    }

    /// A socket's share of the turn was over before the socket was empty.
    pub(crate) fn left_over(&mut self) {
        self.gathered = Gathered::LeftOver;
    }

    /// Nothing waited, and the thread slept until now: what woke it has just come.
    pub(crate) fn slept(&mut self, now: Instant) {
        self.gathered = Gathered::Since(now);
    }

    /// How long to let datagrams gather now. `busy` tells the thread's CPU time so far and is asked
    /// only now and then.
    pub(crate) fn pause(&mut self, now: Instant, busy: impl FnOnce() -> Duration) -> Duration {
        let window = now.duration_since(self.since);
        if window >= WINDOW {
            let busy = busy();
            let share = busy.saturating_sub(self.busy).as_secs_f64() / window.as_secs_f64();
            (self.since, self.busy, self.pause) = (now, busy, pause_at(share));
        }
        let left = match self.gathered {
            Gathered::Unknown => self.pause,
            Gathered::Since(empty) => {
                self.pause.saturating_sub(now.saturating_duration_since(empty))
            }
            Gathered::LeftOver => Duration::ZERO,
        };
        if left < SHORTEST { Duration::ZERO } else { left }
    }
}

fn pause_at(share: f64) -> Duration {
    let pause = LONGEST.mul_f64((share / BUSY).min(1.0));
    if pause < SHORTEST { Duration::ZERO } else { pause }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A thread that was busy for that share of its last window, which ends at the time returned.
    fn busy_for(share: f64) -> (Gathering, Instant) {
        let (start, now) = (Instant::now(), Instant::now() + WINDOW);
        let mut gathering = Gathering::new(start);
        gathering.pause(now, || WINDOW.mul_f64(share));
        (gathering, now)
    }

    #[test]
    fn the_pause_follows_the_load_of_the_last_window() {
        let start = Instant::now();
        let mut gathering = Gathering::new(start);
        let mut after = |milliseconds: u32, busy: u32| {
            let now = start + MS * milliseconds;
            gathering.slept(now);
            gathering.pause(now, || MS * busy)
        };
        assert_eq!(after(99, 99), Duration::ZERO);
        assert_eq!(after(100, 10), MS / 2);
        assert_eq!(after(150, 99), MS / 2);
        assert_eq!(after(200, 90), MS);
        assert_eq!(after(300, 93), Duration::ZERO);
    }

    #[test]
    fn what_gathered_while_the_thread_worked_shortens_the_pause() {
        let (mut gathering, now) = busy_for(0.5);
        gathering.turn_begins();
        gathering.emptied(now);
        gathering.emptied(now + MS / 2);
        assert_eq!(gathering.pause(now + MS * 3 / 10, || unreachable!()), MS * 7 / 10);
        // Work that takes as long leaves no time to sleep, whatever the load.
        assert_eq!(gathering.pause(now + MS, || unreachable!()), Duration::ZERO);
        gathering.slept(now + MS * 20);
        assert_eq!(gathering.pause(now + MS * 20, || unreachable!()), MS);
    }

    #[test]
    fn nothing_pauses_while_datagrams_were_left_in_a_socket() {
        let (mut gathering, now) = busy_for(1.0);
        gathering.turn_begins();
        gathering.left_over();
        gathering.emptied(now);
        assert_eq!(gathering.pause(now, || unreachable!()), Duration::ZERO);
        gathering.turn_begins();
        gathering.emptied(now);
        assert_eq!(gathering.pause(now, || unreachable!()), MS);
    }
}
