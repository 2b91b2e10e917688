//! Randomness, in one place.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use consent_domain::Instant;
use rand::RngCore as _;
use uuid::{NoContext, Timestamp, Uuid};
use zeroize::Zeroizing;

use crate::protocol::secret::Secret;

/// `N` bytes from the operating system's seeded generator.
pub fn random_bytes<const N: usize>() -> Zeroizing<[u8; N]> {
    let mut bytes = Zeroizing::new([0_u8; N]);
    rand::rng().fill_bytes(bytes.as_mut_slice());
    bytes
}

/// 256 bits as 43 characters of base64url.
pub fn random_token() -> Secret {
    Secret::new(Zeroizing::new(
        URL_SAFE_NO_PAD.encode(random_bytes::<32>().as_slice()),
    ))
}

/// A UUIDv7 of that time.
pub fn time_ordered_id(now: Instant) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    Uuid::new_v7(Timestamp::from_unix(
        NoContext,
        seconds,
        now.timestamp_subsec_nanos(),
    ))
}

/// A UUIDv4: an id that tells nothing, not even its time.
pub fn opaque_id() -> Uuid {
    Uuid::new_v4()
}
