//! A network that loses, delays and reorders, by a seed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// One direction of a bad network.
pub struct Netem<T> {
    rng: fastrand::Rng,
    loss: f64,
    delay: Duration,
    jitter: Duration,
    in_flight: BTreeMap<(Instant, u64), T>,
    count: u64,
    pub lost: u64,
}

impl<T> Netem<T> {
    pub fn new(seed: u64, loss: f64, delay: Duration, jitter: Duration) -> Self {
        let rng = fastrand::Rng::with_seed(seed);
        Self { rng, loss, delay, jitter, in_flight: BTreeMap::new(), count: 0, lost: 0 }
    }

    pub fn send(&mut self, now: Instant, item: T) {
        self.count += 1;
        if self.rng.f64() < self.loss {
            self.lost += 1;
            return;
        }
        let at = now + self.delay + self.jitter.mul_f64(self.rng.f64());
        self.in_flight.insert((at, self.count), item);
    }

    /// What has arrived by `now`, in order of arrival.
    pub fn arrived(&mut self, now: Instant) -> Vec<T> {
        let later = self.in_flight.split_off(&(now, u64::MAX));
        std::mem::replace(&mut self.in_flight, later).into_values().collect()
    }
}
