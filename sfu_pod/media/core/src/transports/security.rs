//! How the packets of one transport are protected.

use rotunda_packet::srtp::{Receiver, Sender, SrtpError};

use crate::command::SrtpKeys;

/// Seals what is sent and opens what comes.
#[expect(clippy::large_enum_variant, reason = "nearly all have keys, for nearly all their life")]
pub(crate) enum Security {
    /// Keys are to come; until then nothing is sent or taken.
    Awaited,
    /// No protection, as the owner wants it.
    Clear,
    /// SRTP (RFC 3711, RFC 7714).
    Srtp(Srtp),
}

/// Keys of both directions.
pub(crate) struct Srtp {
    sender: Sender,
    receiver: Receiver,
    /// The peer has sent something with these keys.
    heard: bool,
}

impl Security {
    pub(crate) fn srtp(keys: &SrtpKeys) -> Result<Self, String> {
        let told = |error: SrtpError| error.to_string();
        let sender = Sender::new(keys.profile, &keys.send).map_err(told)?;
        let receiver = Receiver::new(keys.profile, &keys.receive).map_err(told)?;
        Ok(Self::Srtp(Srtp { sender, receiver, heard: false }))
    }

    #[inline]
    pub(crate) fn is_ready(&self) -> bool {
        !matches!(self, Self::Awaited)
    }

    /// Bytes that sealing adds to an RTP packet. `None`: nothing can be sealed.
    #[inline]
    pub(crate) fn rtp_overhead(&self) -> Option<usize> {
        match self {
            Self::Awaited => None,
            Self::Clear => Some(0),
            Self::Srtp(srtp) => Some(srtp.sender.profile().rtp_overhead()),
        }
    }

    /// The same of a compound RTCP packet.
    pub(crate) fn rtcp_overhead(&self) -> Option<usize> {
        match self {
            Self::Awaited => None,
            Self::Clear => Some(0),
            Self::Srtp(srtp) => Some(srtp.sender.profile().rtcp_overhead()),
        }
    }

    /// Seals the RTP packet in `buffer[..len]`; returns its new length. `None`: it may not be sent.
    #[inline]
    pub(crate) fn seal_rtp(&mut self, buffer: &mut [u8], len: usize) -> Option<usize> {
        match self {
            Self::Awaited => None,
            Self::Clear => Some(len),
            Self::Srtp(srtp) => srtp.sender.protect_rtp(buffer, len).ok(),
        }
    }

    /// The same of a compound RTCP packet.
    pub(crate) fn seal_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Option<usize> {
        match self {
            Self::Awaited => None,
            Self::Clear => Some(len),
            Self::Srtp(srtp) => srtp.sender.protect_rtcp(buffer, len).ok(),
        }
    }

    /// Opens an RTP packet in place and returns its length. Where there are too many sources, those
    /// that are not `routed` make room.
    #[inline]
    pub(crate) fn open_rtp(
        &mut self,
        data: &mut [u8],
        routed: impl Fn(u32) -> bool,
    ) -> Option<usize> {
        match self {
            Self::Awaited => None,
            Self::Clear => Some(data.len()),
            Self::Srtp(srtp) => srtp.open(data, routed, Receiver::unprotect_rtp),
        }
    }

    /// The same of a compound RTCP packet.
    pub(crate) fn open_rtcp(
        &mut self,
        data: &mut [u8],
        routed: impl Fn(u32) -> bool,
    ) -> Option<usize> {
        match self {
            Self::Awaited => None,
            Self::Clear => Some(data.len()),
            Self::Srtp(srtp) => srtp.open(data, routed, Receiver::unprotect_rtcp),
        }
    }

    /// The source whose first authentic packet was opened, once.
    #[inline]
    pub(crate) fn take_new_source(&mut self) -> Option<u32> {
        match self {
            Self::Awaited | Self::Clear => None,
            Self::Srtp(srtp) => srtp.receiver.take_new_source(),
        }
    }

    /// Something was opened; whether it was the first with these keys.
    #[inline]
    pub(crate) fn hears_first(&mut self) -> bool {
        match self {
            Self::Awaited | Self::Clear => false,
            Self::Srtp(srtp) => !std::mem::replace(&mut srtp.heard, true),
        }
    }

    /// A source of ours has ended; it may not begin again with these keys.
    pub(crate) fn retire(&mut self, ssrc: u32) {
        if let Self::Srtp(srtp) = self {
            srtp.sender.retire(ssrc);
        }
    }

    /// Whether a source of ours with this SSRC has ended.
    pub(crate) fn is_retired(&self, ssrc: u32) -> bool {
        matches!(self, Self::Srtp(srtp) if srtp.sender.is_retired(ssrc))
    }
}

impl Srtp {
    #[inline]
    fn open(
        &mut self,
        data: &mut [u8],
        routed: impl Fn(u32) -> bool,
        unprotect: impl Fn(&mut Receiver, &mut [u8]) -> Result<usize, SrtpError>,
    ) -> Option<usize> {
        let mut opened = unprotect(&mut self.receiver, data);
        if opened == Err(SrtpError::TooManySources) {
            self.receiver.retain_sources(routed);
            opened = unprotect(&mut self.receiver, data);
        }
        opened.ok()
    }
}
