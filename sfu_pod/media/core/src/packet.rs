//! A received media packet as forwarding sees it: decrypted, routed, its header understood.

use std::ops::Range;

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

/// What a packet shows of a key picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyPart {
    /// None begins or goes on here, as far as this packet shows.
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

/// One packet to forward.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MediaPacket<'a> {
    pub facts: Facts,
    pub key_part: KeyPart,
    /// Extended number of the first packet of the key picture that this packet is of: a decoder can
    /// begin there. `None`: no key picture, or its first packet is not known for certain.
    pub begins: Option<u64>,
    /// VP8 only.
    pub vp8: Option<Vp8Descriptor>,
    /// Raw dependency descriptor extension; empty when absent.
    pub dependency: &'a [u8],
    /// Codec payload, VP8 descriptor included. Empty: there is nothing to forward, but nobody
    /// shall miss its number (padding, or a payload type that was not negotiated).
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
        let first = match codec {
            _ if payload.is_empty() => false,
            Codec::Opus => true,
            Codec::Vp8 => vp8.is_some_and(|descriptor| descriptor.is_key_frame(payload)),
            Codec::Vp9 => vp9_key_frame(payload),
            Codec::Av1 => av1_key_frame(payload),
            Codec::H264 => false,
        };
        let key_part = match codec {
            Codec::H264 => h264_key_part(payload),
            _ if first => KeyPart::First,
            _ => KeyPart::None,
        };
        let begins = (key_part == KeyPart::First).then_some(facts.sequence);
        let padded_len = payload.len();
        Self { facts, key_part, begins, vp8, dependency, payload, padded_len }
    }

    /// A padding-only packet (RFC 3550 section 5.1), to fill the place of one that is never sent.
    pub(crate) fn filler(facts: Facts) -> Self {
        let Facts { sequence, timestamp, payload, .. } = facts;
        Self {
            facts: Facts { sequence, timestamp, payload, ..Facts::default() },
            key_part: KeyPart::None,
            begins: None,
            vp8: None,
            dependency: &[],
            payload: &[],
            padded_len: 1,
        }
    }

    /// Temporal layer; 0 where there are none.
    pub(crate) fn temporal(&self) -> u8 {
        self.vp8.and_then(|descriptor| descriptor.temporal).map_or(0, |temporal| temporal.index)
    }
}

/// Where `part`, a slice of `whole`, lies in it.
pub(crate) fn range_within(whole: &[u8], part: &[u8]) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    start..(start + part.len()).min(whole.len())
}

/// RFC 6184: alone, aggregated or fragmented, a sequence parameter set is what a decoder needs
/// first. An IDR picture may have many slices, each of them in packets of its own.
fn h264_key_part(payload: &[u8]) -> KeyPart {
    const STAP_A: u8 = 24;
    const FU_A: u8 = 28;
    const START: u8 = 0x80;
    match payload {
        [first, rest @ ..] if first & 0x1f == STAP_A => {
            let mut rest = rest;
            let mut found = KeyPart::None;
            while let [high, low, nal, slice @ ..] = rest {
                match h264_unit(*nal, slice) {
                    KeyPart::First => return KeyPart::First,
                    part if matches!(found, KeyPart::None | KeyPart::Parameters) => found = part,
                    _ => {}
                }
                let next = 2 + usize::from(u16::from_be_bytes([*high, *low]));
                rest = rest.get(next..).unwrap_or_default();
            }
            found
        }
        [first, fragment, slice @ ..] if first & 0x1f == FU_A => {
            if fragment & START != 0 {
                h264_unit(*fragment, slice)
            } else {
                KeyPart::None
            }
        }
        [first, slice @ ..] => h264_unit(*first, slice),
        [] => KeyPart::None,
    }
}

/// A NAL unit by its type and what follows its header.
fn h264_unit(nal: u8, slice: &[u8]) -> KeyPart {
    const IDR: u8 = 5;
    const SPS: u8 = 7;
    const PPS: u8 = 8;
    match nal & 0x1f {
        SPS => KeyPart::First,
        PPS => KeyPart::Parameters,
        // first_mb_in_slice, Exp-Golomb coded: the bit 1 alone is 0 (H.264 sections 7.3.3, 9.1).
        IDR if slice.first().is_some_and(|byte| byte & 0x80 != 0) => KeyPart::FirstSlice,
        IDR => KeyPart::LaterSlice,
        _ => KeyPart::None,
    }
}

