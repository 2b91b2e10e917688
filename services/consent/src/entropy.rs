//! Randomness, in one place.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use consent_domain::Instant;
use rand::{RngCore as _, rngs::OsRng, TryRngCore as _};
use uuid::{NoContext, Timestamp, Uuid};

/// Bytes from the operating system's generator.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsRng.unwrap_err().fill_bytes(&mut bytes);
    bytes
}

/// An unguessable text of 256 bits, base64url.
pub fn secret() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<32>())
}

/// A UUIDv7 of that time.
pub fn time_ordered_id(now: Instant) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos()))
}

/// A UUIDv4: an id that tells nothing, not even its time.
pub fn opaque_id() -> Uuid {
    Uuid::new_v4()
}
