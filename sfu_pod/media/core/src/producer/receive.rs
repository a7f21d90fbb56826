//! What RFC 3550 wants to know of one received stream: extended sequence numbers (appendix A.1),
//! loss (A.3) and interarrival jitter (A.8).

use std::time::{Duration, Instant};

/// A jump forward by more than this is a restart of the source, once two packets confirm it.
const MAX_DROPOUT: u16 = 3000;
/// Packets late by more than this are taken for a restart too.
const MAX_MISORDER: u16 = 500;
/// How long a packet that took little time on its way is what others are measured by; up to twice.
const TRANSIT_WINDOW: Duration = Duration::from_secs(2);
/// Extended numbers start here, so that packets before the first one have a number as well.
const FIRST_CYCLE: u64 = 1 << 16;

/// How a packet's sequence number relates to what came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// The highest so far; `skipped` numbers before it have not been seen.
    Newest { sequence: u64, skipped: u64 },
    /// Older than the highest.
    Late { sequence: u64 },
    /// The source started over: nothing before `sequence` will come.
    Restarted { sequence: u64 },
    /// Far off, and not confirmed by a second packet yet.
    Implausible,
}

/// Statistics of one received SSRC.
#[derive(Debug)]
pub(crate) struct ReceiveStats {
    clock_rate: u32,
    epoch: Instant,
    started: bool,
    restart_expected: bool,
    first: u64,
    highest: u64,
    received: u64,
    lost_before_restart: i64,
    suspect: Option<u16>,
    transit: Option<u32>,
    least: Option<LeastTransit>,
    jitter: f64,
    expected_at_report: u64,
    received_at_report: u64,
}

/// The least of the differences between arrival and timestamp over the last seconds, modulo 2^32.
#[derive(Debug, Clone, Copy)]
struct LeastTransit {
    since: Instant,
    before: u32,
    newest: u32,
}

impl LeastTransit {
    fn add(&mut self, now: Instant, transit: u32) {
        if now.saturating_duration_since(self.since) < TRANSIT_WINDOW {
            self.newest = earlier(self.newest, transit);
        } else {
            *self = Self { since: now, before: self.newest, newest: transit };
        }
    }

    fn get(self) -> u32 {
        earlier(self.before, self.newest)
    }
}

fn earlier(one: u32, other: u32) -> u32 {
    if (one.wrapping_sub(other) as i32) < 0 { one } else { other }
}

/// The numbers of one report block (RFC 3550 section 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reception {
    /// Loss since the previous report, in 1/256.
    pub fraction_lost: u8,
    /// All losses, clamped to 24 bits with sign.
    pub cumulative_lost: i32,
    /// Extended highest sequence number.
    pub highest: u32,
    /// In timestamp units.
    pub jitter: u32,
}

impl ReceiveStats {
    pub(crate) fn new(clock_rate: u32, epoch: Instant) -> Self {
        Self {
            clock_rate: clock_rate.max(1),
            epoch,
            started: false,
            restart_expected: false,
            first: 0,
            highest: 0,
            received: 0,
            lost_before_restart: 0,
            suspect: None,
            transit: None,
            least: None,
            jitter: 0.0,
            expected_at_report: 0,
            received_at_report: 0,
        }
    }

    /// Takes one packet into account.
    pub(crate) fn receive(&mut self, now: Instant, sequence: u16, timestamp: u32) -> Arrival {
        let arrival = self.place(sequence);
        match arrival {
            Arrival::Implausible => return arrival,
            Arrival::Newest { .. } | Arrival::Restarted { .. } => self.measure(now, timestamp),
            Arrival::Late { .. } => {}
        }
        self.received += 1;
        arrival
    }

    /// The next packet starts a new sequence, whatever its number.
    pub(crate) fn expect_restart(&mut self) {
        self.restart_expected = self.started;
    }

    /// The extended number of a packet that did not come on this SSRC itself: a retransmission.
    pub(crate) fn extend(&self, sequence: u16) -> Option<u64> {
        if !self.started {
            return None;
        }
        let behind = (self.highest as u16).wrapping_sub(sequence);
        (behind < 1 << 15).then(|| self.highest - u64::from(behind))
    }

    /// The highest extended number so far.
    pub(crate) fn highest(&self) -> u64 {
        self.highest
    }

    /// Packets lost so far; negative when there were more duplicates than losses.
    pub(crate) fn lost(&self) -> i64 {
        self.lost_before_restart + self.expected() as i64 - self.received as i64
    }

    /// Interarrival jitter in seconds.
    pub(crate) fn jitter_seconds(&self) -> f64 {
        self.jitter / f64::from(self.clock_rate)
    }

    /// The source's RTP clock by the packets that took the least time lately. `None`: none came.
    pub(crate) fn timestamp_at(&self, now: Instant) -> Option<u32> {
        Some(self.ticks(now).wrapping_sub(self.least?.get()))
    }

