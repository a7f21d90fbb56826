//! SRTP contexts as their owner sees them: order, replay, forgery, bounds.

use proptest::prelude::*;
use rotunda_packet::rtp::RtpHeader;
use rotunda_packet::srtp::{MAX_RECEIVED_SOURCES, Receiver, Sender, SrtpError, SrtpProfile};

const ROOM: usize = 64;

fn keys(profile: SrtpProfile) -> Vec<u8> {
    (0..profile.key_len() + profile.salt_len()).map(|byte| byte as u8 ^ 0x5a).collect()
}

fn pair(profile: SrtpProfile) -> (Sender, Receiver) {
    let keys = keys(profile);
    (Sender::new(profile, &keys).unwrap(), Receiver::new(profile, &keys).unwrap())
}

fn rtp(ssrc: u32, sequence_number: u16) -> Vec<u8> {
    let header = RtpHeader { marker: false, payload_type: 96, sequence_number, timestamp: 7, ssrc };
    let mut packet = vec![0; 32];
    header.write(&mut packet, &[(1, b"mid")]).unwrap();
    packet
}

fn protect(sender: &mut Sender, plain: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut buffer = plain.to_vec();
    buffer.resize(plain.len() + ROOM, 0);
    let len = sender.protect_rtp(&mut buffer, plain.len())?;
    assert_eq!(len, plain.len() + sender.profile().rtp_overhead());
    buffer.truncate(len);
    Ok(buffer)
}

fn open(receiver: &mut Receiver, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut packet = packet.to_vec();
    let len = receiver.unprotect_rtp(&mut packet)?;
    packet.truncate(len);
    Ok(packet)
}

fn protect_rtcp(sender: &mut Sender, plain: &[u8]) -> Vec<u8> {
    let mut buffer = plain.to_vec();
    buffer.resize(plain.len() + ROOM, 0);
    let len = sender.protect_rtcp(&mut buffer, plain.len()).unwrap();
    assert_eq!(len, plain.len() + sender.profile().rtcp_overhead());
    buffer.truncate(len);
    buffer
}

#[test]
fn names_find_their_profiles() {
    for profile in SrtpProfile::ALL {
        assert_eq!(SrtpProfile::from_name(profile.name()), Some(profile));
    }
    assert_eq!(SrtpProfile::from_name("NULL_HMAC_SHA1_80"), None);
}

#[test]
fn keys_of_the_wrong_length_are_refused() {
    for profile in SrtpProfile::ALL {
        let expected = profile.key_len() + profile.salt_len();
        let error = Some(SrtpError::KeyLength { expected, actual: expected - 1 });
        assert_eq!(Sender::new(profile, &keys(profile)[1..]).err(), error);
        assert_eq!(Receiver::new(profile, &keys(profile)[1..]).err(), error);
    }
}

#[test]
fn a_packet_is_taken_once() {
    for profile in SrtpProfile::ALL {
        let (mut sender, mut receiver) = pair(profile);
        let packet = protect(&mut sender, &rtp(1, 10)).unwrap();
        assert_eq!(open(&mut receiver, &packet), Ok(rtp(1, 10)));
        assert_eq!(open(&mut receiver, &packet), Err(SrtpError::Replayed));
    }
}

#[test]
fn a_number_is_sent_once() {
    let (mut sender, _) = pair(SrtpProfile::Aes128Gcm);
    protect(&mut sender, &rtp(1, 10)).unwrap();
    assert_eq!(protect(&mut sender, &rtp(1, 10)), Err(SrtpError::Replayed));
    protect(&mut sender, &rtp(2, 10)).unwrap();
    protect(&mut sender, &rtp(1, 9)).unwrap();
}

#[test]
fn a_number_before_the_first_is_not_sent() {
    let (mut sender, mut receiver) = pair(SrtpProfile::Aes128Gcm);
    protect(&mut sender, &rtp(1, 2)).unwrap();
    assert_eq!(protect(&mut sender, &rtp(1, 65_535)), Err(SrtpError::Replayed));
    let next = protect(&mut sender, &rtp(1, 3)).unwrap();
    assert!(open(&mut receiver, &next).is_ok(), "no rollover was counted");
}

