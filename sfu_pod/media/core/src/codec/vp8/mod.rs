//! VP8 (RFC 7741): temporal layers inside of a stream, told by the payload descriptor.

mod descriptor;
mod rewriter;
mod selector;

pub use descriptor::{TemporalLayer, Vp8Descriptor, Vp8Error};
pub(crate) use rewriter::{Numbers, Rewriter};
pub(crate) use selector::LayerSelector;

use super::frame::{CodecPart, FrameDescriptor, KeyPart, SwitchUp};
use super::picture_id::PictureId;

/// What selector and rewriter need of a packet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Part {
    picture_id: Option<PictureId>,
    tl0_picture_index: Option<u8>,
}

/// Describes a packet by its payload, which is not empty.
pub(super) fn describe(payload: &[u8], marker: bool) -> FrameDescriptor {
    let Ok(descriptor) = Vp8Descriptor::parse(payload) else { return FrameDescriptor::default() };
    let sync = descriptor.temporal.is_some_and(|temporal| temporal.sync);
    FrameDescriptor {
        starts: descriptor.is_frame_start(),
        ends: marker,
        key: if descriptor.is_key_frame(payload) { KeyPart::First } else { KeyPart::None },
        spatial: 0,
        temporal: descriptor.temporal.map(|temporal| temporal.index),
        switch_up: if sync { SwitchUp::ThisLayer } else { SwitchUp::No },
        discardable: descriptor.non_reference,
        inter_layer: false,
        codec: CodecPart::Vp8(Part::of(&descriptor)),
    }
}

impl Part {
    fn of(descriptor: &Vp8Descriptor) -> Self {
        let Vp8Descriptor { picture_id, tl0_picture_index, .. } = *descriptor;
        Self { picture_id, tl0_picture_index }
    }
}
