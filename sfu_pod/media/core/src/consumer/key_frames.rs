//! How many key frames one viewer may cost: each makes a sender's pictures worse for everybody.

use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use crate::id::ProducerId;

/// Of one producer.
const OF_ONE: Rate = Rate { burst: 4, interval: Duration::from_secs(2) };
/// Of all together: a page full of pictures at once, and again.
const OF_ALL: Rate = Rate { burst: 128, interval: Duration::from_millis(500) };
/// So many producers are remembered without looking who could be forgotten.
const MANY: usize = 64;

/// So many at once, and one more each interval.
#[derive(Debug, Clone, Copy)]
struct Rate {
    burst: u32,
    interval: Duration,
}

/// What one transport may ask for. Closing and opening consumers gives nothing new.
#[derive(Debug, Default)]
pub(crate) struct KeyFrameAllowance {
    /// Since when nothing is owed.
    all: Option<Instant>,
    /// The same for each producer.
    each: FxHashMap<ProducerId, Instant>,
}

impl KeyFrameAllowance {
    /// When a key frame of this producer may be asked for: now or later.
    pub(crate) fn next(&self, now: Instant, producer: ProducerId) -> Instant {
        let one = OF_ONE.next(now, self.each.get(&producer).copied());
        one.max(OF_ALL.next(now, self.all))
    }

    /// One is asked for.
    pub(crate) fn spend(&mut self, now: Instant, producer: ProducerId) {
        self.all = Some(OF_ALL.spend(now, self.all));
        if self.each.len() >= MANY {
            // Whom nothing is owed for is like one never seen.
            self.each.retain(|_, settled| *settled > now);
        }
        let one = OF_ONE.spend(now, self.each.get(&producer).copied());
        self.each.insert(producer, one);
    }
}

impl Rate {
    fn next(&self, now: Instant, settled: Option<Instant>) -> Instant {
        let credit = self.interval * (self.burst - 1);
        settled.and_then(|settled| settled.checked_sub(credit)).map_or(now, |at| at.max(now))
    }

    fn spend(&self, now: Instant, settled: Option<Instant>) -> Instant {
        settled.map_or(now, |settled| settled.max(now)) + self.interval
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds at which requests for one of `producers` after the other are let through.
    fn asked(producers: u64, until: u64) -> Vec<u64> {
        let start = Instant::now() + Duration::from_secs(1000);
        let mut allowance = KeyFrameAllowance::default();
        let mut asked = Vec::new();
        for ms in 0..until {
            let now = start + Duration::from_millis(ms);
            for producer in (0..producers).map(ProducerId) {
                if allowance.next(now, producer) <= now {
                    allowance.spend(now, producer);
                    asked.push(ms);
                }
            }
        }
        assert!(allowance.each.len() <= 2 * MANY);
        asked
    }

    #[test]
    fn one_producer_is_asked_a_few_times_and_then_every_other_second() {
        assert_eq!(asked(1, 6001), [0, 1, 2, 3, 2000, 4000, 6000]);
    }

    #[test]
    fn many_together_are_asked_twice_a_second_in_the_end() {
        let asked = asked(200, 10_000);
        assert_eq!(asked.iter().filter(|ms| **ms == 0).count(), 128);
        assert_eq!(asked.len(), 128 + 19);
    }
}
