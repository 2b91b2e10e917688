//! Operators of banks: who they are, what they may at which bank, how they prove it, and the record of what
//! they did. The API is asked with a bearer token, the console with a session; both admit to one bank.

pub mod acts;
pub mod administration;
pub mod api;
pub mod bearer;
pub mod console;
pub mod form_key;
mod identity;
pub mod password;
mod password_hash;
pub mod platform;
mod refusals;
pub mod session;

pub(crate) use acts::record_by_command_line;
pub use acts::{Act, ActId, Begun, Order, Outcome, Subject, Via};
pub use api::Api;
pub use console::Console;
pub use identity::{Acts, Need, Operator, OperatorId, Reads, Role};

use consent_domain::BankCode;
use uuid::Uuid;

use crate::{request_context::RequestContext, store::Actor};

/// An operator who proved who it is.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// Who.
    pub operator: Operator,
    /// By which way.
    pub via: Via,
    /// The token or the session.
    pub credential: Uuid,
    /// The request.
    pub request: RequestContext,
}

/// An operator who was admitted to a bank.
#[derive(Debug, Clone)]
pub struct AtBank {
    /// Who, and how that is known.
    pub who: Admitted,
    /// The bank.
    pub bank: BankCode,
    /// What the operator may there.
    pub role: Role,
}

impl AtBank {
    /// Who acts, for the facts that follow.
    pub fn actor(&self) -> Actor {
        Actor::Operator(self.who.operator.id.to_string())
    }
}
