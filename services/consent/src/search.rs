//! Searching consents and journeys of a bank, page by page. Every search that is offered has an index that
//! holds its rows in the order in which they are given, so a page costs what it shows, wherever it is; what has
//! none is refused. All SQL of searches is here.

pub mod consents;
mod cursor;
pub mod journeys;

use std::time::Duration;

use consent_domain::Instant;
use serde::Serialize;
use sqlx::{
    Connection as _, FromRow, PgConnection, PgPool, Postgres, QueryBuilder,
    postgres::{PgConnectOptions, PgPoolOptions, PgRow},
};
use tracing::Instrument as _;

pub use cursor::{BadCursor, Place};

use crate::store::sql_span;

/// Most rows of one page.
pub const PAGE_MAX: i64 = 1000;

/// Searches that run at once; exports have connections of their own.
const CONNECTIONS: u32 = 3;

/// Connections for searches, opened when they are needed. They are none of those that customers wait for, and
/// each keeps the plan of a statement: a search that merges many ranges takes longer to plan than to run, and
/// its best plan is the same for every value.
pub fn connections(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(Duration::from_secs(5))
        .idle_timeout(Duration::from_secs(300))
        .test_before_acquire(false)
        .connect_lazy_with(
            options.options([("plan_cache_mode", "force_generic_plan"), ("jit", "off")]),
        )
}

/// A span of time; either side may be open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// From this instant on.
    pub from: Option<Instant>,
    /// Before this instant.
    pub to: Option<Instant>,
}

impl Span {
    /// Whether both sides are open.
    pub fn is_open(self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    fn push(self, sql: &mut QueryBuilder<'_, Postgres>, column: &str) {
        if let Some(from) = self.from {
            sql.push(format!(" AND {column} >= ")).push_bind(from);
        }
        if let Some(to) = self.to {
            sql.push(format!(" AND {column} < ")).push_bind(to);
        }
    }
}

/// A search, whatever is searched.
pub trait Search: Send + Sync {
    /// What is found.
    type Found: for<'r> FromRow<'r, PgRow> + Serialize + Placed + Send + Unpin;

    /// Writes the statement of the page after a place, of at most so many rows.
    fn push_sql(&self, sql: &mut QueryBuilder<'_, Postgres>, after: Option<&Place>, limit: i64);

    /// What tells it from other searches: a cursor of one is none of another.
    fn text(&self) -> String;
}

/// Something that stands at a place in the order of its search.
pub trait Placed {
    /// Where.
    fn place(&self) -> Place;
}

/// A page of what was found.
#[derive(Debug)]
pub struct Page<T> {
    /// The rows, the newest first.
    pub found: Vec<T>,
    /// After which the next page begins; none on the last.
    pub next: Option<Place>,
}

/// The page after a place.
///
/// # Errors
/// The database's.
pub async fn page<S: Search>(
    connection: &mut PgConnection,
    search: &S,
    after: Option<&Place>,
    limit: i64,
) -> Result<Page<S::Found>, sqlx::Error> {
    let limit = limit.clamp(1, PAGE_MAX);
    let mut sql = QueryBuilder::new("");
    // One more tells whether there is a next page.
    search.push_sql(&mut sql, after, limit + 1);
    let mut found: Vec<S::Found> = sql
        .build_query_as()
        .fetch_all(connection)
        .instrument(sql_span("search"))
        .await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| is_more).map(Placed::place);
    Ok(Page { found, next })
}

/// How many rows of tables the statement of a page looks at, those that it passes over included, as PostgreSQL
/// counts them: for measurements.
///
/// # Errors
/// The database's.
pub async fn rows_read<S: Search>(
    connection: &mut PgConnection,
    search: &S,
    after: Option<&Place>,
    limit: i64,
) -> Result<i64, sqlx::Error> {
    const SO_FAR: &str =
        "SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::bigint
        FROM pg_stat_xact_user_tables";
    // Counts are told to others, and set back, between transactions only.
    let mut transaction = connection.begin().await?;
    let before: i64 = sqlx::query_scalar(SO_FAR)
        .fetch_one(&mut *transaction)
        .await?;
    page(&mut transaction, search, after, limit).await?;
    let now: i64 = sqlx::query_scalar(SO_FAR)
        .fetch_one(&mut *transaction)
        .await?;
    transaction.rollback().await?;
    Ok(now - before)
}

/// What executing the statement of a page costs, as PostgreSQL's JSON, with the plan that it makes for these
/// very values: for measurements.
///
/// # Errors
/// The database's.
pub async fn explain<S: Search>(
    connection: &mut PgConnection,
    search: &S,
    after: Option<&Place>,
    limit: i64,
) -> Result<serde_json::Value, sqlx::Error> {
    let mut sql = QueryBuilder::new("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ");
    search.push_sql(&mut sql, after, limit + 1);
    sql.build_query_scalar().fetch_one(connection).await
}
