//! VP9 (RFC 9628): temporal and spatial layers inside of a stream, told by the payload descriptor.
//! Streams are sent whole so far: nothing chooses among their layers.

mod descriptor;
mod structure;

pub use descriptor::{LayerIndices, References, Vp9Descriptor, Vp9Error};
pub use structure::{GroupPicture, ScalabilityStructure};

use super::frame::{FrameDescriptor, KeyPart, SwitchUp};

/// Describes a packet by its payload, which is not empty.
pub(super) fn describe(payload: &[u8]) -> FrameDescriptor {
    let Ok(descriptor) = Vp9Descriptor::parse(payload) else { return FrameDescriptor::default() };
    let layers = descriptor.layers.unwrap_or_default();
    // The upper layers of a key picture are not predicted from another picture either.
    let key = !descriptor.predicted && descriptor.frame_start && layers.spatial == 0;
    FrameDescriptor {
        starts: descriptor.frame_start,
        ends: descriptor.frame_end,
        key: if key { KeyPart::First } else { KeyPart::None },
        spatial: layers.spatial,
        temporal: descriptor.layers.map(|layers| layers.temporal),
        switch_up: if layers.switching_up { SwitchUp::LayersAbove } else { SwitchUp::No },
        inter_layer: layers.inter_layer,
        ..FrameDescriptor::default()
    }
}
