//! Bytes encrypted at rest with AES-256-GCM: a random nonce, then ciphertext and tag.

use aes_gcm::{
    Aes256Gcm, KeyInit as _, Nonce,
    aead::{Aead as _, Payload},
};

use crate::entropy;

const NONCE_LENGTH: usize = 12;

/// Encrypts, bound to a name that opening must give again; `None` only for texts beyond GCM's limit
/// (64 GiB).
pub fn seal(key: &[u8; 32], name: &str, plain: &[u8]) -> Option<Vec<u8>> {
    let nonce = *entropy::random_bytes::<NONCE_LENGTH>();
    let payload = Payload {
        msg: plain,
        aad: name.as_bytes(),
    };
    let sealed = Aes256Gcm::new(key.into())
        .encrypt(&Nonce::from(nonce), payload)
        .ok()?;
    Some([nonce.as_slice(), &sealed].concat())
}

/// Decrypts; `None` for another key, another name, or changed bytes.
pub fn open(key: &[u8; 32], name: &str, stored: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = stored.split_first_chunk::<NONCE_LENGTH>()?;
    let payload = Payload {
        msg: sealed,
        aad: name.as_bytes(),
    };
    Aes256Gcm::new(key.into())
        .decrypt(&Nonce::from(*nonce), payload)
        .ok()
}
