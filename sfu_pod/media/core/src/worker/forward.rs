//! From received packets to such as wait to be sent. A batch is ordered by producer and encoding, and
//! each consumer gets a whole run of packets at once, which leaves together (`egress`) unless it is
//! held back: what follows each other on one path can leave in one GSO message.

use std::cmp::Reverse;
use std::ops::Range;
use std::time::Instant;

use super::Worker;
use crate::codec::FrameDescriptor;
use crate::consumer::write::room;
use crate::consumer::{Consumer, Outgoing};
use crate::io::{Counters, Output, Received};
use crate::keys::{ConsumerKey, ProducerKey, TransportKey};
use crate::packet::MediaPacket;
use crate::producer::{Accepted, Producer};
use crate::transports::{Class, Content, Queued, Transport};
use crate::wallclock::SendTime;

/// More than a filler takes, with all extensions.
pub(super) const FILLER_LEN: usize = 128;
/// More packets than that do not overtake one another.
const MAX_CATCH_UP: usize = 256;

/// A media packet in the batch that is to be forwarded.
#[derive(Debug)]
pub(super) struct Pending {
    pub producer: ProducerKey,
    pub encoding: u8,
    /// Which datagram of the batch.
    pub index: usize,
    pub frame: FrameDescriptor,
    pub begins: Option<u64>,
    pub padded_len: usize,
    pub accepted: Accepted,
}

/// Packets of one encoding that follow one another in the batch.
struct Run {
    producer: ProducerKey,
    encoding: u8,
    /// Their indices.
    range: Range<usize>,
}

impl Worker {
    /// Forwards everything that came with a batch, and sends what waits.
    pub(super) fn forward_pending(
        &mut self,
        now: Instant,
        batch: &[Received<'_>],
        output: &mut impl Output,
    ) {
        let mut pending = std::mem::take(&mut self.pending);
        // Higher encodings first: where key frames of several came together the best one is taken.
        pending.sort_unstable_by_key(|packet| {
            (packet.producer, Reverse(packet.encoding), packet.index)
        });
        let same_run =
            |a: &Pending, b: &Pending| (a.producer, a.encoding) == (b.producer, b.encoding);
        for run in pending.chunk_by_mut(same_run) {
            pad_to_equal_sizes(run, usize::from(self.config.pad_segments_up_to));
        }
        let mut packets = recycle(std::mem::take(&mut self.views));
        packets.extend(pending.iter().map(|packet| packet.view(batch)));
        let (leaves, mut first) = (self.wall_clock.send_time(now), 0);
        for run in pending.chunk_by(same_run) {
            let (producer, encoding, range) =
                (run[0].producer, run[0].encoding, first..first + run.len());
            first = range.end;
            self.forward_run(leaves, &Run { producer, encoding, range }, &packets, output);
        }
        self.send_waiting(now, &packets, output);
        self.views = recycle(packets);
        pending.clear();
        self.pending = pending;
    }

    fn forward_run(
        &mut self,
        leaves: SendTime,
        run: &Run,
        batch: &[MediaPacket<'_>],
        output: &mut impl Output,
    ) {
        for at in 0..self.producers[run.producer.index()].consumers.len() {
            let producer = &self.producers[run.producer.index()];
            let key = producer.consumers[at];
            let consumer = &mut self.consumers[key.index()];
            if consumer.rests() {
                continue;
            }
            let transport = &mut self.transports[consumer.transport.index()];
            if transport.destination().is_none() {
                // What it misses now is lost for it: with a path it will begin anew.
                consumer.selector.stop();
                continue;
            }
            let (waiting, counters) = (&mut self.waiting, &mut self.counters);
            let mut copy = Copying::new(leaves.at, producer, run.encoding, waiting, counters);
            let mut copied = Copied { key, consumer, transport };
            for index in run.range.clone() {
                copy.live(&mut copied, &batch[index], index);
                if std::mem::take(&mut copied.consumer.switched) {
                    copy.catch_up(&mut copied, &batch[index..run.range.end], index);
                }
            }
            self.events.extend(copied.consumer.layers_changed(producer));
            let transport = copied.consumer.transport;
            self.send_at_once(leaves, transport, batch, output);
        }
    }
}

/// What is the same for all copies of one run.
pub(super) struct Copying<'a> {
    pub now: Instant,
    pub producer: &'a Producer,
    encoding: u8,
    class: Class,
    /// Transports for which something waits.
    waiting: &'a mut Vec<TransportKey>,
    counters: &'a mut Counters,
}

/// One consumer, and what it is sent over.
pub(super) struct Copied<'a> {
    pub key: ConsumerKey,
    pub consumer: &'a mut Consumer,
    pub transport: &'a mut Transport,
}

impl<'a> Copying<'a> {
    pub(super) fn new(
        now: Instant,
        producer: &'a Producer,
        encoding: u8,
        waiting: &'a mut Vec<TransportKey>,
        counters: &'a mut Counters,
    ) -> Self {
        let class = if producer.is_video() { Class::Video } else { Class::Audio };
        Self { now, producer, encoding, class, waiting, counters }
    }

    /// Queues one packet of the batch for one consumer, if that wants it.
    #[inline(always)]
    fn live(&mut self, copied: &mut Copied<'_>, packet: &MediaPacket<'_>, index: usize) {
        let (encoding, source) = (self.encoding, packet.facts.sequence);
        let content = Content::InBatch { index: index as u32, encoding, source };
        if let Some(queued) = self.copy(copied, packet, content) {
            self.queue(copied, queued);
        }
    }

