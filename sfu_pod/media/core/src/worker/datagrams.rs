//! From a datagram to a packet that waits to be forwarded.

use std::time::Instant;

use rotunda_packet::demux::{PacketKind, classify};
use rotunda_packet::rtp::RtpPacket;

use super::Worker;
use super::forward::Pending;
use super::layers::Stale;
use crate::event::Event;
use crate::io::Output;
use crate::keys::TransportKey;
use crate::packet::MediaPacket;
use crate::path::Path;
use crate::producer::Change;
use crate::routing::Route;
use crate::timers::Timer;
use crate::transports::Transport;

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
            Some((kind, owner.or_else(|| self.sender_of(kind, path, data))?))
        });
        let Some((kind, key)) = owner else {
            self.counters.packets_dropped += 1;
            return;
        };
        let transport = &mut self.transports[key.index()];
        transport.received(path, data.len());
        let done = match kind {
            PacketKind::Dtls => {
                let has_dtls = transport.kind().as_webrtc().is_some();
                has_dtls.then(|| output.dtls(transport.id(), data))
            }
            PacketKind::Rtp => self
                .open(now, key, path, data, Transport::open_rtp, output)
                .and_then(|len| self.media(now, key, index, &data[..len])),
            PacketKind::Rtcp => self
                .open(now, key, path, data, Transport::open_rtcp, output)
                .map(|len| self.control(now, key, path, &data[..len])),
            PacketKind::Stun => Some(()),
        };
        if done.is_none() {
            self.counters.packets_dropped += 1;
        }
    }

    /// Opens an RTP or RTCP packet in place and returns its length: evidence that the peer is
    /// where it came from. `None`: it was refused.
    fn open(
        &mut self,
        now: Instant,
        key: TransportKey,
        path: Path,
        data: &mut [u8],
        open: fn(&mut Transport, &mut [u8]) -> Option<usize>,
        output: &mut impl Output,
    ) -> Option<usize> {
        let transport = &mut self.transports[key.index()];
        let bytes = data.len();
        let len = open(transport, data)?;
        let is_new_path = !transport.kind().knows(path);
        if let Some(ssrc) = transport.take_new_source() {
            self.note_source(key, ssrc);
        }
        if is_new_path {
            self.appeared(now, key, path, bytes, output);
        }
        self.heard(now, key, path);
        Some(len)
    }

    /// One RTP packet, opened. `None`: it led nowhere.
    fn media(&mut self, now: Instant, key: TransportKey, index: usize, bytes: &[u8]) -> Option<()> {
        let transport = &mut self.transports[key.index()];
        let packet = RtpPacket::parse(bytes).ok()?;
        let route = transport.route_of(&packet);
        if let Some(route) = route
            && self.producers[route.producer.index()].is_video()
            && !transport.admits_video(now, bytes.len())
        {
            // The peer's congestion control is to see that it is lost.
            self.counters.packets_refused += 1;
            return Some(());
        }
        if transport.note_arrival(now, &packet)
            && let Some(due) = transport.feedback_due()
        {
            transport.wake(&mut self.timers, key, due);
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
        encoding.measure(now, codec, &media);
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
                frame: media.frame,
                begins,
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
        let limited = self.transports[producer.transport.index()].has_incoming_limit();
        if limited && producer.is_video() {
            let transport = producer.transport;
            self.report_at_once(now, transport);
        }
        self.judge_encodings(now, route.producer);
    }
}
