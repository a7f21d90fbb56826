//! RTP packets (RFC 3550 section 5.1), header extensions (RFC 8285), RTX payloads (RFC 4588).

use std::ops::Range;

use thiserror::Error;

use crate::bytes::u16_at;

/// Bytes of a header without contributing sources and extensions.
pub const FIXED_HEADER_LEN: usize = 12;

const PADDING_BIT: u8 = 0x20;
const EXTENSION_BIT: u8 = 0x10;
const ONE_BYTE_PROFILE: u16 = 0xbede;
/// The lower four bits belong to the application.
const TWO_BYTE_PROFILE: u16 = 0x1000;

/// Why bytes are no RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RtpError {
    /// Fewer bytes than the header says it has.
    #[error("RTP packet is cut short")]
    Truncated,
    /// Only version 2 is spoken.
    #[error("RTP version is not 2")]
    Version,
    /// The padding count is 0 or more than the payload.
    #[error("RTP padding is longer than the payload")]
    Padding,
}

/// A view of one packet: borrows the bytes, copies nothing.
#[derive(Debug, Clone, Copy)]
pub struct RtpPacket<'a> {
    bytes: &'a [u8],
    fixed: &'a [u8; FIXED_HEADER_LEN],
    header_len: usize,
    payload_end: usize,
}

impl<'a> RtpPacket<'a> {
    /// Checks the version and every length. Padding is checked too, so the bytes must be plain:
    /// on an SRTP packet use [`RtpPacket::parse_header`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RtpError> {
        let mut packet = Self::parse_header(bytes)?;
        if packet.fixed[0] & PADDING_BIT != 0 {
            let payload_len = bytes.len() - packet.header_len;
            let padding = usize::from(*bytes.last().ok_or(RtpError::Truncated)?);
            if padding == 0 || padding > payload_len {
                return Err(RtpError::Padding);
            }
            packet.payload_end -= padding;
        }
        Ok(packet)
    }

    /// As [`RtpPacket::parse`], but takes all after the header for the payload: for packets whose
    /// payload is still encrypted.
    pub fn parse_header(bytes: &'a [u8]) -> Result<Self, RtpError> {
        let fixed: &[u8; FIXED_HEADER_LEN] = bytes.first_chunk().ok_or(RtpError::Truncated)?;
        if fixed[0] >> 6 != 2 {
            return Err(RtpError::Version);
        }
        let mut header_len = csrc_end(fixed[0]);
        if fixed[0] & EXTENSION_BIT != 0 {
            let words = u16_at(bytes, header_len + 2).ok_or(RtpError::Truncated)?;
            header_len += 4 + 4 * usize::from(words);
        }
        if header_len > bytes.len() {
            return Err(RtpError::Truncated);
        }
        Ok(Self { bytes, fixed, header_len, payload_end: bytes.len() })
    }

    /// Marker bit.
    pub fn marker(&self) -> bool {
        self.fixed[1] & 0x80 != 0
    }

    /// 0 to 127.
    pub fn payload_type(&self) -> u8 {
        self.fixed[1] & 0x7f
    }

    /// Sequence number.
    pub fn sequence_number(&self) -> u16 {
        u16::from_be_bytes([self.fixed[2], self.fixed[3]])
    }

    /// In units of the payload's clock.
    pub fn timestamp(&self) -> u32 {
        u32::from_be_bytes([self.fixed[4], self.fixed[5], self.fixed[6], self.fixed[7]])
    }

    /// Synchronisation source.
    pub fn ssrc(&self) -> u32 {
        u32::from_be_bytes([self.fixed[8], self.fixed[9], self.fixed[10], self.fixed[11]])
    }

    /// Contributing sources.
    pub fn csrcs(&self) -> impl Iterator<Item = u32> + 'a {
        let sources = &self.bytes[FIXED_HEADER_LEN..csrc_end(self.fixed[0])];
        sources.as_chunks().0.iter().map(|source| u32::from_be_bytes(*source))
    }

    /// Bytes before the payload.
    pub fn header_len(&self) -> usize {
        self.header_len
    }

    /// What the codec sees: no header, no padding.
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[self.payload_range()]
    }

    /// Where the payload lies in the packet.
    pub fn payload_range(&self) -> Range<usize> {
        self.header_len..self.payload_end
    }

    /// Bytes of padding at the end, its count byte included.
    pub fn padding_len(&self) -> usize {
        self.bytes.len() - self.payload_end
    }

    /// Every header extension element, one-byte and two-byte form alike.
    pub fn extensions(&self) -> Extensions<'a> {
        let none = Extensions { rest: &[], two_byte: false };
        if self.fixed[0] & EXTENSION_BIT == 0 {
            return none;
        }
        let start = csrc_end(self.fixed[0]);
        let rest = &self.bytes[start + 4..self.header_len];
        match u16_at(self.bytes, start) {
            Some(ONE_BYTE_PROFILE) => Extensions { rest, two_byte: false },
            Some(profile) if profile & 0xfff0 == TWO_BYTE_PROFILE => {
                Extensions { rest, two_byte: true }
            }
            _ => none,
        }
    }

    /// The first element with this id.
    pub fn extension(&self, id: u8) -> Option<&'a [u8]> {
        self.extensions().find(|element| element.0 == id).map(|element| element.1)
    }
}

