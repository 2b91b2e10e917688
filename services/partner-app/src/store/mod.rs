//! What the service remembers: in memory only, per browser session, within limits.
//!
//! | what | limit | beyond it |
//! |---|---|---|
//! | sessions | 1,000 | the one unused for longest goes, those without a linkage first |
//! | a session unused | 12 hours | it goes |
//! | authorization attempts of a session | 16 | the oldest goes |
//! | linkages of a session | 30 | the oldest goes |
//!
//! A session stands for the customer's login at the accounting service, which this sample leaves
//! out: who holds the cookie sees the linkages made with it, and nobody else does.

pub mod attempt;
pub mod import_range;
pub mod linkage;
pub mod session;
pub mod sessions;

pub use attempt::{AuthorizationAttempt, Outcome};
pub use import_range::{ImportRange, RangeError};
pub use linkage::{Linkage, LinkageId};
pub use session::{Session, SessionState};
pub use sessions::Sessions;
