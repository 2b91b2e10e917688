//! The symmetric keys that processes share.
//!
//! The consent service makes them and keeps them in the database, wrapped by a key that comes from
//! outside it. The relay opens one of them, `pairwise`, because partners must meet the same account
//! ids in events as in tokens and answers.

mod key_wrap;
mod pairwise;
mod shared_key;

pub use key_wrap::{
    DoesNotOpen, KeyEncryptionKey, MalformedKeyEncryptionKey, NONCE_BYTES, WrappedKey,
};
pub use pairwise::{MalformedPairwiseId, PairwiseId};
pub use shared_key::{KeyPurpose, SharedKey};
