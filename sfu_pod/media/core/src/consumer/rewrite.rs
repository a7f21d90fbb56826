//! One consumer's own numbering: sequence numbers, timestamps and the codec's own numbers run on over
//! layer switches and packets left out, while packets lost on the way to us stay visible as gaps.
//! A packet that turns out to be left out only after later ones were sent has such a gap for its
//! place; it is for the caller to fill it.

use std::collections::VecDeque;

use crate::codec::{CodecNumbers, CodecRewriter, FrameDescriptor};

/// Changes of numbering that late packets can still be placed by: more than a second's, with
/// something left out after every picture.
const MAX_CHANGES: usize = 128;

/// The numbers of one outgoing packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Numbers {
    pub sequence: u16,
    pub timestamp: u32,
    /// Those in the payload.
    pub codec: CodecNumbers,
}

/// Adds up to: outgoing = incoming + offset, each modulo its width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Offsets {
    sequence: u16,
    codec: CodecRewriter,
}

/// The numbers from `left_out` to before `from` are not sent; from there on the offsets hold.
#[derive(Debug, Clone, Copy)]
struct Change {
    left_out: u64,
    from: u64,
    offsets: Offsets,
}

/// Maps the numbers of the encoding that is forwarded now.
#[derive(Debug)]
pub(crate) struct Rewriter {
    offsets: Offsets,
    timestamp_offset: u32,
    /// Highest incoming number of this encoding; what is older than `start` was before the switch.
    highest: u64,
    start: u64,
    /// In order; the last is in effect now.
    changes: VecDeque<Change>,
    last: Numbers,
}

impl Rewriter {
    /// The first packet will get the sequence number and timestamp after these.
    pub(crate) fn new(sequence: u16, timestamp: u32) -> Self {
        Self {
            offsets: Offsets { sequence, ..Offsets::default() },
            timestamp_offset: 0,
            highest: 0,
            start: 0,
            changes: VecDeque::new(),
            last: Numbers { sequence, timestamp, ..Numbers::default() },
        }
    }

    /// The numbers of the newest packet sent.
    pub(crate) fn last(&self) -> Numbers {
        self.last
    }

    /// The highest incoming number of this encoding that was sent or left out.
    pub(crate) fn highest(&self) -> u64 {
        self.highest
    }

    /// The oldest incoming number that has a place.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// What to add to the current encoding's timestamps.
    pub(crate) fn timestamp_offset(&self) -> u32 {
        self.timestamp_offset
    }

    /// Goes on with another stream, which `frame` begins. `sequence` is its first packet's number, and
    /// gets `timestamp`.
    pub(crate) fn switch(
        &mut self,
        sequence: u64,
        source_timestamp: u32,
        timestamp: u32,
        frame: &FrameDescriptor,
    ) {
        let next = (self.highest as u16).wrapping_add(self.offsets.sequence).wrapping_add(1);
        self.offsets.sequence = next.wrapping_sub(sequence as u16);
        self.timestamp_offset = timestamp.wrapping_sub(source_timestamp);
        self.offsets.codec.switch(self.last.codec, frame);
        // So that the first packet counts as the newest.
        self.highest = sequence - 1;
        self.start = sequence;
        self.changes.clear();
        self.changes.push_back(Change {
            left_out: sequence,
            from: sequence,
            offsets: self.offsets,
        });
    }

    /// The outgoing number of an incoming one. `None`: it was left out, or is older than what can
    /// be placed.
    pub(crate) fn number_of(&self, sequence: u64) -> Option<u16> {
        let offsets =
            if sequence > self.highest { self.offsets } else { self.offsets_at(sequence)? };
        Some((sequence as u16).wrapping_add(offsets.sequence))
    }

    /// The incoming number whose place an outgoing one is, up to the newest. `None`: it was of
    /// another encoding, or is older than what can be placed.
    pub(crate) fn source_of(&self, number: u16) -> Option<u64> {
        let mut end = self.highest + 1;
        for change in self.changes.iter().rev() {
            let source = number.wrapping_sub(change.offsets.sequence);
            let behind = u64::from((end as u16).wrapping_sub(source));
            if (1..1 << 15).contains(&behind) && end >= change.from + behind {
                return Some(end - behind);
            }
            end = change.left_out;
        }
        None
    }

    /// The numbers of a packet that is sent. `None`: it was left out, or is older than what can be
    /// placed.
    pub(crate) fn map(
        &mut self,
        sequence: u64,
        timestamp: u32,
        frame: &FrameDescriptor,
    ) -> Option<Numbers> {
        let newest = sequence > self.highest;
        let offsets = if newest { self.offsets } else { self.offsets_at(sequence)? };
        let numbers = Numbers {
            sequence: (sequence as u16).wrapping_add(offsets.sequence),
            timestamp: timestamp.wrapping_add(self.timestamp_offset),
            codec: offsets.codec.numbers(frame),
        };
        if newest {
            self.highest = sequence;
            self.last = numbers;
        }
        Some(numbers)
    }

    /// The newest packet is not sent, and nobody shall miss it: later ones close up.
    pub(crate) fn leave_out(&mut self, sequence: u64, frame: &FrameDescriptor) {
        debug_assert!(sequence > self.highest);
        self.highest = sequence;
        self.offsets.sequence = self.offsets.sequence.wrapping_sub(1);
        self.offsets.codec.leave_out(frame);
        let (from, offsets) = (sequence + 1, self.offsets);
        if let Some(last) = self.changes.back_mut()
            && last.from == sequence
            && last.left_out < last.from
        {
            (last.from, last.offsets) = (from, offsets);
            return;
        }
        if self.changes.len() == MAX_CHANGES {
            self.changes.pop_front();
            self.start = self.changes.front().map_or(self.start, |change| change.from);
        }
        self.changes.push_back(Change { left_out: sequence, from, offsets });
    }

