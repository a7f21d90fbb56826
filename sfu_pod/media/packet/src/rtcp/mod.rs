//! RTCP (RFC 3550 section 6) and its feedback messages (RFC 4585, RFC 5104, REMB,
//! transport-wide congestion control).
//!
//! [`packets`] iterates what a compound packet holds; the `write_*` functions append one packet
//! each to the caller's buffer, so that calling several makes a compound.

mod feedback;
mod report;
mod transport_cc;

use thiserror::Error;

pub use feedback::{Fir, FirEntry, Nack, Pli, Remb, write_fir, write_nack, write_pli, write_remb};
pub use report::{
    Bye, ReceiverReport, ReportBlock, Sdes, SenderInfo, SenderReport, write_bye,
    write_receiver_report, write_sdes_cname, write_sender_report,
};
pub use transport_cc::{PacketStatus, TransportFeedback, write_transport_feedback};

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SDES: u8 = 202;
const BYE: u8 = 203;
const TRANSPORT_SPECIFIC: u8 = 205;
const PAYLOAD_SPECIFIC: u8 = 206;

const FORMAT_NACK: u8 = 1;
const FORMAT_PLI: u8 = 1;
const FORMAT_FIR: u8 = 4;
/// Application layer feedback among the payload specific, transport-wide feedback among the
/// transport specific.
const FORMAT_15: u8 = 15;

/// Greatest value of the five bits for counts.
const MAX_COUNT: usize = 31;

/// Why bytes are no RTCP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RtcpError {
    /// Fewer bytes than a header or a count says.
    #[error("RTCP packet is cut short")]
    Truncated,
    /// Only version 2 is spoken.
    #[error("RTCP version is not 2")]
    Version,
    /// The padding count is 0 or more than the packet.
    #[error("RTCP padding is longer than the packet")]
    Padding,
    /// A feedback message contradicts itself.
    #[error("RTCP feedback is inconsistent")]
    Feedback,
}

/// One packet of a compound.
#[derive(Debug, Clone, Copy)]
pub enum RtcpPacket<'a> {
    /// 200.
    SenderReport(SenderReport<'a>),
    /// 201.
    ReceiverReport(ReceiverReport<'a>),
    /// 202.
    Sdes(Sdes<'a>),
    /// 203.
    Bye(Bye<'a>),
    /// 205, format 1.
    Nack(Nack<'a>),
    /// 205, format 15.
    TransportFeedback(TransportFeedback<'a>),
    /// 206, format 1.
    Pli(Pli),
    /// 206, format 4.
    Fir(Fir<'a>),
    /// 206, format 15.
    Remb(Remb<'a>),
    /// Anything else, extended reports (207) among them.
    Other {
        /// Packet type.
        packet_type: u8,
        /// Count or format, 0 to 31.
        format: u8,
    },
}

/// Iterates a compound packet, decrypted. Ends after the first error whose length cannot be
/// trusted; a packet that is wrong only inside yields its error and the next one follows.
pub fn packets(bytes: &[u8]) -> Packets<'_> {
    Packets { rest: bytes }
}

/// See [`packets`].
#[derive(Debug, Clone)]
pub struct Packets<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<RtcpPacket<'a>, RtcpError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        match split_packet(self.rest) {
            Ok((packet, rest)) => {
                self.rest = rest;
                Some(parse_packet(packet))
            }
            Err(error) => {
                self.rest = &[];
                Some(Err(error))
            }
        }
    }
}

/// Splits off the first packet, header included.
fn split_packet(bytes: &[u8]) -> Result<(&[u8], &[u8]), RtcpError> {
    let header: &[u8; 4] = bytes.first_chunk().ok_or(RtcpError::Truncated)?;
    if header[0] >> 6 != 2 {
        return Err(RtcpError::Version);
    }
    let words = u16::from_be_bytes([header[2], header[3]]);
    bytes.split_at_checked(4 * (usize::from(words) + 1)).ok_or(RtcpError::Truncated)
}

/// `packet` has the length that its header says.
fn parse_packet(packet: &[u8]) -> Result<RtcpPacket<'_>, RtcpError> {
    let (format, packet_type) = (packet[0] & 0x1f, packet[1]);
    let mut body = &packet[4..];
    if packet[0] & 0x20 != 0 {
        let padding = usize::from(*body.last().ok_or(RtcpError::Padding)?);
        let end = body.len().checked_sub(padding).ok_or(RtcpError::Padding)?;
        if padding == 0 {
            return Err(RtcpError::Padding);
        }
        body = &body[..end];
    }
    let parsed = match (packet_type, format) {
        (SENDER_REPORT, count) => SenderReport::parse(body, count).map(RtcpPacket::SenderReport),
        (RECEIVER_REPORT, count) => {
            ReceiverReport::parse(body, count).map(RtcpPacket::ReceiverReport)
        }
        (SDES, _) => Some(RtcpPacket::Sdes(Sdes::new(body))),
        (BYE, count) => Bye::parse(body, count).map(RtcpPacket::Bye),
        (TRANSPORT_SPECIFIC, FORMAT_NACK) => Nack::parse(body).map(RtcpPacket::Nack),
        (TRANSPORT_SPECIFIC, FORMAT_15) => {
            return TransportFeedback::parse(body).map(RtcpPacket::TransportFeedback);
        }
        (PAYLOAD_SPECIFIC, FORMAT_PLI) => Pli::parse(body).map(RtcpPacket::Pli),
        (PAYLOAD_SPECIFIC, FORMAT_FIR) => Fir::parse(body).map(RtcpPacket::Fir),
        (PAYLOAD_SPECIFIC, FORMAT_15) if Remb::matches(body) => {
            return Remb::parse(body).map(RtcpPacket::Remb);
        }
        _ => Some(RtcpPacket::Other { packet_type, format }),
    };
    parsed.ok_or(RtcpError::Truncated)
}

/// Appends a packet: `write_body` appends what follows the four bytes of header; zeros fill it up
/// to 32 bits.
fn write_packet(
    out: &mut Vec<u8>,
    packet_type: u8,
    format: usize,
    write_body: impl FnOnce(&mut Vec<u8>),
) {
    let start = out.len();
    out.extend_from_slice(&[0x80 | (format & MAX_COUNT) as u8, packet_type, 0, 0]);
    write_body(out);
    let len = (out.len() - start).next_multiple_of(4);
    out.resize(start + len, 0);
    let words = (len / 4 - 1) as u16;
    out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
}

/// Reads a list of big-endian words; bytes left over are ignored.
fn words(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
    bytes.as_chunks().0.iter().map(|word| u32::from_be_bytes(*word))
}
