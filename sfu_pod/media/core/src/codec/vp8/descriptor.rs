//! VP8 payload descriptor (RFC 7741 section 4.2) and the beginning of the frame header
//! (section 4.3, RFC 6386 section 9.1).

use thiserror::Error;

use super::Part;
use crate::codec::picture_id::PictureId;
use crate::codec::reader::Reader;

/// Why bytes are no VP8 payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Vp8Error {
    /// Fewer bytes than the descriptor says it has.
    #[error("VP8 payload descriptor is cut short")]
    Truncated,
}

/// TID and Y.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TemporalLayer {
    /// 0 is the base, at most 3.
    pub index: u8,
    /// Y: depends on the base layer only, so one may switch up here.
    pub sync: bool,
}

/// What stands before the VP8 bytes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vp8Descriptor {
    /// Bytes of the descriptor; the VP8 payload begins there.
    pub len: usize,
    /// N: no other frame refers to this one.
    pub non_reference: bool,
    /// S: first packet of a partition.
    pub partition_start: bool,
    /// PID, 0 to 7.
    pub partition: u8,
    /// I.
    pub picture_id: Option<PictureId>,
    /// L: number of the base layer frame that this one belongs to.
    pub tl0_picture_index: Option<u8>,
    /// T.
    pub temporal: Option<TemporalLayer>,
    /// K: number of the key frame group.
    pub key_index: Option<u8>,
}

impl Vp8Descriptor {
    /// Reads the descriptor at the front of an RTP payload.
    pub fn parse(payload: &[u8]) -> Result<Self, Vp8Error> {
        Self::read(&mut Reader::new(payload)).ok_or(Vp8Error::Truncated)
    }

    /// First packet of a frame.
    pub fn is_frame_start(&self) -> bool {
        self.partition_start && self.partition == 0
    }

    /// First packet of a key frame. `payload` is what was parsed.
    pub fn is_key_frame(&self, payload: &[u8]) -> bool {
        self.is_frame_start() && payload.get(self.len).is_some_and(|first| first & 1 == 0)
    }

    /// Width and height in pixels; only the first packet of a key frame tells them.
    pub fn frame_size(&self, payload: &[u8]) -> Option<(u16, u16)> {
        if !self.is_key_frame(payload) {
            return None;
        }
        let header: &[u8; 10] = payload.get(self.len..)?.first_chunk()?;
        if header[3..6] != [0x9d, 0x01, 0x2a] {
            return None;
        }
        // The upper two bits are a scaling hint for the display.
        let size = |low: u8, high: u8| u16::from_le_bytes([low, high]) & 0x3fff;
        Some((size(header[6], header[7]), size(header[8], header[9])))
    }

    /// Writes other numbers over those in `payload`, each in the width that it has; numbers that
    /// the descriptor lacks stay absent.
    pub fn rewrite(&self, payload: &mut [u8], picture_id: u16, tl0_picture_index: u8) {
        Part::of(self).rewrite(payload, picture_id, tl0_picture_index);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let first = reader.byte()?;
        let flags = if first & 0x80 != 0 { reader.byte()? } else { 0 };
        let picture_id = match flags & 0x80 {
            0 => None,
            _ => Some(PictureId::read(reader)?),
        };
        let tl0_picture_index = if flags & 0x40 != 0 { Some(reader.byte()?) } else { None };
        let layers = if flags & 0x30 != 0 { reader.byte()? } else { 0 };
        Some(Self {
            len: reader.position(),
            non_reference: first & 0x20 != 0,
            partition_start: first & 0x10 != 0,
            partition: first & 0x07,
            picture_id,
            tl0_picture_index,
            temporal: (flags & 0x20 != 0)
                .then_some(TemporalLayer { index: layers >> 6, sync: layers & 0x20 != 0 }),
            key_index: (flags & 0x10 != 0).then_some(layers & 0x1f),
        })
    }
}

impl Part {
    /// See [`Vp8Descriptor::rewrite`].
    #[inline]
    pub(super) fn rewrite(&self, payload: &mut [u8], picture_id: u16, tl0_picture_index: u8) {
        // The numbers, if any, follow the two bytes of flags in this order.
        let mut at = 2;
        let mut put = |byte: u8| {
            if let Some(slot) = payload.get_mut(at) {
                *slot = byte;
            }
            at += 1;
        };
        if let Some(before) = self.picture_id {
            before.write(picture_id, &mut put);
        }
        if self.tl0_picture_index.is_some() {
            put(tl0_picture_index);
        }
    }
}
