//! NACK and PLI (RFC 4585), FIR (RFC 5104 section 4.3.1), REMB (draft-alvestrand-rmcat-remb-03).

use super::{
    FORMAT_15, FORMAT_FIR, FORMAT_NACK, FORMAT_PLI, PAYLOAD_SPECIFIC, RtcpError,
    TRANSPORT_SPECIFIC, words, write_packet,
};
use crate::bytes::u32_at;

const REMB_NAME: &[u8; 4] = b"REMB";
/// REMB has this many bits of mantissa.
const MANTISSA_BITS: u32 = 18;

/// Generic NACK.
#[derive(Debug, Clone, Copy)]
pub struct Nack<'a> {
    /// Who misses packets.
    pub sender_ssrc: u32,
    /// Whose packets.
    pub media_ssrc: u32,
    entries: &'a [u8],
}

impl<'a> Nack<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        let entries = body.get(8..)?;
        Some(Self { sender_ssrc: u32_at(body, 0)?, media_ssrc: u32_at(body, 4)?, entries })
    }

    /// The missing sequence numbers, PID and BLP resolved.
    pub fn sequence_numbers(&self) -> impl Iterator<Item = u16> + 'a {
        words(self.entries).flat_map(|entry| {
            let (first, mask) = ((entry >> 16) as u16, entry as u16);
            let later = (0..16u16).filter(move |bit| mask >> bit & 1 == 1).map(|bit| bit + 1);
            std::iter::once(0).chain(later).map(move |offset| first.wrapping_add(offset))
        })
    }
}

/// Picture loss indication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pli {
    /// Who wants a key frame.
    pub sender_ssrc: u32,
    /// Of whom.
    pub media_ssrc: u32,
}

impl Pli {
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        Some(Self { sender_ssrc: u32_at(body, 0)?, media_ssrc: u32_at(body, 4)? })
    }
}

/// Full intra request.
#[derive(Debug, Clone, Copy)]
pub struct Fir<'a> {
    /// Who wants key frames.
    pub sender_ssrc: u32,
    entries: &'a [u8],
}

/// One source of a FIR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirEntry {
    /// Of whom.
    pub ssrc: u32,
    /// The same number again is the same request.
    pub sequence_number: u8,
}

impl<'a> Fir<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        Some(Self { sender_ssrc: u32_at(body, 0)?, entries: body.get(8..)? })
    }

    /// Its sources.
    pub fn entries(&self) -> impl Iterator<Item = FirEntry> + 'a {
        self.entries.as_chunks::<8>().0.iter().map(|entry| FirEntry {
            ssrc: u32::from_be_bytes([entry[0], entry[1], entry[2], entry[3]]),
            sequence_number: entry[4],
        })
    }
}

/// Receiver estimated maximum bitrate.
#[derive(Debug, Clone, Copy)]
pub struct Remb<'a> {
    /// Who estimates.
    pub sender_ssrc: u32,
    /// Bit/s for all the sources together.
    pub bitrate: u64,
    sources: &'a [u8],
}

impl<'a> Remb<'a> {
    /// Application layer feedback begins with a name.
    pub(super) fn matches(body: &[u8]) -> bool {
        body.get(8..12) == Some(REMB_NAME)
    }

    pub(super) fn parse(body: &'a [u8]) -> Result<Self, RtcpError> {
        let sender_ssrc = u32_at(body, 0).ok_or(RtcpError::Truncated)?;
        let word = u32_at(body, 12).ok_or(RtcpError::Truncated)?;
        let (count, exponent) = (word >> 24, word >> MANTISSA_BITS & 0x3f);
        let mantissa = u64::from(word & ((1 << MANTISSA_BITS) - 1));
        let bitrate = mantissa << exponent;
        if bitrate >> exponent != mantissa {
            return Err(RtcpError::Feedback);
        }
        let sources = body.get(16..16 + 4 * count as usize).ok_or(RtcpError::Truncated)?;
        Ok(Self { sender_ssrc, bitrate, sources })
    }

    /// The sources.
    pub fn ssrcs(&self) -> impl Iterator<Item = u32> + 'a {
        words(self.sources)
    }
}

/// Appends a NACK for `missing`, which must ascend (modulo 2^16) to be packed well.
pub fn write_nack(out: &mut Vec<u8>, sender_ssrc: u32, media_ssrc: u32, missing: &[u16]) {
    write_packet(out, TRANSPORT_SPECIFIC, FORMAT_NACK.into(), |out| {
        write_words(out, &[sender_ssrc, media_ssrc]);
        let mut missing = missing.iter().copied().peekable();
        while let Some(first) = missing.next() {
            let mut mask = 0u16;
            while let Some(next) = missing.next_if(|next| next.wrapping_sub(first) <= 16) {
                // The same number twice is asked for once.
                mask |= match next.wrapping_sub(first) {
                    0 => 0,
                    offset => 1 << (offset - 1),
                };
            }
            write_words(out, &[u32::from(first) << 16 | u32::from(mask)]);
        }
    });
}

/// Appends a PLI.
pub fn write_pli(out: &mut Vec<u8>, sender_ssrc: u32, media_ssrc: u32) {
    write_packet(out, PAYLOAD_SPECIFIC, FORMAT_PLI.into(), |out| {
        write_words(out, &[sender_ssrc, media_ssrc]);
    });
}

/// Appends a FIR.
pub fn write_fir(out: &mut Vec<u8>, sender_ssrc: u32, entries: &[FirEntry]) {
    write_packet(out, PAYLOAD_SPECIFIC, FORMAT_FIR.into(), |out| {
        write_words(out, &[sender_ssrc, 0]);
        for entry in entries {
            write_words(out, &[entry.ssrc, u32::from(entry.sequence_number) << 24]);
        }
    });
}

/// Appends a REMB. `bitrate` in bit/s is rounded down to 18 significant bits; only the first 255
/// sources fit.
pub fn write_remb(out: &mut Vec<u8>, sender_ssrc: u32, bitrate: u64, ssrcs: &[u32]) {
    let exponent = (u64::BITS - bitrate.leading_zeros()).saturating_sub(MANTISSA_BITS);
    let mantissa = (bitrate >> exponent) as u32;
    let ssrcs = &ssrcs[..ssrcs.len().min(255)];
    write_packet(out, PAYLOAD_SPECIFIC, FORMAT_15.into(), |out| {
        write_words(out, &[sender_ssrc, 0]);
        out.extend_from_slice(REMB_NAME);
        write_words(out, &[(ssrcs.len() as u32) << 24 | exponent << MANTISSA_BITS | mantissa]);
        write_words(out, ssrcs);
    });
}

fn write_words(out: &mut Vec<u8>, words: &[u32]) {
    words.iter().for_each(|word| out.extend_from_slice(&word.to_be_bytes()));
}
