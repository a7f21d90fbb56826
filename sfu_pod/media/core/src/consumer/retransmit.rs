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
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub numbers: Numbers,
    pub what: What,
    /// Milliseconds since the epoch plus 1, modulo 2^32; 0: never resent.
    resent: u32,
}

/// What stood under a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// Nothing, and nothing may: it lies before the first packet.
    Nothing,
    /// The packet of the encoding's source with this extended sequence number.
    Packet { source: u64, encoding: u8 },
    /// A padding-only packet in place of one that is never sent.
    Filler,
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
    pub(crate) fn record(&mut self, numbers: Numbers, what: What) {
        if self.ring.is_empty() {
            self.allocate(numbers.sequence);
        }
        let slot = self.slot(numbers.sequence);
        self.ring[slot] = Sent { numbers, what, resent: 0 };
    }

    /// Whether a packet may go out under this number: nothing did, and it is not that old that
    /// nobody would know. SRTP forbids to use a number twice.
    #[inline]
    pub(crate) fn is_free(&self, sequence: u16) -> bool {
        let Some(held) = self.ring.get(self.slot(sequence)) else { return true };
        (sequence.wrapping_sub(held.numbers.sequence) as i16) > 0
    }

    /// The packet sent under `sequence`, if it may be resent now; it then counts as resent.
    pub(crate) fn take(
        &mut self,
        now: Instant,
        round_trip: Option<Duration>,
        sequence: u16,
    ) -> Option<Sent> {
        let ms = (now.saturating_duration_since(self.epoch).as_millis() as u32).wrapping_add(1);
        let slot = self.slot(sequence);
        let sent = self.ring.get_mut(slot)?;
        if sent.what == What::Nothing || sent.numbers.sequence != sequence {
            return None;
        }
        let spacing = round_trip.unwrap_or(DEFAULT_SPACING).max(MIN_SPACING).as_millis() as u32;
        if sent.resent != 0 && ms.wrapping_sub(sent.resent) < spacing {
            return None;
        }
        sent.resent = ms.max(1);
        Some(*sent)
    }

    #[inline]
    fn slot(&self, sequence: u16) -> usize {
        usize::from(sequence) & (self.len - 1)
    }

    /// Every slot holds a number, at first one before the first packet's.
    fn allocate(&mut self, first: u16) {
        let nothing = Sent { numbers: Numbers::default(), what: What::Nothing, resent: 0 };
        self.ring = vec![nothing; self.len];
        for back in 1..=self.len as u16 {
            let sequence = first.wrapping_sub(back);
            let slot = self.slot(sequence);
            self.ring[slot].numbers.sequence = sequence;
        }
    }
}

/// Bytes of the past that one transport may be sent, as retransmissions or from a key frame on:
/// half of what it is sent as media, so that neither a flood of NACKs nor one of pauses can make
/// us send much.
#[derive(Debug)]
pub(crate) struct ResendBudget {
    /// Negative: more was spent than there was, which is to be earned first.
    bytes: isize,
}

impl ResendBudget {
    const MAX: isize = 256 * 1024;

    /// Enough for a newcomer's first pictures.
    pub(crate) fn new() -> Self {
        Self { bytes: Self::MAX / 2 }
    }

    /// So many bytes of media were sent.
    #[inline]
    pub(crate) fn earn(&mut self, media_bytes: usize) {
        self.bytes = (self.bytes + (media_bytes / 2) as isize).min(Self::MAX);
    }

    /// Whether so many bytes may be sent again.
    pub(crate) fn covers(&self, bytes: usize) -> bool {
        self.bytes >= bytes as isize
    }

    /// So many bytes, at most, will be sent again.
    pub(crate) fn spend(&mut self, bytes: usize) {
        self.bytes -= bytes as isize;
    }

    /// Of bytes that were spent so many were sent in the end.
    pub(crate) fn settle(&mut self, spent: usize, sent: usize) {
        self.bytes = (self.bytes + spent as isize - sent as isize).min(Self::MAX);
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
        let packet = What::Packet { source: 70_000, encoding: 1 };
        ring.record(numbers, packet);
        assert!(ring.take(start, Some(ms(80)), 8).is_none());
        assert_eq!(ring.take(start, Some(ms(80)), 7).unwrap().what, packet);
        assert!(ring.take(start + ms(79), Some(ms(80)), 7).is_none());
        assert!(ring.take(start + ms(80), Some(ms(80)), 7).is_some());
        ring.record(Numbers { sequence: 7 + 512, ..numbers }, packet);
        assert!(ring.take(start + ms(500), None, 7).is_none(), "overwritten");
    }

    #[test]
    fn a_number_is_free_once_and_only_while_that_can_be_told() {
        let mut ring = SentRing::new(Instant::now(), MediaKind::Audio);
        let numbers = |sequence: u16| Numbers { sequence, ..Numbers::default() };
        assert!(ring.is_free(65_530));
        ring.record(numbers(65_530), What::Filler);
        assert!(ring.is_free(65_531));
        for used in [65_530, 65_529, 65_530 - 63, 65_530 - 64, 65_530 - 300] {
            assert!(!ring.is_free(used), "{used}");
        }
        ring.record(numbers(65_533), What::Filler);
        ring.record(numbers(5), What::Filler);
        let free: Vec<i32> = (-8..=7).filter(|n| ring.is_free(*n as u16)).collect();
        assert_eq!(free, [-5, -4, -2, -1, 0, 1, 2, 3, 4, 6, 7]);
        assert!(!ring.is_free(5u16.wrapping_sub(64)), "a newer one took its slot");
        assert!(ring.take(Instant::now(), None, 65_529).is_none(), "before the first");
    }

    #[test]
    fn resends_are_paid_by_media() {
        let mut budget = ResendBudget::new();
        while budget.covers(1000) {
            budget.spend(1000);
        }
        budget.earn(2000);
        assert!(budget.covers(1000));
        budget.spend(1000);
        assert!(!budget.covers(1000));
        budget.settle(1000, 400);
        assert!(budget.covers(600));
        budget.spend(2000);
        budget.earn(2000);
        assert!(!budget.covers(0), "what was spent before it was there");
    }
}
