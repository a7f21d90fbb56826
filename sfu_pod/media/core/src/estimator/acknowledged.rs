//! Rate and loss of what a peer acknowledged lately.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(1);
/// Loss is judged over a longer time: a host that stalls loses a burst.
const LOSS_WINDOW: Duration = Duration::from_secs(3);
/// A rate needs so long a time to mean anything.
const SHORTEST: Duration = Duration::from_millis(200);
/// Loss needs so many packets to mean anything.
const FEWEST: i32 = 50;

#[derive(Debug, Default)]
pub(crate) struct Acknowledged {
    /// One entry a feedback packet.
    reports: VecDeque<Report>,
}

#[derive(Debug)]
struct Report {
    at: Instant,
    bytes: usize,
    received: i32,
    /// Less those that came after all: reordering looks like loss at first.
    lost: i32,
}

impl Acknowledged {
    pub(crate) fn received(&mut self, now: Instant, bytes: usize) {
        let report = self.report(now);
        report.received += 1;
        report.bytes += bytes;
    }

    pub(crate) fn lost(&mut self, now: Instant) {
        self.report(now).lost += 1;
    }

    /// A packet that was told lost came after all.
    pub(crate) fn found(&mut self, now: Instant) {
        self.report(now).lost -= 1;
    }

    /// Share lost, 0 to 1.
    pub(crate) fn loss(&mut self, now: Instant) -> f64 {
        self.expire(now);
        let lost: i32 = self.reports.iter().map(|report| report.lost).sum();
        let lost = lost.max(0);
        let total = lost + self.reports.iter().map(|report| report.received).sum::<i32>();
        if total < FEWEST { 0.0 } else { f64::from(lost) / f64::from(total) }
    }

    /// Bit/s over the last second; `None`: not known yet.
    pub(crate) fn bits_per_second(&self, now: Instant) -> Option<f64> {
        let recent = |report: &&Report| now.saturating_duration_since(report.at) <= WINDOW;
        let mut reports = self.reports.iter().filter(recent);
        // The oldest report tells of the time before it.
        let elapsed = now.saturating_duration_since(reports.next()?.at);
        let bytes: usize = reports.map(|report| report.bytes).sum();
        (elapsed >= SHORTEST).then(|| bytes as f64 * 8.0 / elapsed.as_secs_f64())
    }

    fn report(&mut self, now: Instant) -> &mut Report {
        if self.reports.back().is_none_or(|report| report.at != now) {
            self.reports.push_back(Report { at: now, bytes: 0, received: 0, lost: 0 });
        }
        let last = self.reports.len() - 1;
        &mut self.reports[last]
    }

    fn expire(&mut self, now: Instant) {
        while self
            .reports
            .front()
            .is_some_and(|report| now.saturating_duration_since(report.at) > LOSS_WINDOW)
        {
            self.reports.pop_front();
        }
    }
}
