//! Symmetric keys that the replicas share, one for each purpose.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{DoesNotOpen, KeyEncryptionKey, WrappedKey};

/// What a key is for; no key serves two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyPurpose {
    /// Authorization codes from their ids.
    Code,
    /// Form keys of the journey pages.
    Form,
    /// Ids that differ per partner.
    Pairwise,
    /// Digests of secrets and of forms that hold them.
    Content,
    /// Evidence encrypted at rest.
    Evidence,
}

impl KeyPurpose {
    /// Every purpose.
    pub const ALL: [Self; 5] = [
        Self::Code,
        Self::Form,
        Self::Pairwise,
        Self::Content,
        Self::Evidence,
    ];

    /// The name in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Form => "form",
            Self::Pairwise => "pairwise",
            Self::Content => "content",
            Self::Evidence => "evidence",
        }
    }

    /// The name that the wrapped bytes are bound to.
    pub fn wrapped_name(self) -> String {
        format!("shared_key:{}", self.as_str())
    }
}

/// 256 bits, wiped on drop, never printed.
#[derive(Clone)]
pub struct SharedKey(Zeroizing<[u8; 32]>);

impl SharedKey {
    /// Takes the key over.
    pub fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// Opens the key of that purpose.
    ///
    /// # Errors
    /// [`DoesNotOpen`], also where what was wrapped has not 32 bytes.
    pub fn open(
        kek: &KeyEncryptionKey,
        purpose: KeyPurpose,
        wrapped: &WrappedKey,
    ) -> Result<Self, DoesNotOpen> {
        let opened = kek.unwrap(&purpose.wrapped_name(), wrapped)?;
        let mut bytes = Zeroizing::new([0; 32]);
        if opened.len() != bytes.len() {
            return Err(DoesNotOpen);
        }
        bytes.copy_from_slice(&opened);
        Ok(Self(bytes))
    }

    /// HMAC-SHA256 over the parts, each preceded by its length (32 bits, big endian) so that no
    /// two lists of parts have the same input.
    pub fn mac<P: AsRef<[u8]>>(&self, parts: &[P]) -> [u8; 32] {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.as_slice()).expect("HMAC refused a key");
        for part in parts {
            let part = part.as_ref();
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            mac.update(&length.to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// The bytes, for a cipher.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    #[cfg(test)]
    pub(crate) fn for_test(byte: u8) -> Self {
        Self(Zeroizing::new([byte; 32]))
    }
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_opens_for_its_own_purpose_only_and_with_all_its_bytes() {
        let kek = KeyEncryptionKey::parse(&"A".repeat(43)).unwrap();
        let wrapped = kek
            .wrap(&KeyPurpose::Pairwise.wrapped_name(), &[1; 32], [0; 12])
            .unwrap();
        let opened = SharedKey::open(&kek, KeyPurpose::Pairwise, &wrapped).unwrap();
        assert_eq!(opened.mac(&["x"]), SharedKey::for_test(1).mac(&["x"]));
        SharedKey::open(&kek, KeyPurpose::Form, &wrapped).unwrap_err();
        let short = kek
            .wrap(&KeyPurpose::Pairwise.wrapped_name(), &[1; 31], [1; 12])
            .unwrap();
        SharedKey::open(&kek, KeyPurpose::Pairwise, &short).unwrap_err();
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let key = SharedKey::for_test(1);
        assert_ne!(key.mac(&["ab", "c"]), key.mac(&["a", "bc"]));
        assert_ne!(key.mac(&["a"]), key.mac(&["a", ""]));
        assert_ne!(key.mac(&["a"]), SharedKey::for_test(2).mac(&["a"]));
    }
}
