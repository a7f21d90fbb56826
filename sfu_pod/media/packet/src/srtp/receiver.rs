//! Opening what we receive.

use super::cipher::{Cipher, RTCP_HEADER_LEN};
use super::kdf::Kdf;
use super::sources::Sources;
use super::window::{ReplayWindow, nearest_index};
use super::{RtcpWindow, RtpWindow, SrtpError, SrtpProfile};
use crate::bytes::u32_at;
use crate::rtp::RtpPacket;

/// Then [`SrtpError::TooManySources`] is returned, until [`Receiver::retain_sources`] makes room.
pub const MAX_RECEIVED_SOURCES: usize = 1024;

/// Keys, rollover counters and replay windows of one direction. State for a source begins with
/// its first packet that is authentic, so forged SSRCs cost nothing.
pub struct Receiver {
    rtp: Cipher,
    rtcp: Cipher,
    rtp_sources: Sources<RtpWindow>,
    rtcp_sources: Sources<RtcpWindow>,
    new_source: Option<u32>,
}

impl Receiver {
    /// `key_and_salt`: master key, then master salt, as RFC 5764 section 4.2 derives them.
    pub fn new(profile: SrtpProfile, key_and_salt: &[u8]) -> Result<Self, SrtpError> {
        let kdf = Kdf::new(profile, key_and_salt)?;
        Ok(Self {
            rtp: Cipher::rtp(profile, &kdf),
            rtcp: Cipher::rtcp(profile, &kdf),
            rtp_sources: Sources::new(MAX_RECEIVED_SOURCES),
            rtcp_sources: Sources::new(MAX_RECEIVED_SOURCES),
            new_source: None,
        })
    }

    /// Makes room: forgets the sources that are not to be kept. What was once received of them would
    /// be taken again, and what they go on to send only if their rollover counters are still 0: so
    /// sources are not forgotten before there is need.
    pub fn retain_sources(&mut self, keep: impl Fn(u32) -> bool) {
        self.rtp_sources.retain(&keep);
        self.rtcp_sources.retain(&keep);
    }

    /// The source whose first packet was opened, once.
    #[inline]
    pub fn take_new_source(&mut self) -> Option<u32> {
        self.new_source.take()
    }

    /// Opens an SRTP packet in place; the plain RTP packet is `packet[..returned]`. After an error
    /// the bytes are garbage, except after [`SrtpError::TooManySources`].
    pub fn unprotect_rtp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let view = RtpPacket::parse_header(packet).map_err(|_| SrtpError::Malformed)?;
        let (header_len, ssrc, number) = (view.header_len(), view.ssrc(), view.sequence_number());
        if let Some(window) = self.rtp_sources.get_mut(ssrc) {
            // Before the first rollover a leap over half the numbers goes forward.
            let index = nearest_index(window.highest(), number).unwrap_or(number.into());
            if !window.is_fresh(index) {
                return Err(SrtpError::Replayed);
            }
            let len = self.rtp.open_rtp(packet, header_len, ssrc, index)?;
            window.mark(index);
            return Ok(len);
        }
        self.rtp_sources.check_room()?;
        let len = self.rtp.open_rtp(packet, header_len, ssrc, number.into())?;
        self.rtp_sources.insert(ssrc, ReplayWindow::starting_at(number.into()));
        self.new_source = Some(ssrc);
        Ok(len)
    }

    /// Opens an SRTCP packet in place; the plain compound packet is `packet[..returned]`. After an
    /// error the bytes are garbage, except after [`SrtpError::TooManySources`].
    pub fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let ssrc = u32_at(packet, RTCP_HEADER_LEN - 4).ok_or(SrtpError::Malformed)?;
        let index = self.rtcp.rtcp_index(packet)?;
        if let Some(window) = self.rtcp_sources.get_mut(ssrc) {
            if !window.is_fresh(index.into()) {
                return Err(SrtpError::Replayed);
            }
            let len = self.rtcp.open_rtcp(packet, ssrc, index)?;
            window.mark(index.into());
            return Ok(len);
        }
        self.rtcp_sources.check_room()?;
        let len = self.rtcp.open_rtcp(packet, ssrc, index)?;
        self.rtcp_sources.insert(ssrc, ReplayWindow::starting_at(index.into()));
        self.new_source = Some(ssrc);
        Ok(len)
    }
}
