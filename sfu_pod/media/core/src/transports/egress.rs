//! What waits to be sent to one peer: small descriptors. Payloads stay where they are: in the batch
//! that they came with, and from then on in the history of their producer.
//!
//! A packet gets its stream's number when it is queued, so that what is decided next about the stream
//! knows of it. What depends on the moment and the order of leaving it gets when it leaves: send
//! time, transport-wide number, number of a retransmission, protection.
//!
//! # When it leaves
//!
//! In the same call of the worker, unless [`Pacing`] holds it back. Then sound comes first,
//! after it what repairs losses, then video; within each the order of queueing is kept. What waits
//! for so long that its payload is not in the history any more is dropped.

use std::time::Instant;

use crate::config::Pacing;
use crate::consumer::rewrite::Numbers;
use crate::keys::ConsumerKey;

/// Packets that may wait: more than one batch of datagrams and one replay bring.
const MAX_PACKETS: usize = 4096;
/// Bytes that may wait, by what they take when they are sent.
const MAX_BYTES: usize = 4 << 20;

/// One RTP packet that waits to be sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Queued {
    pub consumer: ConsumerKey,
    pub content: Content,
    pub form: Form,
    pub class: Class,
    pub payload_type: u8,
    /// Of the media's own SSRC.
    pub numbers: Numbers,
    /// Bytes that it takes at most, without protection.
    pub room: u32,
    /// Bytes taken for it from the budget for what is sent of the past; 0: it is live media, which
    /// earns some.
    pub reserved: u32,
    /// It left, or was dropped.
    gone: bool,
}

/// What is inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// A packet of the batch that is being handled, by its index; and where the history has it.
    InBatch { index: u32, encoding: u8, source: u64 },
    /// A packet in the history of the consumer's producer: of an encoding, by its extended number.
    InHistory { encoding: u8, source: u64 },
    /// Padding alone, in place of a packet that will never be sent.
    Filler,
}

/// How it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// On the media's SSRC.
    Media,
    /// On the SSRC of retransmissions (RFC 4588).
    Retransmission,
}

/// What goes first where not all may leave at once, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Audio,
    /// Answers to NACKs: others wait for them at the receiver.
    Repair,
    Video,
}

/// The queue of one transport.
#[derive(Debug, Default)]
pub(crate) struct Egress {
    /// In order of queueing.
    waiting: Vec<Queued>,
    bytes: usize,
    /// When the current interval of pacing began.
    interval: Option<Instant>,
    /// Bytes that left in it.
    left: usize,
}

impl Queued {
    /// Live media on its own SSRC.
    pub(crate) fn new(
        consumer: ConsumerKey,
        content: Content,
        class: Class,
        payload_type: u8,
        numbers: Numbers,
        room: usize,
    ) -> Self {
        Self {
            consumer,
            content,
            form: Form::Media,
            class,
            payload_type,
            numbers,
            room: u32::try_from(room).unwrap_or(u32::MAX),
            reserved: 0,
            gone: false,
        }
    }

    /// The same, paid by the budget for what is sent of the past.
    pub(crate) fn paid(self) -> Self {
        Self { reserved: self.room, ..self }
    }

    /// The same as a retransmission.
    pub(crate) fn over_rtx(self) -> Self {
        Self { form: Form::Retransmission, ..self }
    }
}

impl Content {
    /// The same when the batch is over.
    fn after_batch(self) -> Self {
        match self {
            Self::InBatch { encoding, source, .. } => Self::InHistory { encoding, source },
            other => other,
        }
    }
}

impl Class {
    const BY_PRIORITY: [Self; 3] = [Self::Audio, Self::Repair, Self::Video];
}

