//! One media source as it is received: its encodings, their statistics, repairs and history.

pub(crate) mod encoding;
pub(crate) mod history;
pub(crate) mod keyframe;
pub(crate) mod nack;
pub(crate) mod receive;

use std::ops::Range;
use std::time::{Duration, Instant};

use rotunda_packet::rtp::RtpPacket;
use rotunda_packet::rtp::split_rtx;

use crate::command::{MediaKind, PayloadMapping, ProducerParameters};
use crate::config::Config;
use crate::event::ProducerStats;
use crate::id::ProducerId;
use crate::keys::{ConsumerKey, RouterKey, TransportKey};
use crate::packet::{Facts, MediaPacket, range_within};
use crate::routing::Route;
use crate::speaker::Loudness;
use crate::timers::Due;
use encoding::Encoding;

/// How often encodings are judged alive or dead.
pub(crate) const JUDGE_INTERVAL: Duration = Duration::from_millis(100);
/// An encoding silent for so long, while others go on, is dead: its viewers stand still.
const DEAD_AFTER: Duration = Duration::from_millis(400);
/// Marks a retransmission's payload type in the table.
const REPAIR: u8 = 0x80;
const UNKNOWN: u8 = 0xff;

/// A producer and who consumes it.
#[derive(Debug)]
pub(crate) struct Producer {
    pub id: ProducerId,
    pub router: RouterKey,
    pub transport: TransportKey,
    pub parameters: Box<ProducerParameters>,
    pub paused: bool,
    pub encodings: Vec<Encoding>,
    pub consumers: Vec<ConsumerKey>,
    pub loudness: Loudness,
    pub due: Due,
    pub nacks_sent: u64,
    pub plis_sent: u64,
    alive: u32,
    silent: u32,
    judged: Option<Instant>,
    /// Index of the payload mapping by payload type, [`REPAIR`] added for RTX.
    payload_types: [u8; 128],
}

/// A media packet that is new: where its parts lie in the decrypted packet.
#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    pub facts: Facts,
    pub payload: Range<usize>,
    pub dependency: Range<usize>,
    /// The first packet of its encoding.
    pub first: bool,
    pub change: Change,
}

/// What else a new packet means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing.
    None,
    /// There is something to ask for.
    Gap,
    /// The source started over: numbers and clock have no relation to those before.
    Restart,
}

impl Producer {
    pub(crate) fn new(
        now: Instant,
        config: &Config,
        id: ProducerId,
        router: RouterKey,
        transport: TransportKey,
        parameters: Box<ProducerParameters>,
    ) -> Self {
        let clock_rate = parameters.payloads.first().map_or(90_000, |payload| payload.clock_rate);
        let kind = parameters.kind;
        let count = parameters.encodings.len();
        let encodings = parameters
            .encodings
            .iter()
            .zip(1..)
            .map(|(encoding, n)| Encoding::new(now, config, kind, clock_rate, encoding, count - n))
            .collect();
        let mut payload_types = [UNKNOWN; 128];
        for (payload, index) in parameters.payloads.iter().zip(0u8..) {
            payload_types[usize::from(payload.payload_type & 0x7f)] = index;
            if let Some(rtx) = payload.rtx_payload_type {
                payload_types[usize::from(rtx & 0x7f)] = index | REPAIR;
            }
        }
        Self {
            id,
            router,
            transport,
            parameters,
            paused: false,
            encodings,
            consumers: Vec::new(),
            loudness: Loudness::default(),
            due: Due::default(),
            nacks_sent: 0,
            plis_sent: 0,
            alive: 0,
            silent: 0,
            judged: None,
            payload_types,
        }
    }

    /// The mapping that a packet's facts name.
    pub(crate) fn payload(&self, facts: &Facts) -> &PayloadMapping {
        &self.parameters.payloads[usize::from(facts.payload)]
    }

    pub(crate) fn is_video(&self) -> bool {
        self.parameters.kind == MediaKind::Video
    }

