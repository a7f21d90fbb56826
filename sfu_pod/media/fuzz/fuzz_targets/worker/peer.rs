//! A peer that has keys: what it sends, and a receiver for what it is sent.

use rotunda_media_core::Path;
use rotunda_media_core::command::{IceCredentials, SrtpKeys};
use rotunda_media_core::id::ListenerId;
use rotunda_packet::demux::PacketKind;
use rotunda_packet::srtp::{Receiver, Sender, SrtpProfile};
use rotunda_packet::stun::{IceRole, TransactionId, write_binding_request};

pub struct Peer {
    pub path: Path,
    pub ice: IceCredentials,
    pub keys: SrtpKeys,
    sender: Sender,
    receiver: Receiver,
    checks: u16,
}

impl Peer {
    /// `generation` grows with each transport of this number, so that no key comes twice.
    pub fn new(number: u8, generation: u8) -> Self {
        let profile = SrtpProfile::Aes128Gcm;
        let key = |direction: u8| {
            let mut key = vec![direction; profile.key_len() + profile.salt_len()];
            (key[0], key[1]) = (number, generation);
            key
        };
        let keys = SrtpKeys { profile, send: key(1), receive: key(2) };
        Self {
            path: Path { listener: ListenerId(0), remote: ([10, 0, 0, number], 5000).into() },
            ice: IceCredentials {
                ufrag: format!("ufrag{number}.{generation}"),
                password: "a password long enough".to_owned(),
            },
            sender: Sender::new(profile, &keys.receive).expect("keys of the right length"),
            receiver: Receiver::new(profile, &keys.send).expect("keys of the right length"),
            keys,
            checks: 0,
        }
    }

    /// A connectivity check from here, with the right password.
    pub fn check(&mut self, nominate: bool) -> Vec<u8> {
        self.checks = self.checks.wrapping_add(1);
        let mut id = [0; 12];
        id[..2].copy_from_slice(&self.checks.to_be_bytes());
        let (mut check, username) = (Vec::new(), format!("{}:peer", self.ice.ufrag));
        let (role, password) = (IceRole::Controlling(7), self.ice.password.as_bytes());
        write_binding_request(
            &mut check,
            TransactionId(id),
            &username,
            role,
            1,
            nominate,
            password,
        );
        check
    }

    /// Seals a packet; as it is where its number was used before.
    pub fn protect_rtp(&mut self, plain: &[u8]) -> Vec<u8> {
        seal(plain, |buffer, len| self.sender.protect_rtp(buffer, len).ok())
    }

    pub fn protect_rtcp(&mut self, plain: &[u8]) -> Vec<u8> {
        seal(plain, |buffer, len| self.sender.protect_rtcp(buffer, len).ok())
    }

    /// Whether a packet was sealed with this peer's keys under a number that is new. The receiver
    /// refuses what it has seen, so that true twice means two nonces.
    pub fn opens(&mut self, kind: PacketKind, datagram: &[u8]) -> bool {
        let mut copy = datagram.to_vec();
        let opened = match kind {
            PacketKind::Rtp => self.receiver.unprotect_rtp(&mut copy),
            PacketKind::Rtcp => self.receiver.unprotect_rtcp(&mut copy),
            PacketKind::Stun | PacketKind::Dtls => return false,
        };
        opened.is_ok()
    }
}

fn seal(plain: &[u8], protect: impl FnOnce(&mut [u8], usize) -> Option<usize>) -> Vec<u8> {
    let mut sealed = plain.to_vec();
    sealed.resize(plain.len() + 64, 0);
    let len = protect(&mut sealed, plain.len()).unwrap_or(plain.len());
    sealed.truncate(len);
    sealed
}
