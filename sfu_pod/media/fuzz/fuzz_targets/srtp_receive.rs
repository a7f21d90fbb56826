//! Protected packets without the key: all are refused, and a real one still passes afterwards.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotunda_packet::srtp::{Receiver, Sender, SrtpProfile};

const REAL: [u8; 16] = [0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4];

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, packet)) = bytes.split_first() else { return };
    let profile = SrtpProfile::ALL[usize::from(*choice) % SrtpProfile::ALL.len()];
    let keys = vec![7; profile.key_len() + profile.salt_len()];
    let mut receiver = Receiver::new(profile, &keys).expect("the right length");
    assert!(receiver.unprotect_rtp(&mut packet.to_vec()).is_err());
    assert!(receiver.unprotect_rtcp(&mut packet.to_vec()).is_err());

    let mut sender = Sender::new(profile, &keys).expect("the right length");
    let mut real = REAL.to_vec();
    real.resize(REAL.len() + profile.rtp_overhead(), 0);
    sender.protect_rtp(&mut real, REAL.len()).expect("a sound packet");
    assert_eq!(receiver.unprotect_rtp(&mut real), Ok(REAL.len()));
    // What our own side hands over may be malformed, too: an error, no panic.
    let mut buffer = packet.to_vec();
    buffer.resize(packet.len() + profile.rtcp_overhead(), 0);
    let _ = sender.protect_rtp(&mut buffer.clone(), packet.len());
    let _ = sender.protect_rtcp(&mut buffer, packet.len());
});
