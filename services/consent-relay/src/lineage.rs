//! Whether the data is what the relay last worked on. A restore can take numbers back that were
//! published, or begin transaction ids anew; both would lose events without a word.

use sqlx::PgPool;

use crate::lease::Term;

/// In a statement over `sequencer s`: the data's lineage is the one that was looked at. The cluster's
/// identifier differs after a dump was restored elsewhere, the timeline after a failover or a restore to
/// a point in time, the database's id after a copy or a restore into the same cluster.
pub(crate) const SAME_LINEAGE: &str =
    "s.system_identifier = (SELECT system_identifier FROM pg_control_system())
     AND s.timeline = left(pg_walfile_name(pg_current_wal_lsn()), 8)
     AND s.database_oid = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// What the data is, compared with when a relay last led.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lineage {
    /// As it was, or no relay led before.
    Known,
    /// Another timeline or a copy: transaction ids go on, but what was published last may be missing.
    /// Nothing is appended before the publisher has compared.
    Moved,
}

/// The order of commits can't be continued as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Another cluster: its transaction ids have nothing to do with those of the log.
    #[error(
        "this database was restored into another cluster (system identifier {now}, the log's is \
         {recorded}): its transaction ids began anew, and appending would lose events. Run \
         `consent-relay epoch advance` (docs/relay.md, Restore)"
    )]
    OtherCluster {
        /// The log's.
        recorded: i64,
        /// This cluster's.
        now: i64,
    },
    /// Events carry transaction ids that this cluster has not given out yet.
    #[error(
        "transaction ids went backwards: stored events carry ids up to {stored}, and the cluster's \
         next is {next}. Run `consent-relay epoch advance` (docs/relay.md, Restore)"
    )]
    WentBack {
        /// The greatest that the log or the events know.
        stored: String,
        /// The cluster's next.
        next: String,
    },
}

/// Why the lineage could not be told.
#[derive(Debug, thiserror::Error)]
pub enum LineageError {
    /// The database's.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// Nothing may be appended.
    #[error(transparent)]
    Broken(#[from] Broken),
}

#[derive(sqlx::FromRow)]
struct Compared {
    recorded: Option<i64>,
    now: i64,
    same: bool,
    stored: String,
    next: String,
    went_back: bool,
}

/// Compares the data with what was recorded.
///
/// # Errors
/// [`LineageError`].
pub async fn compare(pool: &PgPool) -> Result<Lineage, LineageError> {
    let compared: Compared = sqlx::query_as(&format!(
        "SELECT s.system_identifier AS recorded,
                (SELECT system_identifier FROM pg_control_system()) AS now,
                coalesce({SAME_LINEAGE}, false) AS same,
                stored.id::text AS stored, next.id::text AS next, stored.id >= next.id AS went_back
         FROM sequencer s,
              LATERAL (SELECT pg_snapshot_xmax(pg_current_snapshot()) AS id) next,
              -- Restored events of an earlier epoch keep their ids; then only the log's count.
              LATERAL (SELECT greatest(s.transaction_id,
                  CASE WHEN s.epoch = 1 THEN (SELECT max(transaction_id) FROM events) END) AS id) stored"
    ))
    .fetch_one(pool)
    .await?;
    if let Some(recorded) = compared
        .recorded
        .filter(|recorded| *recorded != compared.now)
    {
        return Err(Broken::OtherCluster {
            recorded,
            now: compared.now,
        }
        .into());
    }
    if compared.went_back {
        return Err(Broken::WentBack {
            stored: compared.stored,
            next: compared.next,
        }
        .into());
    }
    Ok(if compared.same || compared.recorded.is_none() {
        Lineage::Known
    } else {
        Lineage::Moved
    })
}

/// Records the data as looked at: from here on this term may append. False where the term is over.
///
/// # Errors
/// The database's.
pub async fn confirm(pool: &PgPool, term: &Term) -> Result<bool, sqlx::Error> {
    let confirmed = sqlx::query(
        "UPDATE sequencer SET
             system_identifier = (SELECT system_identifier FROM pg_control_system()),
             timeline = left(pg_walfile_name(pg_current_wal_lsn()), 8),
             database_oid = (SELECT oid FROM pg_database WHERE datname = current_database())
         WHERE holder = $1 AND fence = $2 AND expires_at > clock_timestamp()",
    )
    .bind(&term.holder)
    .bind(term.fence)
    .execute(pool)
    .await?;
    Ok(confirmed.rows_affected() == 1)
}
