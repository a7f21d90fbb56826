//! Protecting what we send.

use rustc_hash::FxHashSet;

use super::cipher::{Cipher, RTCP_HEADER_LEN};
use super::kdf::Kdf;
use super::sources::Sources;
use super::window::{ReplayWindow, nearest_index};
use super::{RtpWindow, SrtpError, SrtpProfile};
use crate::bytes::u32_at;
use crate::rtp::RtpPacket;

/// Sources at a time.
const MAX_SOURCES: usize = 16_384;
/// Of a source that has ended the SSRC is kept as long as the keys, so that its numbers cannot come
/// again under them; that takes 4 bytes.
const MAX_RETIRED: usize = 1 << 20;
const MAX_RTCP_INDEX: u32 = 0x7fff_ffff;

/// Keys and rollover counters of one direction.
pub struct Sender {
    profile: SrtpProfile,
    rtp: Cipher,
    rtcp: Cipher,
    sources: Sources<RtpWindow>,
    retired: FxHashSet<u32>,
    /// One counter for all sources: each sees its own indices ascend.
    next_rtcp_index: u32,
}

impl Sender {
    /// `key_and_salt`: master key, then master salt, as RFC 5764 section 4.2 derives them.
    pub fn new(profile: SrtpProfile, key_and_salt: &[u8]) -> Result<Self, SrtpError> {
        let kdf = Kdf::new(profile, key_and_salt)?;
        Ok(Self {
            profile,
            rtp: Cipher::rtp(profile, &kdf),
            rtcp: Cipher::rtcp(profile, &kdf),
            sources: Sources::new(MAX_SOURCES),
            retired: FxHashSet::default(),
            next_rtcp_index: 1,
        })
    }

    /// The profile it was made for; tells the overheads.
    pub fn profile(&self) -> SrtpProfile {
        self.profile
    }

    /// A source has ended and makes room; its SSRC may not be used again with these keys.
    pub fn retire(&mut self, ssrc: u32) {
        if self.retired.len() < MAX_RETIRED && self.sources.remove(ssrc) {
            self.retired.insert(ssrc);
        }
    }

    /// Whether a source with this SSRC has ended.
    pub fn is_retired(&self, ssrc: u32) -> bool {
        self.retired.contains(&ssrc)
    }

    /// Protects the RTP packet in `buffer[..len]`; returns its new length, which is
    /// `len + profile.rtp_overhead()`. Each sequence number of an SSRC is sent once only, or
    /// AES-GCM would be broken: what is sent again goes over RTX with a number of its own. A packet
    /// may be up to 1,023 numbers late, but not before the first of all. Anything else is
    /// [`SrtpError::Replayed`].
    pub fn protect_rtp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let packet = buffer.get(..len).ok_or(SrtpError::Malformed)?;
        let packet = RtpPacket::parse_header(packet).map_err(|_| SrtpError::Malformed)?;
        let (header_len, ssrc, number) =
            (packet.header_len(), packet.ssrc(), packet.sequence_number());
        if let Some(window) = self.sources.get_mut(ssrc) {
            // A number before the first of all would look like a leap to a peer that misses it.
            let index = nearest_index(window.highest(), number).ok_or(SrtpError::Replayed)?;
            if !window.is_fresh(index) {
                return Err(SrtpError::Replayed);
            }
            let end = self.rtp.seal_rtp(buffer, header_len, len, ssrc, index)?;
            window.mark(index);
            return Ok(end);
        }
        if self.is_retired(ssrc) {
            return Err(SrtpError::Replayed);
        }
        self.sources.check_room()?;
        let end = self.rtp.seal_rtp(buffer, header_len, len, ssrc, number.into())?;
        self.sources.insert(ssrc, ReplayWindow::starting_at(number.into()));
        Ok(end)
    }

    /// Protects the compound RTCP packet in `buffer[..len]`; returns its new length, which is
    /// `len + profile.rtcp_overhead()`.
    pub fn protect_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let packet = buffer.get(..len).ok_or(SrtpError::Malformed)?;
        let ssrc = u32_at(packet, RTCP_HEADER_LEN - 4).ok_or(SrtpError::Malformed)?;
        let index = self.next_rtcp_index;
        if index > MAX_RTCP_INDEX {
            return Err(SrtpError::Replayed);
        }
        let end = self.rtcp.seal_rtcp(buffer, len, ssrc, index)?;
        self.next_rtcp_index += 1;
        Ok(end)
    }
}
