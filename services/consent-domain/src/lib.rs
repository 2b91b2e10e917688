//! The rules of consent, pure.
//!
//! Each stream has a state, events, an `evolve` that folds an event into the state, and commands
//! that decide: state and command in, events or a refusal out. Nothing here reads a clock, draws a
//! random number or waits; `now` and every id arrive with the command.

pub mod access;
pub mod bank;
pub mod bank_notice;
pub mod consent;
pub mod contract;
mod ids;
pub mod journey;
pub mod linkage_rules;
pub mod operator_rules;
pub mod partner;
pub mod registration_status;
pub mod scope;
pub mod standing;
mod stream;
pub mod suspension;

pub use ids::{
    AccountId, BankCode, ClientId, ContractId, GrantId, InvalidId, JourneyId, PartnerId,
    PinScopeId, UserId,
};
pub use stream::{DomainEvent, Outcome, Stream};

/// An instant in UTC, always handed in by the caller (the database's clock).
pub type Instant = chrono::DateTime<chrono::Utc>;
