//! VP9 payload descriptor (RFC 9628 section 4.2).

use thiserror::Error;

use super::structure::ScalabilityStructure;
use crate::codec::picture_id::PictureId;
use crate::codec::reader::Reader;

/// Pictures that one picture may refer to.
pub(super) const MAX_REFERENCES: usize = 3;

/// Why bytes are no VP9 payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Vp9Error {
    /// Fewer bytes than the descriptor says it has.
    #[error("VP9 payload descriptor is cut short")]
    Truncated,
    /// A picture refers to at most three others.
    #[error("VP9 payload descriptor has more than three references")]
    TooManyReferences,
    /// References are differences from a picture id that is not there.
    #[error("VP9 payload descriptor has references but no picture id")]
    ReferencesWithoutPictureId,
}

/// What stands before the VP9 bytes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vp9Descriptor<'a> {
    /// Bytes of the descriptor; the VP9 payload begins there.
    pub len: usize,
    /// I.
    pub picture_id: Option<PictureId>,
    /// P: predicted from another picture.
    pub predicted: bool,
    /// F: flexible mode, in which each picture names the pictures that it refers to.
    pub flexible: bool,
    /// B: first packet of a frame, which is one spatial layer of a picture.
    pub frame_start: bool,
    /// E: last packet of a frame.
    pub frame_end: bool,
    /// Z: upper spatial layers of the picture are not predicted from this one.
    pub not_for_upper_layers: bool,
    /// L.
    pub layers: Option<LayerIndices>,
    /// Number of the base layer's picture that this one belongs to; with layers, and not in flexible
    /// mode.
    pub tl0_picture_index: Option<u8>,
    /// What the picture refers to, in flexible mode.
    pub references: References,
    /// V: how the layers are made, from here on.
    pub structure: Option<ScalabilityStructure<'a>>,
}

/// TID, U, SID and D.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LayerIndices {
    /// TID, 0 to 7; 0 is the base.
    pub temporal: u8,
    /// U: pictures after this one, of temporal layers above, refer to none of these layers before it.
    pub switching_up: bool,
    /// SID, 0 to 7; 0 is the base.
    pub spatial: u8,
    /// D: predicted from the next lower spatial layer of the same picture.
    pub inter_layer: bool,
}

/// How far back the pictures are that a picture refers to: differences of picture ids.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct References {
    differences: [u8; MAX_REFERENCES],
    count: u8,
}

impl References {
    /// One for each, as sent.
    pub fn differences(&self) -> &[u8] {
        &self.differences[..usize::from(self.count)]
    }

    pub(super) fn push(&mut self, difference: u8) -> Result<(), Vp9Error> {
        let slot = self.differences.get_mut(usize::from(self.count));
        *slot.ok_or(Vp9Error::TooManyReferences)? = difference;
        self.count += 1;
        Ok(())
    }
}

impl<'a> Vp9Descriptor<'a> {
    /// Reads the descriptor at the front of an RTP payload.
    pub fn parse(payload: &'a [u8]) -> Result<Self, Vp9Error> {
        let reader = &mut Reader::new(payload);
        let flags = byte(reader)?;
        let has = |bit: u8| flags & bit != 0;
        let (predicted, flexible) = (has(0x40), has(0x10));
        let picture_id =
            has(0x80).then(|| PictureId::read(reader).ok_or(Vp9Error::Truncated)).transpose()?;
        let layers = has(0x20).then(|| LayerIndices::read(reader)).transpose()?;
        let tl0_picture_index =
            (layers.is_some() && !flexible).then(|| byte(reader)).transpose()?;
        let mut references = References::default();
        if predicted && flexible {
            picture_id.ok_or(Vp9Error::ReferencesWithoutPictureId)?;
            references = read_references(reader)?;
        }
        let structure =
            has(0x02).then(|| ScalabilityStructure::read(payload, reader)).transpose()?;
        Ok(Self {
            len: reader.position(),
            picture_id,
            predicted,
            flexible,
            frame_start: has(0x08),
            frame_end: has(0x04),
            not_for_upper_layers: has(0x01),
            layers,
            tl0_picture_index,
            references,
            structure,
        })
    }
}

impl LayerIndices {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Vp9Error> {
        let layers = byte(reader)?;
        Ok(Self {
            temporal: layers >> 5,
            switching_up: layers & 0x10 != 0,
            spatial: layers >> 1 & 0x07,
            inter_layer: layers & 0x01 != 0,
        })
    }
}

/// P_DIFF of 7 bits each; N says that another one follows.
fn read_references(reader: &mut Reader<'_>) -> Result<References, Vp9Error> {
    let mut references = References::default();
    loop {
        let difference = byte(reader)?;
        references.push(difference >> 1)?;
        if difference & 0x01 == 0 {
            return Ok(references);
        }
    }
}

pub(super) fn byte(reader: &mut Reader<'_>) -> Result<u8, Vp9Error> {
    reader.byte().ok_or(Vp9Error::Truncated)
}
