//! Packet indices: rollover estimation and replay windows (RFC 3711 sections 3.3.1 and 3.3.2).

const WORD: u64 = u64::BITS as u64;

/// Which of the newest `64 * WORDS` indices were seen.
#[derive(Debug, Clone)]
pub(super) struct ReplayWindow<const WORDS: usize> {
    highest: u64,
    /// Bit `index % (64 * WORDS)` for each index in the window.
    seen: [u64; WORDS],
}

impl<const WORDS: usize> ReplayWindow<WORDS> {
    const SPAN: u64 = WORD * WORDS as u64;

    /// A window that has seen only `index`.
    pub(super) fn starting_at(index: u64) -> Self {
        let mut window = Self { highest: index, seen: [0; WORDS] };
        window.put(index);
        window
    }

    /// The greatest index seen.
    pub(super) fn highest(&self) -> u64 {
        self.highest
    }

    /// Neither seen nor too old to know.
    pub(super) fn is_fresh(&self, index: u64) -> bool {
        if index > self.highest {
            return true;
        }
        let (word, bit) = Self::place(index);
        self.highest - index < Self::SPAN && self.seen[word] & bit == 0
    }

    /// Remembers an index that [`ReplayWindow::is_fresh`] let through.
    pub(super) fn mark(&mut self, index: u64) {
        if index > self.highest {
            if index - self.highest >= Self::SPAN {
                self.seen = [0; WORDS];
            } else {
                for skipped in self.highest + 1..index {
                    let (word, bit) = Self::place(skipped);
                    self.seen[word] &= !bit;
                }
            }
            self.highest = index;
        }
        self.put(index);
    }

    fn put(&mut self, index: u64) {
        let (word, bit) = Self::place(index);
        self.seen[word] |= bit;
    }

    fn place(index: u64) -> (usize, u64) {
        let slot = index % Self::SPAN;
        ((slot / WORD) as usize, 1 << (slot % WORD))
    }
}

/// The 48-bit index (rollover counter, sequence number) that `sequence_number` most likely
/// belongs to, given the highest index so far. `None`: it lies before the first of all.
pub(super) fn nearest_index(highest: u64, sequence_number: u16) -> Option<u64> {
    let step = sequence_number.wrapping_sub(highest as u16) as i16;
    highest.checked_add_signed(step.into())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::{ReplayWindow, nearest_index};

    #[test]
    fn index_rolls_over_and_back() {
        assert_eq!(nearest_index(0xffff, 0), Some(0x1_0000));
        assert_eq!(nearest_index(0x1_0000, 0xffff), Some(0xffff));
        assert_eq!(nearest_index(0x5_8000, 0x8001), Some(0x5_8001));
        assert_eq!(nearest_index(0x5_7fff, 0xfffe), Some(0x5_fffe));
        assert_eq!(nearest_index(0x5_0001, 0xfffe), Some(0x4_fffe));
        assert_eq!(nearest_index(10, 0xffff), None, "no rollover to go back to");
    }

    proptest! {
        #[test]
        fn window_agrees_with_a_set(steps in prop::collection::vec(-300i64..300, 1..200)) {
            let start = 10_000u64;
            let mut window = ReplayWindow::<2>::starting_at(start);
            let (mut seen, mut highest, mut at) = (HashSet::from([start]), start, start);
            for step in steps {
                at = at.saturating_add_signed(step);
                let fresh = at > highest || (highest - at < 128 && !seen.contains(&at));
                prop_assert_eq!(window.is_fresh(at), fresh, "index {} below {}", at, highest);
                if fresh {
                    window.mark(at);
                    seen.insert(at);
                    highest = highest.max(at);
                }
                prop_assert_eq!(window.highest(), highest);
            }
        }
    }
}
