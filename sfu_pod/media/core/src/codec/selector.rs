//! Which packets of one stream are sent to a consumer that gets a part of the stream's layers.

use super::frame::{CodecPart, FrameDescriptor};
use super::layers::StreamLayers;
use super::vp8;

/// A choice of layers, by the codec of what is sent. Where the codec has none, everything is sent.
#[derive(Debug, Default)]
pub(crate) enum LayerSelector {
    #[default]
    Whole,
    Vp8(vp8::LayerSelector),
}

/// What one codec's selector does.
pub(super) trait SelectLayers: Default {
    /// A key picture begins with this frame and is sent: all layers may follow it.
    fn begin(&mut self, frame: &FrameDescriptor);

    /// Whether a packet of this frame is sent. `current` is what the stream is sent up to, and
    /// comes nearer to `target` where the frame allows that. `late`: newer packets have been decided
    /// about already, so that `current` stays.
    fn selects(
        &mut self,
        frame: &FrameDescriptor,
        current: &mut StreamLayers,
        target: StreamLayers,
        late: bool,
    ) -> bool;
}

impl LayerSelector {
    /// See [`SelectLayers::begin`].
    pub(crate) fn begin(&mut self, frame: &FrameDescriptor) {
        match frame.codec {
            CodecPart::None => {}
            CodecPart::Vp8(_) => self.vp8().begin(frame),
        }
    }

    /// See [`SelectLayers::selects`].
    #[inline]
    pub(crate) fn selects(
        &mut self,
        frame: &FrameDescriptor,
        current: &mut StreamLayers,
        target: StreamLayers,
        late: bool,
    ) -> bool {
        match frame.codec {
            CodecPart::None => true,
            CodecPart::Vp8(_) => self.vp8().selects(frame, current, target, late),
        }
    }

    /// A source may go on in another codec at any packet; what was decided before means nothing then.
    #[inline]
    fn vp8(&mut self) -> &mut vp8::LayerSelector {
        if !matches!(self, Self::Vp8(_)) {
            *self = Self::Vp8(vp8::LayerSelector::default());
        }
        match self {
            Self::Vp8(selector) => selector,
            Self::Whole => unreachable!("made above"),
        }
    }
}
