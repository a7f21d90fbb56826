//! VP9 (RFC 9628): where a key picture begins. Streams are sent whole.

use super::frame::{FrameDescriptor, KeyPart};

pub(super) fn describe(payload: &[u8], marker: bool) -> FrameDescriptor {
    let key = if is_key_frame(payload) { KeyPart::First } else { KeyPart::None };
    FrameDescriptor { ends: marker, key, ..FrameDescriptor::default() }
}

/// RFC 9628 section 4.2: not predicted from another picture, and the frame of the lowest spatial
/// layer begins here. Upper layers of a key picture have no P bit either.
fn is_key_frame(payload: &[u8]) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_frames() {
        assert!(is_key_frame(&[0x88]));
        assert!(!is_key_frame(&[0xc8]), "predicted");
        assert!(!is_key_frame(&[0x80]), "not the beginning");
        assert!(is_key_frame(&[0xa8, 0x05, 0x00]), "lowest spatial layer");
        assert!(!is_key_frame(&[0xa8, 0x05, 0x03]), "an upper spatial layer of a key picture");
        assert!(!is_key_frame(&[0xa8, 0x85, 0x05, 0x03]), "the same, long picture id");
        assert!(!is_key_frame(&[0xa8, 0x85]), "cut short");
    }
}
