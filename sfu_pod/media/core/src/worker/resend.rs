//! Answers to NACKs: what was sent goes out again, and what never will be is filled.

use std::time::Instant;

use rotunda_packet::rtcp::Nack;

use super::forward::Copying;
use super::{Output, Worker};
use crate::consumer::retransmit::What;
use crate::consumer::write::{Stamp, room, write_retransmission};
use crate::keys::{ConsumerKey, TransportKey};
use crate::packet::MediaPacket;

/// More than a filler takes, with all extensions.
const FILLER_LEN: usize = 128;

impl Worker {
    pub(super) fn nack(
        &mut self,
        now: Instant,
        key: TransportKey,
        nack: &Nack<'_>,
        output: &mut impl Output,
    ) {
        let consumer = self.transports[key.index()].sources.get(&nack.media_ssrc).copied();
        let Some(consumer) = consumer else { return };
        for sequence in nack.sequence_numbers() {
            self.consumers[consumer.index()].stats.nacks_received += 1;
            if self.resend(now, key, consumer, sequence, output).is_none() {
                self.fill(now, key, consumer, sequence, output);
            }
        }
    }

    /// Sends one packet again over RTX, if it is still there and may be sent.
    fn resend(
        &mut self,
        now: Instant,
        key: TransportKey,
        consumer: ConsumerKey,
        sequence: u16,
        output: &mut impl Output,
    ) -> Option<()> {
        let transport = &mut self.transports[key.index()];
        let consumer = &mut self.consumers[consumer.index()];
        let producer = &self.producers[consumer.producer.index()];
        let ssrc = consumer.parameters.rtx_ssrc?;
        let path = transport.ice.selected()?;
        let srtp = transport.srtp.as_mut()?;
        let sent = consumer.sent.take(now, transport.round_trip, sequence)?;
        let packet = match sent.what {
            What::Nothing => return None,
            What::Filler => consumer.filler()?,
            What::Packet { source, encoding } => {
                let encoding = producer.encodings.get(usize::from(encoding))?;
                let past = encoding.history.get(now, source)?;
                let codec = producer.payload(&past.facts).codec;
                MediaPacket::new(codec, past.facts, past.dependency, past.payload)
            }
        };
        let (_, payload_type) = consumer.payload_types[usize::from(packet.facts.payload)]?;
        let payload_type = payload_type?;
        let capacity = room(consumer, &packet) + srtp.sender.profile().rtp_overhead();
        if !transport.resends.covers(capacity) || !transport.ice.grant(capacity) {
            return None;
        }
        let stamp = Stamp {
            abs_send_time: self.wall_clock.abs_send_time(now),
            transport_sequence: transport.estimator.number().to_be_bytes(),
        };
        let number = consumer.rtx_sequence;
        consumer.rtx_sequence = number.wrapping_add(1);
        let mut written = 0;
        output.send(path, capacity, |buffer| {
            let len = write_retransmission(
                buffer,
                consumer,
                ssrc,
                payload_type,
                number,
                &packet,
                &sent.numbers,
                &stamp,
            )?;
            written = srtp.sender.protect_rtp(buffer, len).ok()?;
            Some(written)
        });
        transport.resends.spend(capacity);
        transport.estimator.sent(now, written);
        transport.bytes_sent += written as u64;
        consumer.stats.rtx_sent += 1;
        self.counters.packets_forwarded += 1;
        Some(())
    }

    /// Sends what nothing was sent for under a number: the packet whose place it is, where that is
    /// there by now, or a padding-only one where it never will be.
    fn fill(
        &mut self,
        now: Instant,
        key: TransportKey,
        consumer: ConsumerKey,
        sequence: u16,
        output: &mut impl Output,
    ) -> Option<()> {
        let transport = &mut self.transports[key.index()];
        let consumer = &mut self.consumers[consumer.index()];
        let producer = &self.producers[consumer.producer.index()];
        let path = transport.ice.selected()?;
        if !producer.is_video() || transport.srtp.is_none() || !transport.resends.covers(FILLER_LEN)
        {
            return None;
        }
        let mut copy = Copying {
            now,
            abs_send_time: self.wall_clock.abs_send_time(now),
            encoding: consumer.selector.current().map_or(0, |current| current.spatial),
            producer,
            counters: &mut self.counters,
        };
        if consumer.selector.current().is_some()
            && let Some(source) = consumer.rewriter.source_of(sequence)
        {
            copy.past(consumer, transport, path, source, output);
        }
        let outgoing = consumer.fill(sequence, &producer.encodings)?;
        let packet = consumer.filler()?;
        let sent = copy.send(consumer, transport, path, &packet, &outgoing, output);
        transport.resends.spend(sent);
        Some(())
    }
}