impl Egress {
    /// Queues a packet. False: the queue is full, and the packet is dropped.
    #[inline]
    pub(crate) fn push(&mut self, queued: Queued) -> bool {
        let bytes = self.bytes + queued.room as usize;
        let fits = self.waiting.len() < MAX_PACKETS && bytes <= MAX_BYTES;
        if fits {
            self.bytes = bytes;
            self.waiting.push(queued);
        }
        fits
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Drops what waits of a consumer.
    pub(crate) fn forget(&mut self, consumer: ConsumerKey) {
        if !self.waiting.is_empty() {
            self.waiting.retain(|queued| queued.consumer != consumer);
            self.count();
        }
    }

    /// Calls `send` for each packet that may leave now, which returns the bytes sent.
    #[inline]
    pub(crate) fn release(
        &mut self,
        now: Instant,
        pacing: Option<Pacing>,
        mut send: impl FnMut(&Queued) -> usize,
    ) {
        let Some(pacing) = pacing else {
            for queued in &self.waiting {
                send(queued);
            }
            self.waiting.clear();
            self.bytes = 0;
            return;
        };
        self.release_paced(now, pacing, send);
    }

    /// When more may leave. `None`: nothing waits.
    pub(crate) fn next_release(&self, pacing: Option<Pacing>) -> Option<Instant> {
        let (pacing, interval) = pacing.zip(self.interval)?;
        (!self.is_empty()).then(|| interval + pacing.interval)
    }

    #[cold]
    fn release_paced(
        &mut self,
        now: Instant,
        pacing: Pacing,
        mut send: impl FnMut(&Queued) -> usize,
    ) {
        let began = *self.interval.get_or_insert(now);
        if now.saturating_duration_since(began) >= pacing.interval {
            (self.interval, self.left) = (Some(now), 0);
        }
        for class in Class::BY_PRIORITY {
            let of_class = self.waiting.iter_mut().filter(|queued| queued.class == class);
            for queued in of_class {
                if self.left >= pacing.bytes {
                    break;
                }
                self.left += send(queued);
                queued.gone = true;
            }
        }
        self.waiting.retain(|queued| !queued.gone);
        for queued in &mut self.waiting {
            queued.content = queued.content.after_batch();
        }
        self.count();
    }

    fn count(&mut self) {
        self.bytes = self.waiting.iter().map(|queued| queued.room as usize).sum();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PACING: Pacing = Pacing { bytes: 2500, interval: Duration::from_millis(5) };

    fn queued(consumer: usize, class: Class, sequence: u16) -> Queued {
        let numbers = Numbers { sequence, ..Numbers::default() };
        let content =
            Content::InBatch { index: 3, encoding: 1, source: 70_000 + u64::from(sequence) };
        Queued::new(ConsumerKey(consumer), content, class, 96, numbers, 1000)
    }

    fn released(egress: &mut Egress, now: Instant, pacing: Option<Pacing>) -> Vec<u16> {
        let mut numbers = Vec::new();
        egress.release(now, pacing, |queued| {
            numbers.push(queued.numbers.sequence);
            1000
        });
        numbers
    }

    #[test]
    fn without_pacing_everything_leaves_in_the_order_of_queueing() {
        let mut egress = Egress::default();
        for (class, number) in [(Class::Video, 1), (Class::Repair, 2), (Class::Audio, 3)] {
            assert!(egress.push(queued(1, class, number)));
        }
        assert_eq!(released(&mut egress, Instant::now(), None), [1, 2, 3]);
        assert!(egress.is_empty());
        assert_eq!(released(&mut egress, Instant::now(), None), []);
    }

    #[test]
    fn what_is_held_back_leaves_by_class_and_then_in_order() {
        let (mut egress, start) = (Egress::default(), Instant::now());
        use Class::{Audio, Repair, Video};
        let classes = [Video, Video, Repair, Audio, Video, Repair, Audio];
        for (class, number) in classes.into_iter().zip(1..) {
            egress.push(queued(1, class, number));
        }
        assert_eq!(released(&mut egress, start, Some(PACING)), [4, 7, 3]);
        assert_eq!(egress.next_release(Some(PACING)), Some(start + PACING.interval));
        assert_eq!(released(&mut egress, start + PACING.interval / 2, Some(PACING)), []);
        let later = start + PACING.interval;
        assert_eq!(released(&mut egress, later, Some(PACING)), [6, 1, 2]);
        egress.push(queued(1, Audio, 8));
        assert_eq!(released(&mut egress, later + PACING.interval, Some(PACING)), [8, 5]);
        assert_eq!(egress.next_release(Some(PACING)), None);
    }

    #[test]
    fn what_outlives_its_batch_is_looked_for_in_the_history() {
        let mut egress = Egress::default();
        (1..=4).for_each(|number| assert!(egress.push(queued(1, Class::Video, number))));
        let start = Instant::now();
        let mut contents = Vec::new();
        for n in 0..2 {
            egress.release(start + n * PACING.interval, Some(PACING), |queued| {
                contents.push(queued.content);
                1000
            });
        }
        let in_batch = |n: u64| Content::InBatch { index: 3, encoding: 1, source: 70_000 + n };
        let in_history = Content::InHistory { encoding: 1, source: 70_004 };
        assert_eq!(contents, [in_batch(1), in_batch(2), in_batch(3), in_history]);
    }

    #[test]
    fn it_is_bounded_in_packets_and_bytes() {
        let mut egress = Egress::default();
        let large = Queued { room: 60_000, ..queued(1, Class::Video, 1) };
        let pushed = (0..100).filter(|_| egress.push(large)).count();
        assert_eq!(pushed, MAX_BYTES / 60_000);
        egress.forget(ConsumerKey(1));
        let small = Queued { room: 100, ..queued(2, Class::Video, 1) };
        let pushed = (0..2 * MAX_PACKETS).filter(|_| egress.push(small)).count();
        assert_eq!(pushed, MAX_PACKETS);
        assert_eq!(released(&mut egress, Instant::now(), None).len(), MAX_PACKETS);
        assert!(egress.push(large), "room again");
    }

    #[test]
    fn what_waits_of_a_consumer_goes_with_it() {
        let mut egress = Egress::default();
        (1..=3).for_each(|n| assert!(egress.push(queued(usize::from(n) % 2, Class::Audio, n))));
        egress.forget(ConsumerKey(1));
        assert_eq!(released(&mut egress, Instant::now(), None), [2]);
    }
}
