//! One encoding of a producer: a simulcast layer, or all there is.

use std::time::Instant;

use rotunda_packet::rtcp::SenderInfo;
use rotunda_packet::rtp::RtpPacket;

use crate::codec::{KeyPart, StreamLayers};
use crate::command::{Codec, EncodingParameters, MediaKind};
use crate::config::Config;
use crate::packet::MediaPacket;
use crate::producer::Change;
use crate::producer::history::History;
use crate::producer::keyframe::KeyFrameRequests;
use crate::producer::nack::NackGenerator;
use crate::producer::receive::{Arrival, ReceiveStats};
use crate::rate::RateMeter;
use crate::wallclock::{CLOCK_JUMP, ntp_difference};

/// Temporal layers that are told apart: as many as VP8 has.
const TEMPORAL_LAYERS: usize = 4;
/// Packets and bytes kept: of the highest video encoding a second or so, of each one below half as
/// much, as it has a fraction of the bits; of audio what reordering may need.
const VIDEO_HISTORY: (usize, usize) = (1024, 512 * 1024);
const AUDIO_HISTORY: (usize, usize) = (128, 32 * 1024);
/// Below that a key frame would not fit.
const SMALLEST_VIDEO_HISTORY: (usize, usize) = (256, 128 * 1024);
/// Packets before a slice of a key picture among which its first one is looked for.
const MAX_LOOK_BACK: usize = 128;

/// What is known of one encoding.
#[derive(Debug)]
pub(crate) struct Encoding {
    pub ssrc: Option<u32>,
    pub rtx_ssrc: Option<u32>,
    pub reception: ReceiveStats,
    pub nack: NackGenerator,
    pub key_frames: KeyFrameRequests,
    pub latest_key_frame: Option<KeyFrame>,
    pub history: History,
    pub clock: Option<SenderClock>,
    pub clock_rate: u32,
    pub last_packet: Option<Instant>,
    highest_spatial: u8,
    pub highest_temporal: u8,
    pub packets_received: u64,
    pub rtx_received: u64,
    pub repaired: u64,
    /// Parameter sets come in packets, not by signaling alone.
    has_parameter_sets: bool,
    rates: [RateMeter; TEMPORAL_LAYERS],
}

/// Where in the history a decoder can begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyFrame {
    /// Extended number of its first packet.
    pub first: u64,
    pub timestamp: u32,
    pub received: Instant,
}

/// The last sender report: an instant on the source's wall clock and on its RTP clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SenderClock {
    pub ntp: u64,
    pub rtp_timestamp: u32,
    pub received: Instant,
    /// What our wall clock was ahead of it when it came, in NTP units.
    pub offset: i64,
    /// The wall clock has gone as the RTP clock did. One of 0 is none (RFC 3550 section 6.4.1), and
    /// one that stands or jumps is as good as none.
    pub believed: bool,
}

/// How far a source's two clocks may part from one report to the next: seconds, and a share of the
/// time between.
const CLOCKS_PART: (f64, f64) = (0.25, 0.05);

impl SenderClock {
    /// Whether the wall clock went on from this report to a later one.
    fn goes_on_to(&self, later: &Self, clock_rate: u32) -> bool {
        let by_media = self.seconds_to(later.rtp_timestamp, clock_rate);
        let parted = (ntp_difference(later.ntp, self.ntp) - by_media).abs();
        let stands = later.ntp == self.ntp && by_media != 0.0;
        !stands && parted <= CLOCKS_PART.0 + CLOCKS_PART.1 * by_media.abs()
    }

    /// Whether the report was made by a clock that is behind ours by about this offset.
    pub(crate) fn fits(&self, offset: i64) -> bool {
        self.believed && self.offset.abs_diff(offset) < CLOCK_JUMP
    }

    /// Seconds on the source's wall clock from the report to `timestamp`.
    pub(crate) fn seconds_to(&self, timestamp: u32, clock_rate: u32) -> f64 {
        f64::from(timestamp.wrapping_sub(self.rtp_timestamp) as i32) / f64::from(clock_rate)
    }
}

impl Encoding {
    pub(crate) fn new(
        now: Instant,
        config: &Config,
        kind: MediaKind,
        clock_rate: u32,
        parameters: &EncodingParameters,
        encodings_above: usize,
    ) -> Self {
        let (slots, bytes) = match kind {
            MediaKind::Video => (
                (VIDEO_HISTORY.0 >> encodings_above).max(SMALLEST_VIDEO_HISTORY.0),
                (VIDEO_HISTORY.1 >> encodings_above).max(SMALLEST_VIDEO_HISTORY.1),
            ),
            MediaKind::Audio => AUDIO_HISTORY,
        };
        Self {
            ssrc: parameters.ssrc,
            rtx_ssrc: parameters.rtx_ssrc,
            reception: ReceiveStats::new(clock_rate, now),
            nack: NackGenerator::new(),
            key_frames: KeyFrameRequests::new(config.key_frame_interval),
            latest_key_frame: None,
            history: History::new(slots, bytes),
            clock: None,
            clock_rate,
            last_packet: None,
            highest_spatial: 0,
            highest_temporal: 0,
            packets_received: 0,
            rtx_received: 0,
            repaired: 0,
            has_parameter_sets: false,
            rates: std::array::from_fn(|_| RateMeter::new(now)),
        }
    }

