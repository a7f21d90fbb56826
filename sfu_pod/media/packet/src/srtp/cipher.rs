//! One session's encryption and authentication of RTP or of RTCP, in place.
//!
//! An index is the rollover counter and sequence number (48 bits) for RTP, the SRTCP index
//! (31 bits) for RTCP: both enter the initialisation vectors at the same place.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::EncryptingKey;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

use super::kdf::{Kdf, Label, aes_ctr, apply_ctr};
use super::{SrtpError, SrtpProfile};

/// RTCP is encrypted after its first header and SSRC (RFC 3711 section 3.4).
pub(super) const RTCP_HEADER_LEN: usize = 8;
const RTCP_INDEX_LEN: usize = 4;
const ENCRYPTED_FLAG: u32 = 1 << 31;
const ROC_LEN: usize = 4;

/// Session keys of one protocol, ready for use.
pub(super) struct Cipher {
    keys: Keys,
    tag_len: usize,
}

// Both are large, and every packet goes through one: no box.
#[allow(clippy::large_enum_variant)]
enum Keys {
    Gcm { key: LessSafeKey, salt: [u8; 12] },
    CounterMode { key: EncryptingKey, salt: [u8; 14], mac: hmac::Key },
}

impl Cipher {
    pub(super) fn rtp(profile: SrtpProfile, kdf: &Kdf) -> Self {
        let labels = [Label::RtpEncryption, Label::RtpSalt, Label::RtpAuthentication];
        Self::new(profile, kdf, labels)
    }

    pub(super) fn rtcp(profile: SrtpProfile, kdf: &Kdf) -> Self {
        let labels = [Label::RtcpEncryption, Label::RtcpSalt, Label::RtcpAuthentication];
        Self::new(profile, kdf, labels)
    }

