//! A received media packet as forwarding sees it: decrypted, routed, its header understood.

use rotunda_packet::vp8::Vp8Descriptor;

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
    /// First packet of a key frame, or nothing is known about key frames of this codec.
    pub key_frame: bool,
    /// VP8 only.
    pub vp8: Option<Vp8Descriptor>,
    /// Raw dependency descriptor extension; empty when absent.
    pub dependency: &'a [u8],
    /// Codec payload, VP8 descriptor included.
    pub payload: &'a [u8],
    /// Payload plus RTP padding shall be so long; equal to the payload where nothing is padded.
    pub padded_len: usize,
}

impl<'a> MediaPacket<'a> {
    /// A packet without padding; looks into the payload as far as `codec` allows.
    pub(crate) fn new(codec: Codec, facts: Facts, dependency: &'a [u8], payload: &'a [u8]) -> Self {
        let vp8 = match codec {
            Codec::Vp8 => Vp8Descriptor::parse(payload).ok(),
            _ => None,
        };
        let key_frame = match codec {
            Codec::Opus => true,
            Codec::Vp8 => vp8.is_some_and(|descriptor| descriptor.is_key_frame(payload)),
            Codec::H264 => h264_key_frame(payload),
            Codec::Vp9 => vp9_key_frame(payload),
            Codec::Av1 => av1_key_frame(payload),
        };
        Self { facts, key_frame, vp8, dependency, payload, padded_len: payload.len() }
    }

    /// Temporal layer; 0 where there are none.
    pub(crate) fn temporal(&self) -> u8 {
        self.vp8.and_then(|descriptor| descriptor.temporal).map_or(0, |temporal| temporal.index)
    }
}

/// RFC 6184: a sequence parameter set or an IDR slice begins, alone, aggregated or fragmented.
fn h264_key_frame(payload: &[u8]) -> bool {
    const IDR: u8 = 5;
    const SPS: u8 = 7;
    const STAP_A: u8 = 24;
    const FU_A: u8 = 28;
    let is_key = |nal_type: u8| nal_type == IDR || nal_type == SPS;
    match payload {
        [first, rest @ ..] if first & 0x1f == STAP_A => {
            let mut rest = rest;
            while let [high, low, nal, ..] = *rest {
                if is_key(nal & 0x1f) {
                    return true;
                }
                let next = 2 + usize::from(u16::from_be_bytes([high, low]));
                rest = rest.get(next..).unwrap_or_default();
            }
            false
        }
        [first, fragment, ..] if first & 0x1f == FU_A => {
            fragment & 0x80 != 0 && is_key(fragment & 0x1f)
        }
        [first, ..] => is_key(first & 0x1f),
        [] => false,
    }
}

/// RFC 9628 section 4.2: not predicted from another picture, and the frame begins here.
fn vp9_key_frame(payload: &[u8]) -> bool {
    const PREDICTED: u8 = 0x40;
    const BEGINS: u8 = 0x08;
    payload.first().is_some_and(|first| first & (PREDICTED | BEGINS) == BEGINS)
}

/// AV1 RTP specification section 4.4: N, the first packet of a coded video sequence.
fn av1_key_frame(payload: &[u8]) -> bool {
    payload.first().is_some_and(|first| first & 0x08 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h264_key_frames_in_every_packaging() {
        assert!(h264_key_frame(&[0x67, 0x42]), "SPS");
        assert!(h264_key_frame(&[0x65, 0x88]), "IDR");
        assert!(h264_key_frame(&[0x78, 0, 2, 0x09, 0x10, 0, 1, 0x67]), "STAP-A with SPS");
        assert!(h264_key_frame(&[0x7c, 0x85, 0]), "FU-A, start of IDR");
        assert!(!h264_key_frame(&[0x7c, 0x05, 0]), "FU-A, middle of IDR");
        assert!(!h264_key_frame(&[0x41, 0x9a]), "P slice");
        assert!(!h264_key_frame(&[0x78, 0xff, 0xff, 0x41]), "STAP-A that lies about its length");
        assert!(!h264_key_frame(&[]));
    }

    #[test]
    fn vp9_and_av1_key_frames() {
        assert!(vp9_key_frame(&[0x88]));
        assert!(!vp9_key_frame(&[0xc8]), "predicted");
        assert!(!vp9_key_frame(&[0x80]), "not the beginning");
        assert!(av1_key_frame(&[0x18]));
        assert!(!av1_key_frame(&[0x10]));
    }
}