    fn offsets_at(&self, sequence: u64) -> Option<Offsets> {
        if sequence < self.start {
            return None;
        }
        let change = self.changes.iter().rev().find(|change| change.left_out <= sequence)?;
        (change.from <= sequence).then_some(change.offsets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::describe;
    use crate::command::Codec;

    /// Of a codec without numbers.
    const PLAIN: fn() -> FrameDescriptor = FrameDescriptor::default;

    fn vp8(picture_id: u16, tl0: u8, temporal: u8) -> FrameDescriptor {
        let [high, low] = picture_id.to_be_bytes();
        describe(Codec::Vp8, &[0x90, 0xe0, 0x80 | high, low, tl0, temporal << 6, 1], false)
    }

    /// Picture id and TL0PICIDX as they stand in the payload that is sent.
    fn written(numbers: &Numbers) -> (u16, u8) {
        let mut payload = [0x90, 0xe0, 0x80, 0, 0, 0, 1];
        numbers.codec.write(&describe(Codec::Vp8, &payload, false), &mut payload);
        (u16::from_be_bytes([payload[2] & 0x7f, payload[3]]), payload[4])
    }

    fn sequences(rewriter: &mut Rewriter, numbers: impl IntoIterator<Item = u64>) -> Vec<u16> {
        numbers
            .into_iter()
            .filter_map(|n| rewriter.map(n, 0, &PLAIN()))
            .map(|n| n.sequence)
            .collect()
    }

    #[test]
    fn losses_before_us_stay_gaps_and_late_packets_fill_them() {
        let mut rewriter = Rewriter::new(99, 0);
        rewriter.switch(0x1_0000, 0, 5, &PLAIN());
        let sent = sequences(&mut rewriter, [0x1_0000, 0x1_0001, 0x1_0004, 0x1_0003]);
        assert_eq!(sent, [100, 101, 104, 103]);
    }

    #[test]
    fn a_switch_goes_on_in_every_number() {
        let mut rewriter = Rewriter::new(65534, 1000);
        rewriter.switch(70_000, 500, 1001, &vp8(32_767, 255, 0));
        let first = rewriter.map(70_000, 500, &vp8(32_767, 255, 0)).unwrap();
        assert_eq!((first.sequence, first.timestamp), (65535, 1001));
        rewriter.switch(90_000, 77, 4000, &vp8(5, 9, 0));
        let second = rewriter.map(90_000, 77, &vp8(5, 9, 0)).unwrap();
        assert_eq!(second.sequence, 0);
        assert_eq!(second.timestamp, 4000);
        let ((first_id, first_tl0), (second_id, second_tl0)) = (written(&first), written(&second));
        assert_eq!(second_id, (first_id + 1) & 0x7fff);
        assert_eq!(second_tl0, first_tl0.wrapping_add(1));
        assert_eq!(rewriter.map(89_999, 60, &PLAIN()), None, "from before the switch");
    }

    #[test]
    fn left_out_frames_close_up() {
        let mut rewriter = Rewriter::new(0, 0);
        rewriter.switch(1000, 0, 0, &vp8(10, 1, 0));
        rewriter.map(1000, 0, &vp8(10, 1, 0)).unwrap();
        rewriter.leave_out(1001, &vp8(11, 1, 1));
        rewriter.leave_out(1002, &vp8(11, 1, 1));
        let next = rewriter.map(1004, 0, &vp8(12, 2, 0)).unwrap();
        let late = rewriter.map(1003, 0, &vp8(12, 2, 0)).unwrap();
        assert_eq!((next.sequence, written(&next)), (3, (2, 2)));
        assert_eq!((late.sequence, written(&late)), (2, (2, 2)));
    }

    #[test]
    fn what_was_left_out_has_no_number_and_every_other_one_is_found_again() {
        let mut rewriter = Rewriter::new(9, 0);
        rewriter.switch(1000, 0, 0, &PLAIN());
        assert_eq!(sequences(&mut rewriter, [1000, 1001]), [10, 11]);
        rewriter.leave_out(1002, &PLAIN());
        rewriter.leave_out(1003, &PLAIN());
        rewriter.leave_out(1005, &PLAIN());
        assert_eq!(sequences(&mut rewriter, [1007]), [14]);
        let numbers: Vec<_> = (999..=1007).map(|n| rewriter.number_of(n)).collect();
        let left_out = None;
        let expected = [Some(10), Some(11), left_out, left_out, Some(12), left_out, Some(13)];
        assert_eq!(numbers, [&[None], &expected[..], &[Some(14)]].concat());
        let sources: Vec<_> = (9..=15).map(|n| rewriter.source_of(n)).collect();
        let expected = [Some(1000), Some(1001), Some(1004), Some(1006), Some(1007)];
        assert_eq!(sources, [&[None], &expected[..], &[None]].concat());
    }

    #[test]
    fn packets_older_than_the_record_are_refused_not_misplaced() {
        let mut rewriter = Rewriter::new(0, 0);
        rewriter.switch(1000, 0, 0, &PLAIN());
        rewriter.map(1000, 0, &PLAIN()).unwrap();
        for n in 0..200 {
            rewriter.leave_out(1002 + 2 * n, &PLAIN());
        }
        assert_eq!(rewriter.map(1001, 0, &PLAIN()), None);
        assert_eq!(rewriter.source_of(1), None);
        assert!(rewriter.map(1399, 0, &PLAIN()).is_some());
    }
}