    fn new(profile: SrtpProfile, kdf: &Kdf, labels: [Label; 3]) -> Self {
        let [encryption, salt, authentication] = labels;
        let mut key = [0; 32];
        let key = &mut key[..profile.key_len()];
        kdf.fill(encryption, key);
        match profile {
            SrtpProfile::Aes128Gcm | SrtpProfile::Aes256Gcm => {
                Self::gcm(profile, key, kdf.derive(salt))
            }
            SrtpProfile::Aes128CmHmacSha1_80 => {
                let secret = kdf.derive::<20>(authentication);
                let mac = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret);
                let keys = Keys::CounterMode { key: aes_ctr(key), salt: kdf.derive(salt), mac };
                Self { keys, tag_len: profile.tag_len() }
            }
        }
    }

    /// From session keys; `key` has the length of the profile, which is one of the AES-GCM.
    pub(super) fn gcm(profile: SrtpProfile, key: &[u8], salt: [u8; 12]) -> Self {
        let algorithm = if key.len() == 32 { &AES_256_GCM } else { &AES_128_GCM };
        let key = UnboundKey::new(algorithm, key)
            .map(LessSafeKey::new)
            .expect("the profile's key length is the cipher's");
        Self { keys: Keys::Gcm { key, salt }, tag_len: profile.tag_len() }
    }

    /// Protects `buffer[..len]`, whose header has `header_len` bytes; returns the new length.
    pub(super) fn seal_rtp(
        &self,
        buffer: &mut [u8],
        header_len: usize,
        len: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<usize, SrtpError> {
        let end = len + self.tag_len;
        let (packet, tag) = buffer.get_mut(..end).ok_or(SrtpError::NoRoom)?.split_at_mut(len);
        let (header, payload) = packet.split_at_mut(header_len);
        match &self.keys {
            Keys::Gcm { key, salt } => {
                seal_gcm(key, gcm_nonce(salt, ssrc, index), header, payload, tag);
            }
            Keys::CounterMode { key, salt, mac } => {
                apply_ctr(key, counter_iv(salt, ssrc, index), payload);
                // The rollover counter is authenticated but not sent: it stands where the tag
                // will, so that one call sees it all.
                tag[..ROC_LEN].copy_from_slice(&rollover(index));
                let made = hmac::sign(mac, &buffer[..len + ROC_LEN]);
                buffer[len..end].copy_from_slice(&made.as_ref()[..self.tag_len]);
            }
        }
        Ok(end)
    }

    /// Opens a packet whose header has `header_len` bytes; returns the plain length.
    pub(super) fn open_rtp(
        &self,
        packet: &mut [u8],
        header_len: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<usize, SrtpError> {
        let len = packet.len().checked_sub(self.tag_len).ok_or(SrtpError::Malformed)?;
        if len < header_len {
            return Err(SrtpError::Malformed);
        }
        match &self.keys {
            Keys::Gcm { key, salt } => {
                let (header, sealed) = packet.split_at_mut(header_len);
                open_gcm(key, gcm_nonce(salt, ssrc, index), header, sealed)?;
            }
            Keys::CounterMode { key, salt, mac } => {
                let tag: [u8; 10] = *packet.last_chunk().ok_or(SrtpError::Malformed)?;
                packet[len..len + ROC_LEN].copy_from_slice(&rollover(index));
                verify(mac, &packet[..len + ROC_LEN], &tag)?;
                apply_ctr(key, counter_iv(salt, ssrc, index), &mut packet[header_len..len]);
            }
        }
        Ok(len)
    }

    /// Protects the compound packet `buffer[..len]`; returns the new length.
    pub(super) fn seal_rtcp(
        &self,
        buffer: &mut [u8],
        len: usize,
        ssrc: u32,
        index: u32,
    ) -> Result<usize, SrtpError> {
        let end = len + self.tag_len + RTCP_INDEX_LEN;
        let buffer = buffer.get_mut(..end).ok_or(SrtpError::NoRoom)?;
        let trailer = (index | ENCRYPTED_FLAG).to_be_bytes();
        match &self.keys {
            Keys::Gcm { key, salt } => {
                let (header, rest) = buffer.split_at_mut(RTCP_HEADER_LEN);
                let (text, rest) = rest.split_at_mut(len - RTCP_HEADER_LEN);
                let (tag, index_field) = rest.split_at_mut(self.tag_len);
                let nonce = gcm_nonce(salt, ssrc, index.into());
                seal_gcm(key, nonce, &rtcp_aad(header, trailer), text, tag);
                index_field.copy_from_slice(&trailer);
            }
            Keys::CounterMode { key, salt, mac } => {
                let iv = counter_iv(salt, ssrc, index.into());
                apply_ctr(key, iv, &mut buffer[RTCP_HEADER_LEN..len]);
                buffer[len..len + RTCP_INDEX_LEN].copy_from_slice(&trailer);
                let made = hmac::sign(mac, &buffer[..len + RTCP_INDEX_LEN]);
                buffer[len + RTCP_INDEX_LEN..].copy_from_slice(&made.as_ref()[..self.tag_len]);
            }
        }
        Ok(end)
    }

    /// The SRTCP index that a packet claims. Unencrypted SRTCP is refused: WebRTC has none
    /// (RFC 8827 section 6.5).
    pub(super) fn rtcp_index(&self, packet: &[u8]) -> Result<u32, SrtpError> {
        let at = match &self.keys {
            Keys::Gcm { .. } => packet.len().checked_sub(RTCP_INDEX_LEN),
            Keys::CounterMode { .. } => packet.len().checked_sub(self.tag_len + RTCP_INDEX_LEN),
        };
        let field = at.and_then(|at| packet.get(at..)?.first_chunk());
        let trailer = u32::from_be_bytes(*field.ok_or(SrtpError::Malformed)?);
        if trailer & ENCRYPTED_FLAG == 0 {
            return Err(SrtpError::Malformed);
        }
        Ok(trailer & !ENCRYPTED_FLAG)
    }

    /// Opens a compound packet that has [`Cipher::rtcp_index`] `index`; returns the plain length.
    pub(super) fn open_rtcp(
        &self,
        packet: &mut [u8],
        ssrc: u32,
        index: u32,
    ) -> Result<usize, SrtpError> {
        let overhead = self.tag_len + RTCP_INDEX_LEN;
        let len = packet.len().checked_sub(overhead).ok_or(SrtpError::Malformed)?;
        if len < RTCP_HEADER_LEN {
            return Err(SrtpError::Malformed);
        }
        match &self.keys {
            Keys::Gcm { key, salt } => {
                let (header, rest) = packet.split_at_mut(RTCP_HEADER_LEN);
                let sealed_len = rest.len() - RTCP_INDEX_LEN;
                let aad = rtcp_aad(header, (index | ENCRYPTED_FLAG).to_be_bytes());
                let nonce = gcm_nonce(salt, ssrc, index.into());
                open_gcm(key, nonce, &aad, &mut rest[..sealed_len])?;
            }
            Keys::CounterMode { key, salt, mac } => {
                let (signed, tag) = packet.split_at_mut(len + RTCP_INDEX_LEN);
                verify(mac, signed, tag)?;
                let iv = counter_iv(salt, ssrc, index.into());
                apply_ctr(key, iv, &mut signed[RTCP_HEADER_LEN..len]);
            }
        }
        Ok(len)
    }
}

fn seal_gcm(key: &LessSafeKey, nonce: Nonce, aad: &[u8], text: &mut [u8], tag: &mut [u8]) {
    let made = key
        .seal_in_place_separate_tag(nonce, Aad::from(aad), text)
        .expect("a datagram is shorter than what GCM can take");
    tag.copy_from_slice(made.as_ref());
}

/// `sealed` ends with the tag.
fn open_gcm(
    key: &LessSafeKey,
    nonce: Nonce,
    aad: &[u8],
    sealed: &mut [u8],
) -> Result<(), SrtpError> {
    match key.open_in_place(nonce, Aad::from(aad), sealed) {
        Ok(_) => Ok(()),
        Err(_) => Err(SrtpError::Authentication),
    }
}

fn verify(mac: &hmac::Key, signed: &[u8], tag: &[u8]) -> Result<(), SrtpError> {
    let made = hmac::sign(mac, signed);
    verify_slices_are_equal(&made.as_ref()[..tag.len()], tag).map_err(|_| SrtpError::Authentication)
}

/// RFC 7714 section 8.1 for RTP, section 9.1 for RTCP.
fn gcm_nonce(salt: &[u8; 12], ssrc: u32, index: u64) -> Nonce {
    let block = u128::from(ssrc) << 48 | u128::from(index);
    let mut salted = [0; 16];
    salted[4..].copy_from_slice(salt);
    let [_, _, _, _, nonce @ ..] = (block ^ u128::from_be_bytes(salted)).to_be_bytes();
    Nonce::assume_unique_for_key(nonce)
}

/// RFC 3711 section 4.1.1.
fn counter_iv(salt: &[u8; 14], ssrc: u32, index: u64) -> [u8; 16] {
    let mut salted = [0; 16];
    salted[..14].copy_from_slice(salt);
    let block = u128::from(ssrc) << 64 | u128::from(index) << 16;
    (block ^ u128::from_be_bytes(salted)).to_be_bytes()
}

fn rollover(index: u64) -> [u8; ROC_LEN] {
    ((index >> 16) as u32).to_be_bytes()
}

/// RFC 7714 section 9.2: the header, then flag and index.
fn rtcp_aad(header: &[u8], trailer: [u8; RTCP_INDEX_LEN]) -> [u8; 12] {
    let mut aad = [0; 12];
    aad[..RTCP_HEADER_LEN].copy_from_slice(header);
    aad[RTCP_HEADER_LEN..].copy_from_slice(&trailer);
    aad
}
