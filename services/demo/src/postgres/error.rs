//! What can go wrong between "nothing installed" and a server that answers.

use std::io;
use std::path::PathBuf;

/// Why there is no PostgreSQL to use.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// No server binaries, and no way to get them.
    #[error(
        "no PostgreSQL {minimum} or later found, and it could not be installed ({tried}).\n\
         Install it and try again:\n  \
         Debian, Ubuntu:  sudo apt-get install -y postgresql\n  \
         macOS:           brew install postgresql@17\n\
         or point PG_BINDIR at the directory with `postgres` and `initdb`, or DATABASE_URL at a \
         running server."
    )]
    NotFound {
        /// The oldest usable major version.
        minimum: u32,
        /// What was tried, and how it ended.
        tried: String,
    },
    /// A command of the operating system or of PostgreSQL failed.
    #[error("`{command}` failed: {output}")]
    Command {
        /// The command with its arguments.
        command: String,
        /// The end of what it printed, or why it could not be run.
        output: String,
    },
    /// The server ended, or did not get ready in time.
    #[error("PostgreSQL did not start; the end of {}:\n{tail}", log.display())]
    Start {
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// The directory for the server's files exists and belongs to somebody else.
    #[error("{} exists, but is not a directory that only this user can write", .0.display())]
    ForeignDirectory(PathBuf),
    /// Started by root, with neither `postgres` nor `nobody` in `/etc/passwd`.
    #[error("PostgreSQL refuses to run as root, and /etc/passwd has no ordinary user for it")]
    NoOrdinaryUser,
    /// A file or a process.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// The system's error.
        source: io::Error,
    },
    /// A statement failed, or the server could not be reached.
    #[error("PostgreSQL: {0}")]
    Statement(#[from] sqlx::Error),
    /// A database name that would need quoting.
    #[error("`{0}` is not a database name of lower-case letters, digits and `_`, up to 63 long")]
    Name(String),
}

/// Says what was being done when the system returned an error.
pub(super) trait While<T> {
    /// `what`: the sentence before the colon.
    fn while_(self, what: impl FnOnce() -> String) -> Result<T, PostgresError>;
}

impl<T> While<T> for io::Result<T> {
    fn while_(self, what: impl FnOnce() -> String) -> Result<T, PostgresError> {
        self.map_err(|source| PostgresError::Io {
            what: what(),
            source,
        })
    }
}
