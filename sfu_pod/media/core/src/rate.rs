//! Bit rate over the last second.

use std::time::{Duration, Instant};

const BUCKETS: u64 = 10;
const BUCKET: Duration = Duration::from_millis(100);

/// Counts bytes in tenths of a second.
#[derive(Debug)]
pub(crate) struct RateMeter {
    epoch: Instant,
    newest: u64,
    buckets: [u32; BUCKETS as usize],
}

impl RateMeter {
    pub(crate) fn new(epoch: Instant) -> Self {
        Self { epoch, newest: 0, buckets: [0; BUCKETS as usize] }
    }

    pub(crate) fn add(&mut self, now: Instant, bytes: usize) {
        let bucket = self.advance(now);
        let count = &mut self.buckets[(bucket % BUCKETS) as usize];
        *count = count.saturating_add(bytes as u32);
    }

    /// Bit/s over the last second.
    pub(crate) fn bits_per_second(&self, now: Instant) -> u64 {
        let current = self.bucket(now);
        let oldest = (current + 1).saturating_sub(BUCKETS);
        (oldest..=self.newest)
            .map(|bucket| u64::from(self.buckets[(bucket % BUCKETS) as usize]) * 8)
            .sum()
    }

    fn bucket(&self, now: Instant) -> u64 {
        (now.saturating_duration_since(self.epoch).as_millis() / BUCKET.as_millis()) as u64
    }

    fn advance(&mut self, now: Instant) -> u64 {
        let current = self.bucket(now).max(self.newest);
        for bucket in (self.newest + 1..=current).take(BUCKETS as usize) {
            self.buckets[(bucket % BUCKETS) as usize] = 0;
        }
        if current - self.newest >= BUCKETS {
            self.buckets = [0; BUCKETS as usize];
        }
        self.newest = current;
        current
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_forgets_after_a_second() {
        let start = Instant::now();
        let mut meter = RateMeter::new(start);
        for ms in (0..5000).step_by(10) {
            meter.add(start + Duration::from_millis(ms), 1250);
        }
        assert_eq!(meter.bits_per_second(start + Duration::from_millis(4999)), 1_000_000);
        assert_eq!(meter.bits_per_second(start + Duration::from_millis(5499)), 500_000);
        assert_eq!(meter.bits_per_second(start + Duration::from_millis(7000)), 0);
        meter.add(start + Duration::from_millis(60_000), 125);
        assert_eq!(meter.bits_per_second(start + Duration::from_millis(60_001)), 1000);
    }
}
