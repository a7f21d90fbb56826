//! SRTP and SRTCP (RFC 3711), with AES-GCM (RFC 7714) or AES-CM and HMAC-SHA1.
//!
//! All work is in place. A [`Sender`] protects what we send under one DTLS association's keys, a
//! [`Receiver`] opens what we receive. Neither has a key lifetime or an MKI: WebRTC uses none.

mod cipher;
mod kdf;
mod profile;
mod receiver;
#[cfg(test)]
mod rfc7714;
mod sender;
mod sources;
mod window;

use thiserror::Error;

pub use profile::SrtpProfile;
pub use receiver::{MAX_RECEIVED_SOURCES, Receiver};
pub use sender::Sender;

/// RFC 3711 section 3.3.2 asks for 64 at least; media at 60 packets a frame wants more.
type RtpWindow = window::ReplayWindow<16>;
type RtcpWindow = window::ReplayWindow<2>;

/// Why a packet was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SrtpError {
    /// Key and salt do not have the profile's length.
    #[error("SRTP key and salt have {actual} bytes, the profile needs {expected}")]
    KeyLength {
        /// Key plus salt.
        expected: usize,
        /// What was given.
        actual: usize,
    },
    /// Shorter than its header and tag, or not RTP or RTCP at all.
    #[error("packet is too short or malformed")]
    Malformed,
    /// The buffer has no room for the tag.
    #[error("buffer has no room for the authentication tag")]
    NoRoom,
    /// Not made with our key, or changed on the way.
    #[error("authentication failed")]
    Authentication,
    /// Seen before, or older than the replay window. A [`Sender`] says it for a sequence number
    /// that it has sent before: AES-GCM must never use one twice.
    #[error("packet index was used before or is too old")]
    Replayed,
    /// No more sources are followed under these keys.
    #[error("too many synchronisation sources")]
    TooManySources,
}
