//! From a datagram to a packet that waits to be forwarded.

use std::time::Instant;

use rotunda_packet::demux::{PacketKind, classify};
use rotunda_packet::rtp::RtpPacket;
use rotunda_packet::srtp::{Receiver, SrtpError};
use rotunda_packet::stun::{Class, Message};

use super::Worker;
use super::forward::Pending;
use super::layers::Stale;
use crate::event::Event;
use crate::ice::IceChange;
use crate::io::Output;
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
            return self.stun(now, path, data, output);
        }
        let owner = kind.and_then(|kind| {
            let owner = self.paths.get(&path).copied();
            Some((kind, owner.or_else(|| self.sender_of(kind, data))?))
        });
        let Some((kind, key)) = owner else {
            self.counters.packets_dropped += 1;
            return;
        };
        let transport = &mut self.transports[key.index()];
        transport.bytes_received += data.len() as u64;
        transport.ice.received(path, data.len());
        let done = match kind {
            PacketKind::Dtls => {
                output.dtls(transport.id, data);
                Some(())
            }
            PacketKind::Rtp => self
                .open(now, key, path, data, Receiver::unprotect_rtp, output)
                .and_then(|len| self.media(now, key, index, &data[..len])),
            PacketKind::Rtcp => self
                .open(now, key, path, data, Receiver::unprotect_rtcp, output)
                .map(|len| self.control(now, key, path, &data[..len], output)),
            PacketKind::Stun => Some(()),
        };
        if done.is_none() {
            self.counters.packets_dropped += 1;
        }
    }

    /// Opens an SRTP or SRTCP packet in place and returns its length: evidence that the peer is
    /// where it came from. `None`: it was refused.
    fn open(
        &mut self,
        now: Instant,
        key: TransportKey,
        path: Path,
        data: &mut [u8],
        unprotect: fn(&mut Receiver, &mut [u8]) -> Result<usize, SrtpError>,
        output: &mut impl Output,
    ) -> Option<usize> {
        let transport = &mut self.transports[key.index()];
        let bytes = data.len();
        let len = transport.open(data, unprotect)?;
        let is_new_path = !transport.ice.knows(path);
        if let Some(ssrc) = transport.srtp.as_mut().and_then(|srtp| srtp.receiver.take_new_source())
        {
            self.note_source(key, ssrc);
        }
        if is_new_path {
            self.appeared(now, key, path, bytes, output);
        }
        self.heard(now, key, path);
        Some(len)
    }

    /// A packet of the path's transport was authentic.
    fn heard(&mut self, now: Instant, key: TransportKey, path: Path) {
        let transport = &mut self.transports[key.index()];
        if let Some(srtp) = &mut transport.srtp
            && !std::mem::replace(&mut srtp.heard, true)
        {
            self.events.push_back(Event::SrtpReceived { transport: transport.id });
        }
        let change = transport.ice.heard(now, path);
        if change.is_some() {
            self.tell_ice_change(now, key, change);
        }
    }

    /// One STUN message: a connectivity check, or the answer to a probe of ours.
    fn stun(&mut self, now: Instant, path: Path, data: &[u8], output: &mut impl Output) {
        let message = Message::parse(data).ok();
        let done = match message {
            Some(request) if request.is_binding_request() => {
                self.check(now, path, &request, output)
            }
            Some(answer) if matches!(answer.class(), Class::Success | Class::Error) => {
                self.probe_answer(path, &answer)
            }
            _ => None,
        };
        if done.is_none() {
            self.counters.packets_dropped += 1;
        }
    }

    /// The answer to a probe. `None`: we did not ask.
    fn probe_answer(&mut self, path: Path, answer: &Message<'_>) -> Option<()> {
        let key = self.paths.get(&path).copied()?;
        let ice = &mut self.transports[key.index()].ice;
        ice.received(path, answer.len());
        ice.handle_answer(path, answer).then(|| self.stale_layers.push(Stale::Transport(key)))
    }

    /// One connectivity check: answered if its transport is known.
    fn check(
        &mut self,
        now: Instant,
        path: Path,
        request: &Message<'_>,
        output: &mut impl Output,
    ) -> Option<()> {
        let (ours, _) = request.ufrags()?;
        let key = self.ufrags.get(ours).copied()?;
        let transport = &mut self.transports[key.index()];
        self.scratch.clear();
        let outcome = transport.ice.handle_request(now, path, request, &mut self.scratch);
        send_plain(path, &self.scratch, output);
        if outcome.validated {
            let answer = self.scratch.len();
            self.scratch.clear();
            transport.ice.write_probe(path, answer, &mut self.scratch);
            send_plain(path, &self.scratch, output);
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
        if outcome.validated {
            self.own_path(now, path, key);
        }
        self.tell_ice_change(now, key, outcome.change);
        Some(())
    }

    /// What comes on the path is this transport's from now on. A check with a forged source does not
    /// take the path of somebody else who is heard on it.
    fn own_path(&mut self, now: Instant, path: Path, key: TransportKey) {
        let owner = self.paths.get(&path).filter(|owner| **owner != key);
        if owner.is_none_or(|owner| !self.transports[owner.index()].ice.is_lively(now, path)) {
            self.paths.insert(path, key);
        }
    }

    pub(super) fn tell_ice_change(
        &mut self,
        now: Instant,
        key: TransportKey,
        change: Option<IceChange>,
    ) {
        let transport = self.transports[key.index()].id;
        match change {
            Some(IceChange::Connected(path)) => {
                let Path { listener, remote } = path;
                self.report_to_new_path(now, key);
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

    /// One RTP packet, opened. `None`: it led nowhere.
    fn media(&mut self, now: Instant, key: TransportKey, index: usize, bytes: &[u8]) -> Option<()> {
        let transport = &mut self.transports[key.index()];
        let packet = RtpPacket::parse(bytes).ok()?;
        let ids = &transport.extensions;
        let route = match transport.routes.get(packet.ssrc()) {
            Some(route) => Some(route),
            None => transport.routes.learn(&packet, ids),
        };
        if let (Some(route), Some(limit)) = (route, &mut transport.incoming_limit)
            && self.producers[route.producer.index()].is_video()
            && !limit.admits(now, bytes.len())
        {
            // The peer's congestion control is to see that it is lost.
            self.counters.packets_refused += 1;
            return Some(());
        }
        if let Some(value) = ids.transport_cc.and_then(|id| packet.extension(id))
            && let Some(sequence) = value.first_chunk()
        {
            transport.arrivals.arrived(now, u16::from_be_bytes(*sequence));
            if let Some(due) = transport.arrivals.due() {
                self.timers.schedule(&mut transport.due, Timer::Transport(key), due);
            }
        }
        self.routed(now, index, route?, &packet, bytes);
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
        let limited = self.transports[producer.transport.index()].incoming_limit.is_some();
        if limited && producer.is_video() {
            let transport = producer.transport;
            self.report_at_once(now, transport);
        }
        self.judge_encodings(now, route.producer);
    }
}

/// Sends a datagram as it is; an empty one is none.
pub(super) fn send_plain(path: Path, datagram: &[u8], output: &mut impl Output) {
    if !datagram.is_empty() {
        output.send(path, datagram.len(), |buffer| {
            buffer.get_mut(..datagram.len())?.copy_from_slice(datagram);
            Some(datagram.len())
        });
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
