//! STUN messages read and written, with the samples of RFC 5769.

mod common;

use std::net::SocketAddr;

use common::hex;
use proptest::prelude::*;
use rotunda_packet::stun::{
    Class, IceRole, Message, StunError, TransactionId, write_binding_error, write_binding_request,
    write_binding_success, write_probe, write_unknown_attributes,
};

const PASSWORD: &[u8] = b"VOkJxbRl1RmTxUk/WvJxBt";
const TRANSACTION: TransactionId =
    TransactionId([0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae]);

/// RFC 5769 section 2.1, spaces of the padding included.
fn sample_request() -> Vec<u8> {
    hex("00010058 2112a442 b7e7a701 bc34d686 fa87dfae
         80220010 5354554e 20746573 7420636c 69656e74
         00240004 6e0001ff 80290008 932ff9b1 51263b36
         00060009 6576746a 3a683676 59202020
         00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249 c1b571a2
         80280004 e57a3bcf")
}

#[test]
fn sample_request_of_rfc_5769() {
    let bytes = sample_request();
    let message = Message::parse(&bytes).unwrap();
    assert!(message.is_binding_request());
    assert_eq!((message.class(), message.method()), (Class::Request, 1));
    assert_eq!(message.transaction_id(), TRANSACTION);
    assert_eq!(message.username(), Some("evtj:h6vY"));
    assert_eq!(message.ufrags(), Some(("evtj", "h6vY")));
    assert_eq!(message.priority(), Some(0x6e00_01ff));
    assert_eq!(message.ice_role(), Some(IceRole::Controlled(0x932f_f9b1_5126_3b36)));
    assert!(!message.use_candidate());
    assert!(message.has_fingerprint() && message.has_integrity());
    assert!(message.verify_integrity(PASSWORD));
    assert!(!message.verify_integrity(b"another"));
}

#[test]
fn sample_responses_of_rfc_5769() {
    let ipv4 = hex("0101003c 2112a442 b7e7a701 bc34d686 fa87dfae
                    8022000b 74657374 20766563 746f7220 00200008 0001a147 e112a643
                    00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7 80280004 c07d4c96");
    let ipv6 = hex("01010048 2112a442 b7e7a701 bc34d686 fa87dfae
                    8022000b 74657374 20766563 746f7220
                    00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9
                    00080014 a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41 80280004 c8fb0b4c");
    let expected = ["192.0.2.1:32853", "[2001:db8:1234:5678:11:2233:4455:6677]:32853"];
    for (bytes, address) in [ipv4, ipv6].iter().zip(expected) {
        let message = Message::parse(bytes).unwrap();
        assert_eq!(message.class(), Class::Success);
        assert_eq!(message.xor_mapped_address(), Some(address.parse().unwrap()));
        assert!(message.verify_integrity(PASSWORD));
    }
}

#[test]
fn golden_success_response() {
    let mut out = vec![0xff];
    write_binding_success(&mut out, TRANSACTION, "192.0.2.1:32853".parse().unwrap(), PASSWORD);
    // Made with Python's hmac and zlib.
    let expected = "ff 0101002c 2112a442 b7e7a701 bc34d686 fa87dfae 00200008 0001a147 e112a643
                    00080014 74c9371ebf3148548518699c3e3174c20dd9e68a 80280004 fae4043a";
    assert_eq!(out, hex(expected), "appended behind what was there");
}

#[test]
fn error_responses_tell_their_code() {
    let mut out = Vec::new();
    write_binding_error(&mut out, TRANSACTION, 487, "Role Conflict", Some(PASSWORD));
    let message = Message::parse(&out).unwrap();
    assert_eq!((message.class(), message.error_code()), (Class::Error, Some(487)));
    assert!(message.verify_integrity(PASSWORD) && message.has_fingerprint());
    out.clear();
    write_binding_error(&mut out, TRANSACTION, 401, "Unauthorized", None);
    let message = Message::parse(&out).unwrap();
    assert_eq!(message.error_code(), Some(401));
    assert!(!message.has_integrity() && !message.verify_integrity(b""));
}

#[test]
fn attributes_that_must_be_understood_are_told_apart() {
    assert_eq!(Message::parse(&sample_request()).unwrap().unknown_required().count(), 0);
    let mut bytes = sample_request();
    // Another type for PRIORITY, one for SOFTWARE that need not be understood.
    bytes[20..22].copy_from_slice(&[0xc0, 0x57]);
    bytes[40..42].copy_from_slice(&[0x7f, 0xee]);
    bytes.truncate(bytes.len() - 8);
    bytes[3] -= 8;
    let unknown: Vec<u16> = Message::parse(&bytes).unwrap().unknown_required().collect();
    assert_eq!(unknown, [0x7fee]);
    let mut out = Vec::new();
    write_unknown_attributes(&mut out, TRANSACTION, &[0x7fee, 3, 0x1234], Some(PASSWORD));
    let message = Message::parse(&out).unwrap();
    assert_eq!((message.class(), message.error_code()), (Class::Error, Some(420)));
    assert_eq!(message.unknown_attributes().collect::<Vec<_>>(), [0x7fee, 3, 0x1234]);
    assert!(message.verify_integrity(PASSWORD) && message.has_fingerprint());
}

#[test]
fn golden_probe() {
    let mut out = Vec::new();
    write_probe(&mut out, TRANSACTION);
    // Made with Python's zlib.
    assert_eq!(out, hex("00010008 2112a442 b7e7a701 bc34d686 fa87dfae 80280004 fdf6ae02"));
    let message = Message::parse(&out).unwrap();
    assert!(message.is_binding_request() && !message.has_integrity());
    assert_ne!(TransactionId::random(), TransactionId::random());
}

#[test]
fn what_follows_the_integrity_is_not_read() {
    // USE-CANDIDATE slipped in by somebody who does not know the password.
    let mut bytes = sample_request();
    bytes.truncate(bytes.len() - 8);
    bytes.extend_from_slice(&[0, 0x25, 0, 0]);
    let len = (bytes.len() - 20) as u16;
    bytes[2..4].copy_from_slice(&len.to_be_bytes());
    let message = Message::parse(&bytes).unwrap();
    assert!(message.verify_integrity(PASSWORD), "the part before it is untouched");
    assert!(!message.use_candidate());
}

#[test]
fn broken_messages_name_what_is_wrong() {
    let sample = sample_request();
    let broken = |at: usize| {
        let mut bytes = sample.clone();
        bytes[at] ^= 1;
        Message::parse(&bytes).err()
    };
    assert_eq!(broken(4), Some(StunError::Cookie));
    assert_eq!(broken(3), Some(StunError::Length));
    assert_eq!(broken(30), Some(StunError::Fingerprint));
    assert_eq!(broken(sample.len() - 1), Some(StunError::Fingerprint));
    for len in 0..sample.len() {
        assert_eq!(Message::parse(&sample[..len]).err(), Some(StunError::Length));
    }
    let longer = [&sample[..], &[0; 4]].concat();
    assert_eq!(Message::parse(&longer).err(), Some(StunError::Length));
}

fn addresses() -> impl Strategy<Value = SocketAddr> {
    (any::<std::net::IpAddr>(), any::<u16>()).prop_map(|(ip, port)| SocketAddr::new(ip, port))
}

proptest! {
    #[test]
    fn requests_survive(
        ufrags in "[a-zA-Z0-9+/]{4,32}:[a-zA-Z0-9+/]{4,32}",
        id: [u8; 12],
        tie_breaker: u64,
        controlling: bool,
        priority: u32,
        nominate: bool,
        key: Vec<u8>,
    ) {
        let (id, role) = (TransactionId(id), match controlling {
            true => IceRole::Controlling(tie_breaker),
            false => IceRole::Controlled(tie_breaker),
        });
        let mut out = Vec::new();
        write_binding_request(&mut out, id, &ufrags, role, priority, nominate, &key);
        let message = Message::parse(&out).unwrap();
        prop_assert!(message.is_binding_request() && message.has_fingerprint());
        prop_assert!(message.verify_integrity(&key));
        prop_assert_eq!(message.transaction_id(), id);
        prop_assert_eq!(message.username(), Some(ufrags.as_str()));
        prop_assert_eq!(message.ice_role(), Some(role));
        prop_assert_eq!(message.priority(), Some(priority));
        prop_assert_eq!(message.use_candidate(), nominate);
    }

    #[test]
    fn mapped_addresses_survive(address in addresses(), id: [u8; 12]) {
        let mut out = Vec::new();
        write_binding_success(&mut out, TransactionId(id), address, b"key");
        let message = Message::parse(&out).unwrap();
        prop_assert_eq!(message.xor_mapped_address(), Some(address));
        prop_assert_eq!(message.transaction_id(), TransactionId(id));
    }

    #[test]
    fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..120), at in 0..96usize) {
        // Noise alone, and noise over a sound message without fingerprint.
        let mut sample = sample_request();
        sample.truncate(sample.len() - 8);
        sample[3] -= 8;
        let end = sample.len().min(at + noise.len());
        if at < end {
            sample[at..end].copy_from_slice(&noise[..end - at]);
        }
        for bytes in [&noise, &sample] {
            if let Ok(message) = Message::parse(bytes) {
                let _ = (message.class(), message.method(), message.transaction_id());
                let _ = (message.ufrags(), message.priority(), message.use_candidate());
                let _ = (message.ice_role(), message.xor_mapped_address(), message.error_code());
                let _ = message.verify_integrity(PASSWORD);
            }
        }
    }
}
