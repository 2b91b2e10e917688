//! Handshakes over real sockets, and settings that can't be used.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test's own steps may fail the test"
)]

mod client_hello;
mod handshakes;
mod mutual;
mod pki;
mod settings;