#[test]
fn a_leap_before_the_first_rollover_is_followed() {
    let keys = keys(SrtpProfile::Aes128Gcm);
    let mut receiver = Receiver::new(SrtpProfile::Aes128Gcm, &keys).unwrap();
    for number in [2, 40_000, 40_001] {
        // Each from a sender of its own, which has nothing to compare the number with.
        let mut sender = Sender::new(SrtpProfile::Aes128Gcm, &keys).unwrap();
        let packet = protect(&mut sender, &rtp(1, number)).unwrap();
        assert!(open(&mut receiver, &packet).is_ok(), "{number}");
    }
}

#[test]
fn late_packets_are_taken_within_the_window() {
    let (mut sender, mut receiver) = pair(SrtpProfile::Aes128Gcm);
    let packets: Vec<_> =
        (0..1100).map(|number| protect(&mut sender, &rtp(1, number)).unwrap()).collect();
    assert!(open(&mut receiver, &packets[1023]).is_ok());
    assert!(open(&mut receiver, &packets[0]).is_ok(), "1,023 late");
    assert!(open(&mut receiver, &packets[1099]).is_ok());
    assert_eq!(open(&mut receiver, &packets[75]), Err(SrtpError::Replayed), "1,024 late");
    assert!(open(&mut receiver, &packets[76]).is_ok(), "1,023 late");
}

#[test]
fn numbers_roll_over_with_loss_and_disorder() {
    for profile in SrtpProfile::ALL {
        let (mut sender, mut receiver) = pair(profile);
        // Three rounds of sequence numbers in steps of 1,000, each pair swapped on the way.
        let packets: Vec<_> = (0..196u32)
            .map(|step| protect(&mut sender, &rtp(1, (step * 1000) as u16)).unwrap())
            .collect();
        for swapped in packets.chunks(2).flat_map(|pair| pair.iter().rev()) {
            assert!(open(&mut receiver, swapped).is_ok());
        }
    }
}

#[test]
fn a_changed_byte_anywhere_is_noticed() {
    for profile in SrtpProfile::ALL {
        let (mut sender, mut receiver) = pair(profile);
        let packet = protect(&mut sender, &rtp(1, 10)).unwrap();
        for at in 0..packet.len() {
            let mut forged = packet.clone();
            forged[at] ^= 1;
            assert!(open(&mut receiver, &forged).is_err(), "{} byte {at}", profile.name());
        }
        assert!(open(&mut receiver, &packet).is_ok(), "forgeries leave no trace");
    }
}

#[test]
fn forged_sources_leave_no_room_taken() {
    let (mut sender, mut receiver) = pair(SrtpProfile::Aes128Gcm);
    let real = protect(&mut sender, &rtp(1, 10)).unwrap();
    for ssrc in 2..5000u32 {
        let mut forged = real.clone();
        forged[8..12].copy_from_slice(&ssrc.to_be_bytes());
        assert_eq!(open(&mut receiver, &forged), Err(SrtpError::Authentication));
    }
    assert!(open(&mut receiver, &real).is_ok());
}

#[test]
fn sources_are_bounded() {
    let (mut sender, mut receiver) = pair(SrtpProfile::Aes128Gcm);
    for ssrc in 0..1024 {
        let packet = protect(&mut sender, &rtp(ssrc, 1)).unwrap();
        assert!(open(&mut receiver, &packet).is_ok());
    }
    let packet = protect(&mut sender, &rtp(1024, 1)).unwrap();
    assert_eq!(open(&mut receiver, &packet), Err(SrtpError::TooManySources));
    let packet = protect(&mut sender, &rtp(5, 2)).unwrap();
    assert!(open(&mut receiver, &packet).is_ok(), "known sources go on");
}

#[test]
fn room_for_the_tag_is_asked_for() {
    for profile in SrtpProfile::ALL {
        let (mut sender, _) = pair(profile);
        let mut packet = rtp(1, 10);
        let len = packet.len();
        packet.resize(len + profile.rtp_overhead() - 1, 0);
        assert_eq!(sender.protect_rtp(&mut packet, len), Err(SrtpError::NoRoom));
        assert_eq!(packet[..len], rtp(1, 10), "and nothing is changed");
        assert_eq!(sender.protect_rtcp(&mut packet, len), Err(SrtpError::NoRoom));
        assert_eq!(sender.protect_rtp(&mut packet, len + 100), Err(SrtpError::Malformed));
    }
}

