//! Rebuilds the authoritative projections from the events while writes go on.
//!
//! The rebuilt rows go into tables of their own beside the live ones, and are compared with them row for row.
//! Streams that move meanwhile are folded again, until few are left; the last of them, what differed until then
//! and, where asked for, the switch are looked at under a lock that holds writers up for that moment only.

mod all;
mod folding;
mod movers;

use consent_domain::{
    bank::BankStream,
    consent::ConsentStream,
    contract::ContractStream,
    journey::JourneyStream,
    partner::{PartnerAtBankStream, PartnerStream},
};
use sqlx::{Connection as _, PgConnection};

use self::{
    all::fold_all,
    movers::{Gate, fold_again, moved},
};
use crate::store::{Projected, Rows};

/// What becomes of the rebuilt tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Compared with the live ones, and dropped.
    Verify,
    /// Compared with the live ones, and put in their place: the old ones are dropped.
    Replace,
}

/// What a rebuild of one projection found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The projection's table.
    pub table: &'static str,
    /// Streams folded.
    pub streams: u64,
    /// Events folded, those of streams that moved counted again.
    pub events: u64,
    /// Rows that differed: another state or version, missing, or without events.
    pub differences: i64,
}

/// Why a rebuild failed; the live tables are as they were.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The database's.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A stored event that can't be read.
    #[error("event {sequence} of {stream} can't be read: {source}")]
    Event {
        /// The stream.
        stream: String,
        /// Which of its events.
        sequence: i64,
        /// Why.
        source: serde_json::Error,
    },
    /// A state that can't be written.
    #[error("a state can't be written as JSON: {0}")]
    State(serde_json::Error),
}

/// Rounds of catching up before the lock; later ones would find as many movers as this one.
const ROUNDS: usize = 5;
/// For the comparison: the rows of a table of some hundred thousand streams in memory.
const WRITER_SETTINGS: &str = "SET work_mem = '256MB'";

/// Rebuilds every projection, one after the other. Needs the owner's address: the service role may
/// not create tables.
///
/// # Errors
/// [`RebuildError`].
pub async fn rebuild(owner_url: &str, purpose: Purpose) -> Result<Vec<Rebuilt>, RebuildError> {
    let mut reader = PgConnection::connect(owner_url).await?;
    let mut writer = PgConnection::connect(owner_url).await?;
    execute(&mut writer, WRITER_SETTINGS).await?;
    let mut work = Work {
        owner_url,
        purpose,
        reader: &mut reader,
        writer: &mut writer,
    };
    Ok(vec![
        work.rebuild_one::<JourneyStream>().await?,
        work.rebuild_one::<ConsentStream>().await?,
        work.rebuild_one::<ContractStream>().await?,
        work.rebuild_one::<PartnerStream>().await?,
        work.rebuild_one::<PartnerAtBankStream>().await?,
        work.rebuild_one::<BankStream>().await?,
    ])
}

struct Work<'w> {
    owner_url: &'w str,
    purpose: Purpose,
    reader: &'w mut PgConnection,
    writer: &'w mut PgConnection,
}

