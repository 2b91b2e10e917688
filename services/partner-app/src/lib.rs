//! A sample accounting service that links accounts of a bank and reads balances and statements.
//!
//! It stands for an API連携事業者 (a partner): it knows nothing of the bank's platform but public
//! protocols, namely OAuth 2.0 with pushed authorization requests, `private_key_jwt` and PKCE, and
//! the HTTP interface for account data.
//!
//! All state lives in memory, per browser session, within fixed limits ([`store`]): a restart
//! forgets every linkage. A product would keep linkages per customer in a database, with the
//! refresh tokens encrypted.

pub mod access;
pub mod account_api;
pub mod application;
pub mod clock;
pub mod http_client;
pub mod linking;
pub mod notifications;
pub mod oauth;
pub mod own_grants;
mod pages;
pub mod secret;
pub mod settings;
pub mod store;
pub mod tls;

pub use application::{Application, StartError};
pub use settings::Settings;