/// RFC 9628 section 4.2: not predicted from another picture, and the frame of the lowest spatial
/// layer begins here. Upper layers of a key picture have no P bit either.
fn vp9_key_frame(payload: &[u8]) -> bool {
    const HAS_PICTURE_ID: u8 = 0x80;
    const PREDICTED: u8 = 0x40;
    const HAS_LAYERS: u8 = 0x20;
    const BEGINS: u8 = 0x08;
    const LONG_PICTURE_ID: u8 = 0x80;
    const SPATIAL: u8 = 0x0e;
    let Some((first, mut rest)) = payload.split_first() else { return false };
    if first & (PREDICTED | BEGINS) != BEGINS {
        return false;
    }
    if first & HAS_LAYERS == 0 {
        return true;
    }
    if first & HAS_PICTURE_ID != 0 {
        let long = rest.first().is_some_and(|byte| byte & LONG_PICTURE_ID != 0);
        rest = rest.get(1 + usize::from(long)..).unwrap_or_default();
    }
    rest.first().is_some_and(|layers| layers & SPATIAL == 0)
}

/// AV1 RTP specification section 4.4: N, the first packet of a coded video sequence; Z, which
/// would make it the continuation of an OBU, contradicts that.
fn av1_key_frame(payload: &[u8]) -> bool {
    const CONTINUES: u8 = 0x80;
    const NEW_SEQUENCE: u8 = 0x08;
    payload.first().is_some_and(|first| first & (CONTINUES | NEW_SEQUENCE) == NEW_SEQUENCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h264_key_pictures_in_every_packaging() {
        for (payload, part, what) in [
            (&[0x67, 0x42][..], KeyPart::First, "SPS"),
            (&[0x65, 0x88], KeyPart::FirstSlice, "IDR"),
            (&[0x65, 0x40], KeyPart::LaterSlice, "IDR, another slice"),
            (&[0x65], KeyPart::LaterSlice, "IDR, cut short"),
            (&[0x78, 0, 2, 0x09, 0x10, 0, 1, 0x67], KeyPart::First, "STAP-A with SPS"),
            (&[0x78, 0, 2, 0x65, 0x88, 0, 1, 0x67], KeyPart::First, "STAP-A, SPS behind"),
            (&[0x78, 0, 1, 0x68, 0, 2, 0x65, 0x88], KeyPart::FirstSlice, "STAP-A without SPS"),
            (&[0x7c, 0x85, 0x88], KeyPart::FirstSlice, "FU-A, start of IDR"),
            (&[0x7c, 0x85, 0x20], KeyPart::LaterSlice, "FU-A, start of another slice"),
            (&[0x7c, 0x05, 0x88], KeyPart::None, "FU-A, middle of IDR"),
            (&[0x68, 0xce], KeyPart::Parameters, "PPS"),
            (&[0x41, 0x9a], KeyPart::None, "P slice"),
            (&[0x78, 0xff, 0xff, 0x41], KeyPart::None, "STAP-A that lies about its length"),
            (&[], KeyPart::None, "nothing"),
        ] {
            assert_eq!(h264_key_part(payload), part, "{what}");
        }
    }

    #[test]
    fn vp9_and_av1_key_frames() {
        assert!(vp9_key_frame(&[0x88]));
        assert!(!vp9_key_frame(&[0xc8]), "predicted");
        assert!(!vp9_key_frame(&[0x80]), "not the beginning");
        assert!(vp9_key_frame(&[0xa8, 0x05, 0x00]), "lowest spatial layer");
        assert!(!vp9_key_frame(&[0xa8, 0x05, 0x03]), "an upper spatial layer of a key picture");
        assert!(!vp9_key_frame(&[0xa8, 0x85, 0x05, 0x03]), "the same, long picture id");
        assert!(!vp9_key_frame(&[0xa8, 0x85]), "cut short");
        assert!(av1_key_frame(&[0x18]));
        assert!(!av1_key_frame(&[0x10]));
        assert!(!av1_key_frame(&[0x98]), "goes on with an OBU");
    }

    #[test]
    fn nothing_begins_with_an_empty_payload() {
        for codec in [Codec::Opus, Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1] {
            assert_eq!(MediaPacket::new(codec, Facts::default(), &[], &[]).begins, None);
        }
    }
}
