//! Keys at rest: AES-256-GCM under a key from outside the database, bound to the key's name.

use std::fmt;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, de::Error as _};
use zeroize::Zeroizing;

/// Bytes of a nonce. Random nonces are safe for the few keys that are ever wrapped.
pub const NONCE_BYTES: usize = 12;

/// The key that wraps the others; comes from the settings and is never stored. While it takes over from
/// another one, it also opens what that one wrapped.
#[derive(Clone)]
pub struct KeyEncryptionKey {
    key: Zeroizing<[u8; 32]>,
    /// What these wrapped is opened, too; they wrap nothing.
    accepted: Vec<Zeroizing<[u8; 32]>>,
}

/// The setting is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key-encryption key must be 32 bytes as 43 characters of base64url")]
pub struct MalformedKeyEncryptionKey;

/// A wrapped key does not open: another key-encryption key, or a changed row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key does not open with this key-encryption key")]
pub struct DoesNotOpen;

/// A key as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// Ciphertext and tag.
    pub ciphertext: Vec<u8>,
    /// 12 bytes.
    pub nonce: Vec<u8>,
}

impl KeyEncryptionKey {
    /// Reads the setting: 43 characters of base64url without padding.
    ///
    /// # Errors
    /// [`MalformedKeyEncryptionKey`].
    pub fn parse(text: &str) -> Result<Self, MalformedKeyEncryptionKey> {
        let decoded = Zeroizing::new(
            URL_SAFE_NO_PAD
                .decode(text.trim())
                .map_err(|_| MalformedKeyEncryptionKey)?,
        );
        let mut bytes = Zeroizing::new([0; 32]);
        if decoded.len() != bytes.len() {
            return Err(MalformedKeyEncryptionKey);
        }
        bytes.copy_from_slice(&decoded);
        Ok(Self {
            key: bytes,
            accepted: Vec::new(),
        })
    }

    /// The same key, which also opens what these wrapped.
    #[must_use]
    pub fn accepting(mut self, others: &[Self]) -> Self {
        self.accepted
            .extend(others.iter().map(|other| other.key.clone()));
        self
    }

    /// Wraps a key under its name. The nonce must be fresh from a random generator: a nonce used
    /// twice gives both keys away.
    ///
    /// # Errors
    /// [`DoesNotOpen`] only for plaintexts beyond the cipher's 64 GiB.
    pub fn wrap(
        &self,
        name: &str,
        key: &[u8],
        nonce: [u8; NONCE_BYTES],
    ) -> Result<WrappedKey, DoesNotOpen> {
        let payload = Payload {
            msg: key,
            aad: name.as_bytes(),
        };
        let ciphertext = cipher(&self.key)
            .encrypt(&Nonce::from(nonce), payload)
            .map_err(|_| DoesNotOpen)?;
        Ok(WrappedKey {
            ciphertext,
            nonce: nonce.to_vec(),
        })
    }

    /// Opens a key that was wrapped under this name, by this key or an accepted one.
    ///
    /// # Errors
    /// [`DoesNotOpen`].
    pub fn unwrap(
        &self,
        name: &str,
        wrapped: &WrappedKey,
    ) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
        std::iter::once(&self.key)
            .chain(&self.accepted)
            .find_map(|key| open(key, name, wrapped).ok())
            .ok_or(DoesNotOpen)
    }

    /// Wraps anew what an accepted key wrapped under this name; `None`: this key wrapped it already. The
    /// nonce must be fresh, as for [`Self::wrap`].
    ///
    /// # Errors
    /// [`DoesNotOpen`].
    pub fn rewrap(
        &self,
        name: &str,
        wrapped: &WrappedKey,
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Option<WrappedKey>, DoesNotOpen> {
        if open(&self.key, name, wrapped).is_ok() {
            return Ok(None);
        }
        let opened = self.unwrap(name, wrapped)?;
        self.wrap(name, &opened, nonce).map(Some)
    }
}

fn cipher(key: &[u8; 32]) -> Aes256Gcm {
    Aes256Gcm::new(&(*key).into())
}

fn open(
    key: &[u8; 32],
    name: &str,
    wrapped: &WrappedKey,
) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
    let nonce: [u8; NONCE_BYTES] = wrapped
        .nonce
        .as_slice()
        .try_into()
        .map_err(|_| DoesNotOpen)?;
    let payload = Payload {
        msg: &wrapped.ciphertext,
        aad: name.as_bytes(),
    };
    cipher(key)
        .decrypt(&Nonce::from(nonce), payload)
        .map(Zeroizing::new)
        .map_err(|_| DoesNotOpen)
}

/// As settings hold it: base64 or base64url, with padding or without.
impl<'de> Deserialize<'de> for KeyEncryptionKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let url_safe = Zeroizing::new(
            text.trim()
                .trim_end_matches('=')
                .replace('+', "-")
                .replace('/', "_"),
        );
        Self::parse(&url_safe).map_err(D::Error::custom)
    }
}

impl fmt::Debug for KeyEncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyEncryptionKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> KeyEncryptionKey {
        KeyEncryptionKey::parse(&URL_SAFE_NO_PAD.encode([byte; 32])).unwrap()
    }

    #[test]
    fn a_key_opens_under_its_name_and_wrapping_key_only() {
        let wrapped = key(1).wrap("code", b"secret", [7; NONCE_BYTES]).unwrap();
        assert_eq!(
            key(1).unwrap("code", &wrapped).unwrap().as_slice(),
            b"secret"
        );
        assert_eq!(key(1).unwrap("form", &wrapped), Err(DoesNotOpen));
        assert_eq!(key(2).unwrap("code", &wrapped), Err(DoesNotOpen));
        let mut changed = wrapped.clone();
        changed.ciphertext[0] ^= 1;
        assert_eq!(key(1).unwrap("code", &changed), Err(DoesNotOpen));
        let short = WrappedKey {
            nonce: vec![0; 11],
            ..wrapped
        };
        assert_eq!(key(1).unwrap("code", &short), Err(DoesNotOpen));
    }

    #[test]
    fn a_new_key_opens_what_the_accepted_one_wrapped_and_wraps_it_anew_once() {
        let wrapped = key(1).wrap("code", b"secret", [7; NONCE_BYTES]).unwrap();
        let both = key(2).accepting(&[key(1)]);
        assert_eq!(both.unwrap("code", &wrapped).unwrap().as_slice(), b"secret");
        assert_eq!(both.unwrap("form", &wrapped), Err(DoesNotOpen));

        let anew = both.rewrap("code", &wrapped, [8; NONCE_BYTES]).unwrap();
        let anew = anew.expect("another key had wrapped it");
        assert_eq!(key(2).unwrap("code", &anew).unwrap().as_slice(), b"secret");
        assert_eq!(key(1).unwrap("code", &anew), Err(DoesNotOpen));
        assert_eq!(both.rewrap("code", &anew, [9; NONCE_BYTES]), Ok(None));
        assert_eq!(
            key(3).rewrap("code", &anew, [9; NONCE_BYTES]),
            Err(DoesNotOpen)
        );
        // Who takes over wraps; who is accepted only opens.
        let by_both = both.wrap("code", b"new", [9; NONCE_BYTES]).unwrap();
        assert_eq!(key(1).unwrap("code", &by_both), Err(DoesNotOpen));
    }

    #[test]
    fn the_setting_has_thirty_two_bytes() {
        for text in [
            "",
            "short",
            &URL_SAFE_NO_PAD.encode([1; 31]),
            &"=".repeat(43),
        ] {
            KeyEncryptionKey::parse(text).unwrap_err();
        }
    }
}
