//! From received packets to sent ones. A batch is ordered by producer and encoding, and each
//! consumer gets a whole run of packets at once: what follows each other on one path can leave in
//! one GSO message.

use std::cmp::Reverse;
use std::time::Instant;

use super::Worker;
use crate::codec::FrameDescriptor;
use crate::consumer::write::{room, write_media};
use crate::consumer::{Consumer, Outgoing};
use crate::io::{Counters, Output, Received};
use crate::keys::ProducerKey;
use crate::packet::MediaPacket;
use crate::path::Path;
use crate::producer::{Accepted, Producer};
use crate::transports::Transport;
use crate::wallclock::SendTime;

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

impl Worker {
    /// Forwards everything that waits, and empties it.
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
        let mut packets = recycle(std::mem::take(&mut self.views));
        for run in pending.chunk_by_mut(same_run) {
            pad_to_equal_sizes(run, usize::from(self.config.pad_segments_up_to));
            packets.clear();
            packets.extend(run.iter().map(|packet| packet.view(batch)));
            self.forward_run(now, run[0].producer, run[0].encoding, &packets, output);
        }
        self.views = recycle(packets);
        pending.clear();
        self.pending = pending;
    }

    fn forward_run(
        &mut self,
        now: Instant,
        producer: ProducerKey,
        encoding: u8,
        run: &[MediaPacket<'_>],
        output: &mut impl Output,
    ) {
        let producer = &self.producers[producer.index()];
        let mut copy = Copying {
            now,
            leaves: self.wall_clock.send_time(now),
            encoding,
            producer,
            counters: &mut self.counters,
        };
        for consumer in &producer.consumers {
            let consumer = &mut self.consumers[consumer.index()];
            if consumer.rests() {
                continue;
            }
            let transport = &mut self.transports[consumer.transport.index()];
            let Some(path) = transport.destination() else {
                // What it misses now is lost for it: with a path it will begin anew.
                consumer.selector.stop();
                continue;
            };
            for (index, packet) in run.iter().enumerate() {
                let mut sent = copy.packet(consumer, transport, path, packet, output);
                if std::mem::take(&mut consumer.switched) {
                    sent += copy.catch_up(consumer, transport, path, &run[index..], output);
                }
                transport.resends_mut().earn(sent);
            }
            self.events.extend(consumer.layers_changed(producer));
        }
    }
}

/// What is the same for all copies of one run.
pub(super) struct Copying<'a> {
    pub now: Instant,
    pub leaves: SendTime,
    pub encoding: u8,
    pub producer: &'a Producer,
    pub counters: &'a mut Counters,
}

impl Copying<'_> {
    /// Sends one packet to one consumer, if that wants it; returns the bytes sent. Left to itself
    /// the compiler makes calls of this and of [`Self::send`], for each packet to each consumer.
    #[inline(always)]
    fn packet(
        &mut self,
        consumer: &mut Consumer,
        transport: &mut Transport,
        path: Path,
        packet: &MediaPacket<'_>,
        output: &mut impl Output,
    ) -> usize {
        if !transport.is_ready() {
            return 0;
        }
        let encodings = &self.producer.encodings;
        let outgoing = consumer.forward(self.now, self.encoding, encodings, packet);
        let Some(outgoing) = outgoing else { return 0 };
        let filler;
        let packet = if outgoing.filler {
            filler = MediaPacket::filler(packet.facts);
            &filler
        } else {
            packet
        };
        self.send(consumer, transport, path, packet, &outgoing, output)
    }

    /// Sends one packet of the media SSRC; returns the bytes sent.
    #[inline(always)]
    pub(super) fn send(
        &mut self,
        consumer: &Consumer,
        transport: &mut Transport,
        path: Path,
        packet: &MediaPacket<'_>,
        outgoing: &Outgoing,
        output: &mut impl Output,
    ) -> usize {
        let Outgoing { numbers, payload_type, .. } = *outgoing;
        let room = room(consumer, packet);
        let sent = transport.send_rtp(path, &self.leaves, room, output, |buffer, stamp| {
            write_media(buffer, consumer, payload_type, packet, &numbers, stamp)
        });
        if sent > 0 {
            self.counters.packets_forwarded += 1;
            self.counters.padding_bytes += (packet.padded_len - packet.payload.len()) as u64;
        }
        sent
    }

    /// After a switch: packets of the key picture that came before the one by which it was known,
    /// and such as overtook its first one, were passed over when they came. The rest of the run,
    /// which begins with that one, goes out in its turn, although the history has it already. Where
    /// that one had to wait for others its turn is now; returns its bytes.
    #[cold]
    fn catch_up(
        &mut self,
        consumer: &mut Consumer,
        transport: &mut Transport,
        path: Path,
        rest: &[MediaPacket<'_>],
        output: &mut impl Output,
    ) -> usize {
        let Some(encoding) = self.producer.encodings.get(usize::from(self.encoding)) else {
            return 0;
        };
        let (first, newest) = (consumer.rewriter.start(), encoding.reception.highest());
        for sequence in (first..=newest).take(MAX_CATCH_UP) {
            if rest.iter().all(|packet| packet.facts.sequence != sequence) {
                self.past(consumer, transport, path, sequence, output);
            }
        }
        rest.first().map_or(0, |packet| self.packet(consumer, transport, path, packet, output))
    }

    /// Sends one packet from the history to one consumer, if it is still there and wanted, was not
    /// sent before, and the transport's budget covers it.
    pub(super) fn past(
        &mut self,
        consumer: &mut Consumer,
        transport: &mut Transport,
        path: Path,
        sequence: u64,
        output: &mut impl Output,
    ) {
        let waits = consumer.selector.current().is_none();
        if !waits
            && consumer
                .rewriter
                .number_of(sequence)
                .is_none_or(|number| !consumer.sent.is_free(number))
        {
            return;
        }
        let encoding = &self.producer.encodings[usize::from(self.encoding)];
        let Some(past) = encoding.history.get(self.now, sequence) else { return };
        if !transport.resends().covers(past.payload.len()) {
            return;
        }
        let codec = self.producer.payload(&past.facts).codec;
        let mut packet = MediaPacket::new(codec, past.facts, past.dependency, past.payload);
        let known = encoding.latest_key_frame.map(|known| known.first);
        packet.begins = packet.begins.or(known.filter(|first| *first == sequence));
        let sent = self.packet(consumer, transport, path, &packet, output);
        transport.resends_mut().spend(sent);
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
