//! Session keys from the master key (RFC 3711 section 4.3, RFC 7714 section 11).

use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

use super::{SrtpError, SrtpProfile};

/// Which session key (RFC 3711 section 4.3.1 and 4.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    RtpEncryption = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpEncryption = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// The pseudo-random function AES-CM, keyed with one master key and salt.
pub(super) struct Kdf {
    key: EncryptingKey,
    salt: [u8; 14],
}

impl Kdf {
    /// `key_and_salt` as RFC 5764 section 4.2 concatenates them.
    pub(super) fn new(profile: SrtpProfile, key_and_salt: &[u8]) -> Result<Self, SrtpError> {
        let expected = profile.key_len() + profile.salt_len();
        if key_and_salt.len() != expected {
            return Err(SrtpError::KeyLength { expected, actual: key_and_salt.len() });
        }
        let (key, master_salt) = key_and_salt.split_at(profile.key_len());
        // RFC 7714 section 11: the shorter salt of GCM is filled up with zeros on the right.
        let mut salt = [0; 14];
        salt[..master_salt.len()].copy_from_slice(master_salt);
        Ok(Self { key: aes_ctr(key), salt })
    }

    /// Derives `N` bytes.
    pub(super) fn derive<const N: usize>(&self, label: Label) -> [u8; N] {
        let mut out = [0; N];
        self.fill(label, &mut out);
        out
    }

    /// Derives as many bytes as `out` has.
    pub(super) fn fill(&self, label: Label, out: &mut [u8]) {
        let mut iv = [0; 16];
        iv[..14].copy_from_slice(&self.salt);
        iv[7] ^= label as u8;
        out.fill(0);
        apply_ctr(&self.key, iv, out);
    }
}

/// AES in counter mode; `key` has 16 or 32 bytes.
pub(super) fn aes_ctr(key: &[u8]) -> EncryptingKey {
    let algorithm = if key.len() == 32 { &AES_256 } else { &AES_128 };
    UnboundCipherKey::new(algorithm, key)
        .and_then(EncryptingKey::ctr)
        .expect("the profile's key length is the cipher's")
}

/// Encrypts or decrypts in place.
pub(super) fn apply_ctr(key: &EncryptingKey, iv: [u8; 16], text: &mut [u8]) {
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    key.less_safe_encrypt(text, context).expect("counter mode takes any length");
}

#[cfg(test)]
mod tests {
    use super::{Kdf, Label};
    use crate::common::hex;
    use crate::srtp::{SrtpError, SrtpProfile};

    #[test]
    fn test_vectors_of_rfc_3711_appendix_b3() {
        let master = hex("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6");
        let kdf = Kdf::new(SrtpProfile::Aes128CmHmacSha1_80, &master).unwrap();
        assert_eq!(
            kdf.derive::<16>(Label::RtpEncryption).to_vec(),
            hex("C61E7A93744F39EE10734AFE3FF7A087")
        );
        assert_eq!(kdf.derive::<14>(Label::RtpSalt).to_vec(), hex("30CBBC08863D8C85D49DB34A9AE1"));
        // The appendix calls the whole output of 94 bytes the authentication key.
        let expected = "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCE\
                        E049646C43D9327AD175578EF72270986371C10C9A369AC2F94A8C5FBCDDDC25\
                        6D6E919A48B610EF17C2041E474035766B68642C59BBFC2F34DB60DBDFB2";
        assert_eq!(kdf.derive::<94>(Label::RtpAuthentication).to_vec(), hex(expected));
    }

    #[test]
    fn wrong_key_length_names_both() {
        let error = Kdf::new(SrtpProfile::Aes128Gcm, &[0; 30]).err();
        assert_eq!(error, Some(SrtpError::KeyLength { expected: 28, actual: 30 }));
    }
}
