//! From a datagram to a packet that waits to be forwarded.

use std::time::Instant;

use rotunda_packet::demux::{PacketKind, classify};
use rotunda_packet::rtp::RtpPacket;
use rotunda_packet::stun::Message;

use super::forward::Pending;
use super::layers::Stale;
use super::{Output, Worker};
use crate::event::Event;
use crate::ice::IceChange;
use crate::keys::TransportKey;
use crate::packet::MediaPacket;
use crate::path::Path;
use crate::producer::Change;
use crate::routing::Route;
use crate::timers::Timer;

impl Worker {
    /// Handles one datagram; media is left in the batch at `index`, decrypted.
    pub(super) fn datagram(
        &mut self,
        now: Instant,
        index: usize,
        path: Path,
        data: &mut [u8],
        output: &mut impl Output,
    ) {
        let kind = classify(data);
        if kind == Some(PacketKind::Stun) {
            return self.check(now, path, data, output);
        }
        let (Some(kind), Some(key)) = (kind, self.paths.get(&path).copied()) else {
            self.counters.packets_dropped += 1;
            return;
        };
        let transport = &mut self.transports[key.index()];
        transport.bytes_received += data.len() as u64;
        let done = match kind {
            PacketKind::Dtls => {
                output.dtls(transport.id, data);
                Some(())
            }
            PacketKind::Rtp => self.media(now, key, index, data),
            PacketKind::Rtcp => self.control(now, key, data, output),
            PacketKind::Stun => Some(()),
        };
        if done.is_none() {
            self.counters.packets_dropped += 1;
        }
    }

    /// One connectivity check: answered if its transport is known.
    fn check(&mut self, now: Instant, path: Path, data: &[u8], output: &mut impl Output) {
        let request = Message::parse(data).ok().filter(Message::is_binding_request);
        let key = request
            .and_then(|request| request.ufrags())
            .and_then(|(ours, _)| self.ufrags.get(ours).copied());
        let (Some(request), Some(key)) = (request, key) else {
            self.counters.packets_dropped += 1;
            return;
        };
        let transport = &mut self.transports[key.index()];
        self.scratch.clear();
        let outcome = transport.ice.handle_request(now, path, &request, &mut self.scratch);
        let response = &self.scratch[..];
        if !response.is_empty() {
            output.send(path, response.len(), |buffer| {
                buffer.get_mut(..response.len())?.copy_from_slice(response);
                Some(response.len())
            });
        }
        if outcome.validated {
            self.paths.insert(path, key);
        }
        if let Some(dropped) = outcome.dropped {
            forget_path(&mut self.paths, dropped, key);
        }
        if let Some(retired) = outcome.retired_ufrag {
            transport.ufrags.retain(|ufrag| *ufrag != retired);
            self.ufrags.remove(&retired);
        }
        if let Some(expiry) = transport.ice.next_expiry() {
            self.timers.schedule(&mut transport.due, Timer::Transport(key), expiry);
        }
        self.tell_ice_change(key, outcome.change);
    }

    pub(super) fn tell_ice_change(&mut self, key: TransportKey, change: Option<IceChange>) {
        let transport = self.transports[key.index()].id;
        match change {
            Some(IceChange::Connected(path)) => {
                let Path { listener, remote } = path;
                self.events.push_back(Event::IceConnected { transport, listener, remote });
                // Key frames asked for before there was a path could not be answered to.
                self.stale_layers.push(Stale::Transport(key));
            }
            Some(IceChange::Disconnected) => {
                self.events.push_back(Event::IceDisconnected { transport });
            }
            None => {}
        }
    }

    /// One SRTP packet. `None`: it led nowhere.
    fn media(
        &mut self,
        now: Instant,
        key: TransportKey,
        index: usize,
        data: &mut [u8],
    ) -> Option<()> {
        let transport = &mut self.transports[key.index()];
        let srtp = transport.srtp.as_mut()?;
        let len = match srtp.receiver.unprotect_rtp(data) {
            Ok(len) => len,
            Err(_) => {
                transport.srtp_rejected += 1;
                return None;
            }
        };
        if !std::mem::replace(&mut srtp.heard, true) {
            self.events.push_back(Event::SrtpReceived { transport: transport.id });
        }
        let bytes = &data[..len];
        let packet = RtpPacket::parse(bytes).ok()?;
        let ids = &transport.extensions;
        if let Some(value) = ids.transport_cc.and_then(|id| packet.extension(id))
            && let Some(sequence) = value.first_chunk()
        {
            transport.arrivals.arrived(now, u16::from_be_bytes(*sequence));
            if let Some(due) = transport.arrivals.due() {
                self.timers.schedule(&mut transport.due, Timer::Transport(key), due);
            }
        }
        let route = match transport.routes.get(packet.ssrc()) {
            Some(route) => route,
            None => transport.routes.learn(&packet, ids)?,
        };
        self.routed(now, index, route, &packet, bytes);
        Some(())
    }

    /// One media packet whose producer is known; what is new in it waits to be forwarded.
    fn routed(
        &mut self,
        now: Instant,
        index: usize,
        route: Route,
        packet: &RtpPacket<'_>,
        bytes: &[u8],
    ) {
        let producer = &mut self.producers[route.producer.index()];
        let Some(accepted) = producer.receive(now, route, packet, bytes) else { return };
        let codec = producer.payload(&accepted.facts).codec;
        let media = MediaPacket::new(
            codec,
            accepted.facts,
            &bytes[accepted.dependency.clone()],
            &bytes[accepted.payload.clone()],
        );
        let encoding = &mut producer.encodings[usize::from(route.encoding)];
        encoding.measure(now, &media);
        if accepted.change == Change::Restart {
            encoding.latest_key_frame = None;
        }
        let begins = encoding.beginning(&media);
        if let Some(first) = begins {
            encoding.note_key_frame(now, first, accepted.facts.timestamp);
        }
        if let (Change::Gap, Some(at)) = (accepted.change, encoding.nack.next()) {
            let timer = Timer::Producer(route.producer);
            self.timers.schedule(&mut producer.due, timer, at);
        }
        if accepted.first {
            self.started(now, route);
        }
        if accepted.change == Change::Restart {
            self.restarted(route);
        }
        let producer = &self.producers[route.producer.index()];
        if !producer.paused && !producer.consumers.is_empty() {
            self.pending.push(Pending {
                producer: route.producer,
                encoding: route.encoding,
                index,
                key_part: media.key_part,
                begins,
                vp8: media.vp8,
                padded_len: accepted.size(),
                accepted,
            });
        }
    }

    /// Consumers of the encoding begin anew, with a key frame.
    fn restarted(&mut self, route: Route) {
        for key in &self.producers[route.producer.index()].consumers {
            if self.consumers[key.index()].restart(route.encoding) {
                self.stale_layers.push(Stale::Consumer(*key));
            }
        }
    }

    fn started(&mut self, now: Instant, route: Route) {
        let producer = &mut self.producers[route.producer.index()];
        self.events
            .push_back(Event::ProducerStarted { producer: producer.id, encoding: route.encoding });
        let limited = self.transports[producer.transport.index()].max_incoming_bitrate.is_some();
        if limited && producer.is_video() {
            let transport = producer.transport;
            self.report_at_once(now, transport);
        }
        self.judge_encodings(now, route.producer);
    }
}

/// Forgets a path unless it belongs to another transport by now.
pub(super) fn forget_path(
    paths: &mut rustc_hash::FxHashMap<Path, TransportKey>,
    path: Path,
    owner: TransportKey,
) {
    if paths.get(&path) == Some(&owner) {
        paths.remove(&path);
    }
}
