//! The one thing that depends on how a database orders its commits.

use std::{future::Future, time::Duration};

use crate::lease::Term;

/// What an append did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// So many events are new in the log, which now ends at `last`.
    Events {
        /// 0 where there was nothing to take.
        count: u32,
        /// The log's last number; 0 while it is empty.
        last: i64,
    },
    /// The term is over, or the data is not what this term looked at: nothing was appended.
    Fenced,
}

/// How far behind the log is.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// Whether something may be taken now.
    pub ready: bool,
    /// How long ago the oldest event that is not in the log was recorded; `None`: there is none.
    pub oldest: Option<Duration>,
}

/// Who holds the order of commits back.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldBack {
    /// How long its transaction has been open.
    pub age: Duration,
    /// In words: process id, database, application; what an operator needs to end it.
    pub by: String,
}

/// The tail of committed events, in an order that later commits can't change, and the log that it is
/// appended to. PostgreSQL's is [`crate::postgres_tail::PostgresTail`]; databases without one
/// cluster-wide order of transactions (Citus, YugabyteDB, CockroachDB) need another.
///
/// A tail promises: an event is appended once; every committed event is appended some time; events of a
/// stream are appended in their sequence; numbers are dense within an epoch; an append of a term that is
/// over appends nothing.
pub trait CommittedTail: Send + Sync + 'static {
    /// Why the tail could not be read or written.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Whether there is anything to take. Writes nothing.
    fn waiting(&self) -> impl Future<Output = Result<Waiting, Self::Error>> + Send;

    /// Appends the next events, at most `max`, together with how far the log then goes.
    fn append(
        &self,
        term: &Term,
        max: u32,
    ) -> impl Future<Output = Result<Appended, Self::Error>> + Send;

    /// The transaction that later events wait for, where there is one.
    fn held_back(&self) -> impl Future<Output = Result<Option<HeldBack>, Self::Error>> + Send;
}
