//! One peer: where it is, how its packets are protected, what it sends and what it is sent.
//!
//! A [`Transport`] is what every transport has: routes, sources, an estimate, reports, counters.
//! Its [`Kind`] knows where the peer is and how much may go there, its [`Security`] how packets are
//! sealed and opened.

mod kind;
mod security;
mod webrtc;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rotunda_packet::rtp::RtpPacket;
use rustc_hash::FxHashMap;

use crate::command::{ConsumerParameters, ExtensionIds, ProducerParameters, SrtpKeys};
use crate::consumer::key_frames::KeyFrameAllowance;
use crate::consumer::retransmit::ResendBudget;
use crate::consumer::write::Stamp;
use crate::estimator::Estimator;
use crate::event::TransportStats;
use crate::id::TransportId;
use crate::incoming_limit::IncomingLimit;
use crate::io::Output;
use crate::keys::{ConsumerKey, ProducerKey, TransportKey};
use crate::path::Path;
use crate::producer::encoding::SenderClock;
use crate::remb::ReceiveLimit;
use crate::routing::{Route, RouteTable};
use crate::scarcity::Scarcity;
use crate::timers::{Due, Timer, Timers};
use crate::twcc::{ArrivalRecorder, Feedback};
use crate::wallclock::{ClockOffset, SendTime};

pub(crate) use kind::Kind;
use security::Security;
pub(crate) use webrtc::WebRtc;

/// So many SSRCs lead to a transport, the newest: one that sends is enough.
const SOURCES_EACH: usize = 16;

/// Everything about one transport.
pub(crate) struct Transport {
    id: TransportId,
    kind: Kind,
    security: Security,
    routes: RouteTable,
    /// What its producers' packets carry; the same for all of a bundle.
    extensions: ExtensionIds,
    arrivals: ArrivalRecorder,
    receive_limit: ReceiveLimit,
    /// What the owner allows.
    incoming_limit: Option<IncomingLimit>,
    pub estimator: Estimator,
    producers: Vec<ProducerKey>,
    consumers: Vec<ConsumerKey>,
    /// Consumers by the SSRCs that they send, retransmissions included.
    sources: FxHashMap<u32, ConsumerKey>,
    /// SSRCs of the peer by which the worker finds this transport.
    known_by: VecDeque<u32>,
    due: Due,
    next_report: Instant,
    /// SSRC of our reports and feedback.
    own_ssrc: u32,
    round_trip: Option<Duration>,
    clock_offset: ClockOffset,
    resends: ResendBudget,
    pub key_frames: KeyFrameAllowance,
    pub layers_chosen: Option<Instant>,
    pub layers_due: Option<Instant>,
    pub scarcity: Scarcity,
    bytes_received: u64,
    bytes_sent: u64,
    srtp_rejected: u64,
}

impl Transport {
    pub(crate) fn new(now: Instant, id: TransportId, kind: Kind, own_ssrc: u32) -> Self {
        Self {
            id,
            security: kind.first_security(),
            kind,
            routes: RouteTable::default(),
            extensions: ExtensionIds::default(),
            arrivals: ArrivalRecorder::new(now),
            receive_limit: ReceiveLimit::default(),
            incoming_limit: None,
            estimator: Estimator::new(now),
            producers: Vec::new(),
            consumers: Vec::new(),
            sources: FxHashMap::default(),
            known_by: VecDeque::new(),
            due: Due::default(),
            next_report: now + Duration::from_millis(u64::from(own_ssrc % 1000)),
            own_ssrc,
            round_trip: None,
            clock_offset: ClockOffset::default(),
            resends: ResendBudget::new(),
            key_frames: KeyFrameAllowance::default(),
            layers_chosen: None,
            layers_due: None,
            scarcity: Scarcity::default(),
            bytes_received: 0,
            bytes_sent: 0,
            srtp_rejected: 0,
        }
    }

    pub(crate) fn id(&self) -> TransportId {
        self.id
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.kind
    }

    pub(crate) fn kind_mut(&mut self) -> &mut Kind {
        &mut self.kind
    }

    /// SSRC of our reports and feedback.
    pub(crate) fn own_ssrc(&self) -> u32 {
        self.own_ssrc
    }

    /// Packets are protected with these keys from now on.
    pub(crate) fn set_keys(&mut self, keys: &SrtpKeys) -> Result<(), String> {
        self.security = Security::srtp(keys)?;
        self.kind.keys_set();
        Ok(())
    }

