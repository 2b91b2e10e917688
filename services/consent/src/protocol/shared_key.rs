//! Symmetric keys that the replicas share, one for each purpose.

pub use shared_keys::{KeyPurpose, SharedKey};
