//! One peer: where it is, how its packets are protected, what it sends and what it is sent.
//!
//! A [`Transport`] is what every transport has: routes, sources, an estimate, reports, counters.
//! Its [`Kind`] knows where the peer is and how much may go there, its [`Security`] how packets are
//! sealed and opened.

mod egress;
mod incoming;
mod kind;
mod outgoing;
mod plain;
mod security;
mod webrtc;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use crate::allocation::Policy;
use crate::command::{ConsumerParameters, ExtensionIds, ProducerParameters, SrtpKeys};
use crate::consumer::key_frames::KeyFrameAllowance;
use crate::consumer::retransmit::ResendBudget;
use crate::estimator::Estimator;
use crate::event::TransportStats;
use crate::id::TransportId;
use crate::incoming_limit::IncomingLimit;
use crate::keys::{ConsumerKey, ProducerKey, TransportKey};
use crate::remb::ReceiveLimit;
use crate::routing::RouteTable;
use crate::timers::{Due, Timer, Timers};
use crate::twcc::ArrivalRecorder;
use crate::wallclock::ClockOffset;

use egress::Egress;
pub(crate) use egress::{Class, Content, Form, Queued};
pub(crate) use kind::Kind;
pub(crate) use plain::Plain;
use security::Security;
pub(crate) use webrtc::WebRtc;

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
    egress: Egress,
    pub key_frames: KeyFrameAllowance,
    /// Decides which layers its consumers are sent.
    pub layers: Policy,
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
            egress: Egress::default(),
            key_frames: KeyFrameAllowance::default(),
            layers: Policy::default(),
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
        self.egress.forget(key);
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
