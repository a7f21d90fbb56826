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

    /// Value of the abs-send-time extension: seconds as 6.18 bits fixed point.
    pub(crate) fn abs_send_time(&self, now: Instant) -> [u8; 3] {
        let [.., a, b, c] = ((self.ntp(now) >> 14) as u32 & 0xff_ffff).to_be_bytes();
        [a, b, c]
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
    fn ntp_counts_from_1900() {
        let start = Instant::now();
        let clock = WallClock::new(start, SystemTime::UNIX_EPOCH + Duration::from_secs(10));
        let ntp = clock.ntp(start + Duration::from_millis(500));
        assert_eq!(ntp, ((NTP_TO_UNIX + 10) << 32) | 0x8000_0000);
        assert_eq!(ntp_difference(ntp, clock.ntp(start)), 0.5);
        // 6 bits of seconds, 18 of fraction.
        let seconds = ((NTP_TO_UNIX + 10) & 0x3f) as u32;
        let expected = (seconds << 18) | (1 << 17);
        assert_eq!(
            clock.abs_send_time(start + Duration::from_millis(500)),
            expected.to_be_bytes()[1..]
        );
    }
}
