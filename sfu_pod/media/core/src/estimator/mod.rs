//! What the path to a peer carries: a delay-gradient and loss based estimate from transport-wide
//! feedback, or REMB. Without evidence there is no limit. What is made of
//! the estimate is decided elsewhere ([`crate::allocation`]); nothing is probed.

mod acknowledged;
mod delay;
mod sent;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use rotunda_packet::rtcp::TransportFeedback;

use acknowledged::Acknowledged;
use delay::DelayGradient;
use sent::SentPackets;

/// The estimate never goes below: what carries less carries no call.
const FLOOR: f64 = 30_000.0;
/// Nothing beyond this matters to layers.
const CEILING: f64 = 200_000_000.0;
/// What is left of the acknowledged rate after congestion.
const BACKOFF: f64 = 0.85;
/// The same where a long queue has to run empty besides.
const DEEP_BACKOFF: f64 = 0.6;
/// Queues, in milliseconds: long, and too long to grow.
const LONG_QUEUE: f64 = 250.0;
const HOLD_QUEUE: f64 = 60.0;
/// Congestion seen again within this time is the same congestion.
const BACKOFF_INTERVAL: Duration = Duration::from_millis(400);
/// Growth by second, at first and when congestion is long ago.
const GROWTH: f64 = 1.08;
const FAST_GROWTH: f64 = 1.25;
const FAR: Duration = Duration::from_secs(8);
/// Loss that is congestion, and loss that forbids growth.
const LOSS_CONGESTION: f64 = 0.10;
const LOSS_HOLD: f64 = 0.02;
/// A REMB older than this is not believed any more.
const REMB_LIFETIME: Duration = Duration::from_secs(5);

/// Estimates one transport's outgoing bit rate.
#[derive(Debug)]
pub(crate) struct Estimator {
    sent: SentPackets,
    delay: DelayGradient,
    acknowledged: Acknowledged,
    estimate: Option<f64>,
    backed_off: Option<Instant>,
    grown: Instant,
    remb: Option<(Instant, u64)>,
}

/// What a path is believed to carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Estimate {
    pub bits_per_second: u64,
    /// The peer told it lately.
    told: bool,
    /// When our own estimate fell last.
    fell: Option<Instant>,
}

impl Estimate {
    /// Whether it is our own from before that time, and has met no congestion since.
    pub(crate) fn is_older_than(&self, at: Instant) -> bool {
        !self.told && self.fell.is_none_or(|fell| fell < at)
    }
}

impl Estimator {
    pub(crate) fn new(epoch: Instant) -> Self {
        Self {
            sent: SentPackets::default(),
            delay: DelayGradient::default(),
            acknowledged: Acknowledged::default(),
            estimate: None,
            backed_off: None,
            grown: epoch,
            remb: None,
        }
    }

    /// Numbers one outgoing packet of `size` bytes for the transport-wide extension.
    #[inline]
    pub(crate) fn number(&mut self) -> u16 {
        self.sent.next()
    }

    /// Notes that the packet numbered last leaves, at `time` in microseconds, modulo 2^32.
    #[inline]
    pub(crate) fn sent(&mut self, time: u32, size: usize) {
        self.sent.record(time, size);
    }

    /// The peer told what arrived. Returns whether the estimate fell.
    pub(crate) fn feedback(&mut self, now: Instant, feedback: &TransportFeedback<'_>) -> bool {
        for status in feedback.statuses().take(sent::KEPT) {
            match status.arrival {
                Some(arrival) => self.arrived(now, status.sequence_number, arrival),
                None if self.sent.lost(status.sequence_number) => self.acknowledged.lost(now),
                None => {}
            }
        }
        let loss = self.acknowledged.loss(now);
        if self.delay.take_overuse() || loss > LOSS_CONGESTION {
            self.back_off(now)
        } else {
            self.grow(now, loss);
            false
        }
    }

    /// The peer told its own estimate.
    pub(crate) fn remb(&mut self, now: Instant, bitrate: u64) {
        self.remb = Some((now, bitrate));
    }

    /// Bit/s that may be sent; `None`: no limit is known.
    pub(crate) fn estimate(&self, now: Instant) -> Option<u64> {
        let own = self.estimate.map(|estimate| estimate as u64);
        own.into_iter().chain(self.told(now)).min()
    }

    /// What the peer told lately.
    fn told(&self, now: Instant) -> Option<u64> {
        self.remb
            .filter(|(at, _)| now.saturating_duration_since(*at) < REMB_LIFETIME)
            .map(|(_, bitrate)| bitrate)
    }

    /// The limit with what it is founded on; `None`: no limit is known.
    pub(crate) fn founded(&self, now: Instant) -> Option<Estimate> {
        let bits_per_second = self.estimate(now)?;
        let told = self.told(now) == Some(bits_per_second);
        Some(Estimate { bits_per_second, told, fell: self.backed_off })
    }

    fn arrived(&mut self, now: Instant, sequence: u16, arrival: u32) {
        let Some(packet) = self.sent.arrived(sequence) else { return };
        if packet.lost {
            self.acknowledged.found(now);
        }
        self.acknowledged.received(now, packet.size);
        self.delay.packet(packet.time, arrival);
    }

    fn back_off(&mut self, now: Instant) -> bool {
        let recent =
            self.backed_off.is_some_and(|at| now.saturating_duration_since(at) < BACKOFF_INTERVAL);
        let Some(rate) = self.acknowledged.bits_per_second(now).filter(|_| !recent) else {
            return false;
        };
        let factor = if self.delay.queue() > LONG_QUEUE { DEEP_BACKOFF } else { BACKOFF };
        let lowered = (rate * factor).max(FLOOR);
        self.estimate = Some(self.estimate.map_or(lowered, |estimate| estimate.min(lowered)));
        self.backed_off = Some(now);
        self.grown = now;
        true
    }

    fn grow(&mut self, now: Instant, loss: f64) {
        let elapsed = now.saturating_duration_since(self.grown).min(Duration::from_secs(1));
        self.grown = now;
        let queued = self.delay.is_draining() || self.delay.queue() > HOLD_QUEUE;
        let may_grow = loss <= LOSS_HOLD && !queued;
        let Some(estimate) = self.estimate.as_mut().filter(|_| may_grow) else { return };
        let far = self.backed_off.is_none_or(|at| now.saturating_duration_since(at) > FAR);
        let growth = if far { FAST_GROWTH } else { GROWTH };
        *estimate = (*estimate * f64::powf(growth, elapsed.as_secs_f64())).min(CEILING);
    }
}