    /// Whether packets can be sealed: keys that are wanted are there.
    #[inline]
    pub(crate) fn is_ready(&self) -> bool {
        self.security.is_ready()
    }

    /// Sees to it that the transport is looked after at `at` or before.
    pub(crate) fn wake(&mut self, timers: &mut Timers, key: TransportKey, at: Instant) {
        timers.schedule(&mut self.due, Timer::Transport(key), at);
    }

    /// Whether a timer's entry for `at` is the one that counts, which is then used up.
    pub(crate) fn fires(&mut self, at: Instant) -> bool {
        self.due.fires(at)
    }

    pub(crate) fn stats(&self, now: Instant) -> TransportStats {
        TransportStats {
            transport: self.id.0,
            bytes_received: self.bytes_received,
            bytes_sent: self.bytes_sent,
            srtp_rejected: self.srtp_rejected,
            packets_refused: self.incoming_limit.as_ref().map_or(0, IncomingLimit::refused),
            available_outgoing_bitrate: self.estimator.estimate(now),
            round_trip_time: self.round_trip.map(|round_trip| round_trip.as_secs_f64()),
        }
    }
}

/// What the peer sends.
impl Transport {
    /// A datagram came on a path of the peer's.
    pub(crate) fn received(&mut self, path: Path, bytes: usize) {
        self.bytes_received += bytes as u64;
        self.kind.received(path, bytes);
    }

    /// Opens an RTP packet in place and returns its length. `None`: it was refused.
    pub(crate) fn open_rtp(&mut self, data: &mut [u8]) -> Option<usize> {
        let routes = &self.routes;
        let opened = self.security.open_rtp(data, |ssrc| routes.get(ssrc).is_some());
        self.srtp_rejected += u64::from(opened.is_none() && self.is_ready());
        opened
    }

    /// Opens a compound RTCP packet in place and returns its length. `None`: it was refused.
    pub(crate) fn open_rtcp(&mut self, data: &mut [u8]) -> Option<usize> {
        let routes = &self.routes;
        let opened = self.security.open_rtcp(data, |ssrc| routes.get(ssrc).is_some());
        self.srtp_rejected += u64::from(opened.is_none() && self.is_ready());
        opened
    }

    /// The source whose first authentic packet was opened, once.
    pub(crate) fn take_new_source(&mut self) -> Option<u32> {
        self.security.take_new_source()
    }

    /// Something authentic came; whether it was the first with these keys.
    pub(crate) fn hears_first(&mut self) -> bool {
        self.security.hears_first()
    }

    /// The worker finds this transport by an SSRC of the peer from now on; returns one by which it
    /// does not any more.
    pub(crate) fn become_known_by(&mut self, ssrc: u32) -> Option<u32> {
        self.known_by.push_back(ssrc);
        if self.known_by.len() > SOURCES_EACH { self.known_by.pop_front() } else { None }
    }

