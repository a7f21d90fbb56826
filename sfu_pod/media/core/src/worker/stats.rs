//! A picture of everything, on demand.

use std::time::Instant;

use super::Worker;
use crate::consumer::Consumer;
use crate::event::{ConsumerStats, TransportStats, WorkerStats};
use crate::transports::Transport;

impl Worker {
    pub(super) fn stats(&self, now: Instant) -> WorkerStats {
        let consumer = |consumer: &Consumer| {
            let producer = &self.producers[consumer.producer.index()];
            let layers = consumer.layers(&producer.encodings).filter(|_| producer.is_video());
            ConsumerStats { layers, ..consumer.stats.clone() }
        };
        WorkerStats {
            transports: self.transports.iter().map(|(_, item)| self.transport(now, item)).collect(),
            producers: self.producers.iter().map(|(_, item)| item.stats(now)).collect(),
            consumers: self.consumers.iter().map(|(_, item)| consumer(item)).collect(),
        }
    }

    /// Peers that only send give no reports to measure by: there the answers to NACKs tell.
    fn transport(&self, now: Instant, transport: &Transport) -> TransportStats {
        let mut stats = transport.stats(now);
        let encodings = transport
            .producers()
            .iter()
            .flat_map(|producer| &self.producers[producer.index()].encodings);
        let by_nack = encodings.filter_map(|encoding| encoding.nack.round_trip()).min();
        stats.round_trip_time =
            stats.round_trip_time.or(by_nack.map(|round_trip| round_trip.as_secs_f64()));
        stats
    }
}
