//! The relay's connections, and what it refuses to run on.

use std::{str::FromStr as _, time::Duration};

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

/// Leader's lease, sequencer, publisher and gate each need one at a time.
const CONNECTIONS_MAX: u32 = 6;
/// The first PostgreSQL that the migrations are made for.
const OLDEST_VERSION: i32 = 150_000;

/// Why the relay does not run on this database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// Nothing answers, or it refuses.
    #[error("database_url: {0}")]
    Unreachable(#[from] sqlx::Error),
    /// Transaction ids don't exist there.
    #[error(
        "database_url leads to a standby in recovery: the relay writes, and needs the primary's \
         transaction ids. Give the primary's address"
    )]
    Standby,
    /// `transaction_read_only` is on.
    #[error("database_url leads to a read-only database: the relay writes the log")]
    ReadOnly,
    /// Too old.
    #[error("database_url leads to PostgreSQL {0}; 15 or newer is needed")]
    TooOld(String),
    /// The migrations of the log are missing.
    #[error("the database at database_url has no event log: run `consent migrate` first")]
    NotMigrated,
}

/// Connects as the relay's role and checks what must hold before anything is appended.
///
/// The sessions are bounded on the server's side: an instance that stands still holds neither a lock
/// nor the order of commits for long. Commits are synchronous whatever the server's default, for what
/// was published must not vanish from the log in a crash.
///
/// # Errors
/// [`DatabaseError`].
pub async fn connect(url: &str) -> Result<PgPool, DatabaseError> {
    let options = PgConnectOptions::from_str(url)?.options([
        ("statement_timeout", "10s"),
        ("lock_timeout", "5s"),
        ("idle_in_transaction_session_timeout", "5s"),
        // The space is escaped for the server, which splits options at spaces.
        ("default_transaction_isolation", r"read\ committed"),
        ("synchronous_commit", "on"),
        ("application_name", "renkei-relay"),
    ]);
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS_MAX)
        .acquire_timeout(Duration::from_secs(5))
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    check(&pool).await?;
    Ok(pool)
}

#[derive(sqlx::FromRow)]
struct Server {
    version: i32,
    version_text: String,
    in_recovery: bool,
    read_only: bool,
    migrated: bool,
    prepared_transactions: i32,
}

async fn check(pool: &PgPool) -> Result<(), DatabaseError> {
    let server: Server = sqlx::query_as(
        "SELECT current_setting('server_version_num')::int AS version,
                current_setting('server_version') AS version_text,
                pg_is_in_recovery() AS in_recovery,
                current_setting('transaction_read_only')::bool AS read_only,
                to_regclass('public.parked_events') IS NOT NULL AS migrated,
                current_setting('max_prepared_transactions')::int AS prepared_transactions",
    )
    .fetch_one(pool)
    .await?;
    if server.version < OLDEST_VERSION {
        return Err(DatabaseError::TooOld(server.version_text));
    }
    if server.in_recovery {
        return Err(DatabaseError::Standby);
    }
    if server.read_only {
        return Err(DatabaseError::ReadOnly);
    }
    if !server.migrated {
        return Err(DatabaseError::NotMigrated);
    }
    if server.prepared_transactions > 0 {
        // They don't break the order, but one that is forgotten stops it for good.
        tracing::warn!(
            max_prepared_transactions = server.prepared_transactions,
            "a prepared transaction that nobody ends would hold the log back; set \
             max_prepared_transactions = 0 unless something needs it"
        );
    }
    Ok(())
}
