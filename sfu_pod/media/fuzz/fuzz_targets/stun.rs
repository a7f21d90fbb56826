//! STUN messages: every accessor on whatever passes the checks.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotunda_packet::stun::Message;

fuzz_target!(|bytes: &[u8]| {
    let Ok(message) = Message::parse(bytes) else { return };
    let _ = (message.class(), message.method(), message.transaction_id());
    let _ = (message.priority(), message.use_candidate(), message.ice_role());
    let _ = (message.xor_mapped_address(), message.error_code(), message.has_fingerprint());
    if let Some((ours, theirs)) = message.ufrags() {
        assert_eq!(message.username().map(str::len), Some(ours.len() + theirs.len() + 1));
    }
    let verified = message.verify_integrity(b"VOkJxbRl1RmTxUk/WvJxBt");
    assert!(message.has_integrity() || !verified);
});
