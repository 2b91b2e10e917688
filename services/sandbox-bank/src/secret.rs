//! Passwords and PINs of the seed: comparable, never printable.

use serde::Deserialize;
use subtle::ConstantTimeEq;

/// A password or a PIN from the seed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn matches(&self, typed: &str) -> bool {
        self.0.as_bytes().ct_eq(typed.as_bytes()).into()
    }

    pub(crate) fn is_four_digits(&self) -> bool {
        is_four_digits(&self.0)
    }

    /// What an unknown login id is compared with, so that it costs what a known one costs.
    pub(crate) fn of_nobody() -> Self {
        Self("Nobody0000".to_owned())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// Whether `text` could be a 照会用暗証番号 at all.
pub(crate) fn is_four_digits(text: &str) -> bool {
    text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit())
}
