//! What one consumer was sent, so that its NACKs find the packets in the producer's history.

use std::time::{Duration, Instant};

use crate::command::MediaKind;
use crate::consumer::rewrite::Numbers;

/// Shortest time between two resends of one packet, where the round trip is unknown.
const DEFAULT_SPACING: Duration = Duration::from_millis(40);
const MIN_SPACING: Duration = Duration::from_millis(10);

/// A ring by outgoing sequence number; takes its memory at the first packet.
#[derive(Debug)]
pub(crate) struct SentRing {
    epoch: Instant,
    len: usize,
    ring: Vec<Sent>,
}

/// One packet that was sent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sent {
    /// Extended sequence number at the source; 0: nothing here.
    pub source: u64,
    pub numbers: Numbers,
    pub encoding: u8,
    /// Milliseconds since the epoch plus 1, modulo 2^32; 0: never resent.
    resent: u32,
}

impl SentRing {
    pub(crate) fn new(epoch: Instant, kind: MediaKind) -> Self {
        let len = match kind {
            MediaKind::Video => 512,
            MediaKind::Audio => 64,
        };
        Self { epoch, len, ring: Vec::new() }
    }

    #[inline]
    pub(crate) fn record(&mut self, source: u64, encoding: u8, numbers: Numbers) {
        if self.ring.is_empty() {
            self.ring = vec![Sent::default(); self.len];
        }
        let slot = usize::from(numbers.sequence) & (self.len - 1);
        self.ring[slot] = Sent { source, numbers, encoding, resent: 0 };
    }

    /// Whether this packet of the source was sent lately.
    pub(crate) fn has(&self, source: u64, encoding: u8) -> bool {
        self.ring.iter().any(|sent| (sent.source, sent.encoding) == (source, encoding))
    }

    /// The packet sent under `sequence`, if it may be resent now; it then counts as resent.
    pub(crate) fn take(
        &mut self,
        now: Instant,
        round_trip: Option<Duration>,
        sequence: u16,
    ) -> Option<Sent> {
        let ms = (now.saturating_duration_since(self.epoch).as_millis() as u32).wrapping_add(1);
        let slot = usize::from(sequence) & (self.len - 1);
        let sent = self.ring.get_mut(slot)?;
        if sent.source == 0 || sent.numbers.sequence != sequence {
            return None;
        }
        let spacing = round_trip.unwrap_or(DEFAULT_SPACING).max(MIN_SPACING).as_millis() as u32;
        if sent.resent != 0 && ms.wrapping_sub(sent.resent) < spacing {
            return None;
        }
        sent.resent = ms.max(1);
        Some(*sent)
    }
}

/// Bytes that one transport may resend: half of what it is sent as media, so that a flood of
/// NACKs cannot make us send much.
#[derive(Debug)]
pub(crate) struct ResendBudget {
    bytes: usize,
}

impl ResendBudget {
    const MAX: usize = 256 * 1024;

    pub(crate) fn new() -> Self {
        Self { bytes: Self::MAX / 4 }
    }

    /// So many bytes of media were sent.
    #[inline]
    pub(crate) fn earn(&mut self, media_bytes: usize) {
        self.bytes = (self.bytes + media_bytes / 2).min(Self::MAX);
    }

    /// Whether so many bytes may be resent; they are then spent.
    pub(crate) fn spend(&mut self, bytes: usize) -> bool {
        let enough = self.bytes >= bytes;
        if enough {
            self.bytes -= bytes;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_packet_is_not_resent_twice_within_a_round_trip() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        let mut ring = SentRing::new(start, MediaKind::Video);
        let numbers = Numbers { sequence: 7, ..Numbers::default() };
        ring.record(70_000, 1, numbers);
        assert!(ring.take(start, Some(ms(80)), 8).is_none());
        assert_eq!(ring.take(start, Some(ms(80)), 7).unwrap().source, 70_000);
        assert!(ring.take(start + ms(79), Some(ms(80)), 7).is_none());
        assert!(ring.take(start + ms(80), Some(ms(80)), 7).is_some());
        ring.record(70_512, 1, Numbers { sequence: 7 + 512, ..numbers });
        assert!(ring.take(start + ms(500), None, 7).is_none(), "overwritten");
    }

    #[test]
    fn resends_are_paid_by_media() {
        let mut budget = ResendBudget::new();
        while budget.spend(1000) {}
        budget.earn(2000);
        assert!(budget.spend(1000));
        assert!(!budget.spend(1000));
    }
}
