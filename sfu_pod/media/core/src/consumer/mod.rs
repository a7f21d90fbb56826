//! One copy of a producer for one peer.

pub(crate) mod elements;
pub(crate) mod key_frames;
pub(crate) mod layers;
pub(crate) mod retransmit;
pub(crate) mod rewrite;
pub(crate) mod span;
pub(crate) mod write;

use std::time::{Duration, Instant};

use crate::command::{ConsumerParameters, ProducerParameters};
use crate::consumer::elements::CommonElements;
use crate::consumer::layers::{Choice, StreamSelector};
use crate::consumer::retransmit::{SentRing, What};
use crate::consumer::rewrite::{Numbers, Rewriter};
use crate::consumer::span::SentSpan;
use crate::event::{ConsumerStats, Event, Layers};
use crate::id::ConsumerId;
use crate::keys::{ProducerKey, TransportKey};
use crate::packet::{Facts, MediaPacket};
use crate::producer::Producer;
use crate::producer::encoding::Encoding;
use crate::wallclock::ntp_difference;

/// In place of an encoding whose clock is not to be compared with any more.
const GONE: u8 = u8::MAX;

/// Everything about one consumer.
#[derive(Debug)]
pub(crate) struct Consumer {
    pub id: ConsumerId,
    pub transport: TransportKey,
    pub producer: ProducerKey,
    pub paused: bool,
    /// It waits until its path carries it.
    pub waiting: bool,
    pub parameters: Box<ConsumerParameters>,
    pub common_elements: Option<CommonElements>,
    /// (payload type, retransmission's payload type) by index of the producer's mapping.
    pub payload_types: Vec<Option<(u8, Option<u8>)>>,
    pub preferred: Layers,
    pub selector: StreamSelector,
    pub rewriter: Rewriter,
    pub sent: SentRing,
    pub span: SentSpan,
    pub rtx_sequence: u16,
    pub stats: ConsumerStats,
    pub reported: Option<Layers>,
    /// Needs a key frame that its transport's allowance did not reach for.
    pub asks: bool,
    /// A switch happened of which the owner has not taken note yet.
    pub switched: bool,
    last: Option<LastSent>,
    /// Our number of the first packet of the key picture sent last.
    began: Option<u16>,
}

/// What goes out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outgoing {
    pub numbers: Numbers,
    pub payload_type: u8,
    /// In place of the packet, which is not for this consumer: a padding-only one.
    pub filler: bool,
}

/// The newest packet sent, which the next encoding's timestamps are continued from.
#[derive(Debug, Clone, Copy)]
struct LastSent {
    at: Instant,
    encoding: u8,
    source_timestamp: u32,
    /// Index of the producer's mapping.
    payload: u8,
}

/// First numbers of a consumer, drawn at random.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FirstNumbers {
    pub sequence: u16,
    pub rtx_sequence: u16,
    pub timestamp: u32,
}

impl Consumer {
    pub(crate) fn new(
        now: Instant,
        id: ConsumerId,
        transport: TransportKey,
        producer: ProducerKey,
        source: &ProducerParameters,
        parameters: Box<ConsumerParameters>,
        first: FirstNumbers,
    ) -> Self {
        let payload_types = source
            .payloads
            .iter()
            .map(|payload| {
                let own = parameters.payloads.iter().find(|(codec, ..)| *codec == payload.codec);
                own.map(|(_, payload_type, rtx)| (*payload_type, *rtx))
            })
            .collect();
        let spatial = parameters.preferred_spatial.unwrap_or(u8::MAX);
        Self {
            id,
            transport,
            producer,
            paused: false,
            waiting: false,
            common_elements: CommonElements::new(&parameters),
            payload_types,
            preferred: Layers { spatial, temporal: u8::MAX },
            selector: StreamSelector::new(),
            rewriter: Rewriter::new(first.sequence, first.timestamp),
            sent: SentRing::new(now, source.kind),
            span: SentSpan::default(),
            rtx_sequence: first.rtx_sequence,
            stats: ConsumerStats { consumer: id.0, ..ConsumerStats::default() },
            reported: None,
            asks: false,
            switched: false,
            last: None,
            began: None,
            parameters,
        }
    }

    /// Nothing is sent to it now.
    #[inline]
    pub(crate) fn rests(&self) -> bool {
        self.paused || self.waiting
    }

