//! The event store: cqrs-es on the command side, one append of our own under it.
//!
//! A command loads one stream, or two that commit together, in one read; decides; and appends in one
//! statement: the events, the projections' rows, the companions and the command key. Why not the
//! stock store on this path: `docs/decisions/0002-own-event-store.md`.

mod append;
mod bus;
mod command_store;
mod companion;
mod copy;
mod counts;
mod fold;
mod projection;
mod spans;
mod statement;
mod stored_event;
mod world;

pub use bus::{Bus, CommandError, Committed, Executed};
pub use command_store::{Actor, CommandContext, CommandKey, Spent, Target};
pub use companion::{Companion, EndedConsent};
pub use copy::CopyBuffer;
pub use fold::{Folded, StoreError, fold, state_of, state_of_row};
pub use projection::{NoStream, Projected, Rows};
pub use spans::sql_span;
pub use statement::Statement;
pub use stored_event::StoredEvent;
pub use world::{Act, World};
