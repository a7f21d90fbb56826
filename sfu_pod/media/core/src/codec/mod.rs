//! What forwarding has to know of codecs. Each codec has one folder or file here, and nothing outside
//! of this folder knows what a payload looks like.
//!
//! A codec gives up to three things:
//! - `describe`: from the payload of a packet to a [`FrameDescriptor`], which is all that the
//!   forwarder and the consumers look at;
//! - a `LayerSelector`: which packets of a stream are of the layers that a consumer is sent now, and
//!   at which frames it may be sent more or fewer;
//! - a `CodecRewriter`: numbers inside the payload that have to run on without a gap where a
//!   consumer is sent a part of a stream, or one stream after another.
//!
//! A codec whose streams are sent whole, or not at all, has the first alone: its packets are all
//! selected, and its payload is not changed. [`Codec::has_selector`] tells them apart.
//!
//! Layers are named by the stream that has them ([`StreamLayers`]): a producer's spatial layers may
//! be streams of their own (simulcast) or parts of one stream (SVC).

mod av1;
mod frame;
mod h264;
mod layers;
mod picture_id;
mod reader;
mod rewriter;
mod selector;
pub mod vp8;
pub mod vp9;

pub use frame::{FrameDescriptor, KeyPart, SwitchUp};
pub use picture_id::PictureId;

pub(crate) use layers::StreamLayers;
pub(crate) use rewriter::{CodecNumbers, CodecRewriter};
pub(crate) use selector::LayerSelector;

use crate::command::Codec;

/// Describes one packet by its payload and marker bit. What cannot be read, because it is malformed
/// or encrypted end to end, is of a frame that nothing is known of.
pub fn describe(codec: Codec, payload: &[u8], marker: bool) -> FrameDescriptor {
    if payload.is_empty() {
        return FrameDescriptor::default();
    }
    match codec {
        Codec::Opus => FrameDescriptor::independent(),
        Codec::Vp8 => vp8::describe(payload, marker),
        Codec::Vp9 => vp9::describe(payload),
        Codec::Av1 => av1::describe(payload, marker),
        Codec::H264 => h264::describe(payload, marker),
    }
}

impl Codec {
    /// Whether a consumer can be sent some of the layers in a stream, and not only all or none.
    pub(crate) fn has_selector(self) -> bool {
        matches!(self, Self::Vp8)
    }
}