    /// What goes out for a packet now; `None`: nothing. Where it has no place in what this consumer
    /// gets, later ones close up; if later ones went out already, a filler takes the place, as a
    /// receiver without it would ask for ever, and decode no H.264 in the meantime.
    #[inline]
    pub(crate) fn forward(
        &mut self,
        now: Instant,
        encoding: u8,
        encodings: &[Encoding],
        packet: &MediaPacket<'_>,
    ) -> Option<Outgoing> {
        let facts = &packet.facts;
        let taken = self.payload_types[usize::from(facts.payload)];
        let late = facts.sequence <= self.rewriter.highest();
        let choice = match taken {
            Some(_) if !packet.payload.is_empty() => self.selector.choose(encoding, packet, late),
            _ => self.selector.pass_over(encoding),
        };
        match choice {
            Choice::Ignore => return None,
            Choice::LeaveOut if !late => {
                self.rewriter.leave_out(facts.sequence, &packet.frame);
                return None;
            }
            Choice::Switch => self.switch(now, encoding, encodings, packet),
            Choice::LeaveOut | Choice::Forward => {}
        }
        if choice == Choice::Switch && packet.begins != Some(facts.sequence) {
            // Goes out in its turn: the picture's first packets come from the history.
            return None;
        }
        let filler = choice == Choice::LeaveOut;
        let payload = if filler { self.last?.payload } else { facts.payload };
        let (payload_type, _) = self.payload_types[usize::from(payload)]?;
        let numbers = self.rewriter.map(facts.sequence, facts.timestamp, &packet.frame)?;
        if late && !self.sent.is_free(numbers.sequence) {
            return None;
        }
        if filler {
            self.count(numbers, What::Filler, 0);
            return Some(Outgoing { numbers, payload_type, filler });
        }
        let what = What::Packet { source: facts.sequence, encoding };
        self.count(numbers, what, packet.payload.len());
        if let Some(first) = packet.begins.and_then(|first| self.rewriter.number_of(first))
            && self.began.is_none_or(|began| first.wrapping_sub(began) < 1 << 15)
        {
            self.began = Some(first);
            self.asks = false;
        }
        let source_timestamp = facts.timestamp;
        self.last = Some(LastSent { at: now, encoding, source_timestamp, payload });
        Some(Outgoing { numbers, payload_type, filler })
    }

    /// Whether later numbers went out, but nothing under this one.
    pub(crate) fn skipped(&self, number: u16) -> bool {
        let newest = self.rewriter.last().sequence;
        (number.wrapping_sub(newest) as i16) < 0 && self.sent.is_free(number)
    }

    /// The filler for a number of ours that was skipped and that nothing will be sent under any
    /// more; `None`: something was or may be. It then counts as sent. Nothing from a key picture on
    /// needs what came before: neither what is left of another encoding nor what got lost for good.
    pub(crate) fn fill(&mut self, number: u16, encodings: &[Encoding]) -> Option<Outgoing> {
        let began = self.began?;
        let before = |other: u16| (number.wrapping_sub(other) as i16) < 0;
        if !before(began) || !self.sent.is_free(number) {
            return None;
        }
        let coming = self.selector.encoding().zip(self.rewriter.source_of(number));
        if let Some((encoding, source)) = coming
            && encodings.get(usize::from(encoding))?.nack.misses(source)
        {
            return None;
        }
        let (payload_type, _) = self.payload_types[usize::from(self.last?.payload)]?;
        let numbers = Numbers { sequence: number, ..self.rewriter.last() };
        self.count(numbers, What::Filler, 0);
        Some(Outgoing { numbers, payload_type, filler: true })
    }

