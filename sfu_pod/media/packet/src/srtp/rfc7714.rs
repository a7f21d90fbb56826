//! Test vectors of RFC 7714 sections 16 and 17. They begin at the session keys.

use super::SrtpProfile;
use super::cipher::Cipher;
use crate::common::hex;

const RTP_HEADER_LEN: usize = 12;
const RTP_SSRC: u32 = 0x5501_a0b2;
const RTP_INDEX: u64 = 0xf17b;
const RTCP_SSRC: u32 = 0x4d61_7273;
const RTCP_INDEX: u32 = 0x5d4;

fn cipher(profile: SrtpProfile) -> Cipher {
    let key: Vec<u8> = (0..profile.key_len() as u8).collect();
    Cipher::gcm(profile, &key, *b"Quid pro quo")
}

fn plain_rtp() -> Vec<u8> {
    let mut packet = hex("8040f17b 8041f8d3 5501a0b2");
    packet.extend_from_slice(b"Gallia est omnis divisa in partes tres");
    packet
}

fn plain_rtcp() -> Vec<u8> {
    hex("81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
         deadbeef deadbeef deadbeef deadbeef deadbeef")
}

fn check_rtp(profile: SrtpProfile, protected: &str) {
    let (cipher, plain, protected) = (cipher(profile), plain_rtp(), hex(protected));
    let mut buffer = plain.clone();
    buffer.resize(plain.len() + profile.rtp_overhead(), 0);
    let len = cipher.seal_rtp(&mut buffer, RTP_HEADER_LEN, plain.len(), RTP_SSRC, RTP_INDEX);
    assert_eq!((len, &buffer), (Ok(protected.len()), &protected));
    let len = cipher.open_rtp(&mut buffer, RTP_HEADER_LEN, RTP_SSRC, RTP_INDEX).unwrap();
    assert_eq!(buffer[..len], plain);
}

fn check_rtcp(profile: SrtpProfile, protected: &str) {
    let (cipher, plain, protected) = (cipher(profile), plain_rtcp(), hex(protected));
    let mut buffer = plain.clone();
    buffer.resize(plain.len() + profile.rtcp_overhead(), 0);
    let len = cipher.seal_rtcp(&mut buffer, plain.len(), RTCP_SSRC, RTCP_INDEX);
    assert_eq!((len, &buffer), (Ok(protected.len()), &protected));
    assert_eq!(cipher.rtcp_index(&buffer), Ok(RTCP_INDEX));
    let len = cipher.open_rtcp(&mut buffer, RTCP_SSRC, RTCP_INDEX).unwrap();
    assert_eq!(buffer[..len], plain);
}

#[test]
fn section_16_1_rtp_with_aes_128() {
    check_rtp(
        SrtpProfile::Aes128Gcm,
        "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f
         42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
    );
}

#[test]
fn section_16_2_rtp_with_aes_256() {
    check_rtp(
        SrtpProfile::Aes256Gcm,
        "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3
         b50b2a02 76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
    );
}

#[test]
fn section_17_1_rtcp_with_aes_128() {
    check_rtcp(
        SrtpProfile::Aes128Gcm,
        "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1
         730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4",
    );
}

#[test]
fn section_17_2_rtcp_with_aes_256() {
    check_rtcp(
        SrtpProfile::Aes256Gcm,
        "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1
         110555be 8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4",
    );
}
