//! Building messages. All append to the caller's buffer.

use std::net::{IpAddr, SocketAddr};

use super::{
    BINDING, FINGERPRINT_MASK, HEADER_LEN, INTEGRITY_LEN, IceRole, MAGIC_COOKIE, TransactionId,
    attribute, integrity, ipv6_mask,
};

const REQUEST: u16 = 0x0000;
const SUCCESS: u16 = 0x0100;
const ERROR: u16 = 0x0110;

/// Answers a check: XOR-MAPPED-ADDRESS, MESSAGE-INTEGRITY, FINGERPRINT.
pub fn write_binding_success(
    out: &mut Vec<u8>,
    transaction: TransactionId,
    mapped: SocketAddr,
    key: &[u8],
) {
    let mut writer = Writer::new(out, SUCCESS, transaction);
    writer.xor_mapped_address(mapped, transaction);
    writer.integrity(key);
    writer.fingerprint();
}

/// Refuses a check with ERROR-CODE. With a key the answer carries MESSAGE-INTEGRITY; 400 and 401
/// have none (RFC 8489 section 9.1.3).
pub fn write_binding_error(
    out: &mut Vec<u8>,
    transaction: TransactionId,
    code: u16,
    reason: &str,
    key: Option<&[u8]>,
) {
    let mut writer = Writer::new(out, ERROR, transaction);
    let head = [0, 0, (code / 100) as u8, (code % 100) as u8];
    writer.attribute(attribute::ERROR_CODE, &[&head, reason.as_bytes()]);
    if let Some(key) = key {
        writer.integrity(key);
    }
    writer.fingerprint();
}

/// Refuses a check with 420 and the types that were not understood (RFC 8489 section 6.3.1).
pub fn write_unknown_attributes(
    out: &mut Vec<u8>,
    transaction: TransactionId,
    unknown: &[u16],
    key: Option<&[u8]>,
) {
    let mut writer = Writer::new(out, ERROR, transaction);
    writer.attribute(attribute::ERROR_CODE, &[&[0, 0, 4, 20], b"Unknown Attribute"]);
    let types: Vec<u8> = unknown.iter().flat_map(|kind| kind.to_be_bytes()).collect();
    writer.attribute(attribute::UNKNOWN_ATTRIBUTES, &[&types]);
    if let Some(key) = key {
        writer.integrity(key);
    }
    writer.fingerprint();
}

/// A Binding request without credentials: an agent refuses it, and the answer repeats the
/// transaction id (RFC 8489 section 9.1.3), which shows that the request arrived.
pub fn write_probe(out: &mut Vec<u8>, transaction: TransactionId) {
    Writer::new(out, REQUEST, transaction).fingerprint();
}

/// A check as a full ICE agent sends it; for tests and load generators.
pub fn write_binding_request(
    out: &mut Vec<u8>,
    transaction: TransactionId,
    username: &str,
    role: IceRole,
    priority: u32,
    use_candidate: bool,
    key: &[u8],
) {
    let priority = priority.to_be_bytes();
    let priority = (attribute::PRIORITY, &priority[..]);
    let both = [(attribute::USE_CANDIDATE, &[][..]), priority];
    let attributes = if use_candidate { &both[..] } else { &both[1..] };
    write_binding_request_with(out, transaction, username, role, attributes, key);
}

/// A check with these attributes between role and integrity; for tests.
pub fn write_binding_request_with(
    out: &mut Vec<u8>,
    transaction: TransactionId,
    username: &str,
    role: IceRole,
    attributes: &[(u16, &[u8])],
    key: &[u8],
) {
    let mut writer = Writer::new(out, REQUEST, transaction);
    writer.attribute(attribute::USERNAME, &[username.as_bytes()]);
    let (kind, tie_breaker) = match role {
        IceRole::Controlling(tie_breaker) => (attribute::ICE_CONTROLLING, tie_breaker),
        IceRole::Controlled(tie_breaker) => (attribute::ICE_CONTROLLED, tie_breaker),
    };
    writer.attribute(kind, &[&tie_breaker.to_be_bytes()]);
    for (kind, value) in attributes {
        writer.attribute(*kind, &[value]);
    }
    writer.integrity(key);
    writer.fingerprint();
}

/// One message at the end of a buffer; its length field is right after every attribute.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> Writer<'a> {
    fn new(out: &'a mut Vec<u8>, class: u16, TransactionId(id): TransactionId) -> Self {
        let start = out.len();
        out.extend_from_slice(&(class | BINDING).to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&MAGIC_COOKIE.to_be_bytes());
        out.extend_from_slice(&id);
        Self { out, start }
    }

    fn attribute(&mut self, kind: u16, parts: &[&[u8]]) {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        self.out.extend_from_slice(&kind.to_be_bytes());
        self.out.extend_from_slice(&(len as u16).to_be_bytes());
        parts.iter().for_each(|part| self.out.extend_from_slice(part));
        let padding = len.next_multiple_of(4) - len;
        self.out.extend_from_slice(&[0; 3][..padding]);
        self.set_len(self.out.len() - self.start);
    }

    fn xor_mapped_address(&mut self, mapped: SocketAddr, transaction: TransactionId) {
        let [high, low] = (mapped.port() ^ (MAGIC_COOKIE >> 16) as u16).to_be_bytes();
        let kind = attribute::XOR_MAPPED_ADDRESS;
        match mapped.ip() {
            IpAddr::V4(ip) => {
                let masked = (ip.to_bits() ^ MAGIC_COOKIE).to_be_bytes();
                self.attribute(kind, &[&[0, 1, high, low], &masked]);
            }
            IpAddr::V6(ip) => {
                let masked = (ip.to_bits() ^ ipv6_mask(transaction)).to_be_bytes();
                self.attribute(kind, &[&[0, 2, high, low], &masked]);
            }
        }
    }

    fn integrity(&mut self, key: &[u8]) {
        let tag = integrity(key, &self.out[self.start..]);
        self.attribute(attribute::MESSAGE_INTEGRITY, &[&tag.as_ref()[..INTEGRITY_LEN]]);
    }

    fn fingerprint(&mut self) {
        // The checksum covers a length that counts the fingerprint itself.
        self.set_len(self.out.len() - self.start + 8);
        let checksum = crc32fast::hash(&self.out[self.start..]) ^ FINGERPRINT_MASK;
        self.attribute(attribute::FINGERPRINT, &[&checksum.to_be_bytes()]);
    }

    fn set_len(&mut self, message_len: usize) {
        let len = ((message_len - HEADER_LEN) as u16).to_be_bytes();
        self.out[self.start + 2..self.start + 4].copy_from_slice(&len);
    }
}
