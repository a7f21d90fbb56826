//! What the owner asks for. An error is the text of [`Event::CommandFailed`].

use std::time::Instant;

use super::Worker;
use super::layers::Stale;
use crate::command::{
    Command, ConsumerParameters, IceCredentials, PlainParameters, ProducerParameters, SrtpKeys,
};
use crate::consumer::{Consumer, FirstNumbers};
use crate::event::Event;
use crate::id::{ConsumerId, ProducerId, RouterId, TransportId};
use crate::io::Output;
use crate::keys::{ConsumerKey, ProducerKey, TransportKey};
use crate::producer::Producer;
use crate::transports::{Kind, Plain, WebRtc};

/// More encodings than that no sender makes, and a bit mask has to hold them.
const MAX_ENCODINGS: usize = 8;
/// Payload types are 7 bits, half of them may be retransmissions'.
const MAX_PAYLOADS: usize = 64;

type Outcome = Result<(), String>;

impl Worker {
    pub(super) fn execute(
        &mut self,
        now: Instant,
        command: Command,
        output: &mut impl Output,
    ) -> Outcome {
        match command {
            Command::AddTransport { transport, ice } => self.add_transport(now, transport, ice),
            Command::AddPlainTransport { transport, plain } => {
                self.add_plain_transport(now, transport, &plain)
            }
            Command::RestartIce { transport, ice } => self.restart_ice(transport, ice),
            Command::SetSrtp { transport, keys } => self.set_srtp(transport, &keys),
            Command::SetMaxIncomingBitrate { transport, bits_per_second } => {
                self.set_max_incoming_bitrate(now, transport, bits_per_second)
            }
            Command::SendDtls { transport, datagram } => {
                self.send_dtls(transport, &datagram, output)
            }
            Command::RemoveTransport { transport } => {
                let key = self.transport_key(transport)?;
                self.drop_transport(key);
                Ok(())
            }
            Command::AddProducer { router, transport, producer, parameters, paused } => {
                self.add_producer(now, router, transport, producer, parameters)?;
                if paused { self.set_producer_paused(producer, true) } else { Ok(()) }
            }
            Command::SetProducerPaused { producer, paused } => {
                self.set_producer_paused(producer, paused)
            }
            Command::RemoveProducer { producer } => {
                let key = self.producer_key(producer)?;
                self.drop_producer(key);
                Ok(())
            }
            Command::AddConsumer { transport, consumer, producer, parameters, paused } => {
                let key = self.add_consumer(now, transport, consumer, producer, parameters)?;
                self.consumers[key.index()].paused = paused;
                Ok(())
            }
            Command::SetConsumerPaused { consumer, paused } => {
                let key = self.consumer_key(consumer)?;
                self.pause_consumer(key, paused);
                Ok(())
            }
            Command::SetPreferredLayers { consumer, spatial, temporal } => {
                self.set_preferred_layers(consumer, spatial, temporal)
            }
            Command::RequestKeyFrame { consumer } => {
                let key = self.consumer_key(consumer)?;
                self.want_key_frame_for(now, key);
                Ok(())
            }
            Command::RemoveConsumer { consumer } => {
                let key = self.consumer_key(consumer)?;
                self.drop_consumer(key);
                Ok(())
            }
            Command::CollectStats { token } => {
                let stats = Box::new(self.stats(now));
                self.events.push_back(Event::Stats { token, stats });
                Ok(())
            }
        }
    }

    fn add_transport(&mut self, now: Instant, id: TransportId, ice: IceCredentials) -> Outcome {
        self.check_new_transport(id)?;
        self.check_ufrag(&ice)?;
        let ufrag = ice.ufrag.clone();
        let key = self.insert_transport(now, id, Kind::WebRtc(WebRtc::new(ice)));
        self.ufrags.insert(ufrag, key);
        Ok(())
    }

