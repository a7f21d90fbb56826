//! Received DTLS datagrams, waiting for whoever does the handshakes.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rotunda_media_core::id::TransportId;
use rustc_hash::FxHashMap;

/// One bounded queue for each transport, made by its first datagram.
pub(crate) struct DtlsQueues {
    limit: usize,
    queues: Mutex<FxHashMap<TransportId, Queue>>,
}

#[derive(Default)]
struct Queue {
    datagrams: VecDeque<Vec<u8>>,
    dropped: u64,
}

impl DtlsQueues {
    /// Each queue holds at most `limit` datagrams.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, queues: Mutex::default() }
    }

    /// Queues a datagram, or drops it where the queue is full. True when it is the first one of
    /// its queue, of which the owner must be told.
    pub(crate) fn push(&self, transport: TransportId, datagram: &[u8]) -> bool {
        let mut queues = self.lock();
        let queue = queues.entry(transport).or_default();
        if queue.datagrams.len() >= self.limit {
            queue.dropped += 1;
            return false;
        }
        queue.datagrams.push_back(datagram.to_vec());
        queue.datagrams.len() == 1
    }

    /// Takes up to `limit` datagrams, oldest first.
    pub(crate) fn take(&self, transport: TransportId, limit: usize) -> Vec<Vec<u8>> {
        let mut queues = self.lock();
        let Some(queue) = queues.get_mut(&transport) else { return Vec::new() };
        let count = limit.min(queue.datagrams.len());
        queue.datagrams.drain(..count).collect()
    }

    /// Datagrams dropped so far.
    pub(crate) fn dropped(&self, transport: TransportId) -> u64 {
        self.lock().get(&transport).map_or(0, |queue| queue.dropped)
    }

    /// Forgets a transport.
    pub(crate) fn remove(&self, transport: TransportId) {
        self.lock().remove(&transport);
    }

    fn lock(&self) -> MutexGuard<'_, FxHashMap<TransportId, Queue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: TransportId = TransportId(1);
    const TWO: TransportId = TransportId(2);

    #[test]
    fn only_the_first_datagram_of_an_empty_queue_is_news() {
        let queues = DtlsQueues::new(8);
        assert!(queues.push(ONE, b"a"));
        assert!(!queues.push(ONE, b"b"));
        assert!(queues.push(TWO, b"c"));
        assert_eq!(queues.take(ONE, 1), [b"a"]);
        assert!(!queues.push(ONE, b"d"));
        assert_eq!(queues.take(ONE, 8), [b"b", b"d"]);
        assert!(queues.push(ONE, b"e"));
    }

    #[test]
    fn a_full_queue_drops_the_newest_and_counts() {
        let queues = DtlsQueues::new(2);
        for datagram in [b"a", b"b", b"c", b"d"] {
            queues.push(ONE, datagram);
        }
        assert_eq!(queues.dropped(ONE), 2);
        assert_eq!(queues.take(ONE, 64), [b"a", b"b"]);
        assert_eq!(queues.dropped(TWO), 0);
    }

    #[test]
    fn a_removed_transport_is_unknown() {
        let queues = DtlsQueues::new(1);
        queues.push(ONE, b"a");
        queues.push(ONE, b"b");
        queues.remove(ONE);
        assert!(queues.take(ONE, 64).is_empty());
        assert_eq!(queues.dropped(ONE), 0);
    }
}
