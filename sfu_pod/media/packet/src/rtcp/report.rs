//! SR, RR, SDES and BYE (RFC 3550 sections 6.4 to 6.6).

use super::{BYE, MAX_COUNT, RECEIVER_REPORT, SDES, SENDER_REPORT, words, write_packet};
use crate::bytes::{u32_at, u64_at};

const BLOCK_LEN: usize = 24;
const SDES_END: u8 = 0;
const SDES_CNAME: u8 = 1;

/// What a sender says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SenderInfo {
    /// Wallclock in NTP format: seconds since 1900 in the upper 32 bits.
    pub ntp: u64,
    /// The same instant on the RTP clock.
    pub rtp_timestamp: u32,
    /// Packets sent so far, modulo 2^32.
    pub packet_count: u32,
    /// Payload bytes sent so far, modulo 2^32.
    pub octet_count: u32,
}

/// What a receiver says about one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReportBlock {
    /// The source.
    pub ssrc: u32,
    /// Share lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Lost since the beginning; 24 bits signed.
    pub cumulative_lost: i32,
    /// Highest sequence number, wraps counted in the upper 16 bits.
    pub highest_sequence: u32,
    /// Interarrival jitter in units of the RTP clock.
    pub jitter: u32,
    /// Middle 32 bits of the NTP time of the last sender report; 0: none yet.
    pub last_sender_report: u32,
    /// Since that report, in 1/65536 s.
    pub delay_since_last: u32,
}

impl ReportBlock {
    fn read(bytes: &[u8; BLOCK_LEN]) -> Self {
        let word = |index: usize| {
            let at = 4 * index;
            u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        Self {
            ssrc: word(0),
            fraction_lost: bytes[4],
            // The shift left drops the fraction, the arithmetic shift right keeps the sign.
            cumulative_lost: (word(1) << 8) as i32 >> 8,
            highest_sequence: word(2),
            jitter: word(3),
            last_sender_report: word(4),
            delay_since_last: word(5),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let lost = self.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff) as u32 & 0xff_ffff;
        let words = [
            self.ssrc,
            u32::from(self.fraction_lost) << 24 | lost,
            self.highest_sequence,
            self.jitter,
            self.last_sender_report,
            self.delay_since_last,
        ];
        for word in words {
            out.extend_from_slice(&word.to_be_bytes());
        }
    }
}

/// SR.
#[derive(Debug, Clone, Copy)]
pub struct SenderReport<'a> {
    /// Who reports.
    pub ssrc: u32,
    /// About itself.
    pub info: SenderInfo,
    blocks: &'a [u8],
}

impl<'a> SenderReport<'a> {
    pub(super) fn parse(body: &'a [u8], count: u8) -> Option<Self> {
        let info = SenderInfo {
            ntp: u64_at(body, 4)?,
            rtp_timestamp: u32_at(body, 12)?,
            packet_count: u32_at(body, 16)?,
            octet_count: u32_at(body, 20)?,
        };
        let blocks = body.get(24..24 + BLOCK_LEN * usize::from(count))?;
        Some(Self { ssrc: u32_at(body, 0)?, info, blocks })
    }

    /// About others.
    pub fn blocks(&self) -> impl Iterator<Item = ReportBlock> + 'a {
        self.blocks.as_chunks().0.iter().map(ReportBlock::read)
    }
}

/// RR.
#[derive(Debug, Clone, Copy)]
pub struct ReceiverReport<'a> {
    /// Who reports.
    pub ssrc: u32,
    blocks: &'a [u8],
}

impl<'a> ReceiverReport<'a> {
    pub(super) fn parse(body: &'a [u8], count: u8) -> Option<Self> {
        let blocks = body.get(4..4 + BLOCK_LEN * usize::from(count))?;
        Some(Self { ssrc: u32_at(body, 0)?, blocks })
    }

    /// About others.
    pub fn blocks(&self) -> impl Iterator<Item = ReportBlock> + 'a {
        self.blocks.as_chunks().0.iter().map(ReportBlock::read)
    }
}

