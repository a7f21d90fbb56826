//! The picture id of VP8 (RFC 7741 section 4.2) and VP9 (RFC 9628 section 4.2): one format.

use super::reader::Reader;

/// M bit: the picture id has 15 bits.
const LONG: u8 = 0x80;

/// Running number of a picture, in the width that it was sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureId {
    /// 7 bits.
    Short(u8),
    /// 15 bits.
    Long(u16),
}

impl PictureId {
    /// The number, whatever its width.
    pub fn value(self) -> u16 {
        match self {
            Self::Short(value) => value.into(),
            Self::Long(value) => value,
        }
    }

    /// Greatest value of this width: 127 or 32767.
    pub fn mask(self) -> u16 {
        match self {
            Self::Short(_) => 0x7f,
            Self::Long(_) => 0x7fff,
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let first = reader.byte()?;
        if first & LONG == 0 {
            return Some(Self::Short(first));
        }
        Some(Self::Long(u16::from_be_bytes([first & !LONG, reader.byte()?])))
    }

    /// Puts another number where this one stands, in the same width.
    pub(super) fn write(self, value: u16, mut put: impl FnMut(u8)) {
        match self {
            Self::Short(_) => put(value as u8 & !LONG),
            Self::Long(_) => {
                put((value >> 8) as u8 | LONG);
                put(value as u8);
            }
        }
    }
}