#[test]
fn rtcp_is_taken_once_and_out_of_order() {
    let plain = [0x80, 201, 0, 1, 0, 0, 0, 1];
    for profile in SrtpProfile::ALL {
        let (mut sender, mut receiver) = pair(profile);
        let packets: Vec<_> = (0..200).map(|_| protect_rtcp(&mut sender, &plain)).collect();
        let mut open = |packet: &[u8]| {
            let mut packet = packet.to_vec();
            receiver.unprotect_rtcp(&mut packet).map(|len| packet[..len].to_vec())
        };
        assert_eq!(open(&packets[130]), Ok(plain.to_vec()));
        assert_eq!(open(&packets[130]), Err(SrtpError::Replayed));
        assert_eq!(open(&packets[3]), Ok(plain.to_vec()), "127 late");
        assert_eq!(open(&packets[2]), Err(SrtpError::Replayed), "128 late");
        for at in 0..packets[131].len() {
            let mut forged = packets[131].clone();
            forged[at] ^= 1;
            assert!(open(&forged).is_err(), "{} byte {at}", profile.name());
        }
        assert_eq!(open(&packets[131]), Ok(plain.to_vec()));
    }
}

proptest! {
    #[test]
    fn noise_is_refused(noise in prop::collection::vec(any::<u8>(), 0..200), which in 0..3usize) {
        let (_, mut receiver) = pair(SrtpProfile::ALL[which]);
        prop_assert!(receiver.unprotect_rtp(&mut noise.clone()).is_err());
        prop_assert!(receiver.unprotect_rtcp(&mut noise.clone()).is_err());
    }

    #[test]
    fn noise_behind_an_rtp_header_is_refused(
        noise in prop::collection::vec(any::<u8>(), 0..100),
        first in 0x80u8..0xc0,
        which in 0..3usize,
    ) {
        let (mut sender, mut receiver) = pair(SrtpProfile::ALL[which]);
        let mut packet = rtp(1, 10);
        packet.extend_from_slice(&noise);
        packet[0] = first;
        prop_assert!(receiver.unprotect_rtp(&mut packet.clone()).is_err());
        prop_assert!(receiver.unprotect_rtcp(&mut packet.clone()).is_err());
        // What our own side hands over may be malformed, too: an error, no panic.
        let len = packet.len();
        packet.resize(len + ROOM, 0);
        let _ = sender.protect_rtp(&mut packet, len);
    }
}

#[test]
fn a_source_that_ended_makes_room_and_its_numbers_never_come_again() {
    let (mut sender, _) = pair(SrtpProfile::Aes128Gcm);
    for ssrc in 0..20_000 {
        assert!(protect(&mut sender, &rtp(ssrc, 7)).is_ok(), "source {ssrc}");
        sender.retire(ssrc);
        assert!(sender.is_retired(ssrc));
    }
    for ssrc in [0, 19_999] {
        assert_eq!(protect(&mut sender, &rtp(ssrc, 8)), Err(SrtpError::Replayed));
    }
}

#[test]
fn sources_that_are_not_kept_make_room() {
    let (mut sender, mut receiver) = pair(SrtpProfile::Aes128Gcm);
    for ssrc in 0..MAX_RECEIVED_SOURCES as u32 {
        let packet = protect(&mut sender, &rtp(ssrc, 7)).unwrap();
        open(&mut receiver, &packet).unwrap();
    }
    let kept = protect(&mut sender, &rtp(5, 8)).unwrap();
    let packet = protect(&mut sender, &rtp(70_000, 7)).unwrap();
    assert_eq!(open(&mut receiver, &packet), Err(SrtpError::TooManySources));
    open(&mut receiver, &kept).unwrap();
    receiver.retain_sources(|ssrc| ssrc == 5);
    assert!(open(&mut receiver, &packet).is_ok());
    assert_eq!(open(&mut receiver, &kept), Err(SrtpError::Replayed), "its window was kept");
}
