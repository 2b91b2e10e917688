//! The account data interface, as partners read it.

pub mod account;
pub mod client;
pub mod problem;
pub mod statement;

pub use account::{Account, AccountId, AccountStatus, Balance, EligibleTask, Task};
pub use client::{AccountApi, ReadError};
pub use problem::{Problem, ProblemCode};
pub use statement::{Statement, StatementRange, Transaction};
