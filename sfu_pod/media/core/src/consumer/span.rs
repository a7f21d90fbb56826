//! What of a receiver's loss is not the fault of its path: numbers that nothing was sent under,
//! because the packets were lost on the way to us.

/// Outgoing numbers, used and skipped, since the beginning and since the last report.
#[derive(Debug, Default)]
pub(crate) struct SentSpan {
    /// Extended number of the newest packet; 0: none was sent.
    highest: u64,
    /// Numbers from the first to the newest, and packets sent under them.
    total: Counts,
    at_report: Counts,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    numbers: u64,
    packets: u64,
}

impl SentSpan {
    /// A packet goes out under this number for the first time.
    #[inline]
    pub(crate) fn sent(&mut self, sequence: u16) {
        self.total.packets += 1;
        if self.highest == 0 {
            self.highest = (1 << 16) + u64::from(sequence);
            self.total.numbers = 1;
            return;
        }
        let ahead = sequence.wrapping_sub(self.highest as u16) as i16;
        if ahead > 0 {
            self.highest += ahead as u64;
            self.total.numbers += ahead as u64;
        }
    }

    /// The share lost on the path, 0 to 1, where the receiver reports `fraction_lost`, in 1/256, of
    /// the time since its last report: it cannot tell what got lost from what was never sent.
    pub(crate) fn lost_on_path(&mut self, fraction_lost: u8) -> f64 {
        let before = std::mem::replace(&mut self.at_report, self.total);
        let numbers = self.total.numbers - before.numbers;
        let skipped = numbers.saturating_sub(self.total.packets - before.packets);
        let never_sent = skipped as f64 / numbers.max(1) as f64;
        (f64::from(fraction_lost) / 256.0 - never_sent).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_sent_is_not_lost_on_the_path() {
        let mut span = SentSpan::default();
        // Every fourth packet did not reach us, over a wrap.
        for n in (0..400u16).filter(|n| n % 4 != 2) {
            span.sent(65_400u16.wrapping_add(n));
        }
        assert_eq!(span.lost_on_path(64), 0.0);
        (400..500u16).for_each(|n| span.sent(65_400u16.wrapping_add(n)));
        assert_eq!(span.lost_on_path(64), 0.25, "a whole interval that we sent");
        assert_eq!(span.lost_on_path(0), 0.0, "nothing was sent since");
        // Out of order, and repaired before us in time.
        [504, 500, 502, 501, 503].iter().for_each(|n| span.sent(65_400u16.wrapping_add(*n)));
        assert_eq!(span.lost_on_path(128), 0.5);
    }
}
