use cqrs_es::{EventStore as _, persist::PersistedEventStore};
use postgres_es::PostgresEventRepository;
use sqlx::{PgPool, Row as _, postgres::PgRow};

use tracing::Instrument as _;

use super::{NoStream, Projected, Rows, World, sql_span};

/// A stream folded from its events.
pub struct Folded<S> {
    /// What the events add up to.
    pub state: S,
    /// How many there are.
    pub version: i64,
}

/// Folding meets no refusal.
#[derive(Debug, thiserror::Error)]
#[error("unreachable: folding decides nothing")]
pub struct NeverRefused;

/// Folds a stream from its events through postgres-es's stock repository and the stream's
/// upcasters: for rebuilds, and for states written by a release with another fold.
///
/// # Errors
/// Whatever the stock store reports: the database's errors, or an event that can't be read.
pub async fn fold<A: Projected>(
    pool: &PgPool,
    stream_id: &str,
) -> Result<Folded<A::State>, Box<dyn std::error::Error + Send + Sync>> {
    let repository = PostgresEventRepository::new(pool.clone());
    let store =
        PersistedEventStore::<_, World<A, NoStream, NeverRefused>>::new_event_store(repository)
            .with_upcasters(A::upcasters());
    let context = store
        .load_aggregate(stream_id)
        .instrument(sql_span("fold"))
        .await?;
    Ok(Folded {
        state: context.aggregate.first,
        version: i64::try_from(context.current_sequence)?,
    })
}

/// A read of the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database's.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A stored id is none.
    #[error(transparent)]
    Id(#[from] consent_domain::InvalidId),
    /// A stream could not be folded.
    #[error("a stream could not be folded: {0}")]
    Fold(Box<dyn std::error::Error + Send + Sync>),
}

/// Whether [`state_of_row`] will fold the stream of that row.
///
/// # Errors
/// Where the column is missing.
pub(super) fn must_be_folded<S: Projected>(row: &PgRow, prefix: &str) -> Result<bool, sqlx::Error> {
    let written_by: Option<i32> = row.try_get(format!("{prefix}_state_version").as_str())?;
    match written_by {
        Some(version) => Ok(version != S::STATE_VERSION),
        None => has_left::<S>(row, prefix),
    }
}

/// Whether the stream's row has left its projection while its events are there: then they are folded.
fn has_left<S: Projected>(row: &PgRow, prefix: &str) -> Result<bool, sqlx::Error> {
    match S::ROWS {
        Rows::Stay => Ok(false),
        Rows::Leave(_) => row.try_get(format!("{prefix}_left").as_str()),
    }
}

/// A stream's state and version from its projection's row, with columns `PREFIX_version`,
/// `PREFIX_state_version` and `PREFIX_state`; folded anew where another release's fold wrote it. A
/// missing row is the state before the first fact; of a projection whose rows may leave, a column
/// `PREFIX_left` ([`Rows::have_left`]) tells whether there are facts nevertheless.
///
/// # Errors
/// [`StoreError`].
pub async fn state_of_row<S: Projected>(
    pool: &PgPool,
    row: &PgRow,
    prefix: &str,
    stream_id: &str,
) -> Result<(S::State, i64), StoreError> {
    let version: Option<i64> = row.try_get(format!("{prefix}_version").as_str())?;
    let Some(version) = version else {
        if !has_left::<S>(row, prefix)? {
            return Ok((S::State::default(), 0));
        }
        let folded = fold::<S>(pool, stream_id).await.map_err(StoreError::Fold)?;
        return Ok((folded.state, folded.version));
    };
    let written_by: i32 = row.try_get(format!("{prefix}_state_version").as_str())?;
    if written_by != S::STATE_VERSION {
        let folded = fold::<S>(pool, stream_id).await.map_err(StoreError::Fold)?;
        return Ok((folded.state, folded.version));
    }
    let state: sqlx::types::Json<S::State> = row.try_get(format!("{prefix}_state").as_str())?;
    Ok((state.0, version))
}

/// A stream's state by its id.
///
/// # Errors
/// [`StoreError`].
pub async fn state_of<S: Projected>(
    pool: &PgPool,
    stream_id: &str,
) -> Result<S::State, StoreError> {
    let sql = format!(
        "SELECT version AS s_version, state_version AS s_state_version, state AS s_state
         FROM {} WHERE stream_id = $1",
        S::TABLE
    );
    let row = sqlx::query(&sql).bind(stream_id).fetch_optional(pool);
    match row.instrument(sql_span("load")).await? {
        None if matches!(S::ROWS, Rows::Leave(_)) => {
            let folded = fold::<S>(pool, stream_id).await.map_err(StoreError::Fold)?;
            Ok(folded.state)
        }
        None => Ok(S::State::default()),
        Some(row) => Ok(state_of_row::<S>(pool, &row, "s", stream_id).await?.0),
    }
}
