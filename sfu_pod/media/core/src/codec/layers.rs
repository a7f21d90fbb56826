//! Names for the layers of a producer.

use crate::event::Layers;

/// How much of a producer is sent, or shall be sent: one of its streams, up to these layers of it.
/// What is more is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StreamLayers {
    /// The stream; 0 is the lowest encoding.
    pub encoding: u8,
    /// The highest spatial layer inside of the stream.
    pub spatial: u8,
    /// The highest temporal layer inside of the stream.
    pub temporal: u8,
}

impl StreamLayers {
    /// As the owner counts them: spatial layers go on from one encoding to the next. A producer has
    /// them as encodings or inside of its only one, so that each name means one thing.
    pub(crate) fn counted(self) -> Layers {
        Layers { spatial: self.encoding.saturating_add(self.spatial), temporal: self.temporal }
    }
}
