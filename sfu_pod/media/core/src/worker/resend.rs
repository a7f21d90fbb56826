//! Answers to NACKs: what was sent goes out again, and what never will be is filled.

use std::time::Instant;

use rotunda_packet::rtcp::Nack;

use super::Worker;
use super::forward::Copying;
use crate::consumer::Consumer;
use crate::consumer::retransmit::What;
use crate::consumer::write::{room, write_retransmission};
use crate::io::Output;
use crate::keys::TransportKey;
use crate::packet::MediaPacket;
use crate::path::Path;
use crate::transports::Transport;

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
        let transport = &mut self.transports[key.index()];
        let Some(consumer) = transport.consumer_of(nack.media_ssrc) else { return };
        let consumer = &mut self.consumers[consumer.index()];
        consumer.stats.nacks_received += nack.sequence_numbers().count() as u64;
        let Some(path) = transport.destination() else { return };
        let mut copy = Copying {
            now,
            leaves: self.wall_clock.send_time(now),
            encoding: consumer.selector.encoding().unwrap_or(0),
            producer: &self.producers[consumer.producer.index()],
            counters: &mut self.counters,
        };
        for number in nack.sequence_numbers() {
            if copy.resend(consumer, transport, path, number, output).is_none() {
                copy.fill(consumer, transport, path, number, output);
            }
        }
    }
}

impl Copying<'_> {
    /// Sends what went out under a number again over RTX, if it is still there and may be sent.
    fn resend(
        &mut self,
        consumer: &mut Consumer,
        transport: &mut Transport,
        path: Path,
        number: u16,
        output: &mut impl Output,
    ) -> Option<()> {
        let ssrc = consumer.parameters.rtx_ssrc?;
        if !transport.is_ready() {
            return None;
        }
        let sent = consumer.sent.take(self.now, transport.round_trip(), number)?;
        let packet = match sent.what {
            What::Nothing => return None,
            What::Filler => consumer.filler()?,
            What::Packet { source, encoding } => {
                let encoding = self.producer.encodings.get(usize::from(encoding))?;
                let past = encoding.history.get(self.now, source)?;
                let codec = self.producer.payload(&past.facts).codec;
                MediaPacket::new(codec, past.facts, past.dependency, past.payload)
            }
        };
        let (_, payload_type) = consumer.payload_types[usize::from(packet.facts.payload)]?;
        let payload_type = payload_type?;
        let room = room(consumer, &packet);
        if !transport.resends().covers(room) {
            return None;
        }
        let rtx_number = consumer.rtx_sequence;
        let written = transport.send_rtp(path, &self.leaves, room, output, |buffer, stamp| {
            write_retransmission(
                buffer,
                consumer,
                ssrc,
                payload_type,
                rtx_number,
                &packet,
                &sent.numbers,
                stamp,
            )
        });
        if written == 0 {
            return None;
        }
        consumer.rtx_sequence = rtx_number.wrapping_add(1);
        transport.resends_mut().spend(written);
        consumer.stats.rtx_sent += 1;
        self.counters.packets_forwarded += 1;
        Some(())
    }

    /// Sends something under a number that was skipped: the packet whose place it is, where that is
    /// there by now, or a padding-only one where it never will be.
    fn fill(
        &mut self,
        consumer: &mut Consumer,
        transport: &mut Transport,
        path: Path,
        number: u16,
        output: &mut impl Output,
    ) -> Option<()> {
        let may_send = transport.is_ready() && transport.resends().covers(FILLER_LEN);
        if !may_send || !self.producer.is_video() || !consumer.skipped(number) {
            return None;
        }
        if consumer.selector.current().is_some()
            && let Some(source) = consumer.rewriter.source_of(number)
        {
            self.past(consumer, transport, path, source, output);
        }
        let outgoing = consumer.fill(number, &self.producer.encodings)?;
        let packet = consumer.filler()?;
        let sent = self.send(consumer, transport, path, &packet, &outgoing, output);
        transport.resends_mut().spend(sent);
        Some(())
    }
}
