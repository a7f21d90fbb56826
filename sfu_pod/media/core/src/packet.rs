//! A received media packet as forwarding sees it: decrypted, routed, its header understood.

use std::ops::Range;

use crate::codec::{self, FrameDescriptor, KeyPart};
use crate::command::Codec;

/// What is remembered of a packet's header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Extended sequence number at the source.
    pub sequence: u64,
    /// RTP timestamp at the source.
    pub timestamp: u32,
    /// Index into the producer's payload mappings.
    pub payload: u8,
    /// Marker bit.
    pub marker: bool,
    /// Raw value of the audio level extension (RFC 6464).
    pub audio_level: Option<u8>,
    /// Raw value of the video orientation extension.
    pub orientation: Option<u8>,
}

/// One packet to forward.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MediaPacket<'a> {
    pub facts: Facts,
    pub frame: FrameDescriptor,
    /// Extended number of the first packet of the key picture that this packet is of: a decoder can
    /// begin there. `None`: no key picture, or its first packet is not known for certain.
    pub begins: Option<u64>,
    /// Raw dependency descriptor extension; empty when absent.
    pub dependency: &'a [u8],
    /// Codec payload, its descriptor included. Empty: there is nothing to forward, but nobody
    /// shall miss its number (padding, or a payload type that was not negotiated).
    pub payload: &'a [u8],
    /// Payload plus RTP padding shall be so long; equal to the payload where nothing is padded.
    pub padded_len: usize,
}

impl<'a> MediaPacket<'a> {
    /// A packet without padding, described by its payload.
    pub(crate) fn new(codec: Codec, facts: Facts, dependency: &'a [u8], payload: &'a [u8]) -> Self {
        let frame = codec::describe(codec, payload, facts.marker);
        let begins = (frame.key == KeyPart::First).then_some(facts.sequence);
        Self { facts, frame, begins, dependency, payload, padded_len: payload.len() }
    }

    /// A padding-only packet (RFC 3550 section 5.1), to fill the place of one that is never sent.
    pub(crate) fn filler(facts: Facts) -> Self {
        let Facts { sequence, timestamp, payload, .. } = facts;
        Self {
            facts: Facts { sequence, timestamp, payload, ..Facts::default() },
            frame: FrameDescriptor::default(),
            begins: None,
            dependency: &[],
            payload: &[],
            padded_len: 1,
        }
    }
}

/// Where `part`, a slice of `whole`, lies in it.
pub(crate) fn range_within(whole: &[u8], part: &[u8]) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    start..(start + part.len()).min(whole.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_begins_with_an_empty_payload() {
        for codec in [Codec::Opus, Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1] {
            assert_eq!(MediaPacket::new(codec, Facts::default(), &[], &[]).begins, None);
        }
    }
}
