//! What a datagram on the shared port is (RFC 7983, RFC 5761).

/// Protocol of one datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketKind {
    /// Connectivity checks.
    Stun,
    /// Handshake and data channels.
    Dtls,
    /// Media; SRTP on the wire.
    Rtp,
    /// Reports and feedback; SRTCP on the wire.
    Rtcp,
}

/// Classifies by the first byte (RFC 7983 section 7); RTP and RTCP by the second
/// (RFC 5761 section 4: 192 to 223 is RTCP). `None`: nothing that we speak, or too short.
pub fn classify(datagram: &[u8]) -> Option<PacketKind> {
    match *datagram.first()? {
        0..=3 => Some(PacketKind::Stun),
        20..=63 => Some(PacketKind::Dtls),
        128..=191 => match *datagram.get(1)? {
            192..=223 => Some(PacketKind::Rtcp),
            _ => Some(PacketKind::Rtp),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{PacketKind, classify};

    #[test]
    fn ranges_of_rfc_7983() {
        assert_eq!(classify(&[]), None);
        assert_eq!(classify(&[0, 1]), Some(PacketKind::Stun));
        assert_eq!(classify(&[3]), Some(PacketKind::Stun));
        assert_eq!(classify(&[4]), None);
        assert_eq!(classify(&[16]), None, "ZRTP");
        assert_eq!(classify(&[20]), Some(PacketKind::Dtls));
        assert_eq!(classify(&[63]), Some(PacketKind::Dtls));
        assert_eq!(classify(&[64, 0]), None, "TURN channel");
        assert_eq!(classify(&[128]), None, "one byte cannot tell RTP from RTCP");
        assert_eq!(classify(&[128, 96]), Some(PacketKind::Rtp));
        assert_eq!(classify(&[191, 96 | 0x80]), Some(PacketKind::Rtp), "marker set");
        assert_eq!(classify(&[192, 96]), None);
    }

    #[test]
    fn rtcp_payload_types_of_rfc_5761() {
        for second in 0..=255u8 {
            let expected =
                if (192..=223).contains(&second) { PacketKind::Rtcp } else { PacketKind::Rtp };
            assert_eq!(classify(&[0x80, second]), Some(expected));
        }
    }
}