    /// SSRCs of the peer by which the worker finds this transport.
    pub(crate) fn known_by(&self) -> impl Iterator<Item = u32> + '_ {
        self.known_by.iter().copied()
    }

    /// Where the packets of an SSRC belong.
    pub(crate) fn route(&self, ssrc: u32) -> Option<Route> {
        self.routes.get(ssrc)
    }

    /// Where a packet belongs; one of an unknown SSRC is recognised by its extensions.
    pub(crate) fn route_of(&mut self, packet: &RtpPacket<'_>) -> Option<Route> {
        let known = self.routes.get(packet.ssrc());
        known.or_else(|| self.routes.learn(packet, &self.extensions))
    }

    /// Notes the transport-wide number of a packet. Returns whether it has one.
    pub(crate) fn note_arrival(&mut self, now: Instant, packet: &RtpPacket<'_>) -> bool {
        let value = self.extensions.transport_cc.and_then(|id| packet.extension(id));
        let Some(sequence) = value.and_then(|value| value.first_chunk()) else { return false };
        self.arrivals.arrived(now, u16::from_be_bytes(*sequence));
        true
    }

    /// When feedback about arrivals is due; `None`: there is nothing to tell.
    pub(crate) fn feedback_due(&self) -> Option<Instant> {
        self.arrivals.due()
    }

    /// Takes what is to be told of arrivals; [`Self::give_back`] returns the memory.
    pub(crate) fn take_feedback(&mut self, media_ssrc: u32) -> Feedback {
        self.arrivals.take_feedback(self.own_ssrc, media_ssrc)
    }

    pub(crate) fn give_back(&mut self, feedback: Feedback) {
        self.arrivals.give_back(feedback);
    }

    /// Holds the peer to this bit rate.
    pub(crate) fn limit_incoming(&mut self, now: Instant, bits_per_second: u64) {
        match &mut self.incoming_limit {
            Some(limit) => limit.change(now, bits_per_second),
            none => *none = Some(IncomingLimit::new(now, bits_per_second)),
        }
    }

    pub(crate) fn has_incoming_limit(&self) -> bool {
        self.incoming_limit.is_some()
    }

    /// Whether a video packet of so many bytes may go on; one that may not is counted.
    pub(crate) fn admits_video(&mut self, now: Instant, bytes: usize) -> bool {
        self.incoming_limit.as_mut().is_none_or(|limit| limit.admits(now, bytes))
    }

    /// How many packets were refused since that was last asked for, if it is time to tell.
    pub(crate) fn take_refused(&mut self, now: Instant) -> Option<u64> {
        self.incoming_limit.as_mut()?.take_refused(now)
    }

    /// The bit rate that a peer which sends video is told, after an interval in which the worst
    /// encoding lost this fraction and all together made `received` bit/s. One that has
    /// transport-wide feedback estimates by itself, and is told what the owner allows.
    pub(crate) fn bitrate_to_tell(
        &mut self,
        now: Instant,
        worst_fraction_lost: u8,
        received: u64,
    ) -> Option<u64> {
        let estimate = (self.extensions.transport_cc.is_none())
            .then(|| self.receive_limit.update(now, worst_fraction_lost, received));
        let allowed = self.incoming_limit.as_ref().map(IncomingLimit::bits_per_second);
        [estimate, allowed].into_iter().flatten().min()
    }

    /// A sender report showed the peer's clocks.
    pub(crate) fn note_clock(&mut self, clock: &SenderClock) {
        if clock.believed {
            self.clock_offset.add(clock.offset);
        } else if clock.ntp != 0 {
            self.clock_offset.forget();
        }
    }

    /// What our wall clock is ahead of the peer's. `None`: it has told no time that can be believed.
    pub(crate) fn clock_offset(&self) -> Option<i64> {
        self.clock_offset.get()
    }
}

/// What the peer is sent.
impl Transport {
    /// Where the peer is. `None`: not known, or not any more.
    #[inline]
    pub(crate) fn destination(&self) -> Option<Path> {
        self.kind.destination()
    }

    /// Sends one RTP packet of at most `room` bytes, which `write` makes; returns the bytes sent.
    /// Without keys, or where the peer may not get so much, it is lost, as on any bad network.
    #[inline(always)]
    pub(crate) fn send_rtp(
        &mut self,
        path: Path,
        leaves: &SendTime,
        room: usize,
        output: &mut impl Output,
        write: impl FnOnce(&mut [u8], &Stamp) -> Option<usize>,
    ) -> usize {
        let Some(overhead) = self.security.rtp_overhead() else { return 0 };
        let capacity = room + overhead;
        if !self.kind.grant(capacity) {
            return 0;
        }
        let stamp = Stamp {
            abs_send_time: leaves.abs_send_time,
            transport_sequence: self.estimator.number().to_be_bytes(),
        };
        let (security, mut sent) = (&mut self.security, 0);
        output.send(path, capacity, |buffer| {
            let len = write(buffer, &stamp)?;
            sent = security.seal_rtp(buffer, len)?;
            Some(sent)
        });
        if sent > 0 {
            self.estimator.sent(leaves.micros, sent);
            self.bytes_sent += sent as u64;
        }
        sent
    }

    /// Sends one compound RTCP packet; without path or keys it is lost, as on any bad network.
    /// Returns whether it went out.
    pub(crate) fn send_rtcp(&mut self, compound: &[u8], output: &mut impl Output) -> bool {
        let (Some(path), Some(overhead)) = (self.destination(), self.security.rtcp_overhead())
        else {
            return false;
        };
        let capacity = compound.len() + overhead;
        if !self.kind.grant(capacity) {
            return false;
        }
        let mut sent = 0;
        output.send(path, capacity, |buffer| {
            buffer.get_mut(..compound.len())?.copy_from_slice(compound);
            sent = self.security.seal_rtcp(buffer, compound.len())?;
            Some(sent)
        });
        self.bytes_sent += sent as u64;
        sent > 0
    }

