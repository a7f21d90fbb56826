//! What was sent under which transport-wide sequence number.

/// Feedback comes much sooner than so many packets are sent.
pub(super) const KEPT: usize = 4096;

/// A ring of sent packets; takes its memory at the first one.
#[derive(Debug, Default)]
pub(crate) struct SentPackets {
    next: u16,
    ring: Vec<Entry>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    /// Microseconds, modulo 2^32.
    time: u32,
    sequence: u16,
    /// 0: nothing here, or known to have arrived.
    size: u16,
    lost: bool,
}

/// One packet that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SentPacket {
    /// Microseconds, modulo 2^32.
    pub time: u32,
    /// Bytes.
    pub size: usize,
    /// It was said to be lost before.
    pub lost: bool,
}

impl SentPackets {
    /// The number of the next packet.
    pub(crate) fn next(&mut self) -> u16 {
        self.next
    }

    /// The next packet leaves, at `time` in microseconds, modulo 2^32.
    #[inline]
    pub(crate) fn record(&mut self, time: u32, size: usize) {
        if self.ring.is_empty() {
            self.ring = vec![Entry::default(); KEPT];
        }
        let size = size.min(usize::from(u16::MAX)) as u16;
        self.ring[usize::from(self.next) % KEPT] =
            Entry { time, sequence: self.next, size, lost: false };
        self.next = self.next.wrapping_add(1);
    }

    /// The packet arrived: what it was, the first time that this is told.
    pub(crate) fn arrived(&mut self, sequence: u16) -> Option<SentPacket> {
        let entry = self.find(sequence)?;
        let size = usize::from(std::mem::take(&mut entry.size));
        Some(SentPacket { time: entry.time, size, lost: entry.lost })
    }

    /// The packet has not arrived so far. Returns whether that is news.
    pub(crate) fn lost(&mut self, sequence: u16) -> bool {
        self.find(sequence).is_some_and(|entry| !std::mem::replace(&mut entry.lost, true))
    }

    fn find(&mut self, sequence: u16) -> Option<&mut Entry> {
        let entry = self.ring.get_mut(usize::from(sequence) % KEPT)?;
        (entry.sequence == sequence && entry.size != 0).then_some(entry)
    }
}