    /// What a filler is resent as: like the packets beside it.
    pub(crate) fn filler(&self) -> Option<MediaPacket<'static>> {
        let payload = self.last?.payload;
        Some(MediaPacket::filler(Facts { payload, ..Facts::default() }))
    }

    #[inline]
    fn count(&mut self, numbers: Numbers, what: What, payload_bytes: usize) {
        self.sent.record(numbers, what);
        self.span.sent(numbers.sequence);
        self.stats.packets_sent += 1;
        self.stats.bytes_sent += payload_bytes as u64;
    }

    /// The source of `encoding` started over. Returns whether that is what was sent.
    pub(crate) fn restart(&mut self, encoding: u8) -> bool {
        let current = self.selector.encoding() == Some(encoding);
        if current {
            self.selector.stop();
        }
        if let Some(last) = &mut self.last
            && last.encoding == encoding
        {
            last.encoding = GONE;
        }
        current
    }

    /// Our timestamp for `now`, when our wall clock shows `ntp`: what a sender report says. By the
    /// source's wall clock, which ours is ahead of by `offset`, where that can be believed; else by
    /// the arrival of its packets. `None`: nothing was sent yet.
    pub(crate) fn timestamp_at(
        &self,
        now: Instant,
        ntp: u64,
        offset: Option<i64>,
        encodings: &[Encoding],
    ) -> Option<u32> {
        let last = self.last?;
        let encoding = encodings.get(usize::from(last.encoding))?;
        let rate = f64::from(encoding.clock_rate);
        let wall = encoding.clock.zip(offset).filter(|(clock, offset)| clock.fits(*offset));
        let source = match (wall, encoding.reception.timestamp_at(now)) {
            (Some((clock, offset)), _) => {
                let elapsed = ntp_difference(ntp.wrapping_sub(offset as u64), clock.ntp);
                clock.rtp_timestamp.wrapping_add((elapsed * rate) as i64 as u32)
            }
            (None, Some(by_arrival)) => by_arrival,
            (None, None) => {
                let elapsed = now.saturating_duration_since(last.at).as_secs_f64();
                last.source_timestamp.wrapping_add((elapsed * rate) as i64 as u32)
            }
        };
        Some(source.wrapping_add(self.rewriter.timestamp_offset()))
    }

    /// What it gets, temporal layers counted as far as the encoding has any.
    pub(crate) fn layers(&self, encodings: &[Encoding]) -> Option<Layers> {
        let current = self.selector.current()?;
        let encoding = encodings.get(usize::from(current.encoding))?;
        Some(encoding.existing(current).counted())
    }

    /// What its owner is to be told of its layers, if it was not yet.
    pub(crate) fn layers_changed(&mut self, producer: &Producer) -> Option<Event> {
        let layers = self.layers(&producer.encodings);
        if layers == self.reported || !producer.is_video() {
            return None;
        }
        self.reported = layers;
        Some(Event::LayersChanged { consumer: self.id, layers })
    }

    fn switch(
        &mut self,
        now: Instant,
        encoding: u8,
        encodings: &[Encoding],
        packet: &MediaPacket<'_>,
    ) {
        self.switched = true;
        let facts = &packet.facts;
        let before = self.rewriter.last().timestamp;
        let elapsed = self
            .last
            .map_or(0, |last| ticks_between(now, last, encoding, encodings, facts.timestamp));
        // Strictly increasing: decoders take an equal timestamp for the same picture.
        let timestamp = before.wrapping_add(elapsed.max(1));
        let first = packet.begins.unwrap_or(facts.sequence);
        self.rewriter.switch(first, facts.timestamp, timestamp, &packet.frame);
    }
}

/// Clock ticks from the last packet sent to one of another encoding: by the sender's wall clock
/// where both encodings have reports, else by arrival.
fn ticks_between(
    now: Instant,
    last: LastSent,
    encoding: u8,
    encodings: &[Encoding],
    timestamp: u32,
) -> u32 {
    let after = &encodings[usize::from(encoding)];
    let rate = f64::from(after.clock_rate);
    if last.encoding == encoding {
        let ticks = timestamp.wrapping_sub(last.source_timestamp) as i32;
        return ticks.max(0) as u32;
    }
    let by_arrival = now.saturating_duration_since(last.at);
    let old = encodings.get(usize::from(last.encoding)).and_then(|encoding| encoding.clock);
    let seconds = match (old, after.clock) {
        (Some(old), Some(new)) if old.believed && new.fits(old.offset) => {
            ntp_difference(new.ntp, old.ntp) + new.seconds_to(timestamp, after.clock_rate)
                - old.seconds_to(last.source_timestamp, after.clock_rate)
        }
        _ => by_arrival.as_secs_f64(),
    };
    // A sender whose reports are nonsense shall not throw the timeline far off.
    let longest = by_arrival + Duration::from_secs(2);
    (seconds.clamp(0.0, longest.as_secs_f64()) * rate) as u32
}
