//! What partners read: the accounts of a grant, their balances and their transactions.
//!
//! # A request, from the socket to the answer
//!
//! 1. `boundary`: sizes are bounded, the request gets its id and its trace context.
//! 2. `bearer`, `access_token`, `jwks`: the access token is proven against the keys of one of
//!    the configured issuers. No URL of a token is ever fetched.
//! 3. `decisions`: "is this grant live, and does it cover this task of this account, now?" is
//!    asked before every read and never cached; without an answer nothing is read.
//! 4. `bank`: the bank port is asked in the name of the customer whose act the grant rests on.
//! 5. `date_range`, `cursor`: the bank's first available day and the grant's history limit are
//!    enforced on every page.
//! 6. `problem`: whatever went wrong is told in one place, with a code of its own.
//!
//! Nothing is stored. Logs carry identifiers (request, trace, bank, client, grant, token id), never
//! a token, an account number, a balance or a remark.
//!
//! # Running it
//!
//! `account-api --config FILE` runs one server. [`start`] runs the same server inside another
//! process, on a listener that the caller bound:
//!
//! ```no_run
//! # async fn run(text: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let settings = account_api::Settings::parse(text)?;
//! let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
//! let server = account_api::start(settings, listener)?;
//! println!("listening on {}", server.address());
//! server.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! The endpoints, fields and codes are described in `docs/account-api.md`.

mod access_token;
mod bank;
mod bearer;
mod boundary;
mod clock;
mod cursor;
mod date_range;
mod decisions;
mod endpoints;
mod jwks;
mod metrics;
mod openapi;
mod operators;
mod problem;
mod query;
mod server;
mod settings;
mod task;
mod trace_context;

pub use clock::Clock;
pub use openapi::document as openapi_document;
pub use operators::{OperatorServer, start_operators};
pub use server::{RunningServer, StartError, start, start_with_clock};
pub use settings::{Settings, SettingsError};
