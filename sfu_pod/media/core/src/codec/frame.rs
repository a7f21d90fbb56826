//! What one packet shows of its frame, whatever the codec.

use super::vp8;

/// All that forwarding looks at. A field that the codec does not tell has its default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FrameDescriptor {
    /// The frame's first packet. Where a picture has several spatial layers, each is a frame.
    pub starts: bool,
    /// The frame's last packet.
    pub ends: bool,
    /// What of a key picture the packet shows.
    pub key: KeyPart,
    /// Spatial layer inside of the stream; 0 is the lowest.
    pub spatial: u8,
    /// Temporal layer; 0 is the lowest. `None`: the frame is of no layer, and is needed always.
    pub temporal: Option<u8>,
    /// Whether the frame rate may rise here.
    pub switch_up: SwitchUp,
    /// No other frame refers to this one.
    pub discardable: bool,
    /// Predicted from the next lower spatial layer of the same picture.
    pub inter_layer: bool,
    /// What the codec's own selector and rewriter need besides.
    pub(crate) codec: CodecPart,
}

/// What a packet shows of a key picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeyPart {
    /// None begins or goes on here, as far as this packet shows.
    #[default]
    None,
    /// Parameters of the pictures to come, but not all that a decoder needs.
    Parameters,
    /// The first packet that a decoder needs of one.
    First,
    /// The first slice of one; parameter sets of the same picture may have come before it.
    FirstSlice,
    /// Another slice of one begins.
    LaterSlice,
}

/// Whether a receiver that was not sent a temporal layer so far can be sent it from a frame on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SwitchUp {
    /// The frame does not say so.
    #[default]
    No,
    /// The frame needs the base layer alone, so its own layer may begin with it (VP8's Y bit).
    ThisLayer,
    /// The frame's layer was sent before; every layer above may begin after it (VP9's U bit).
    LayersAbove,
}

/// A codec's own part of a [`FrameDescriptor`]; its folder alone looks inside.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum CodecPart {
    #[default]
    None,
    Vp8(vp8::Part),
}

impl FrameDescriptor {
    /// A frame in one packet that refers to no other.
    pub(super) fn independent() -> Self {
        Self { starts: true, ends: true, key: KeyPart::First, ..Self::default() }
    }
}