    /// Queues one packet from the history for one consumer, if it is still there and wanted, was not
    /// sent before, and the transport's budget covers it.
    pub(super) fn past(&mut self, copied: &mut Copied<'_>, source: u64) {
        let consumer = &copied.consumer;
        let waits = consumer.selector.current().is_none();
        if !waits
            && consumer
                .rewriter
                .number_of(source)
                .is_none_or(|number| !consumer.sent.is_free(number))
        {
            return;
        }
        let Some(mut packet) = self.producer.past(self.now, self.encoding, source) else { return };
        if !copied.transport.resends().covers(packet.payload.len()) {
            return;
        }
        let encoding = &self.producer.encodings[usize::from(self.encoding)];
        let known = encoding.latest_key_frame.map(|known| known.first);
        packet.begins = packet.begins.or(known.filter(|first| *first == source));
        let content = Content::InHistory { encoding: self.encoding, source };
        if let Some(queued) = self.copy(copied, &packet, content) {
            self.queue_paid(copied, queued);
        }
    }

    /// What goes out for one packet. Left to itself the compiler makes a call of this, for each
    /// packet to each consumer.
    #[inline(always)]
    fn copy(
        &self,
        copied: &mut Copied<'_>,
        packet: &MediaPacket<'_>,
        content: Content,
    ) -> Option<Queued> {
        if !copied.transport.is_ready() {
            return None;
        }
        let consumer = &mut copied.consumer;
        let encodings = &self.producer.encodings;
        let Outgoing { numbers, payload_type, filler } =
            consumer.forward(self.now, self.encoding, encodings, packet)?;
        let (content, room) = match filler {
            false => (content, room(consumer, packet)),
            true => (Content::Filler, FILLER_LEN),
        };
        Some(Queued::new(copied.key, content, self.class, payload_type, numbers, room))
    }

    /// Lets a packet wait for its turn. Returns whether there was room.
    #[inline(always)]
    fn queue(&mut self, copied: &mut Copied<'_>, queued: Queued) -> bool {
        let first = !copied.transport.has_waiting();
        let queues = copied.transport.enqueue(queued);
        if !queues {
            self.counters.packets_unsent += 1;
        } else if first {
            self.waiting.push(copied.consumer.transport);
        }
        queues
    }

    /// The same of a packet that the budget for the past pays.
    pub(super) fn queue_paid(&mut self, copied: &mut Copied<'_>, queued: Queued) {
        let queued = queued.paid();
        if self.queue(copied, queued) {
            copied.transport.resends_mut().spend(queued.reserved as usize);
        }
    }

    /// After a switch: packets of the key picture that came before the one by which it was known,
    /// and such as overtook its first one, were passed over when they came. The rest of the run,
    /// which begins with that one, goes out in its turn, although the history has it already. Where
    /// that one had to wait for others its turn is now. It has the index `first` in the batch.
    #[cold]
    fn catch_up(&mut self, copied: &mut Copied<'_>, rest: &[MediaPacket<'_>], first: usize) {
        let Some(encoding) = self.producer.encodings.get(usize::from(self.encoding)) else {
            return;
        };
        let (start, newest) = (copied.consumer.rewriter.start(), encoding.reception.highest());
        for source in (start..=newest).take(MAX_CATCH_UP) {
            if rest.iter().all(|packet| packet.facts.sequence != source) {
                self.past(copied, source);
            }
        }
        if let Some(packet) = rest.first() {
            self.live(copied, packet, first);
        }
    }
}

impl Pending {
    fn view<'a>(&self, batch: &'a [Received<'_>]) -> MediaPacket<'a> {
        let bytes = &batch[self.index].data[..];
        MediaPacket {
            facts: self.accepted.facts,
            frame: self.frame,
            begins: self.begins,
            dependency: &bytes[self.accepted.dependency.clone()],
            payload: &bytes[self.accepted.payload.clone()],
            padded_len: self.padded_len,
        }
    }
}

/// The memory of one batch's list for that of the next: collecting in place allocates nothing.
fn recycle<'a>(mut packets: Vec<MediaPacket<'_>>) -> Vec<MediaPacket<'a>> {
    packets.clear();
    packets.into_iter().map(|_| unreachable!("there are none")).collect()
}

/// Pads neighbours that differ by at most `limit` bytes to the largest of them. The last of such a
/// group may stay shorter: GSO permits that.
fn pad_to_equal_sizes(run: &mut [Pending], limit: usize) {
    let mut rest = run;
    while !rest.is_empty() {
        let (mut smallest, mut largest) = (usize::MAX, 0);
        let fits = |packet: &&Pending| -> bool {
            let size = packet.accepted.size();
            (smallest, largest) = (smallest.min(size), largest.max(size));
            largest - smallest <= limit
        };
        let count = rest.iter().take_while(fits).count().max(1);
        let (group, after) = rest.split_at_mut(count);
        let largest = group.iter().map(|packet| packet.accepted.size()).max().unwrap_or(0);
        // The last one may be shorter; longer than its neighbours it may not be, and is not.
        for packet in &mut group[..count - 1] {
            packet.padded_len = largest;
        }
        rest = after;
    }
}