    /// A sender report came, when our wall clock showed `our_ntp`.
    pub(crate) fn sender_report(
        &mut self,
        now: Instant,
        info: &SenderInfo,
        our_ntp: u64,
    ) -> SenderClock {
        let mut clock = SenderClock {
            ntp: info.ntp,
            rtp_timestamp: info.rtp_timestamp,
            received: now,
            offset: our_ntp.wrapping_sub(info.ntp) as i64,
            believed: false,
        };
        let went_on = |before: SenderClock| before.goes_on_to(&clock, self.clock_rate);
        clock.believed = info.ntp != 0 && self.clock.is_none_or(went_on);
        self.clock = Some(clock);
        clock
    }

    /// Counts a packet's bytes, for its temporal layer where layers can be chosen.
    pub(crate) fn measure(&mut self, now: Instant, codec: Codec, packet: &MediaPacket<'_>) {
        let mut temporal = 0;
        if codec.has_selector() {
            let highest = TEMPORAL_LAYERS - 1;
            temporal = usize::from(packet.frame.temporal.unwrap_or(0)).min(highest);
            self.highest_temporal = self.highest_temporal.max(temporal as u8);
            self.highest_spatial = self.highest_spatial.max(packet.frame.spatial);
        }
        self.rates[temporal].add(now, packet.payload.len());
    }

    /// Where a decoder can begin with the key picture that this packet, already in the history, is
    /// of: its first packet. `None`: it is of none, or what was right before it is missing.
    pub(crate) fn beginning(&mut self, packet: &MediaPacket<'_>) -> Option<u64> {
        let sequence = packet.facts.sequence;
        match packet.frame.key {
            KeyPart::None => return None,
            KeyPart::First => {
                self.has_parameter_sets = true;
                return Some(sequence);
            }
            KeyPart::Parameters => {
                self.has_parameter_sets = true;
                return None;
            }
            KeyPart::FirstSlice | KeyPart::LaterSlice => {}
        }
        let timestamp = packet.facts.timestamp;
        if let Some(known) = self.latest_key_frame.filter(|known| known.timestamp == timestamp) {
            return Some(known.first);
        }
        let mut first = sequence;
        for before in (0..sequence).rev().take(MAX_LOOK_BACK) {
            match self.history.look(before) {
                Some((_, 0)) => {}
                Some((facts, _)) if facts.timestamp == timestamp => first = before,
                Some(_) => return Some(first),
                None => {
                    // Nothing that comes yet, and no parameter sets, can have stood there.
                    let signaled = !self.has_parameter_sets && !self.nack.misses(before);
                    let whole = packet.frame.key == KeyPart::FirstSlice && signaled;
                    return whole.then_some(first);
                }
            }
        }
        None
    }

    /// A packet of a key picture came whose first one is known.
    pub(crate) fn note_key_frame(&mut self, now: Instant, first: u64, timestamp: u32) {
        match &mut self.latest_key_frame {
            Some(known) if known.timestamp == timestamp => known.first = known.first.min(first),
            Some(known) if known.first > first => return,
            latest => *latest = Some(KeyFrame { first, timestamp, received: now }),
        }
        self.key_frames.satisfied();
    }

    /// Of these layers those that were seen here.
    pub(crate) fn existing(&self, layers: StreamLayers) -> StreamLayers {
        let StreamLayers { encoding, spatial, temporal } = layers;
        StreamLayers {
            encoding,
            spatial: spatial.min(self.highest_spatial),
            temporal: temporal.min(self.highest_temporal),
        }
    }

    /// Bit/s over the last second, all temporal layers.
    pub(crate) fn bitrate(&self, now: Instant) -> u64 {
        self.bitrate_up_to(now, u8::MAX)
    }

    /// Bit/s over the last second of the temporal layers up to `temporal`.
    pub(crate) fn bitrate_up_to(&self, now: Instant, temporal: u8) -> u64 {
        let layers = self.rates.iter().take(usize::from(temporal) + 1);
        layers.map(|rate| rate.bits_per_second(now)).sum()
    }

    /// Places a packet of the media SSRC: its extended number, and what else it means.
    pub(crate) fn place(
        &mut self,
        now: Instant,
        packet: &RtpPacket<'_>,
        nack: bool,
    ) -> Option<(u64, Change)> {
        if self.ssrc != Some(packet.ssrc()) {
            self.changed_ssrc(packet.ssrc());
        }
        match self.reception.receive(now, packet.sequence_number(), packet.timestamp()) {
            Arrival::Newest { sequence, skipped } => {
                if !nack || skipped == 0 {
                    return Some((sequence, Change::None));
                }
                self.nack.skipped(now, sequence, skipped);
                Some((sequence, Change::Gap))
            }
            Arrival::Late { sequence } => {
                self.nack.arrived(now, sequence, false);
                (!self.history.contains(sequence)).then_some((sequence, Change::None))
            }
            Arrival::Restarted { sequence } => {
                self.nack.reset();
                self.clock = None;
                Some((sequence, Change::Restart))
            }
            Arrival::Implausible => None,
        }
    }

    /// A retransmission came: the extended number of the packet in it, if that was missing.
    pub(crate) fn repaired(&mut self, now: Instant, ssrc: u32, sequence: u16) -> Option<u64> {
        self.rtx_ssrc = Some(ssrc);
        let sequence = self.reception.extend(sequence)?;
        if !self.nack.arrived(now, sequence, true) {
            return None;
        }
        self.repaired += 1;
        Some(sequence)
    }

    /// The source goes on under another SSRC: numbers and clocks start anew.
    fn changed_ssrc(&mut self, ssrc: u32) {
        if self.ssrc.replace(ssrc).is_some() {
            self.reception.expect_restart();
            self.nack.reset();
            self.clock = None;
        }
    }
}