/// SDES.
#[derive(Debug, Clone, Copy)]
pub struct Sdes<'a> {
    chunks: &'a [u8],
}

impl<'a> Sdes<'a> {
    pub(super) fn new(chunks: &'a [u8]) -> Self {
        Self { chunks }
    }

    /// (SSRC, canonical name) of every chunk that has a CNAME. Ends early at a chunk that is cut
    /// short.
    pub fn cnames(&self) -> impl Iterator<Item = (u32, &'a [u8])> + 'a {
        let mut rest = self.chunks;
        std::iter::from_fn(move || {
            loop {
                let (ssrc, items) = rest.split_first_chunk()?;
                let (cname, used) = read_items(items)?;
                rest = items.get(used.next_multiple_of(4)..).unwrap_or(&[]);
                if let Some(cname) = cname {
                    return Some((u32::from_be_bytes(*ssrc), cname));
                }
            }
        })
    }
}

/// BYE.
#[derive(Debug, Clone, Copy)]
pub struct Bye<'a> {
    sources: &'a [u8],
}

impl<'a> Bye<'a> {
    pub(super) fn parse(body: &'a [u8], count: u8) -> Option<Self> {
        Some(Self { sources: body.get(..4 * usize::from(count))? })
    }

    /// Sources that ended.
    pub fn ssrcs(&self) -> impl Iterator<Item = u32> + 'a {
        words(self.sources)
    }
}

/// Appends an SR. Only the first 31 blocks fit.
pub fn write_sender_report(
    out: &mut Vec<u8>,
    ssrc: u32,
    info: &SenderInfo,
    blocks: &[ReportBlock],
) {
    let blocks = &blocks[..blocks.len().min(MAX_COUNT)];
    write_packet(out, SENDER_REPORT, blocks.len(), |out| {
        out.extend_from_slice(&ssrc.to_be_bytes());
        out.extend_from_slice(&info.ntp.to_be_bytes());
        for word in [info.rtp_timestamp, info.packet_count, info.octet_count] {
            out.extend_from_slice(&word.to_be_bytes());
        }
        blocks.iter().for_each(|block| block.write(out));
    });
}

/// Appends an RR. Only the first 31 blocks fit.
pub fn write_receiver_report(out: &mut Vec<u8>, ssrc: u32, blocks: &[ReportBlock]) {
    let blocks = &blocks[..blocks.len().min(MAX_COUNT)];
    write_packet(out, RECEIVER_REPORT, blocks.len(), |out| {
        out.extend_from_slice(&ssrc.to_be_bytes());
        blocks.iter().for_each(|block| block.write(out));
    });
}

/// Appends an SDES with one CNAME, cut at 255 bytes.
pub fn write_sdes_cname(out: &mut Vec<u8>, ssrc: u32, cname: &str) {
    let name = &cname.as_bytes()[..cname.len().min(255)];
    write_packet(out, SDES, 1, |out| {
        out.extend_from_slice(&ssrc.to_be_bytes());
        out.extend_from_slice(&[SDES_CNAME, name.len() as u8]);
        out.extend_from_slice(name);
        out.push(SDES_END);
    });
}

/// Appends a BYE. Only the first 31 sources fit.
pub fn write_bye(out: &mut Vec<u8>, ssrcs: &[u32]) {
    let ssrcs = &ssrcs[..ssrcs.len().min(MAX_COUNT)];
    write_packet(out, BYE, ssrcs.len(), |out| {
        ssrcs.iter().for_each(|ssrc| out.extend_from_slice(&ssrc.to_be_bytes()));
    });
}

/// The CNAME among a chunk's items, and the bytes they take with their end. `None`: cut short.
fn read_items(items: &[u8]) -> Option<(Option<&[u8]>, usize)> {
    let (mut cname, mut at) = (None, 0);
    loop {
        let kind = *items.get(at)?;
        if kind == SDES_END {
            return Some((cname, at + 1));
        }
        let len = usize::from(*items.get(at + 1)?);
        let value = items.get(at + 2..at + 2 + len)?;
        if kind == SDES_CNAME {
            cname = Some(value);
        }
        at += 2 + len;
    }
}
