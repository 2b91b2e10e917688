//! Keys at rest, wrapped by a key from outside the database.

pub use shared_keys::{
    DoesNotOpen, KeyEncryptionKey, MalformedKeyEncryptionKey, NONCE_BYTES, WrappedKey,
};
