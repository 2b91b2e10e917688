//! Searching consents and journeys of a bank, page by page. Every search that is offered has an index that
//! holds its rows in the order in which they are given, so a page costs what it shows, wherever it is; what has
//! none is refused. All SQL of searches is here.

pub mod consents;
mod cursor;
pub mod journeys;

use consent_domain::Instant;
use serde::Serialize;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, postgres::PgRow};
use tracing::Instrument as _;

pub use cursor::{BadCursor, Place};

use crate::store::sql_span;

/// Most rows of one page.
pub const PAGE_MAX: i64 = 1000;

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

/// The statement of a page with what executing it cost, as PostgreSQL's JSON: for measurements.
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