    /// Sends one DTLS datagram. Without a path it is lost, and DTLS repeats it.
    pub(crate) fn send_dtls(&mut self, datagram: &[u8], output: &mut impl Output) {
        let keyed = self.is_ready();
        let Some(path) = self.destination() else { return };
        let Kind::WebRtc(webrtc) = &mut self.kind;
        let granted = match keyed {
            true => webrtc.grant(datagram.len()),
            false => webrtc.grant_handshake(datagram.len()),
        };
        if !granted {
            return;
        }
        self.bytes_sent += datagram.len() as u64;
        output.send(path, datagram.len(), |buffer| {
            buffer.get_mut(..datagram.len())?.copy_from_slice(datagram);
            Some(datagram.len())
        });
    }

    /// Bytes of the past that the peer may be sent.
    pub(crate) fn resends(&self) -> &ResendBudget {
        &self.resends
    }

    pub(crate) fn resends_mut(&mut self) -> &mut ResendBudget {
        &mut self.resends
    }

    /// A measured round trip.
    pub(crate) fn measured_round_trip(&mut self, sample: Duration) {
        let smoothed = self.round_trip.map_or(sample, |before| (before * 7 + sample) / 8);
        self.round_trip = Some(smoothed);
    }

    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// When the next reports are due.
    pub(crate) fn next_report(&self) -> Instant {
        self.next_report
    }

    pub(crate) fn report_next_at(&mut self, at: Instant) {
        self.next_report = at;
    }
}

/// What runs over it.
impl Transport {
    /// Whether a producer can be told from those that are there; the error says why not.
    pub(crate) fn check_producer(&self, parameters: &ProducerParameters) -> Result<(), String> {
        self.routes.check(parameters)
    }

    pub(crate) fn add_producer(&mut self, key: ProducerKey, parameters: &ProducerParameters) {
        self.merge_extensions(&parameters.extensions);
        self.routes.add(key, parameters);
        self.producers.push(key);
    }

    pub(crate) fn remove_producer(&mut self, key: ProducerKey) {
        self.routes.remove(key);
        self.producers.retain(|other| *other != key);
    }

    pub(crate) fn producers(&self) -> &[ProducerKey] {
        &self.producers
    }

    /// Whether a consumer's SSRCs may be sent; the error says why not.
    pub(crate) fn check_consumer(&self, parameters: &ConsumerParameters) -> Result<(), String> {
        for ssrc in ssrcs_of(parameters) {
            if self.sources.contains_key(&ssrc) {
                return Err(format!("SSRC {ssrc} is in use"));
            }
            if self.security.is_retired(ssrc) {
                return Err(format!("SSRC {ssrc} was in use before"));
            }
        }
        Ok(())
    }

    pub(crate) fn add_consumer(&mut self, key: ConsumerKey, parameters: &ConsumerParameters) {
        self.sources.extend(ssrcs_of(parameters).map(|ssrc| (ssrc, key)));
        self.consumers.push(key);
    }

    pub(crate) fn remove_consumer(&mut self, key: ConsumerKey, parameters: &ConsumerParameters) {
        self.consumers.retain(|other| *other != key);
        for ssrc in ssrcs_of(parameters) {
            self.sources.remove(&ssrc);
            self.security.retire(ssrc);
        }
    }

    pub(crate) fn consumers(&self) -> &[ConsumerKey] {
        &self.consumers
    }

    /// The consumer that sends with an SSRC.
    pub(crate) fn consumer_of(&self, ssrc: u32) -> Option<ConsumerKey> {
        self.sources.get(&ssrc).copied()
    }

    /// There is something to report about.
    pub(crate) fn is_busy(&self) -> bool {
        !(self.producers.is_empty() && self.consumers.is_empty())
    }

    /// Adds the extension ids of one more producer.
    fn merge_extensions(&mut self, ids: &ExtensionIds) {
        let own = &mut self.extensions;
        own.mid = own.mid.or(ids.mid);
        own.rid = own.rid.or(ids.rid);
        own.repaired_rid = own.repaired_rid.or(ids.repaired_rid);
        own.abs_send_time = own.abs_send_time.or(ids.abs_send_time);
        own.transport_cc = own.transport_cc.or(ids.transport_cc);
    }
}

fn ssrcs_of(parameters: &ConsumerParameters) -> impl Iterator<Item = u32> {
    [Some(parameters.ssrc), parameters.rtx_ssrc].into_iter().flatten()
}
