//! The scalability structure (RFC 9628 section 4.2.1): how big the spatial layers are, and which
//! temporal pattern repeats.

use super::descriptor::{References, Vp9Error, byte};
use crate::codec::reader::Reader;

/// Bytes of a width and a height.
const SIZE_LEN: usize = 4;

/// Checked when it was read, and looked into on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScalabilityStructure<'a> {
    /// Spatial layers, 1 to 8.
    pub spatial_layers: u8,
    /// A width and a height for each layer; empty where Y is not set.
    sizes: &'a [u8],
    /// The group's pictures, with their references; empty where G is not set.
    pictures: &'a [u8],
}

/// One picture of the group that repeats.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupPicture {
    /// TID.
    pub temporal: u8,
    /// U.
    pub switching_up: bool,
    /// How many pictures back those are that it refers to.
    pub references: References,
}

impl<'a> ScalabilityStructure<'a> {
    /// Width and height in pixels by spatial layer, lowest first; none where they are not told.
    pub fn sizes(&self) -> impl Iterator<Item = (u16, u16)> + 'a {
        self.sizes.chunks_exact(SIZE_LEN).map(|size| {
            let number = |at: usize| u16::from_be_bytes([size[at], size[at + 1]]);
            (number(0), number(2))
        })
    }

    /// The group's pictures in order; none where it is not told.
    pub fn pictures(&self) -> impl Iterator<Item = GroupPicture> + 'a {
        let mut reader = Reader::new(self.pictures);
        std::iter::from_fn(move || GroupPicture::read(&mut reader).ok())
    }

    /// `payload` is what `reader` reads.
    pub(super) fn read(payload: &'a [u8], reader: &mut Reader<'_>) -> Result<Self, Vp9Error> {
        let flags = byte(reader)?;
        let spatial_layers = (flags >> 5) + 1;
        let from = reader.position();
        if flags & 0x10 != 0 {
            for _ in 0..SIZE_LEN * usize::from(spatial_layers) {
                byte(reader)?;
            }
        }
        let sizes = &payload[from..reader.position()];
        let count = if flags & 0x08 != 0 { byte(reader)? } else { 0 };
        let from = reader.position();
        for _ in 0..count {
            GroupPicture::read(reader)?;
        }
        let pictures = &payload[from..reader.position()];
        Ok(Self { spatial_layers, sizes, pictures })
    }
}

impl GroupPicture {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Vp9Error> {
        let first = byte(reader)?;
        let mut references = References::default();
        for _ in 0..first >> 2 & 0x03 {
            references.push(byte(reader)?)?;
        }
        Ok(Self { temporal: first >> 5, switching_up: first & 0x10 != 0, references })
    }
}
