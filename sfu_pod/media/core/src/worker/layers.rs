//! Choosing layers and asking for the key frames that they need.

use std::time::Instant;

use super::Worker;
use crate::allocation::{Decision, Demand, EncodingOffer, LayerOption, highest_alive, options};
use crate::codec::StreamLayers;
use crate::consumer::Consumer;
use crate::estimator::Estimate;
use crate::keys::{ConsumerKey, ProducerKey, TransportKey};
use crate::producer::{JUDGE_INTERVAL, Producer};
use crate::timers::Timer;

/// For whom layers have to be chosen anew.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stale {
    /// What its path carries changed, or is due to be looked at.
    Transport(TransportKey),
    /// What it wants, or what there is for it.
    Consumer(ConsumerKey),
}

impl Worker {
    /// Chooses anew where something changed.
    pub(super) fn choose_layers(&mut self, now: Instant) {
        while let Some(stale) = self.stale_layers.pop() {
            match stale {
                Stale::Transport(key) => self.choose_for_transport(now, key),
                Stale::Consumer(key) => self.choose_for_consumer(now, key),
            }
        }
    }

    /// Chooses for one consumer by itself where the path has no known limit; where it has one, for
    /// all that share it, but once for many changes.
    fn choose_for_consumer(&mut self, now: Instant, key: ConsumerKey) {
        let Some(consumer) = self.consumers.get(key.index()) else { return };
        let transport_key = consumer.transport;
        let transport = &mut self.transports[transport_key.index()];
        if transport.estimator.estimate(now).is_none() {
            return self.aim_highest(now, key);
        }
        let at = transport.layers.changed(now);
        transport.wake(&mut self.timers, transport_key, at);
    }

    /// Chooses for all consumers of a transport.
    pub(super) fn choose_for_transport(&mut self, now: Instant, key: TransportKey) {
        let Some(transport) = self.transports.get_mut(key.index()) else { return };
        transport.layers.choosing(now);
        let asks = |key: &ConsumerKey| self.consumers[key.index()].asks;
        let asking: Vec<_> = transport.consumers().iter().copied().filter(asks).collect();
        match transport.estimator.founded(now) {
            None => self.unlimited(now, key),
            Some(estimate) => self.share(now, key, &estimate),
        }
        for consumer in asking {
            self.want_key_frame_for(now, consumer);
        }
    }

    /// Every consumer of the transport gets what it prefers.
    fn unlimited(&mut self, now: Instant, key: TransportKey) {
        if self.transports[key.index()].layers.unlimited() {
            self.end_waiting(key);
        }
        for index in 0..self.transports[key.index()].consumers().len() {
            let consumer = self.transports[key.index()].consumers()[index];
            self.aim_highest(now, consumer);
        }
    }

    /// Shares a known limit among the consumers of a transport.
    fn share(&mut self, now: Instant, key: TransportKey, estimate: &Estimate) {
        let budget = estimate.bits_per_second.saturating_sub(self.audio_bitrate(now, key));
        if self.transports[key.index()].layers.waiting_is_over(now) {
            self.end_waiting(key);
        }
        let climb = self.transports[key.index()].layers.may_climb(now);
        let mut consumers = self.transports[key.index()].consumers().to_vec();
        consumers.retain(|key| self.takes_video(*key));
        let demands: Vec<Demand> =
            consumers.iter().map(|key| self.demand(now, *key, climb)).collect();
        let policy = &mut self.transports[key.index()].layers;
        let decisions = policy.decide(now, estimate, budget, &demands);
        for (consumer, decision) in consumers.into_iter().zip(decisions) {
            match decision {
                Some(Decision::Send { layers, best }) => self.aim(now, consumer, layers, best),
                Some(Decision::Wait) => {
                    self.consumers[consumer.index()].waiting = true;
                    self.stop_forwarding(consumer);
                }
                None => {}
            }
        }
    }

    /// What waited for a better path is tried again.
    fn end_waiting(&mut self, key: TransportKey) {
        for consumer in self.transports[key.index()].consumers() {
            self.consumers[consumer.index()].waiting = false;
        }
    }

    /// Aims at the best there is up to what the consumer prefers.
    fn aim_highest(&mut self, now: Instant, key: ConsumerKey) {
        if self.takes_video(key) {
            let consumer = &self.consumers[key.index()];
            let producer = &self.producers[consumer.producer.index()];
            let encoding = highest_of(producer, consumer.preferred.spatial);
            self.aim(now, key, StreamLayers { encoding, spatial: 0, temporal: 0 }, true);
        }
    }

