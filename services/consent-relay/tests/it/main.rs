//! The relay against a real PostgreSQL, in a cluster of its own: the order of commits is the cluster's.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test program: what is not as expected ends the test"
)]

mod archived;
mod bench;
mod epochs;
mod feed;
mod leases;
mod migrating;
mod parking;
mod publishing;
mod relaying;
mod sequencing;
mod topic_access;
mod topics;
