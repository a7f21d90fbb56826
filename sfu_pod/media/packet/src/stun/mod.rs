//! STUN messages (RFC 8489) with the attributes of ICE (RFC 8445 section 16.1).

mod write;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{hmac, rand};
use thiserror::Error;

use crate::bytes::{u16_at, u32_at, u64_at};

pub use write::{
    write_binding_error, write_binding_request, write_binding_request_with, write_binding_success,
    write_probe, write_unknown_attributes,
};

const HEADER_LEN: usize = 20;
const MAGIC_COOKIE: u32 = 0x2112_a442;
const BINDING: u16 = 1;
const INTEGRITY_LEN: usize = 20;
/// RFC 8489 section 14.7.
const FINGERPRINT_MASK: u32 = 0x5354_554e;

/// Attribute types (RFC 8489 section 18.3, RFC 8445 section 20.1).
mod attribute {
    pub(super) const USERNAME: u16 = 0x0006;
    pub(super) const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub(super) const ERROR_CODE: u16 = 0x0009;
    pub(super) const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
    pub(super) const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub(super) const PRIORITY: u16 = 0x0024;
    pub(super) const USE_CANDIDATE: u16 = 0x0025;
    pub(super) const FINGERPRINT: u16 = 0x8028;
    pub(super) const ICE_CONTROLLED: u16 = 0x8029;
    pub(super) const ICE_CONTROLLING: u16 = 0x802a;

    /// Types below have to be understood by who gets them (RFC 8489 section 14).
    pub(super) const OPTIONAL: u16 = 0x8000;
    /// All of RFC 8489 and RFC 8445 that have to be, those that mean nothing in a check included.
    pub(super) const UNDERSTOOD: [u16; 13] = [
        0x0001, // MAPPED-ADDRESS
        USERNAME,
        MESSAGE_INTEGRITY,
        ERROR_CODE,
        UNKNOWN_ATTRIBUTES,
        0x0014, // REALM
        0x0015, // NONCE
        0x001c, // MESSAGE-INTEGRITY-SHA256
        0x001d, // PASSWORD-ALGORITHM
        0x001e, // USERHASH
        XOR_MAPPED_ADDRESS,
        PRIORITY,
        USE_CANDIDATE,
    ];
}

/// Why bytes are no STUN message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum StunError {
    /// Fewer bytes than the header or an attribute says, or bytes left over.
    #[error("STUN message has a wrong length")]
    Length,
    /// Not the magic cookie of RFC 8489.
    #[error("STUN message has no magic cookie")]
    Cookie,
    /// FINGERPRINT does not match, or is not last.
    #[error("STUN fingerprint does not match")]
    Fingerprint,
}

/// Class of a message (RFC 8489 section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Wants an answer.
    Request,
    /// Wants none.
    Indication,
    /// Success response.
    Success,
    /// Error response.
    Error,
}

/// Copied from a request to its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TransactionId(pub [u8; 12]);

impl TransactionId {
    /// One that nobody can guess. `None`: the machine gives no random bytes.
    pub fn random() -> Option<Self> {
        let mut id = [0; 12];
        rand::fill(&mut id).ok()?;
        Some(Self(id))
    }
}

/// ICE role that the sender of a check believes to have, and its tie-breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IceRole {
    /// ICE-CONTROLLING.
    Controlling(u64),
    /// ICE-CONTROLLED.
    Controlled(u64),
}

/// A view of one message whose lengths and fingerprint (if present) are checked.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    bytes: &'a [u8],
    /// What comes after MESSAGE-INTEGRITY is not authenticated and so not read.
    attributes: &'a [u8],
    /// Where MESSAGE-INTEGRITY begins.
    integrity_at: Option<usize>,
    has_fingerprint: bool,
}