    fn aim(&mut self, now: Instant, key: ConsumerKey, mut layers: StreamLayers, highest: bool) {
        let consumer = &mut self.consumers[key.index()];
        if highest {
            // Layers that were not seen yet are welcome when they come.
            layers.temporal = consumer.preferred.temporal;
        }
        consumer.selector.aim(layers);
        if consumer.selector.waits() {
            if self.replayable(now, key).is_some() {
                self.replays.push(key);
            } else {
                self.ask_key_frame(now, key, layers.encoding);
            }
        }
    }

    /// The consumer's decoder needs a key frame of what it gets, or of what it waits for.
    pub(super) fn want_key_frame_for(&mut self, now: Instant, key: ConsumerKey) {
        let consumer = &self.consumers[key.index()];
        if consumer.rests() {
            return;
        }
        let selector = &consumer.selector;
        let encoding = selector.encoding().unwrap_or(selector.target_encoding());
        self.ask_key_frame(now, key, encoding);
    }

    /// Asks for a key frame in a consumer's name, at the latest when its transport's allowance
    /// reaches for one. One that is asked for already costs nothing.
    fn ask_key_frame(&mut self, now: Instant, key: ConsumerKey, encoding: u8) {
        let consumer = &mut self.consumers[key.index()];
        let producer = &mut self.producers[consumer.producer.index()];
        if producer.paused || !producer.is_video() {
            return;
        }
        let Some(encoding) = producer.encodings.get_mut(usize::from(encoding)) else { return };
        consumer.asks = false;
        if !encoding.key_frames.wanted() {
            let transport = &mut self.transports[consumer.transport.index()];
            let at = transport.key_frames.next(now, producer.id);
            if at > now {
                consumer.asks = true;
                let at = transport.layers.choose_by(at);
                return transport.wake(&mut self.timers, consumer.transport, at);
            }
            transport.key_frames.spend(now, producer.id);
        }
        encoding.key_frames.want();
        if let Some(at) = encoding.key_frames.next(now) {
            let timer = Timer::Producer(consumer.producer);
            self.timers.schedule(&mut producer.due, timer, at);
        }
    }

    /// Notices encodings that came to life or died, and keeps watching while there are several.
    pub(super) fn judge_encodings(&mut self, now: Instant, key: ProducerKey) {
        let producer = &mut self.producers[key.index()];
        if producer.judge_encodings(now) {
            self.stale_layers.extend(producer.consumers.iter().copied().map(Stale::Consumer));
        }
        if producer.encodings.len() > 1 {
            let timer = Timer::Producer(key);
            self.timers.schedule(&mut producer.due, timer, now + JUDGE_INTERVAL);
        }
    }

    fn takes_video(&self, key: ConsumerKey) -> bool {
        let consumer = &self.consumers[key.index()];
        let producer = &self.producers[consumer.producer.index()];
        !consumer.rests() && !producer.paused && producer.is_video()
    }

    fn demand(&self, now: Instant, key: ConsumerKey, climb: bool) -> Demand {
        let consumer = &self.consumers[key.index()];
        let producer = &self.producers[consumer.producer.index()];
        let mut options = offered(now, producer, consumer);
        let current = consumer
            .selector
            .current()
            .and_then(|current| options.iter().rposition(|option| option.layers <= current));
        if let (Some(current), false) = (current, climb) {
            options.truncate(current + 1);
        }
        Demand { options, current }
    }

    fn audio_bitrate(&self, now: Instant, key: TransportKey) -> u64 {
        let consumers = self.transports[key.index()].consumers().iter();
        let producers = consumers
            .filter(|key| !self.consumers[key.index()].paused)
            .map(|key| &self.producers[self.consumers[key.index()].producer.index()])
            .filter(|producer| !producer.is_video());
        producers
            .filter_map(|producer| producer.encodings.first())
            .map(|encoding| encoding.bitrate(now))
            .sum()
    }
}

/// What a consumer may be sent of its producer; before anything came, what it prefers.
fn offered(now: Instant, producer: &Producer, consumer: &Consumer) -> Vec<LayerOption> {
    let alive = producer.alive();
    let offers = producer.encodings.iter().zip(0..).map(|(encoding, index)| EncodingOffer {
        alive: alive & 1 << index != 0,
        highest_temporal: encoding.highest_temporal,
        bitrate: move |temporal| encoding.bitrate_up_to(now, temporal),
    });
    let mut options = options(consumer.preferred, offers);
    if options.is_empty() {
        let encoding = highest_of(producer, consumer.preferred.spatial);
        let temporal = consumer.preferred.temporal;
        let layers = StreamLayers { encoding, spatial: 0, temporal };
        options.push(LayerOption { layers, bitrate: 0 });
    }
    options
}

fn highest_of(producer: &Producer, preferred: u8) -> u8 {
    highest_alive(producer.alive(), producer.encodings.len(), preferred)
}
