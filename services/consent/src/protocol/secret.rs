//! A string that is wiped when dropped and never printed.

use std::fmt;

use zeroize::Zeroizing;

/// A code, token or verifier. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the string over; the allocation is wiped on drop.
    pub fn new(value: Zeroizing<String>) -> Self {
        Self(value)
    }

    /// The content, for hashing or for the one answer that carries it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}