    /// Takes in one decrypted packet that was routed here. One without a payload that we know is
    /// taken in for its number, as one with an empty payload. `None`: nothing came of it, because
    /// it is a duplicate, a probe or far out of sequence.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        route: Route,
        packet: &RtpPacket<'_>,
        bytes: &[u8],
    ) -> Option<Accepted> {
        let (index, repair) = match self.payload_types[usize::from(packet.payload_type())] {
            UNKNOWN => (None, route.repair),
            entry => (Some(entry & !REPAIR), route.repair || entry & REPAIR != 0),
        };
        let nack = self.parameters.payloads[usize::from(index.unwrap_or(0))].nack && !self.paused;
        let encoding = self.encodings.get_mut(usize::from(route.encoding))?;
        let mut payload = packet.payload_range();
        let (sequence, change) = if repair {
            encoding.rtx_received += 1;
            let (original, rest) = split_rtx(&bytes[payload.clone()])?;
            payload.start = payload.end - rest.len();
            (encoding.repaired(now, packet.ssrc(), original)?, Change::None)
        } else if index.is_none() && encoding.ssrc != Some(packet.ssrc()) {
            // Error correction may have an SSRC of its own, which is not the encoding's new one.
            return None;
        } else {
            encoding.place(now, packet, nack)?
        };
        if index.is_none() {
            payload.start = payload.end;
        }
        let facts = self.facts(packet, sequence, index.unwrap_or(0));
        let dependency = self
            .parameters
            .extensions
            .dependency_descriptor
            .and_then(|id| packet.extension(id))
            .map_or(0..0, |value| range_within(bytes, value));
        let encoding = &mut self.encodings[usize::from(route.encoding)];
        encoding.history.store(now, facts, &bytes[dependency.clone()], &bytes[payload.clone()]);
        let mut first = false;
        if !payload.is_empty() {
            encoding.packets_received += 1;
            first = encoding.last_packet.replace(now).is_none();
            if let Some(level) = facts.audio_level.filter(|_| !self.paused) {
                self.loudness.hear(now, level & 0x7f);
            }
        }
        Some(Accepted { facts, payload, dependency, first, change })
    }

    /// A packet of the past that is not too old to be useful.
    pub(crate) fn past(&self, now: Instant, encoding: u8, source: u64) -> Option<MediaPacket<'_>> {
        let past = self.encodings.get(usize::from(encoding))?.history.get(now, source)?;
        let codec = self.payload(&past.facts).codec;
        Some(MediaPacket::new(codec, past.facts, past.dependency, past.payload))
    }

    /// Encodings that packets come for, a bit each, as of the last judgement.
    pub(crate) fn alive(&self) -> u32 {
        self.alive
    }

    /// Judges which encodings live; returns whether that changed. What came to life counts at once.
    /// What fell silent has to be so in two judgements: after a sender stood still as a whole its
    /// encodings come back one after the other.
    pub(crate) fn judge_encodings(&mut self, now: Instant) -> bool {
        let heard = self.heard_encodings();
        let before = self.alive;
        self.alive |= heard;
        if self.judged.is_none_or(|at| now.saturating_duration_since(at) >= JUDGE_INTERVAL) {
            self.judged = Some(now);
            self.alive &= heard | !self.silent;
            self.silent = !heard;
        }
        self.alive != before
    }

    /// Encodings that were not silent lately while another one was heard.
    fn heard_encodings(&self) -> u32 {
        let last = |encoding: &Encoding| encoding.last_packet;
        let Some(newest) = self.encodings.iter().filter_map(last).max() else { return 0 };
        let recent = |at: Instant| newest.saturating_duration_since(at) < DEAD_AFTER;
        let heard = self.encodings.iter().zip(0..).filter(|(e, _)| last(e).is_some_and(recent));
        heard.fold(0, |mask, (_, index)| mask | 1 << index)
    }

    /// An SSRC to name it by in feedback.
    pub(crate) fn any_ssrc(&self) -> Option<u32> {
        self.encodings.iter().find_map(|encoding| encoding.ssrc)
    }

    pub(crate) fn stats(&self, now: Instant) -> ProducerStats {
        let sum = |value: fn(&Encoding) -> u64| self.encodings.iter().map(value).sum();
        ProducerStats {
            producer: self.id.0,
            packets_received: sum(|encoding| encoding.packets_received),
            packets_lost: self
                .encodings
                .iter()
                .map(|encoding| encoding.reception.lost() - encoding.repaired as i64)
                .sum(),
            rtx_received: sum(|encoding| encoding.rtx_received),
            nacks_sent: self.nacks_sent,
            plis_sent: self.plis_sent,
            jitter: self
                .encodings
                .iter()
                .map(|encoding| encoding.reception.jitter_seconds())
                .fold(0.0, f64::max),
            bitrates: self.encodings.iter().map(|encoding| encoding.bitrate(now)).collect(),
            audio_level: self.loudness.level(),
        }
    }

    fn facts(&self, packet: &RtpPacket<'_>, sequence: u64, payload: u8) -> Facts {
        let ids = &self.parameters.extensions;
        let byte = |id: Option<u8>| {
            id.and_then(|id| packet.extension(id)).and_then(|value| value.first()).copied()
        };
        Facts {
            sequence,
            timestamp: packet.timestamp(),
            payload,
            marker: packet.marker(),
            audio_level: byte(ids.audio_level),
            orientation: byte(ids.video_orientation),
        }
    }
}

impl Accepted {
    /// Bytes that the codec made.
    pub(crate) fn size(&self) -> usize {
        self.payload.len()
    }
}
