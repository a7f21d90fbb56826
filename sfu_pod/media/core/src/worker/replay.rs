//! Late joiners start with a key frame of the past: from the history comes all that was received
//! since, so that nobody waits for an encoder whose last key frame is still fresh. A consumer whose
//! keys come after it was resumed finds the key frame that its resuming asked for.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use super::forward::Copying;
use super::{Output, Worker};
use crate::keys::ConsumerKey;

/// Older pictures would run behind the sound for too long.
const MAX_AGE: Duration = Duration::from_secs(1);
/// More at once would overrun a path of which nothing is known yet.
const MAX_PACKETS: u64 = 128;

impl Worker {
    /// Starts every consumer that waits for a key frame which is there already.
    pub(super) fn replay(&mut self, now: Instant, output: &mut impl Output) {
        while let Some(key) = self.replays.pop() {
            let Some(packets) = self.replayable(now, key) else { continue };
            let consumer = &mut self.consumers[key.index()];
            let transport = &mut self.transports[consumer.transport.index()];
            let Some(path) = transport.ice.selected() else { continue };
            let producer = &self.producers[consumer.producer.index()];
            let mut copy = Copying {
                now,
                abs_send_time: self.wall_clock.abs_send_time(now),
                encoding: consumer.selector.target().spatial,
                producer,
                counters: &mut self.counters,
            };
            for sequence in packets {
                copy.past(consumer, transport, path, sequence, output);
            }
            consumer.switched = false;
            self.events.extend(consumer.layers_changed(producer));
        }
    }

    /// The packets from the latest key frame on of the encoding that a consumer waits for, if it
    /// could be sent them now and they are fresh and few.
    pub(super) fn replayable(&self, now: Instant, key: ConsumerKey) -> Option<RangeInclusive<u64>> {
        let consumer = self.consumers.get(key.index())?;
        let transport = &self.transports[consumer.transport.index()];
        let ready = transport.srtp.is_some() && transport.ice.selected().is_some();
        let producer = &self.producers[consumer.producer.index()];
        if !ready || consumer.paused || producer.paused || consumer.selector.current().is_some() {
            return None;
        }
        let encoding = producer.encodings.get(usize::from(consumer.selector.target().spatial))?;
        let start = encoding.latest_key_frame?;
        let newest = encoding.reception.highest();
        let fresh = now.saturating_duration_since(start.received) <= MAX_AGE;
        let few = newest.checked_sub(start.first)? < MAX_PACKETS;
        (fresh && few && encoding.history.contains(start.first)).then_some(start.first..=newest)
    }
}
