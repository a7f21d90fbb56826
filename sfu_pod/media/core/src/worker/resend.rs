//! Answers to NACKs: what was sent goes out again, and what never will be is filled.

use std::time::Instant;

use rotunda_packet::rtcp::Nack;

use super::Worker;
use super::forward::{Copied, Copying, FILLER_LEN};
use crate::consumer::Outgoing;
use crate::consumer::retransmit::What;
use crate::consumer::write::room;
use crate::keys::TransportKey;
use crate::transports::{Class, Content, Queued};

impl Worker {
    pub(super) fn nack(&mut self, now: Instant, key: TransportKey, nack: &Nack<'_>) {
        let transport = &mut self.transports[key.index()];
        let Some(key) = transport.consumer_of(nack.media_ssrc) else { return };
        let consumer = &mut self.consumers[key.index()];
        consumer.stats.nacks_received += nack.sequence_numbers().count() as u64;
        if transport.destination().is_none() || !transport.is_ready() {
            return;
        }
        let encoding = consumer.selector.encoding().unwrap_or(0);
        let producer = &self.producers[consumer.producer.index()];
        let mut copy = Copying::new(now, producer, encoding, &mut self.waiting, &mut self.counters);
        let mut copied = Copied { key, consumer, transport };
        for number in nack.sequence_numbers() {
            if copy.resend(&mut copied, number).is_none() {
                copy.fill(&mut copied, number);
            }
        }
    }
}

impl Copying<'_> {
    /// Queues what went out under a number again for RTX, if it is still there and may be sent.
    fn resend(&mut self, copied: &mut Copied<'_>, number: u16) -> Option<()> {
        let Copied { consumer, transport, .. } = copied;
        consumer.parameters.rtx_ssrc?;
        let sent = consumer.sent.take(self.now, transport.round_trip(), number)?;
        let (content, packet) = match sent.what {
            What::Nothing => return None,
            What::Filler => (Content::Filler, consumer.filler()?),
            What::Packet { source, encoding } => {
                let packet = self.producer.past(self.now, encoding, source)?;
                (Content::InHistory { encoding, source }, packet)
            }
        };
        let (_, payload_type) = consumer.payload_types[usize::from(packet.facts.payload)]?;
        let (payload_type, room) = (payload_type?, room(consumer, &packet));
        if !transport.resends().covers(room) {
            return None;
        }
        let queued =
            Queued::new(copied.key, content, Class::Repair, payload_type, sent.numbers, room);
        self.queue_paid(copied, queued.over_rtx());
        Some(())
    }

    /// Queues something under a number that was skipped: the packet whose place it is, where that is
    /// there by now, or a padding-only one where it never will be.
    fn fill(&mut self, copied: &mut Copied<'_>, number: u16) -> Option<()> {
        let may_send = copied.transport.resends().covers(FILLER_LEN);
        if !may_send || !self.producer.is_video() || !copied.consumer.skipped(number) {
            return None;
        }
        if copied.consumer.selector.current().is_some()
            && let Some(source) = copied.consumer.rewriter.source_of(number)
        {
            self.past(copied, source);
        }
        let Outgoing { numbers, payload_type, .. } =
            copied.consumer.fill(number, &self.producer.encodings)?;
        let (key, class) = (copied.key, Class::Repair);
        let queued = Queued::new(key, Content::Filler, class, payload_type, numbers, FILLER_LEN);
        self.queue_paid(copied, queued);
        Some(())
    }
}
