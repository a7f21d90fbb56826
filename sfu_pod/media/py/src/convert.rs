//! Arguments of Python to values of the core, checked.

use std::net::IpAddr;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use rotunda_media_core::command::{Codec, IceCredentials, MediaKind, SrtpKeys};
use rotunda_media_core::id::{ConsumerId, ProducerId, RouterId, TransportId};
use rotunda_packet::srtp::SrtpProfile;

use crate::error::{unfit, wrong, wrong_length, wrong_type};

/// What a socket speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Datagrams.
    Udp,
    /// Datagrams as frames of a stream (RFC 6544, RFC 4571).
    Tcp,
}

impl Protocol {
    /// As candidates have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }
}

/// Names of [`Protocol`].
pub const PROTOCOLS: [(&str, Protocol); 2] =
    [(Protocol::Udp.name(), Protocol::Udp), (Protocol::Tcp.name(), Protocol::Tcp)];

/// Names of [`MediaKind`].
pub const KINDS: [(&str, MediaKind); 2] =
    [("audio", MediaKind::Audio), ("video", MediaKind::Video)];

/// Names of [`Codec`].
pub const CODECS: [(&str, Codec); 5] = [
    ("opus", Codec::Opus),
    ("vp8", Codec::Vp8),
    ("h264", Codec::H264),
    ("vp9", Codec::Vp9),
    ("av1", Codec::Av1),
];

/// Names of [`SrtpProfile`], as RFC 5764 and RFC 7714 register them.
pub const SRTP_PROFILES: [(&str, SrtpProfile); 3] = [
    (SrtpProfile::Aes128Gcm.name(), SrtpProfile::Aes128Gcm),
    (SrtpProfile::Aes256Gcm.name(), SrtpProfile::Aes256Gcm),
    (SrtpProfile::Aes128CmHmacSha1_80.name(), SrtpProfile::Aes128CmHmacSha1_80),
];

/// A number argument: its noun, its type and its limits.
macro_rules! number {
    ($($(#[$doc:meta])* $name:ident($inner:ty): $what:literal $min:literal to $max:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name(pub $inner);

        impl<'a, 'py> FromPyObject<'a, 'py> for $name {
            type Error = PyErr;

            fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
                let number = number(&value, $what, $min, u64::from($max))?;
                Ok(Self(<$inner>::try_from(number).expect("the limits make it fit")))
            }
        }
    )*};
}

number! {
    /// A port; 0 lets the kernel choose.
    Port(u16): "port" 0 to u16::MAX;
    /// Of a plain peer; 0: its first packet tells it.
    RemotePort(u16): "remote_port" 0 to u16::MAX;
    /// Of a plain peer, for RTCP.
    RemoteRtcpPort(u16): "remote_rtcp_port" 1 to u16::MAX;
    /// RFC 3550 section 5.1.
    PayloadType(u8): "payload_type" 0 to 127u8;
    /// Of retransmissions.
    RtxPayloadType(u8): "rtx_payload_type" 0 to 127u8;
    /// In Hz.
    ClockRate(u32): "clock_rate" 1 to u32::MAX;
    /// RFC 3550 section 3.
    Ssrc(u32): "ssrc" 1 to u32::MAX;
    /// Of retransmissions.
    RtxSsrc(u32): "rtx_ssrc" 1 to u32::MAX;
    /// 0 is the lowest encoding.
    Spatial(u8): "spatial" 0 to u8::MAX;
    /// 0 is the lowest frame rate.
    Temporal(u8): "temporal" 0 to u8::MAX;
    /// Datagrams.
    QueueLimit(usize): "dtls_queue_datagrams" 1 to u32::MAX;
    /// At once.
    ConnectionLimit(usize): "tcp_connections" 1 to u32::MAX;
    /// At once, of one address.
    AddressLimit(usize): "tcp_connections_per_address" 1 to u32::MAX;
    /// Datagrams.
    TakeLimit(usize): "limit" 0 to u32::MAX;
    /// Of all that a transport's peer may send.
    MaxIncomingBitrate(u64): "bits_per_second" 1 to u64::MAX;
    /// The caller's own.
    Token(u64): "token" 0 to u64::MAX;
}

/// An id argument: its noun and the core's type.
macro_rules! id {
    ($($name:ident($inner:ty): $what:literal;)*) => {$(
        #[doc = concat!("Names a ", $what, ".")]
        #[derive(Debug, Clone, Copy)]
        pub struct $name(pub $inner);

        impl<'a, 'py> FromPyObject<'a, 'py> for $name {
            type Error = PyErr;

            fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
                Ok(Self(number(&value, $what, 1, u64::MAX)?.into()))
            }
        }
    )*};
}