impl Work<'_> {
    async fn rebuild_one<S: Projected>(&mut self) -> Result<Rebuilt, RebuildError> {
        let live = S::TABLE;
        let table = format!("{live}_rebuilt");
        let mut rebuilt = Rebuilt {
            table: live,
            streams: 0,
            events: 0,
            differences: 0,
        };
        let mut gate = Gate::now(self.writer).await?;
        self.make_table(live, &table).await?;
        fold_all::<S>(self.owner_url, &table, &mut rebuilt).await?;
        // No other index yet: a unique one holds for the streams together, and while they are caught up
        // with they are not all of one moment.
        self.execute(&format!("ALTER TABLE {table} ADD PRIMARY KEY (stream_id)"))
            .await?;
        self.execute(&format!("ANALYZE {table}")).await?;
        for _ in 0..ROUNDS {
            let next = Gate::now(self.writer).await?;
            let moved = self.catch_up::<S>(&table, &gate, &mut rebuilt).await?;
            gate = next;
            if moved.is_empty() {
                break;
            }
        }
        self.let_leave::<S>(&table).await?;
        let differing = self.differing(live, &table, None).await?;
        // Readers go on; writers wait from here to the end.
        self.execute("BEGIN").await?;
        let finished = self
            .finish::<S>(&table, &gate, differing, &mut rebuilt)
            .await;
        let end = if finished.is_ok() {
            "COMMIT"
        } else {
            "ROLLBACK"
        };
        self.execute(end).await?;
        finished.map(|()| rebuilt)
    }

    async fn make_table(&mut self, live: &str, table: &str) -> Result<(), RebuildError> {
        // What is dropped in the end has no need to outlive a crash.
        let kind = match self.purpose {
            Purpose::Verify => "UNLOGGED TABLE",
            Purpose::Replace => "TABLE",
        };
        self.execute(&format!("DROP TABLE IF EXISTS {table}"))
            .await?;
        self.execute(&format!(
            "CREATE {kind} {table} (LIKE {live} INCLUDING DEFAULTS INCLUDING GENERATED)"
        ))
        .await
    }

    /// Under the lock: the last movers, and once more those rows that differed or moved since they were
    /// compared.
    async fn finish<S: Projected>(
        &mut self,
        table: &str,
        gate: &Gate,
        mut suspects: Vec<String>,
        rebuilt: &mut Rebuilt,
    ) -> Result<(), RebuildError> {
        let live = S::TABLE;
        let mode = match self.purpose {
            Purpose::Verify => "SHARE",
            Purpose::Replace => "ACCESS EXCLUSIVE",
        };
        self.execute(&format!("LOCK TABLE {live} IN {mode} MODE"))
            .await?;
        loop {
            let moved = self.catch_up::<S>(table, gate, rebuilt).await?;
            if moved.is_empty() {
                break;
            }
            suspects.extend(moved);
        }
        self.let_leave::<S>(table).await?;
        let differing = self.differing(live, table, Some(suspects)).await?;
        rebuilt.differences = i64::try_from(differing.len()).unwrap_or(i64::MAX);
        match self.purpose {
            Purpose::Verify => self.execute(&format!("DROP TABLE {table}")).await,
            Purpose::Replace => replace(self.writer, live, table).await,
        }
    }

    /// A row that left stays away; every other is compared.
    async fn let_leave<S: Projected>(&mut self, table: &str) -> Result<(), RebuildError> {
        let Rows::Leave(condition) = S::ROWS else {
            return Ok(());
        };
        let live = S::TABLE;
        self.execute(&format!(
            "DELETE FROM {table} r WHERE {condition}
                AND NOT EXISTS (SELECT FROM {live} l WHERE l.stream_id = r.stream_id)"
        ))
        .await
    }

    /// Folds again what moved since the gate. Gives which streams that were.
    async fn catch_up<S: Projected>(
        &mut self,
        table: &str,
        gate: &Gate,
        rebuilt: &mut Rebuilt,
    ) -> Result<Vec<String>, RebuildError> {
        let moved = moved::<S>(self.writer, table, gate).await?;
        if !moved.is_empty() {
            let connections = (&mut *self.reader, &mut *self.writer);
            fold_again::<S>(connections, table, moved.clone(), rebuilt).await?;
        }
        Ok(moved)
    }

    /// The streams whose rows differ, of all or of those named: another state or version, other times,
    /// missing, or without events.
    async fn differing(
        &mut self,
        live: &str,
        table: &str,
        of: Option<Vec<String>>,
    ) -> Result<Vec<String>, sqlx::Error> {
        let only = match of {
            None => "",
            // Before the join, so that each side is read by its key.
            Some(_) => "WHERE stream_id = ANY($1)",
        };
        let sql = format!(
            "SELECT stream_id FROM (SELECT * FROM {live} {only}) l
             FULL JOIN (SELECT * FROM {table} {only}) r USING (stream_id)
             WHERE (l.version, l.state_version, l.state, l.began_at, l.changed_at) IS DISTINCT FROM
                (r.version, r.state_version, r.state, r.began_at, r.changed_at)"
        );
        let query = match of {
            None => sqlx::query_scalar(&sql),
            Some(streams) => sqlx::query_scalar(&sql).bind(streams),
        };
        query.fetch_all(&mut *self.writer).await
    }

    async fn execute(&mut self, sql: &str) -> Result<(), RebuildError> {
        execute(self.writer, sql).await
    }
}

/// The rebuilt table takes the live one's name, rights and indexes.
async fn replace(writer: &mut PgConnection, live: &str, table: &str) -> Result<(), RebuildError> {
    let grants: Vec<String> = sqlx::query_scalar(
        "SELECT format('GRANT %s ON %s TO %I', privilege_type, $2, grantee)
         FROM information_schema.role_table_grants
         WHERE table_name = $1 AND table_schema = 'public' AND grantee <> current_user",
    )
    .bind(live)
    .bind(table)
    .fetch_all(&mut *writer)
    .await?;
    for grant in grants {
        execute(writer, &grant).await?;
    }
    let indexes: Vec<String> = sqlx::query_scalar(
        "SELECT pg_get_indexdef(indexrelid) FROM pg_index
         WHERE indrelid = $1::regclass AND NOT indisprimary",
    )
    .bind(live)
    .fetch_all(&mut *writer)
    .await?;
    execute(writer, &format!("DROP TABLE {live}")).await?;
    execute(writer, &format!("ALTER TABLE {table} RENAME TO {live}")).await?;
    execute(
        writer,
        &format!("ALTER INDEX {table}_pkey RENAME TO {live}_pkey"),
    )
    .await?;
    for index in indexes {
        execute(writer, &index).await?;
    }
    Ok(())
}

async fn execute(connection: &mut PgConnection, sql: &str) -> Result<(), RebuildError> {
    sqlx::query(sql).execute(connection).await?;
    Ok(())
}