impl<'a> Message<'a> {
    /// Checks cookie, lengths and, where present, FINGERPRINT.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, StunError> {
        let header: &[u8; HEADER_LEN] = bytes.first_chunk().ok_or(StunError::Length)?;
        if header[4..8] != MAGIC_COOKIE.to_be_bytes() {
            return Err(StunError::Cookie);
        }
        let len = usize::from(u16::from_be_bytes([header[2], header[3]]));
        if header[0] >> 6 != 0 || len % 4 != 0 || HEADER_LEN + len != bytes.len() {
            return Err(StunError::Length);
        }
        let (mut at, mut integrity_at, mut has_fingerprint) = (HEADER_LEN, None, false);
        while at < bytes.len() {
            let (kind, value) = attribute_at(bytes, at).ok_or(StunError::Length)?;
            let next = at + 4 + value.len().next_multiple_of(4);
            match kind {
                attribute::MESSAGE_INTEGRITY if integrity_at.is_none() => integrity_at = Some(at),
                attribute::FINGERPRINT => {
                    let expected = (crc32fast::hash(&bytes[..at]) ^ FINGERPRINT_MASK).to_be_bytes();
                    if value != expected || next != bytes.len() {
                        return Err(StunError::Fingerprint);
                    }
                    has_fingerprint = true;
                }
                _ => {}
            }
            at = next;
        }
        let attributes = &bytes[HEADER_LEN..integrity_at.unwrap_or(bytes.len())];
        Ok(Self { bytes, attributes, integrity_at, has_fingerprint })
    }

    /// Bytes of the whole message.
    #[allow(clippy::len_without_is_empty, reason = "a message is never empty")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Request, indication, success, error.
    pub fn class(&self) -> Class {
        match self.message_type() & 0x0110 {
            0x0000 => Class::Request,
            0x0010 => Class::Indication,
            0x0100 => Class::Success,
            _ => Class::Error,
        }
    }

    /// 1 is Binding.
    pub fn method(&self) -> u16 {
        let kind = self.message_type();
        kind & 0xf | (kind & 0xe0) >> 1 | (kind & 0x3e00) >> 2
    }

    /// A Binding request: an ICE check.
    pub fn is_binding_request(&self) -> bool {
        self.class() == Class::Request && self.method() == BINDING
    }

    /// Copied from a request to its answer.
    pub fn transaction_id(&self) -> TransactionId {
        let mut id = [0; 12];
        id.copy_from_slice(&self.bytes[8..HEADER_LEN]);
        TransactionId(id)
    }

    /// USERNAME, if it is UTF-8.
    pub fn username(&self) -> Option<&'a str> {
        std::str::from_utf8(self.attribute(attribute::USERNAME)?).ok()
    }

    /// The two halves of a check's USERNAME: (receiver's ufrag, sender's ufrag).
    pub fn ufrags(&self) -> Option<(&'a str, &'a str)> {
        self.username()?.split_once(':')
    }

    /// PRIORITY.
    pub fn priority(&self) -> Option<u32> {
        u32_at(self.attribute(attribute::PRIORITY)?, 0)
    }

    /// USE-CANDIDATE.
    pub fn use_candidate(&self) -> bool {
        self.attribute(attribute::USE_CANDIDATE).is_some()
    }

    /// ICE-CONTROLLING or ICE-CONTROLLED.
    pub fn ice_role(&self) -> Option<IceRole> {
        let tie_breaker = |kind| u64_at(self.attribute(kind)?, 0);
        tie_breaker(attribute::ICE_CONTROLLING)
            .map(IceRole::Controlling)
            .or_else(|| tie_breaker(attribute::ICE_CONTROLLED).map(IceRole::Controlled))
    }

    /// XOR-MAPPED-ADDRESS.
    pub fn xor_mapped_address(&self) -> Option<SocketAddr> {
        let value = self.attribute(attribute::XOR_MAPPED_ADDRESS)?;
        let port = u16_at(value, 2)? ^ (MAGIC_COOKIE >> 16) as u16;
        let masked = value.get(4..)?;
        let ip = match *value.get(1)? {
            1 => Ipv4Addr::from_bits(u32_at(masked, 0)? ^ MAGIC_COOKIE).into(),
            2 => {
                let masked = u128::from_be_bytes(*masked.first_chunk()?);
                Ipv6Addr::from_bits(masked ^ ipv6_mask(self.transaction_id())).into()
            }
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    }

    /// ERROR-CODE, 300 to 699.
    pub fn error_code(&self) -> Option<u16> {
        let value = self.attribute(attribute::ERROR_CODE)?;
        let (class, number) = (value.get(2)? & 7, *value.get(3)?);
        ((3..=6).contains(&class) && number < 100)
            .then(|| u16::from(class) * 100 + u16::from(number))
    }

    /// UNKNOWN-ATTRIBUTES: what the answering side did not understand.
    pub fn unknown_attributes(&self) -> impl Iterator<Item = u16> + 'a {
        let value = self.attribute(attribute::UNKNOWN_ATTRIBUTES).unwrap_or_default();
        value.as_chunks().0.iter().copied().map(u16::from_be_bytes)
    }

    /// Types of attributes that have to be understood, and are not (RFC 8489 section 6.3.1).
    pub fn unknown_required(&self) -> impl Iterator<Item = u16> + 'a {
        let kinds = self.attributes().map(|(kind, _)| kind);
        kinds.filter(|kind| *kind < attribute::OPTIONAL && !attribute::UNDERSTOOD.contains(kind))
    }

    /// FINGERPRINT is present (and was found right by [`Message::parse`]).
    pub fn has_fingerprint(&self) -> bool {
        self.has_fingerprint
    }

    /// MESSAGE-INTEGRITY is present.
    pub fn has_integrity(&self) -> bool {
        self.integrity_at.is_some()
    }

    /// MESSAGE-INTEGRITY is present and made with this key: the ICE password.
    pub fn verify_integrity(&self, key: &[u8]) -> bool {
        let Some(at) = self.integrity_at else { return false };
        let expected = integrity(key, &self.bytes[..at]);
        let found = attribute_at(self.bytes, at).map(|(_, value)| value);
        found.is_some_and(|found| verify_slices_are_equal(found, expected.as_ref()).is_ok())
    }

    fn message_type(&self) -> u16 {
        u16::from_be_bytes([self.bytes[0], self.bytes[1]])
    }

    /// The first attribute of this type (RFC 8489 section 14: later ones are ignored).
    fn attribute(&self, wanted: u16) -> Option<&'a [u8]> {
        self.attributes().find(|(kind, _)| *kind == wanted).map(|(_, value)| value)
    }

    /// Types and values of those that count.
    fn attributes(&self) -> impl Iterator<Item = (u16, &'a [u8])> + 'a {
        let (bytes, mut at) = (self.attributes, 0);
        std::iter::from_fn(move || {
            let (kind, value) = attribute_at(bytes, at)?;
            at += 4 + value.len().next_multiple_of(4);
            Some((kind, value))
        })
    }
}

/// Type and value; `None` where they do not fit, padding included.
fn attribute_at(bytes: &[u8], at: usize) -> Option<(u16, &[u8])> {
    let kind = u16_at(bytes, at)?;
    let len = usize::from(u16_at(bytes, at + 2)?);
    let padded = bytes.get(at + 4..at + 4 + len.next_multiple_of(4))?;
    Some((kind, &padded[..len]))
}

/// MESSAGE-INTEGRITY of what stands before it: the header counts as if the attribute were the last
/// (RFC 8489 section 14.5).
fn integrity(key: &[u8], before: &[u8]) -> hmac::Tag {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let len = (before.len() - HEADER_LEN + 4 + INTEGRITY_LEN) as u16;
    let mut context = hmac::Context::with_key(&key);
    context.update(&before[..2]);
    context.update(&len.to_be_bytes());
    context.update(&before[4..]);
    context.sign()
}

/// Cookie and transaction id cover an IPv6 address (RFC 8489 section 14.2).
fn ipv6_mask(TransactionId(id): TransactionId) -> u128 {
    let mut mask = [0; 16];
    mask[..4].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
    mask[4..].copy_from_slice(&id);
    u128::from_be_bytes(mask)
}