id! {
    Router(RouterId): "router";
    Transport(TransportId): "transport";
    Producer(ProducerId): "producer";
    Consumer(ConsumerId): "consumer";
}

/// One of a few words.
macro_rules! word {
    ($($name:ident($inner:ty): $what:literal $words:ident;)*) => {$(
        #[doc = concat!("One of [`", stringify!($words), "`].")]
        #[derive(Debug, Clone, Copy)]
        pub struct $name(pub $inner);

        impl<'a, 'py> FromPyObject<'a, 'py> for $name {
            type Error = PyErr;

            fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
                word(&value, $what, &$words).map(Self)
            }
        }
    )*};
}

word! {
    ProtocolName(Protocol): "protocol" PROTOCOLS;
    KindName(MediaKind): "kind" KINDS;
    CodecName(Codec): "codec" CODECS;
    ProfileName(SrtpProfile): "profile" SRTP_PROFILES;
}

/// An IP address.
pub fn ip(what: &str, value: &str) -> PyResult<IpAddr> {
    value.parse().map_err(|_| unfit(format!("{what} must be an IP address, got {value:?}")))
}

/// The IP address of one peer.
pub fn peer_ip(value: &str) -> PyResult<IpAddr> {
    let ip = ip("remote_address", value)?;
    match ip.is_unspecified() || ip.is_multicast() {
        true => Err(unfit(format!("remote_address must be that of one peer, got {value:?}"))),
        false => Ok(ip),
    }
}

/// A text of `min` to `max` bytes.
pub fn text(what: &str, value: String, min: usize, max: usize) -> PyResult<String> {
    if (min..=max).contains(&value.len()) {
        return Ok(value);
    }
    Err(wrong_length(what, format_args!("{min} to {max} bytes long"), value.len(), "bytes"))
}

/// Short-term credentials within the limits of RFC 8839 section 5.4.
pub fn ice(ufrag: String, password: String) -> PyResult<IceCredentials> {
    let ice_text = |what, value: String, min| {
        let is_ice_char = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
        match value.chars().all(is_ice_char) {
            true => text(what, value, min, 256),
            false => Err(unfit(format!("{what} must hold only letters, digits, + and /"))),
        }
    };
    let (ufrag, password) = (ice_text("ufrag", ufrag, 4)?, ice_text("password", password, 22)?);
    Ok(IceCredentials { ufrag, password })
}

/// Keys of the length that their profile wants.
pub fn srtp_keys(profile: SrtpProfile, send: &[u8], receive: &[u8]) -> PyResult<SrtpKeys> {
    let wanted = profile.key_len() + profile.salt_len();
    for (what, key) in [("send", send), ("receive", receive)] {
        if key.len() != wanted {
            let must_be = format_args!("{wanted} bytes, key then salt");
            return Err(wrong_length(what, must_be, key.len(), "bytes"));
        }
    }
    Ok(SrtpKeys { profile, send: send.to_vec(), receive: receive.to_vec() })
}

/// One datagram: at most what UDP carries over IPv4.
pub fn datagram(bytes: &[u8]) -> PyResult<Vec<u8>> {
    match bytes.len() {
        1..=65_507 => Ok(bytes.to_vec()),
        length => Err(wrong_length("datagram", "1 to 65507 bytes", length, "bytes")),
    }
}

fn number(value: &Bound<'_, PyAny>, what: &str, min: u64, max: u64) -> PyResult<u64> {
    match value.extract::<u64>() {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        Err(error) if error.is_instance_of::<PyTypeError>(value.py()) => {
            Err(wrong_type(what, "an integer", value))
        }
        _ => Err(wrong(what, format_args!("{min} to {max}"), value)),
    }
}

fn word<T: Copy>(value: &Bound<'_, PyAny>, what: &str, words: &[(&str, T)]) -> PyResult<T> {
    let name: String = value.extract().map_err(|_| wrong_type(what, "a string", value))?;
    if let Some((_, found)) = words.iter().find(|(word, _)| *word == name) {
        return Ok(*found);
    }
    let all: Vec<_> = words.iter().map(|(word, _)| *word).collect();
    Err(wrong(what, format_args!("one of {}", all.join(", ")), value))
}