    /// The owner's word counts for more than what a peer claimed: a path of a WebRTC peer's becomes
    /// the plain one's.
    fn add_plain_transport(
        &mut self,
        now: Instant,
        id: TransportId,
        parameters: &PlainParameters,
    ) -> Outcome {
        self.check_new_transport(id)?;
        let refused = |reason: String| format!("add plain transport {}: {reason}", id.0);
        let plain = Plain::new(parameters).map_err(refused)?;
        let is_plain =
            |key: &TransportKey| self.transports[key.index()].kind().as_plain().is_some();
        if let Some(taken) = plain.paths().find(|path| self.paths.get(path).is_some_and(is_plain)) {
            return Err(refused(format!("{} is another one's", taken.remote)));
        }
        let paths = plain.paths();
        let key = self.insert_transport(now, id, Kind::Plain(plain));
        self.paths.extend(paths.map(|path| (path, key)));
        Ok(())
    }

    fn restart_ice(&mut self, id: TransportId, ice: IceCredentials) -> Outcome {
        let key = self.transport_key(id)?;
        self.check_ufrag(&ice)?;
        let kind = self.transports[key.index()].kind_mut();
        let webrtc =
            kind.as_webrtc_mut().ok_or_else(|| format!("transport {} has no ICE", id.0))?;
        self.ufrags.insert(ice.ufrag.clone(), key);
        if let Some(replaced) = webrtc.restart(ice) {
            self.ufrags.remove(&replaced);
        }
        Ok(())
    }

    fn set_srtp(&mut self, id: TransportId, keys: &SrtpKeys) -> Outcome {
        let key = self.transport_key(id)?;
        let set = self.transports[key.index()].set_keys(keys);
        set.map_err(|error| format!("set srtp of {}: {error}", id.0))?;
        // Key frames that came before the keys went past its consumers.
        self.stale_layers.push(Stale::Transport(key));
        Ok(())
    }

    fn set_max_incoming_bitrate(
        &mut self,
        now: Instant,
        id: TransportId,
        bits_per_second: u64,
    ) -> Outcome {
        let key = self.transport_key(id)?;
        if bits_per_second == 0 {
            // Chromium would take a REMB of 0 for the end of all limits.
            return Err(format!("max incoming bitrate of {}: must be at least 1 bit/s", id.0));
        }
        self.transports[key.index()].limit_incoming(now, bits_per_second);
        self.report_at_once(now, key);
        Ok(())
    }

    fn send_dtls(&mut self, id: TransportId, datagram: &[u8], output: &mut impl Output) -> Outcome {
        let key = self.transport_key(id)?;
        let sent = self.transports[key.index()].send_dtls(datagram, output);
        sent.ok_or_else(|| format!("transport {} has no DTLS", id.0))
    }

    fn add_producer(
        &mut self,
        now: Instant,
        router: RouterId,
        transport: TransportId,
        id: ProducerId,
        parameters: Box<ProducerParameters>,
    ) -> Outcome {
        if self.ids.producers.contains_key(&id) {
            return Err(format!("add producer: {} exists already", id.0));
        }
        let transport_key = self.transport_key(transport)?;
        check_parameters(&parameters)
            .and_then(|()| self.transports[transport_key.index()].check_producer(&parameters))
            .map_err(|reason| format!("add producer {}: {reason}", id.0))?;
        let router = self.enter_router(now, router, parameters.kind);
        let entry = self.producers.vacant_entry();
        let key = ProducerKey(entry.key());
        self.transports[transport_key.index()].add_producer(key, &parameters);
        entry.insert(Producer::new(now, &self.config, id, router, transport_key, parameters));
        self.routers[router.index()].producers.push(key);
        self.ids.producers.insert(id, key);
        self.await_peer(transport_key, key);
        self.schedule_report(now, transport_key);
        Ok(())
    }

