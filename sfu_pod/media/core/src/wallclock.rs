//! Wall clock times, which RTCP needs, from monotonic ones.

use std::time::{Duration, Instant, SystemTime};

/// Seconds from 1900 (NTP) to 1970 (Unix).
const NTP_TO_UNIX: u64 = 2_208_988_800;

/// A pair of readings of both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WallClock {
    origin: Instant,
    at_origin: Duration,
}

impl WallClock {
    pub(crate) fn new(origin: Instant, wall: SystemTime) -> Self {
        let since_1970 = wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { origin, at_origin: since_1970 + Duration::from_secs(NTP_TO_UNIX) }
    }

    /// NTP time: seconds since 1900 in the upper 32 bits (RFC 3550 section 4).
    pub(crate) fn ntp(&self, now: Instant) -> u64 {
        let time = self.at_origin + now.saturating_duration_since(self.origin);
        let fraction = (u64::from(time.subsec_nanos()) << 32) / 1_000_000_000;
        (time.as_secs() << 32) | fraction
    }

    /// When what is sent `now` leaves.
    pub(crate) fn send_time(&self, now: Instant) -> SendTime {
        let [.., a, b, c] = ((self.ntp(now) >> 14) as u32 & 0xff_ffff).to_be_bytes();
        let micros = now.saturating_duration_since(self.origin).as_micros() as u32;
        SendTime { at: now, abs_send_time: [a, b, c], micros }
    }
}

/// When packets leave, in the forms that they need: the same for all copies, so found once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SendTime {
    pub at: Instant,
    /// Value of the abs-send-time extension: seconds as 6.18 bits fixed point.
    pub abs_send_time: [u8; 3],
    /// Microseconds since the worker began, modulo 2^32.
    pub micros: u32,
}

/// Wall clocks that differ from what was measured by more than this, in NTP units, have jumped.
pub(crate) const CLOCK_JUMP: u64 = 2 << 32;
/// How much an offset may rise by report, in NTP units: clocks drift.
const OFFSET_DRIFT: i64 = (1 << 32) / 2000;

/// Our wall clock minus a peer's, in NTP units: the least that its reports showed lately, as they come
/// late by different times. What it is above that for two reports in a row, it has become.
#[derive(Debug, Default)]
pub(crate) struct ClockOffset {
    least: Option<i64>,
    far_above: bool,
}

impl ClockOffset {
    /// One report showed this offset.
    pub(crate) fn add(&mut self, sample: i64) {
        let Some(least) = self.least else {
            self.least = Some(sample);
            return;
        };
        let far_above = sample.saturating_sub(least) > CLOCK_JUMP as i64;
        let again = std::mem::replace(&mut self.far_above, far_above) && far_above;
        let next = if again { sample } else { sample.min(least.saturating_add(OFFSET_DRIFT)) };
        self.least = Some(next);
    }

    /// The peer's clock jumped: what was measured before says nothing any more.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// `None`: the peer has told no time that can be believed.
    pub(crate) fn get(&self) -> Option<i64> {
        self.least
    }
}

/// Difference of two NTP times in seconds.
pub(crate) fn ntp_difference(later: u64, earlier: u64) -> f64 {
    later.wrapping_sub(earlier) as i64 as f64 / (1u64 << 32) as f64
}

/// The middle 32 bits, which reports echo.
pub(crate) fn ntp_middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_falls_at_once_and_rises_with_two_reports() {
        const MS: i64 = (1 << 32) / 1000;
        let mut offset = ClockOffset::default();
        for (sample, expected) in [(100, 100), (180, 100), (90, 90), (3_600_000, 90), (95, 91)] {
            offset.add(sample * MS);
            let got = offset.get().unwrap() / MS;
            assert!((expected - 1..=expected + 1).contains(&got), "{got} ms after {sample}");
        }
        offset.add(3_600_000 * MS);
        offset.add(3_600_001 * MS);
        assert_eq!(offset.get(), Some(3_600_001 * MS));
        offset.add(-3_600_000 * MS);
        assert_eq!(offset.get(), Some(-3_600_000 * MS));
    }

    #[test]
    fn ntp_counts_from_1900() {
        let start = Instant::now();
        let clock = WallClock::new(start, SystemTime::UNIX_EPOCH + Duration::from_secs(10));
        let ntp = clock.ntp(start + Duration::from_millis(500));
        assert_eq!(ntp, ((NTP_TO_UNIX + 10) << 32) | 0x8000_0000);
        assert_eq!(ntp_difference(ntp, clock.ntp(start)), 0.5);
        // 6 bits of seconds, 18 of fraction.
        let seconds = ((NTP_TO_UNIX + 10) & 0x3f) as u32;
        let expected = (seconds << 18) | (1 << 17);
        let leaves = clock.send_time(start + Duration::from_millis(500));
        assert_eq!(leaves.abs_send_time, expected.to_be_bytes()[1..]);
        assert_eq!(leaves.micros, 500_000);
    }
}
