//! What goes into a worker and what comes out of it, besides commands and events.

use crate::id::TransportId;
use crate::path::Path;

/// One received datagram; what GRO joined is already split.
#[derive(Debug)]
pub struct Received<'a> {
    /// Where it came from and arrived.
    pub path: Path,
    /// The payload; decrypted in place.
    pub data: &'a mut [u8],
}

/// Where a worker's datagrams go.
pub trait Output {
    /// Sends one datagram: `write` fills at most `capacity` bytes and returns the length; `None`
    /// cancels. Datagrams of one path that follow each other belong into one GSO message.
    fn send(&mut self, path: Path, capacity: usize, write: impl FnOnce(&mut [u8]) -> Option<usize>);

    /// Takes one DTLS datagram that arrived for `transport`.
    fn dtls(&mut self, transport: TransportId, datagram: &[u8]);
}

/// Totals since the worker was made, cheap to read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Media packets sent to consumers, retransmissions included.
    pub packets_forwarded: u64,
    /// Received datagrams that led nowhere: unknown path or SSRC, refused by SRTP, malformed.
    pub packets_dropped: u64,
    /// Packets to consumers that were not sent: too much waited already, the payload was forgotten
    /// meanwhile, or the peer was nowhere or may not get so much yet.
    pub packets_unsent: u64,
    /// Received video packets refused because their peer sends more than its owner allows.
    pub packets_refused: u64,
    /// RTP padding sent so that packets fit GSO messages.
    pub padding_bytes: u64,
}
