//! What was received lately of one encoding, decrypted: consumers resend from it.

use std::time::{Duration, Instant};

use crate::packet::Facts;

/// A packet this old is of no use to a receiver any more.
const MAX_AGE: Duration = Duration::from_secs(2);

/// A ring of packets, bounded in number and bytes.
#[derive(Debug)]
pub(crate) struct History {
    slots: Vec<Slot>,
    slot_count: usize,
    bytes: Vec<u8>,
    capacity: usize,
    /// Bytes ever written, the unused ends of the ring included.
    written: u64,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    facts: Facts,
    at: u64,
    dependency_len: u16,
    payload_len: u16,
    received: Option<Instant>,
}

/// One packet of the past.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Remembered<'a> {
    pub facts: Facts,
    pub dependency: &'a [u8],
    pub payload: &'a [u8],
}

impl History {
    /// Room for `slots` packets (a power of two) with `capacity` bytes; taken when first used.
    pub(crate) fn new(slots: usize, capacity: usize) -> Self {
        debug_assert!(slots.is_power_of_two());
        Self { slots: Vec::new(), slot_count: slots, bytes: Vec::new(), capacity, written: 0 }
    }

    /// Keeps a copy. Old packets give way.
    pub(crate) fn store(&mut self, now: Instant, facts: Facts, dependency: &[u8], payload: &[u8]) {
        let len = dependency.len() + payload.len();
        let (Ok(dependency_len), Ok(payload_len)) =
            (u16::try_from(dependency.len()), u16::try_from(payload.len()))
        else {
            return;
        };
        if len > self.capacity {
            return;
        }
        self.allocate();
        let offset = (self.written % self.capacity as u64) as usize;
        if offset + len > self.capacity {
            self.written += (self.capacity - offset) as u64;
        }
        let at = self.written;
        let start = (at % self.capacity as u64) as usize;
        let (head, tail) = self.bytes[start..start + len].split_at_mut(dependency.len());
        head.copy_from_slice(dependency);
        tail.copy_from_slice(payload);
        self.written += len as u64;
        let slot = self.slot(facts.sequence);
        self.slots[slot] = Slot { facts, at, dependency_len, payload_len, received: Some(now) };
    }

    /// Whether the packet is kept.
    pub(crate) fn contains(&self, sequence: u64) -> bool {
        self.find(sequence).is_some()
    }

    /// A packet's header and bytes of payload, however old.
    pub(crate) fn look(&self, sequence: u64) -> Option<(&Facts, usize)> {
        let slot = self.find(sequence)?;
        Some((&slot.facts, usize::from(slot.payload_len)))
    }

    /// The packet, unless it is too old to be useful.
    pub(crate) fn get(&self, now: Instant, sequence: u64) -> Option<Remembered<'_>> {
        let slot = self.find(sequence)?;
        if now.saturating_duration_since(slot.received?) > MAX_AGE {
            return None;
        }
        let start = (slot.at % self.capacity as u64) as usize;
        let middle = start + usize::from(slot.dependency_len);
        let end = middle + usize::from(slot.payload_len);
        Some(Remembered {
            facts: slot.facts,
            dependency: &self.bytes[start..middle],
            payload: &self.bytes[middle..end],
        })
    }

    fn find(&self, sequence: u64) -> Option<&Slot> {
        let slot = self.slots.get(self.slot(sequence))?;
        let overwritten = self.written > slot.at + self.capacity as u64;
        (slot.received.is_some() && slot.facts.sequence == sequence && !overwritten).then_some(slot)
    }

    fn slot(&self, sequence: u64) -> usize {
        sequence as usize & (self.slot_count - 1)
    }

    fn allocate(&mut self) {
        if self.slots.is_empty() {
            let empty = Slot {
                facts: Facts::default(),
                at: 0,
                dependency_len: 0,
                payload_len: 0,
                received: None,
            };
            self.slots = vec![empty; self.slot_count];
            self.bytes = vec![0; self.capacity];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(sequence: u64) -> Facts {
        Facts { sequence, ..Facts::default() }
    }

    #[test]
    fn it_gives_back_what_is_young_and_not_overwritten() {
        let start = Instant::now();
        let mut history = History::new(64, 1000);
        for n in 0..200u64 {
            history.store(start, facts(n), &[n as u8; 3], &vec![n as u8; 90 + (n % 7) as usize]);
        }
        let kept: Vec<u64> = (0..200).filter(|n| history.contains(*n)).collect();
        assert_eq!(kept, (190..200).collect::<Vec<_>>());
        for n in kept {
            let packet = history.get(start, n).unwrap();
            assert_eq!(packet.dependency, [n as u8; 3]);
            assert_eq!(packet.payload, vec![n as u8; 90 + (n % 7) as usize]);
        }
        assert!(history.get(start + Duration::from_secs(3), 199).is_none());
    }

    #[test]
    fn packets_larger_than_the_ring_are_not_kept() {
        let mut history = History::new(4, 100);
        history.store(Instant::now(), facts(1), &[], &[0; 101]);
        assert!(!history.contains(1));
    }
}
