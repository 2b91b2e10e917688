//! A stand-in for a bank's core behind the bank port: invented customers, their accounts and
//! statements, and switches for everything that a real core does on its bad days.
//!
//! A test starts one on port 0 and keeps the handle:
//!
//! ```no_run
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! use sandbox_bank::{Fault, Rpc, SandboxBank};
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let bank = SandboxBank::demo();
//! tokio::spawn(sandbox_bank::serve(listener, bank.clone(), std::future::pending()));
//!
//! bank.set_fault(Rpc::VerifyInquiryPin, Some(Fault::HangAfterActing));
//! assert_eq!(bank.login_attempts("2963", "dantai01"), 0);
//! # Ok(()) }
//! ```
//!
//! Across processes the same is had from `renkei.sandbox.v1.SandboxControl` on the same address
//! ([`control`]). Everything lives in memory and ends with the process.
//!
//! The seed (`seed/demo.toml`) holds passwords and PINs in the open, as test data. Even so none of
//! them is ever logged, nor anything that a caller typed.

mod answer;
mod attempts;
mod bank;
mod bank_port;
mod calendar;
mod certificate;
mod control_service;
mod inquiry_pin;
mod ledger;
mod lies;
mod login;
mod operators;
mod port_error;
mod secret;
mod seed;
mod server;
mod state;
mod statement_page;
mod switches;

pub use bank::{SandboxBank, UnknownTarget};
pub use certificate::{CustomerCertificate, NotACertificate};
pub use operators::serve_operators;
pub use seed::{Seed, SeedError};
pub use server::{ServeError, serve, serve_with};
pub use state::{Counters, LoginCount, Notice, PinCount, PinRequest};
pub use switches::{
    Clock, Closure, ClosureReason, CustomerFlag, Fault, Lie, PlannedMaintenance, Rpc,
};

/// The control service's messages, client and server, generated from
/// `proto/sandbox/v1/control.proto`.
pub mod control {
    #![expect(
        missing_docs,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        reason = "generated code; the .proto file carries the documentation"
    )]
    tonic::include_proto!("renkei.sandbox.v1");
}
