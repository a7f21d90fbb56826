//! AV1 (RTP payload format of the Alliance for Open Media, version 1.0): where a coded video sequence
//! begins. Streams are sent whole.

use super::frame::{FrameDescriptor, KeyPart};

/// Describes a packet by its payload, which is not empty. Of frames only the first of a sequence is
/// told by the payload itself.
pub(super) fn describe(payload: &[u8], marker: bool) -> FrameDescriptor {
    let starts = begins_sequence(payload);
    let key = if starts { KeyPart::First } else { KeyPart::None };
    FrameDescriptor { starts, ends: marker, key, ..FrameDescriptor::default() }
}

/// Section 4.4: N, the first packet of a coded video sequence; Z, which
/// would make it the continuation of an OBU, contradicts that.
fn begins_sequence(payload: &[u8]) -> bool {
    const CONTINUES: u8 = 0x80;
    const NEW_SEQUENCE: u8 = 0x08;
    payload.first().is_some_and(|first| first & (CONTINUES | NEW_SEQUENCE) == NEW_SEQUENCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_begins_with_the_bit_for_it_and_no_continuation() {
        assert!(begins_sequence(&[0x18]));
        assert!(!begins_sequence(&[0x10]));
        assert!(!begins_sequence(&[0x98]), "goes on with an OBU");
    }
}
