//! Ids that mean nothing outside one partner. The relay derives them too, so they live in a crate.

pub use shared_keys::{MalformedPairwiseId, PairwiseId};