    fn set_producer_paused(&mut self, id: ProducerId, paused: bool) -> Outcome {
        let key = self.producer_key(id)?;
        let producer = &mut self.producers[key.index()];
        if producer.paused == paused {
            return Ok(());
        }
        producer.paused = paused;
        producer.loudness.mute();
        for encoding in &mut producer.encodings {
            encoding.nack.reset();
            encoding.key_frames.satisfied();
        }
        for index in 0..self.producers[key.index()].consumers.len() {
            let consumer = self.producers[key.index()].consumers[index];
            self.stop_forwarding(consumer);
        }
        Ok(())
    }

    fn add_consumer(
        &mut self,
        now: Instant,
        transport: TransportId,
        id: ConsumerId,
        producer: ProducerId,
        parameters: Box<ConsumerParameters>,
    ) -> Result<ConsumerKey, String> {
        if self.ids.consumers.contains_key(&id) {
            return Err(format!("add consumer: {} exists already", id.0));
        }
        let transport_key = self.transport_key(transport)?;
        let producer_key = self.producer_key(producer)?;
        let first = FirstNumbers {
            // Far from the wrap, so that a lost first packet cannot confuse a rollover counter.
            sequence: self.rng.u16(..1 << 14),
            rtx_sequence: self.rng.u16(..1 << 14),
            timestamp: self.rng.u32(..),
        };
        let transport = &mut self.transports[transport_key.index()];
        let producer = &mut self.producers[producer_key.index()];
        let checked = transport.check_consumer(&parameters);
        checked.map_err(|reason| format!("add consumer {}: {reason}", id.0))?;
        let entry = self.consumers.vacant_entry();
        let key = ConsumerKey(entry.key());
        transport.add_consumer(key, &parameters);
        producer.consumers.push(key);
        let source = &producer.parameters;
        entry.insert(Consumer::new(
            now,
            id,
            transport_key,
            producer_key,
            source,
            parameters,
            first,
        ));
        self.ids.consumers.insert(id, key);
        self.stale_layers.push(Stale::Consumer(key));
        self.schedule_report(now, transport_key);
        Ok(key)
    }

    fn pause_consumer(&mut self, key: ConsumerKey, paused: bool) {
        let consumer = &mut self.consumers[key.index()];
        if std::mem::replace(&mut consumer.paused, paused) != paused {
            self.stop_forwarding(key);
        }
    }

    fn set_preferred_layers(
        &mut self,
        id: ConsumerId,
        spatial: u8,
        temporal: Option<u8>,
    ) -> Outcome {
        let key = self.consumer_key(id)?;
        let consumer = &mut self.consumers[key.index()];
        consumer.preferred.spatial = spatial;
        consumer.preferred.temporal = temporal.unwrap_or(u8::MAX);
        self.stale_layers.push(Stale::Consumer(key));
        Ok(())
    }

    /// Whatever comes next starts with a key frame, which is asked for as soon as layers are chosen.
    pub(super) fn stop_forwarding(&mut self, key: ConsumerKey) {
        let consumer = &mut self.consumers[key.index()];
        consumer.selector.stop();
        if consumer.reported.take().is_some() {
            self.events.push_back(Event::LayersChanged { consumer: consumer.id, layers: None });
        }
        self.stale_layers.push(Stale::Consumer(key));
    }
}

fn check_parameters(parameters: &ProducerParameters) -> Outcome {
    if !(1..=MAX_ENCODINGS).contains(&parameters.encodings.len()) {
        return Err(format!("needs 1 to {MAX_ENCODINGS} encodings"));
    }
    if !(1..=MAX_PAYLOADS).contains(&parameters.payloads.len()) {
        return Err(format!("needs 1 to {MAX_PAYLOADS} payloads"));
    }
    for payload in &parameters.payloads {
        let types = [Some(payload.payload_type), payload.rtx_payload_type];
        if let Some(wrong) = types.into_iter().flatten().find(|payload_type| *payload_type > 127) {
            return Err(format!("payload type {wrong} is over 127"));
        }
        if payload.clock_rate == 0 {
            return Err(format!("payload type {} has no clock rate", payload.payload_type));
        }
    }
    Ok(())
}
