//! Picture ids and TL0PICIDX of VP8: both grow by one where a picture, or one of the base layer,
//! follows another.

use super::Part;
use crate::codec::rewriter::RewriteNumbers;

const PICTURE_MASK: u16 = 0x7fff;

/// What is added to a stream's numbers, modulo their widths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rewriter {
    picture_id: u16,
    tl0_picture_index: u8,
    /// The picture left out last: all of its packets count as one.
    left_out: Option<u16>,
}

/// As the consumer counts; 0 where the payload has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    picture_id: u16,
    tl0_picture_index: u8,
}

impl RewriteNumbers for Rewriter {
    type Part = Part;
    type Numbers = Numbers;

    fn switch(&mut self, last: Numbers, first: &Part) {
        if let Some(picture_id) = first.picture_id {
            let next = last.picture_id.wrapping_add(1);
            self.picture_id = next.wrapping_sub(picture_id.value()) & PICTURE_MASK;
        }
        if let Some(index) = first.tl0_picture_index {
            let next = last.tl0_picture_index.wrapping_add(1);
            self.tl0_picture_index = next.wrapping_sub(index);
        }
        self.left_out = None;
    }

    fn leave_out(&mut self, part: &Part) {
        let picture_id = part.picture_id.map(|id| id.value());
        if picture_id.is_some() && picture_id != self.left_out {
            self.left_out = picture_id;
            self.picture_id = self.picture_id.wrapping_sub(1) & PICTURE_MASK;
        }
    }

    #[inline]
    fn numbers(&self, part: &Part) -> Numbers {
        let picture_id = part.picture_id.map_or(0, |picture_id| {
            picture_id.value().wrapping_add(self.picture_id) & PICTURE_MASK
        });
        let tl0_picture_index =
            part.tl0_picture_index.map_or(0, |index| index.wrapping_add(self.tl0_picture_index));
        Numbers { picture_id, tl0_picture_index }
    }

    #[inline]
    fn write(part: &Part, numbers: Numbers, payload: &mut [u8]) {
        part.rewrite(payload, numbers.picture_id, numbers.tl0_picture_index);
    }
}
