//! Strings that must not reach a log.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore;
use serde::Deserialize;

/// A token, key, verifier or session id. `Debug` shows nothing of it and there is no `Display`.
#[derive(Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret that came from elsewhere.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// 256 random bits as 43 characters of base64url: a session id, `state`, `nonce` or
    /// `code_verifier` (RFC 7636, 4.1 asks for 43 to 128 of these characters).
    pub fn random() -> Self {
        let mut bytes = [0_u8; 32];
        rand::rng().fill_bytes(&mut bytes);
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The value itself, for the place that sends or compares it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_secret_has_43_characters_and_shows_none_of_them() {
        let secret = Secret::random();

        assert_eq!(secret.reveal().len(), 43);
        assert_ne!(secret, Secret::random());
        assert_eq!(format!("{secret:?}"), "Secret(***)");
    }
}
