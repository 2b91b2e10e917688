//! What partners and the platform learn of what happened.
//!
//! The facts of the log are private: they name the bank's own ids, and their shape follows the
//! rules. [`translate`] makes of each what may be told, and to whom. The match over the facts is
//! total: a new fact does not compile until somebody has decided what is told of it. Nothing here
//! reads a database or writes to a broker.

mod audience;
mod encoding;
mod event;
mod fact;
mod names;
mod proto_json;
mod reasons;
mod terms;
pub mod topics;
mod translation;

pub use audience::Audience;
pub use encoding::Encoding;
pub use event::{Attributes, Body, PublicEvent, TYPE_PREFIX};
pub use fact::{LoggedFact, Needs, Untranslatable, advance};
pub use names::Names;
pub use reasons::{party_word, revocation_reason_word, suspension_cause_words};
pub use translation::translate;
