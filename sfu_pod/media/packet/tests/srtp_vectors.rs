//! Our SRTP against what libsrtp made (contract/vectors/make_srtp.py).

mod common;

use common::hex;
use rotunda_packet::srtp::{Receiver, Sender, SrtpProfile};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    profile: String,
    #[serde(rename = "keyAndSalt")]
    key_and_salt: String,
    rtp: Vec<Pair>,
    rtcp: Vec<Pair>,
}

#[derive(Deserialize)]
struct Pair {
    plain: String,
    protected: String,
}

fn cases() -> Vec<(SrtpProfile, Vec<u8>, Case)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../contract/vectors/srtp.json");
    let text = std::fs::read_to_string(path).unwrap();
    let cases: Vec<Case> = serde_json::from_str(&text).unwrap();
    assert_eq!(cases.len(), SrtpProfile::ALL.len());
    cases
        .into_iter()
        .map(|case| {
            let profile = SrtpProfile::from_name(&case.profile).unwrap();
            (profile, hex(&case.key_and_salt), case)
        })
        .collect()
}

#[test]
fn we_make_what_libsrtp_makes() {
    for (profile, keys, case) in cases() {
        let mut sender = Sender::new(profile, &keys).unwrap();
        for (number, pair) in case.rtp.iter().enumerate() {
            let mut buffer = hex(&pair.plain);
            let len = buffer.len();
            buffer.resize(len + profile.rtp_overhead(), 0);
            assert_eq!(sender.protect_rtp(&mut buffer, len), Ok(buffer.len()));
            assert_eq!(buffer, hex(&pair.protected), "{} rtp {number}", case.profile);
        }
        for (number, pair) in case.rtcp.iter().enumerate() {
            let mut buffer = hex(&pair.plain);
            let len = buffer.len();
            buffer.resize(len + profile.rtcp_overhead(), 0);
            assert_eq!(sender.protect_rtcp(&mut buffer, len), Ok(buffer.len()));
            assert_eq!(buffer, hex(&pair.protected), "{} rtcp {number}", case.profile);
        }
    }
}

#[test]
fn we_open_what_libsrtp_makes() {
    for (profile, keys, case) in cases() {
        let mut receiver = Receiver::new(profile, &keys).unwrap();
        for (number, pair) in case.rtp.iter().enumerate() {
            let mut packet = hex(&pair.protected);
            let len = receiver.unprotect_rtp(&mut packet).unwrap();
            assert_eq!(packet[..len], hex(&pair.plain), "{} rtp {number}", case.profile);
        }
        for (number, pair) in case.rtcp.iter().enumerate() {
            let mut packet = hex(&pair.protected);
            let len = receiver.unprotect_rtcp(&mut packet).unwrap();
            assert_eq!(packet[..len], hex(&pair.plain), "{} rtcp {number}", case.profile);
        }
    }
}
