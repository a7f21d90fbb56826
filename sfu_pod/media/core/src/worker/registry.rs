//! Who is there, who belongs to whom, and in which order things end.
//!
//! A producer belongs to its transport and to its router, a consumer to its transport and to its
//! producer. What something belongs to ends after it: a producer takes its consumers with it, a
//! transport its producers and consumers, and the last producer of a router that router.

use std::time::Instant;

use rustc_hash::FxHashMap;

use super::Worker;
use crate::command::{IceCredentials, MediaKind};
use crate::id::{ConsumerId, ProducerId, RouterId, TransportId};
use crate::keys::{ConsumerKey, ProducerKey, RouterKey, TransportKey};
use crate::router::Router;
use crate::speaker;
use crate::timers::Timer;
use crate::transports::{Kind, Transport, WebRtc};

/// The owner's names for what the slabs hold.
#[derive(Debug, Default)]
pub(super) struct Ids {
    pub(super) transports: FxHashMap<TransportId, TransportKey>,
    pub(super) producers: FxHashMap<ProducerId, ProducerKey>,
    pub(super) consumers: FxHashMap<ConsumerId, ConsumerKey>,
    pub(super) routers: FxHashMap<RouterId, RouterKey>,
}

impl Worker {
    pub(super) fn transport_key(&self, id: TransportId) -> Result<TransportKey, String> {
        self.ids.transports.get(&id).copied().ok_or_else(|| format!("no transport {}", id.0))
    }

    pub(super) fn producer_key(&self, id: ProducerId) -> Result<ProducerKey, String> {
        self.ids.producers.get(&id).copied().ok_or_else(|| format!("no producer {}", id.0))
    }

    pub(super) fn consumer_key(&self, id: ConsumerId) -> Result<ConsumerKey, String> {
        self.ids.consumers.get(&id).copied().ok_or_else(|| format!("no consumer {}", id.0))
    }

    pub(super) fn check_new_transport(&self, id: TransportId) -> Result<(), String> {
        match self.ids.transports.contains_key(&id) {
            true => Err(format!("add transport: {} exists already", id.0)),
            false => Ok(()),
        }
    }

    pub(super) fn check_ufrag(&self, ice: &IceCredentials) -> Result<(), String> {
        if ice.ufrag.is_empty() || self.ufrags.contains_key(&ice.ufrag) {
            return Err(format!("username fragment {:?} is empty or in use", ice.ufrag));
        }
        Ok(())
    }

    pub(super) fn insert_transport(
        &mut self,
        now: Instant,
        id: TransportId,
        kind: Kind,
    ) -> TransportKey {
        let own_ssrc = self.rng.u32(1..);
        let key = TransportKey(self.transports.insert(Transport::new(now, id, kind, own_ssrc)));
        self.ids.transports.insert(id, key);
        key
    }

    /// The router of this name, which begins with its first producer; one with sound has a speaker.
    pub(super) fn enter_router(
        &mut self,
        now: Instant,
        id: RouterId,
        kind: MediaKind,
    ) -> RouterKey {
        let key = match self.ids.routers.get(&id) {
            Some(key) => *key,
            None => {
                let key = RouterKey(self.routers.insert(Router::new(id)));
                self.ids.routers.insert(id, key);
                key
            }
        };
        if kind == MediaKind::Audio {
            let router = &mut self.routers[key.index()];
            let at = now + speaker::UPDATE_INTERVAL;
            self.timers.schedule(&mut router.due, Timer::Router(key), at);
        }
        key
    }

    /// Ends a transport: first what it sends, with all who are sent it, then what it is sent.
    pub(super) fn drop_transport(&mut self, key: TransportKey) {
        for producer in self.transports[key.index()].producers().to_vec() {
            self.drop_producer(producer);
        }
        for consumer in self.transports[key.index()].consumers().to_vec() {
            self.drop_consumer(consumer);
        }
        let transport = self.transports.remove(key.index());
        for ufrag in transport.kind().as_webrtc().map_or(&[][..], WebRtc::ufrags) {
            self.ufrags.remove(ufrag);
        }
        for ssrc in transport.known_by() {
            self.forget_source(key, ssrc);
        }
        self.paths.retain(|_, owner| *owner != key);
        self.ids.transports.remove(&transport.id());
    }

    /// Ends a producer with its consumers, and its router if it was the last there.
    pub(super) fn drop_producer(&mut self, key: ProducerKey) {
        for consumer in self.producers[key.index()].consumers.clone() {
            self.drop_consumer(consumer);
        }
        let producer = self.producers.remove(key.index());
        let transport = &mut self.transports[producer.transport.index()];
        transport.remove_producer(key);
        self.ids.producers.remove(&producer.id);
        let router = &mut self.routers[producer.router.index()];
        router.producers.retain(|other| *other != key);
        if router.producers.is_empty() {
            let router = self.routers.remove(producer.router.index());
            self.ids.routers.remove(&router.id);
        }
    }

    /// Ends a consumer.
    pub(super) fn drop_consumer(&mut self, key: ConsumerKey) {
        let consumer = self.consumers.remove(key.index());
        self.transports[consumer.transport.index()].remove_consumer(key, &consumer.parameters);
        self.producers[consumer.producer.index()].consumers.retain(|other| *other != key);
        self.ids.consumers.remove(&consumer.id);
    }
}
