//! One peer: its paths, keys, sources and reports.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rotunda_packet::srtp::{Receiver, Sender, SrtpError};
use rustc_hash::FxHashMap;

use crate::command::{ExtensionIds, IceCredentials, SrtpKeys};
use crate::consumer::key_frames::KeyFrameAllowance;
use crate::consumer::retransmit::ResendBudget;
use crate::estimator::Estimator;
use crate::event::TransportStats;
use crate::ice::IceLite;
use crate::id::TransportId;
use crate::incoming_limit::IncomingLimit;
use crate::io::Output;
use crate::keys::{ConsumerKey, ProducerKey};
use crate::remb::ReceiveLimit;
use crate::routing::RouteTable;
use crate::scarcity::Scarcity;
use crate::timers::Due;
use crate::twcc::ArrivalRecorder;
use crate::wallclock::ClockOffset;

/// Everything about one transport.
pub(crate) struct Transport {
    pub id: TransportId,
    pub ice: IceLite,
    /// Username fragments that name this transport to checks.
    pub ufrags: Vec<String>,
    pub srtp: Option<Srtp>,
    pub routes: RouteTable,
    /// What its producers' packets carry; the same for all of a bundle.
    pub extensions: ExtensionIds,
    pub arrivals: ArrivalRecorder,
    pub receive_limit: ReceiveLimit,
    /// What the owner allows.
    pub incoming_limit: Option<IncomingLimit>,
    pub estimator: Estimator,
    pub producers: Vec<ProducerKey>,
    pub consumers: Vec<ConsumerKey>,
    /// Consumers by the SSRCs that they send, retransmissions included.
    pub sources: FxHashMap<u32, ConsumerKey>,
    /// SSRCs of the peer by which the worker finds this transport.
    pub known_by: VecDeque<u32>,
    pub due: Due,
    pub next_report: Instant,
    /// SSRC of our reports and feedback.
    pub own_ssrc: u32,
    pub round_trip: Option<Duration>,
    pub clock_offset: ClockOffset,
    pub resends: ResendBudget,
    pub key_frames: KeyFrameAllowance,
    pub layers_chosen: Option<Instant>,
    pub layers_due: Option<Instant>,
    pub scarcity: Scarcity,
    pub bytes_received: u64,
    pub bytes_sent: u64,
    pub srtp_rejected: u64,
}

/// Keys of both directions.
pub(crate) struct Srtp {
    pub sender: Sender,
    pub receiver: Receiver,
    /// The peer has sent something with these keys.
    pub heard: bool,
}

impl Srtp {
    pub(crate) fn new(keys: &SrtpKeys) -> Result<Self, SrtpError> {
        Ok(Self {
            sender: Sender::new(keys.profile, &keys.send)?,
            receiver: Receiver::new(keys.profile, &keys.receive)?,
            heard: false,
        })
    }
}

impl Transport {
    pub(crate) fn new(now: Instant, id: TransportId, ice: IceCredentials, own_ssrc: u32) -> Self {
        Self {
            id,
            ufrags: vec![ice.ufrag.clone()],
            ice: IceLite::new(ice),
            srtp: None,
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

    /// Opens an SRTP or SRTCP packet in place and returns its length; counts what is refused. Where
    /// there are too many sources, those of closed producers make room.
    pub(crate) fn open(
        &mut self,
        data: &mut [u8],
        unprotect: impl Fn(&mut Receiver, &mut [u8]) -> Result<usize, SrtpError>,
    ) -> Option<usize> {
        let receiver = &mut self.srtp.as_mut()?.receiver;
        let mut opened = unprotect(receiver, data);
        if opened == Err(SrtpError::TooManySources) {
            let routes = &self.routes;
            receiver.retain_sources(|ssrc| routes.get(ssrc).is_some());
            opened = unprotect(receiver, data);
        }
        if opened.is_err() {
            self.srtp_rejected += 1;
        }
        opened.ok()
    }

    /// Sends one compound RTCP packet over the selected path; without path or keys it is lost, as
    /// on any bad network. Returns whether it went out.
    pub(crate) fn send_rtcp(&mut self, compound: &[u8], output: &mut impl Output) -> bool {
        let (Some(path), Some(srtp)) = (self.ice.selected(), self.srtp.as_mut()) else {
            return false;
        };
        let capacity = compound.len() + srtp.sender.profile().rtcp_overhead();
        if !self.ice.grant(capacity) {
            return false;
        }
        let mut sent = 0;
        output.send(path, capacity, |buffer| {
            buffer.get_mut(..compound.len())?.copy_from_slice(compound);
            sent = srtp.sender.protect_rtcp(buffer, compound.len()).ok()?;
            Some(sent)
        });
        self.bytes_sent += sent as u64;
        sent > 0
    }

    /// Adds the extension ids of one more producer.
    pub(crate) fn merge_extensions(&mut self, ids: &ExtensionIds) {
        let own = &mut self.extensions;
        own.mid = own.mid.or(ids.mid);
        own.rid = own.rid.or(ids.rid);
        own.repaired_rid = own.repaired_rid.or(ids.repaired_rid);
        own.abs_send_time = own.abs_send_time.or(ids.abs_send_time);
        own.transport_cc = own.transport_cc.or(ids.transport_cc);
    }

    /// A measured round trip.
    pub(crate) fn measured_round_trip(&mut self, sample: Duration) {
        let smoothed = self.round_trip.map_or(sample, |before| (before * 7 + sample) / 8);
        self.round_trip = Some(smoothed);
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
