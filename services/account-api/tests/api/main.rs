//! The real application on a free port, against stand-ins: an issuer's key set, the decision port
//! and the bank port are servers of these tests, not the services of the platform.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's set-up asserts by panicking"
)]

mod accounts;
mod application;
mod balance;
mod command;
mod decisions;
mod keys;
mod lies;
mod logs;
mod operators;
mod records;
mod requests;
mod stand_ins;
mod tls;
mod tokens;
mod transactions;
