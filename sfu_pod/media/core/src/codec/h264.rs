//! H.264 (RFC 6184): where a key picture begins. Streams are sent whole.

use super::frame::{FrameDescriptor, KeyPart};

/// Describes a packet by its payload, which is not empty. No payload tells whether a frame begins.
pub(super) fn describe(payload: &[u8], marker: bool) -> FrameDescriptor {
    FrameDescriptor { ends: marker, key: key_part(payload), ..FrameDescriptor::default() }
}

/// Alone, aggregated or fragmented, a sequence parameter set is what a decoder needs
/// first. An IDR picture may have many slices, each of them in packets of its own.
fn key_part(payload: &[u8]) -> KeyPart {
    const STAP_A: u8 = 24;
    const FU_A: u8 = 28;
    const START: u8 = 0x80;
    match payload {
        [first, rest @ ..] if first & 0x1f == STAP_A => {
            let mut rest = rest;
            let mut found = KeyPart::None;
            while let [high, low, nal, slice @ ..] = rest {
                match unit(*nal, slice) {
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
                unit(*fragment, slice)
            } else {
                KeyPart::None
            }
        }
        [first, slice @ ..] => unit(*first, slice),
        [] => KeyPart::None,
    }
}

/// A NAL unit by its type and what follows its header.
fn unit(nal: u8, slice: &[u8]) -> KeyPart {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_pictures_in_every_packaging() {
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
            assert_eq!(key_part(payload), part, "{what}");
        }
    }
}
