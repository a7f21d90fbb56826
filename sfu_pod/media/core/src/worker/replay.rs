//! Late joiners start with a key frame of the past: from the history comes all that was received
//! since, so that nobody waits for an encoder whose last key frame is still fresh. A consumer whose
//! keys come after it was resumed finds the key frame that its resuming asked for.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use super::Worker;
use super::forward::{Copied, Copying};
use crate::keys::ConsumerKey;

/// Older pictures would run behind the sound for too long.
const MAX_AGE: Duration = Duration::from_secs(1);
/// More at once would overrun a path of which nothing is known yet.
const MAX_PACKETS: u64 = 128;
/// Bytes of a packet beside its payload, at most: header, extensions, tag.
const OVERHEAD: usize = 128;

impl Worker {
    /// Starts every consumer that waits for a key frame which is there already.
    pub(super) fn replay(&mut self, now: Instant) {
        while let Some(key) = self.replays.pop() {
            let Some(packets) = self.replayable(now, key) else {
                self.ask_instead(now, key);
                continue;
            };
            let consumer = &mut self.consumers[key.index()];
            let transport = &mut self.transports[consumer.transport.index()];
            let producer = &self.producers[consumer.producer.index()];
            let encoding = consumer.selector.target_encoding();
            let (waiting, counters) = (&mut self.waiting, &mut self.counters);
            let mut copy = Copying::new(now, producer, encoding, waiting, counters);
            let mut copied = Copied { key, consumer, transport };
            for source in packets {
                copy.past(&mut copied, source);
            }
            copied.consumer.switched = false;
            self.events.extend(copied.consumer.layers_changed(producer));
        }
    }

    /// What could be replayed a moment ago cannot any more: others have spent the budget.
    fn ask_instead(&mut self, now: Instant, key: ConsumerKey) {
        let consumer = self.consumers.get(key.index());
        if consumer.is_some_and(|consumer| consumer.selector.waits()) {
            self.want_key_frame_for(now, key);
        }
    }

    /// The packets from the latest key frame on of the encoding that a consumer waits for, if it
    /// could be sent them now, they are fresh and few, and its transport's budget covers them.
    pub(super) fn replayable(&self, now: Instant, key: ConsumerKey) -> Option<RangeInclusive<u64>> {
        let consumer = self.consumers.get(key.index())?;
        let transport = &self.transports[consumer.transport.index()];
        let ready = transport.is_ready() && transport.destination().is_some();
        let producer = &self.producers[consumer.producer.index()];
        if !ready || consumer.rests() || producer.paused || consumer.selector.current().is_some() {
            return None;
        }
        let encoding = producer.encodings.get(usize::from(consumer.selector.target_encoding()))?;
        let start = encoding.latest_key_frame?;
        let newest = encoding.reception.highest();
        let fresh = now.saturating_duration_since(start.received) <= MAX_AGE;
        let few = newest.checked_sub(start.first)? < MAX_PACKETS;
        let known = fresh && few && encoding.history.contains(start.first);
        let packets = start.first..=newest;
        let bytes = || -> usize {
            let lengths = packets.clone().filter_map(|sequence| encoding.history.look(sequence));
            lengths.map(|(_, payload_len)| payload_len + OVERHEAD).sum()
        };
        (known && transport.resends().covers(bytes())).then_some(packets)
    }
}
