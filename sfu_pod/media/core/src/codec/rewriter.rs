//! Numbers inside of payloads, which run on in what a consumer is sent.

use super::frame::{CodecPart, FrameDescriptor};
use super::vp8;

/// What is added to the numbers of a stream, by its codec. Small and copied: late packets are
/// numbered by how it was at their time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum CodecRewriter {
    #[default]
    Nothing,
    Vp8(vp8::Rewriter),
}

/// The numbers in the payload of one packet that was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum CodecNumbers {
    #[default]
    Nothing,
    Vp8(vp8::Numbers),
}

/// What one codec's rewriter does.
pub(super) trait RewriteNumbers: Copy + Default {
    /// A codec's part of a frame descriptor.
    type Part;
    /// What it has for one packet.
    type Numbers: Copy + Default;

    /// Goes on after `last` with another stream, which begins with this frame.
    fn switch(&mut self, last: Self::Numbers, first: &Self::Part);

    /// A packet of this frame is not sent, and is the newest: those after it close up.
    fn leave_out(&mut self, part: &Self::Part);

    /// The numbers of a packet that is sent.
    fn numbers(&self, part: &Self::Part) -> Self::Numbers;

    /// Puts the numbers into a copy of the payload that was described.
    fn write(part: &Self::Part, numbers: Self::Numbers, payload: &mut [u8]);
}

impl CodecRewriter {
    /// See [`RewriteNumbers::switch`].
    pub(crate) fn switch(&mut self, last: CodecNumbers, first: &FrameDescriptor) {
        match &first.codec {
            CodecPart::None => *self = Self::Nothing,
            CodecPart::Vp8(part) => self.vp8().switch(last.vp8(), part),
        }
    }

    /// See [`RewriteNumbers::leave_out`].
    pub(crate) fn leave_out(&mut self, frame: &FrameDescriptor) {
        match &frame.codec {
            CodecPart::None => {}
            CodecPart::Vp8(part) => self.vp8().leave_out(part),
        }
    }

    /// See [`RewriteNumbers::numbers`].
    #[inline]
    pub(crate) fn numbers(mut self, frame: &FrameDescriptor) -> CodecNumbers {
        match &frame.codec {
            CodecPart::None => CodecNumbers::Nothing,
            CodecPart::Vp8(part) => CodecNumbers::Vp8(self.vp8().numbers(part)),
        }
    }

    /// A stream may go on in another codec at any packet; nothing is added to that one's numbers then.
    #[inline]
    fn vp8(&mut self) -> &mut vp8::Rewriter {
        if !matches!(self, Self::Vp8(_)) {
            *self = Self::Vp8(vp8::Rewriter::default());
        }
        match self {
            Self::Vp8(rewriter) => rewriter,
            Self::Nothing => unreachable!("made above"),
        }
    }
}

impl CodecNumbers {
    /// Puts the numbers into a copy of the payload that `frame` describes.
    #[inline]
    pub(crate) fn write(self, frame: &FrameDescriptor, payload: &mut [u8]) {
        match &frame.codec {
            CodecPart::None => {}
            CodecPart::Vp8(part) => vp8::Rewriter::write(part, self.vp8(), payload),
        }
    }

    fn vp8(self) -> vp8::Numbers {
        match self {
            Self::Vp8(numbers) => numbers,
            Self::Nothing => vp8::Numbers::default(),
        }
    }
}
