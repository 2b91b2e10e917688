//! Secrets made here.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore;
use zeroize::Zeroizing;

use super::secret::Secret;

/// `N` bytes from the operating system's seeded generator.
pub fn random_bytes<const N: usize>() -> Zeroizing<[u8; N]> {
    let mut bytes = Zeroizing::new([0_u8; N]);
    rand::rng().fill_bytes(bytes.as_mut_slice());
    bytes
}

/// 256 bits as 43 characters of base64url.
pub fn random_token() -> Secret {
    let bytes = random_bytes::<32>();
    Secret::new(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice())))
}
