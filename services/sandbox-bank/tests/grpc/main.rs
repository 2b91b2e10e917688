//! The sandbox bank over real gRPC, each test with a bank and a port of its own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what a test sets up, it may rely on"
)]

mod attempts;
mod certificates;
mod control;
mod customers;
mod lies;
mod running;
mod statements;
mod switches;
