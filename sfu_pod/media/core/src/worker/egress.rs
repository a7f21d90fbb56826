//! From what waits to datagrams.

use std::time::Instant;

use slab::Slab;

use super::Worker;
use crate::consumer::Consumer;
use crate::consumer::write::{write_media, write_retransmission};
use crate::io::{Counters, Output};
use crate::keys::TransportKey;
use crate::packet::MediaPacket;
use crate::path::Path;
use crate::producer::Producer;
use crate::transports::{Content, Form, Queued, Transport};
use crate::wallclock::SendTime;

impl Worker {
    /// Sends what waits of all transports, as far as it may leave. `batch` holds the packets that
    /// descriptors name by index.
    pub(super) fn send_waiting(
        &mut self,
        now: Instant,
        batch: &[MediaPacket<'_>],
        output: &mut impl Output,
    ) {
        if self.waiting.is_empty() {
            return;
        }
        let leaves = self.wall_clock.send_time(now);
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.retain(|key| self.send_waiting_of(leaves, *key, batch, output));
        self.waiting = waiting;
    }

    /// Sends what a transport was just given, where nothing may hold it back: all that is needed for
    /// that is near at hand now. Where something waited before, it keeps its place.
    #[inline]
    pub(super) fn send_at_once(
        &mut self,
        leaves: SendTime,
        key: TransportKey,
        batch: &[MediaPacket<'_>],
        output: &mut impl Output,
    ) {
        if self.config.pacing.is_none() && self.waiting.last() == Some(&key) {
            self.waiting.pop();
            self.send_waiting_of(leaves, key, batch, output);
        }
    }

    /// Sends what waits of one transport. Returns whether something waits still.
    #[inline]
    fn send_waiting_of(
        &mut self,
        leaves: SendTime,
        key: TransportKey,
        batch: &[MediaPacket<'_>],
        output: &mut impl Output,
    ) -> bool {
        let Some(transport) = self.transports.get_mut(key.index()) else { return false };
        let mut egress = transport.take_egress();
        let mut leaving = Leaving {
            leaves,
            path: transport.destination(),
            batch,
            producers: &self.producers,
            consumers: &mut self.consumers,
            counters: &mut self.counters,
        };
        egress.release(leaves.at, self.config.pacing, |queued| {
            leaving.send(transport, queued, output)
        });
        let next = egress.next_release(self.config.pacing);
        transport.give_back_egress(egress);
        if let Some(at) = next {
            transport.wake(&mut self.timers, key, at);
        }
        next.is_some()
    }
}

/// What is the same for all that one transport is sent now.
struct Leaving<'a> {
    leaves: SendTime,
    path: Option<Path>,
    batch: &'a [MediaPacket<'a>],
    producers: &'a Slab<Producer>,
    consumers: &'a mut Slab<Consumer>,
    counters: &'a mut Counters,
}

impl Leaving<'_> {
    /// Sends one packet, and settles what it cost or earned; returns the bytes sent.
    #[inline(always)]
    fn send(
        &mut self,
        transport: &mut Transport,
        queued: &Queued,
        output: &mut impl Output,
    ) -> usize {
        let in_batch = match queued.content {
            Content::InBatch { index, .. } => self.batch.get(index as usize),
            Content::InHistory { .. } | Content::Filler => None,
        };
        let sent = match in_batch {
            Some(packet) => self.send_media(transport, queued, packet, output),
            None => self.send_other(transport, queued, output),
        };
        if sent > 0 {
            self.counters.packets_forwarded += 1;
        } else {
            self.counters.packets_unsent += 1;
        }
        let budget = transport.resends_mut();
        match queued.reserved {
            0 => budget.earn(sent),
            reserved => budget.settle(reserved as usize, sent),
        }
        sent
    }

    #[inline(always)]
    fn send_media(
        &mut self,
        transport: &mut Transport,
        queued: &Queued,
        packet: &MediaPacket<'_>,
        output: &mut impl Output,
    ) -> usize {
        let Some(path) = self.path else { return 0 };
        let consumer = &self.consumers[queued.consumer.index()];
        let room = queued.room as usize;
        let sent = transport.send_rtp(path, &self.leaves, room, output, |buffer, stamp| {
            write_media(buffer, consumer, queued.payload_type, packet, &queued.numbers, stamp)
        });
        if sent > 0 {
            self.counters.padding_bytes += (packet.padded_len - packet.payload.len()) as u64;
        }
        sent
    }

    /// What is not of the batch that is being handled.
    #[cold]
    fn send_other(
        &mut self,
        transport: &mut Transport,
        queued: &Queued,
        output: &mut impl Output,
    ) -> usize {
        let consumer = &self.consumers[queued.consumer.index()];
        let producer = &self.producers[consumer.producer.index()];
        let packet = match queued.content {
            Content::Filler => consumer.filler(),
            Content::InBatch { encoding, source, .. } | Content::InHistory { encoding, source } => {
                producer.past(self.leaves.at, encoding, source)
            }
        };
        let Some(packet) = packet else { return 0 };
        match queued.form {
            Form::Media => self.send_media(transport, queued, &packet, output),
            Form::Retransmission => self.send_again(transport, queued, &packet, output),
        }
    }

    fn send_again(
        &mut self,
        transport: &mut Transport,
        queued: &Queued,
        packet: &MediaPacket<'_>,
        output: &mut impl Output,
    ) -> usize {
        let consumer = &mut self.consumers[queued.consumer.index()];
        let (Some(path), Some(ssrc)) = (self.path, consumer.parameters.rtx_ssrc) else { return 0 };
        let (room, number) = (queued.room as usize, consumer.rtx_sequence);
        let sent = transport.send_rtp(path, &self.leaves, room, output, |buffer, stamp| {
            let (payload_type, numbers) = (queued.payload_type, &queued.numbers);
            write_retransmission(
                buffer,
                consumer,
                ssrc,
                payload_type,
                number,
                packet,
                numbers,
                stamp,
            )
        });
        if sent > 0 {
            consumer.rtx_sequence = number.wrapping_add(1);
            consumer.stats.rtx_sent += 1;
        }
        sent
    }
}