    /// The numbers for a report block, and starts the next report's interval. `None`: nothing came yet.
    pub(crate) fn report(&mut self) -> Option<Reception> {
        if !self.started {
            return None;
        }
        let expected = self.expected();
        let expected_interval = expected.saturating_sub(self.expected_at_report) as i64;
        let lost_interval =
            expected_interval - self.received.saturating_sub(self.received_at_report) as i64;
        self.expected_at_report = expected;
        self.received_at_report = self.received;
        let fraction = if expected_interval == 0 || lost_interval <= 0 {
            0
        } else {
            ((lost_interval << 8) / expected_interval).min(255)
        };
        Some(Reception {
            fraction_lost: fraction as u8,
            cumulative_lost: self.lost().clamp(-0x80_0000, 0x7f_ffff) as i32,
            highest: (self.highest - FIRST_CYCLE) as u32,
            jitter: self.jitter as u32,
        })
    }

    fn expected(&self) -> u64 {
        if self.started { self.highest - self.first + 1 } else { 0 }
    }

    fn place(&mut self, sequence: u16) -> Arrival {
        if !self.started {
            self.started = true;
            self.first = FIRST_CYCLE + u64::from(sequence);
            self.highest = self.first;
            return Arrival::Newest { sequence: self.first, skipped: 0 };
        }
        if std::mem::take(&mut self.restart_expected) {
            return self.restart(sequence);
        }
        let ahead = sequence.wrapping_sub(self.highest as u16);
        if ahead != 0 && ahead < MAX_DROPOUT {
            self.suspect = None;
            self.highest += u64::from(ahead);
            return Arrival::Newest { sequence: self.highest, skipped: u64::from(ahead) - 1 };
        }
        let behind = ahead.wrapping_neg();
        if behind <= MAX_MISORDER {
            let sequence = self.highest - u64::from(behind);
            self.first = self.first.min(sequence);
            return Arrival::Late { sequence };
        }
        if self.suspect == Some(sequence) {
            return self.restart(sequence);
        }
        self.suspect = Some(sequence.wrapping_add(1));
        Arrival::Implausible
    }

    fn restart(&mut self, sequence: u16) -> Arrival {
        self.lost_before_restart = self.lost();
        self.suspect = None;
        let cycle = (self.highest | 0xffff) + 1;
        self.first = cycle + u64::from(sequence);
        self.highest = self.first;
        self.received = 0;
        self.expected_at_report = 0;
        self.received_at_report = 0;
        self.transit = None;
        self.least = None;
        Arrival::Restarted { sequence: self.highest }
    }

    /// Our clock in the source's units.
    fn ticks(&self, now: Instant) -> u32 {
        let elapsed = now.saturating_duration_since(self.epoch).as_nanos();
        (elapsed * u128::from(self.clock_rate) / 1_000_000_000) as u32
    }

    fn measure(&mut self, now: Instant, timestamp: u32) {
        let transit = self.ticks(now).wrapping_sub(timestamp);
        match &mut self.least {
            Some(least) => least.add(now, transit),
            none => *none = Some(LeastTransit { since: now, before: transit, newest: transit }),
        }
        if let Some(before) = self.transit.replace(transit) {
            let difference = f64::from((transit.wrapping_sub(before) as i32).unsigned_abs());
            self.jitter += (difference - self.jitter) / 16.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn stats() -> (ReceiveStats, Instant) {
        let now = Instant::now();
        (ReceiveStats::new(90_000, now), now)
    }

    #[test]
    fn numbers_extend_over_a_wrap_and_reordering() {
        let (mut stats, now) = stats();
        let mut feed = |sequence| stats.receive(now, sequence, 0);
        assert_eq!(feed(65534), Arrival::Newest { sequence: 0x1_fffe, skipped: 0 });
        assert_eq!(feed(1), Arrival::Newest { sequence: 0x2_0001, skipped: 2 });
        assert_eq!(feed(65535), Arrival::Late { sequence: 0x1_ffff });
        assert_eq!(feed(65533), Arrival::Late { sequence: 0x1_fffd });
        assert_eq!(stats.lost(), 1);
    }

    #[test]
    fn a_restart_needs_two_packets_in_sequence() {
        let (mut stats, now) = stats();
        stats.receive(now, 100, 0);
        assert_eq!(stats.receive(now, 30_000, 0), Arrival::Implausible);
        assert_eq!(stats.receive(now, 101, 0), Arrival::Newest { sequence: 0x1_0065, skipped: 0 });
        assert_eq!(stats.receive(now, 30_000, 0), Arrival::Implausible);
        assert_eq!(stats.receive(now, 30_001, 0), Arrival::Restarted { sequence: 0x2_7531 });
        assert_eq!(stats.lost(), 0);
    }

    #[test]
    fn fraction_lost_covers_one_interval() {
        let (mut stats, now) = stats();
        for sequence in (0..100).filter(|n| n % 4 != 1) {
            stats.receive(now, sequence, 0);
        }
        let first = stats.report().unwrap();
        assert_eq!((first.fraction_lost, first.cumulative_lost), (64, 25));
        for sequence in 100..200 {
            stats.receive(now, sequence, 0);
        }
        let second = stats.report().unwrap();
        assert_eq!((second.fraction_lost, second.cumulative_lost, second.highest), (0, 25, 199));
    }

    #[test]
    fn jitter_follows_the_formula() {
        let (mut stats, start) = stats();
        stats.receive(start, 1, 0);
        // 10 ms late against its timestamp: 900 units, of which one sixteenth counts.
        stats.receive(start + Duration::from_millis(30), 2, 1800);
        assert_eq!(stats.report().unwrap().jitter, 56);
    }
}