/// Iterates (id, value) of RFC 8285 elements. Ends early at an element that is cut short.
#[derive(Debug, Clone)]
pub struct Extensions<'a> {
    rest: &'a [u8],
    two_byte: bool,
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (&first, rest) = self.rest.split_first()?;
            if first == 0 {
                self.rest = rest; // padding (sections 4.2 and 4.3)
                continue;
            }
            let (id, len, rest) = if self.two_byte {
                let (&len, rest) = rest.split_first()?;
                (first, usize::from(len), rest)
            } else {
                (first >> 4, usize::from(first & 0xf) + 1, rest)
            };
            // Section 4.2: id 15 ends the elements; id 0 with a length is not allowed.
            if !self.two_byte && (id == 15 || id == 0) {
                self.rest = &[];
                return None;
            }
            let (value, rest) = rest.split_at_checked(len)?;
            self.rest = rest;
            return Some((id, value));
        }
    }
}

/// The fields of a header to write. Contributing sources are never sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RtpHeader {
    /// Marker bit.
    pub marker: bool,
    /// 0 to 127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence_number: u16,
    /// In units of the payload's clock.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
}

impl RtpHeader {
    /// Writes the header and `extensions` (id, value) to the front of `buffer` and returns where
    /// the payload begins. One-byte form if every id is 1 to 14 and every value 1 to 16 bytes,
    /// else the two-byte form. `None`: no room, or an id of 0, or a value over 255 bytes.
    pub fn write(&self, buffer: &mut [u8], extensions: &[(u8, &[u8])]) -> Option<usize> {
        let fixed: &mut [u8; FIXED_HEADER_LEN] = buffer.first_chunk_mut()?;
        fixed[0] = 0x80 | if extensions.is_empty() { 0 } else { EXTENSION_BIT };
        fixed[1] = u8::from(self.marker) << 7 | self.payload_type & 0x7f;
        fixed[2..4].copy_from_slice(&self.sequence_number.to_be_bytes());
        fixed[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        fixed[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        if extensions.is_empty() {
            return Some(FIXED_HEADER_LEN);
        }
        let len = write_extensions(&mut buffer[FIXED_HEADER_LEN..], extensions)?;
        Some(FIXED_HEADER_LEN + len)
    }

    /// Like [`RtpHeader::write`], with extensions that it wrote before: `block` is what came behind
    /// the first [`FIXED_HEADER_LEN`] bytes, of which `len` count. All of it is copied.
    #[inline]
    pub fn write_block<const N: usize>(
        &self,
        buffer: &mut [u8],
        block: &[u8; N],
        len: usize,
    ) -> Option<usize> {
        self.write(buffer, &[])?;
        *buffer.get_mut(FIXED_HEADER_LEN..)?.first_chunk_mut()? = *block;
        buffer[0] |= EXTENSION_BIT;
        Some(FIXED_HEADER_LEN + len)
    }
}

/// Appends `padding` bytes (RFC 3550 section 5.1) to the packet in `buffer[..len]`, sets its
/// padding bit and returns the new length. `padding` of 0 changes nothing. `None`: no room.
pub fn write_padding(buffer: &mut [u8], len: usize, padding: u8) -> Option<usize> {
    let end = len.checked_add(padding.into())?;
    let room = buffer.get_mut(len..end)?;
    if let Some((count, zeros)) = room.split_last_mut() {
        zeros.fill(0);
        *count = padding;
        *buffer.first_mut()? |= PADDING_BIT;
    }
    Some(end)
}

/// Splits an RTX payload into the original sequence number and the original payload
/// (RFC 4588 section 4). `None` for an empty payload, as bandwidth probes have.
pub fn split_rtx(payload: &[u8]) -> Option<(u16, &[u8])> {
    let (number, original) = payload.split_first_chunk()?;
    Some((u16::from_be_bytes(*number), original))
}

/// Writes the original sequence number to the front of an RTX payload and returns where the
/// original payload goes. `None`: no room.
pub fn write_rtx(payload: &mut [u8], original_sequence_number: u16) -> Option<usize> {
    *payload.first_chunk_mut()? = original_sequence_number.to_be_bytes();
    Some(2)
}

fn csrc_end(first_byte: u8) -> usize {
    FIXED_HEADER_LEN + 4 * usize::from(first_byte & 0xf)
}

/// Returns the bytes written: profile, length, elements, padding to 32 bits.
fn write_extensions(buffer: &mut [u8], extensions: &[(u8, &[u8])]) -> Option<usize> {
    let one_byte = extensions
        .iter()
        .all(|(id, value)| (1..=14).contains(id) && (1..=16).contains(&value.len()));
    let mut at = 4;
    for &(id, value) in extensions {
        let len = u8::try_from(value.len()).ok()?;
        if id == 0 {
            return None;
        }
        let head: &[u8] = if one_byte { &[id << 4 | (len - 1)] } else { &[id, len] };
        buffer.get_mut(at..at + head.len())?.copy_from_slice(head);
        at += head.len();
        buffer.get_mut(at..at + value.len())?.copy_from_slice(value);
        at += value.len();
    }
    let end = at.next_multiple_of(4);
    buffer.get_mut(at..end)?.fill(0);
    let profile = if one_byte { ONE_BYTE_PROFILE } else { TWO_BYTE_PROFILE };
    let words = u16::try_from((end - 4) / 4).ok()?;
    buffer[..2].copy_from_slice(&profile.to_be_bytes());
    buffer[2..4].copy_from_slice(&words.to_be_bytes());
    Some(end)
}
