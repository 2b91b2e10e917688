use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use tracing::Instrument as _;

use super::{
    data_read::DataRead,
    metrics, partitions,
    statement::{self, Outcome},
};
use crate::{
    coalescing::{BatchRead, Coalescing, Limits, Unanswered},
    decisions::ends_connection,
    store::sql_span,
};

/// One statement under way, so that all who wait share the next one's commit. More than 256 take longer
/// to bind than a commit takes.
const LIMITS: Limits = Limits {
    questions: 256,
    reads: 1,
    waiting: 8_192,
};
/// A statement takes a commit and well under a millisecond for each record; the account API waits no
/// longer.
const WRITE_WITHIN: Duration = Duration::from_secs(2);
/// After a lost connection, a deadlock or a missing month: nothing was written, so all may be written
/// again.
const MOST_TRIES: usize = 3;

/// Why a read is not recorded. Then it must not be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unrecorded {
    /// No such grant of that client, or a record's id of another time.
    #[error("no such grant of this client, or a time minutes away from now")]
    Refused,
    /// Too many wait already.
    #[error("more reads wait to be recorded than may")]
    Overloaded,
    /// The statement failed.
    #[error(transparent)]
    Failed(Arc<WriteError>),
    /// The statement did not come to its end.
    #[error("the record was given up")]
    GivenUp,
}

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// The database's.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// Nothing came within [`WRITE_WITHIN`].
    #[error("no answer within {WRITE_WITHIN:?}")]
    TooSlow,
}

/// Records what partners read. Those who report at the same time share a commit.
pub struct AccessRecorder(Coalescing<Writer>);

impl AccessRecorder {
    /// `options`: of the primary. Opens nothing yet.
    pub(crate) fn new(options: PgConnectOptions) -> Self {
        Self(Coalescing::new(Writer::new(options), LIMITS))
    }

    /// Records a read: it is committed when this gives `Ok`. A repeat with the same id is recorded once.
    ///
    /// # Errors
    /// [`Unrecorded`]; the record may be there all the same where the answer was lost.
    pub(crate) async fn record(&self, read: DataRead) -> Result<(), Unrecorded> {
        // The asker's own span: its wait, and the statement that it shares.
        let asked = self.0.ask(read).instrument(sql_span("record a read")).await;
        let recorded = match asked {
            Ok(Outcome::Recorded) => Ok(()),
            Ok(Outcome::Refused) => Err(Unrecorded::Refused),
            Err(Unanswered::Overloaded) => Err(Unrecorded::Overloaded),
            Err(Unanswered::Failed(error)) => Err(Unrecorded::Failed(error)),
            Err(Unanswered::GivenUp) => Err(Unrecorded::GivenUp),
        };
        metrics::reported(match &recorded {
            Ok(()) => "recorded",
            Err(Unrecorded::Refused) => "refused",
            Err(Unrecorded::Overloaded) => "overloaded",
            Err(Unrecorded::Failed(_) | Unrecorded::GivenUp) => "failed",
        });
        recorded
    }

    /// Closes the connection, where no statement uses it.
    pub(crate) async fn close(&self) {
        let kept = self.0.reader().kept().take();
        if let Some(connection) = kept
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "the access record's connection was gone already");
        }
    }
}

/// Writes on a connection of its own, which stays: neither pages nor the sweeper can take it away.
struct Writer {
    options: PgConnectOptions,
    kept: Mutex<Option<PgConnection>>,
}

/// What is done before the records are written again.
enum Remedy {
    /// The database was restarted, or something between cut an idle connection.
    ConnectAnew,
    /// Another replica's statement came in between.
    WriteAgain,
    /// No partition takes the time of a record.
    MakeMonth,
}

impl Remedy {
    fn of(error: &sqlx::Error) -> Option<Self> {
        if ends_connection(error) {
            return Some(Self::ConnectAnew);
        }
        let error = error.as_database_error()?;
        match error.code().as_deref() {
            Some("40001" | "40P01") => Some(Self::WriteAgain),
            // A violated CHECK has a name, a missing partition has none.
            Some("23514") if error.constraint().is_none() => Some(Self::MakeMonth),
            _ => None,
        }
    }
}

impl Writer {
    fn new(options: PgConnectOptions) -> Self {
        // As for decisions: a plan made for one record serves 256. And no statement outlives those who
        // wait for it.
        let options = options.options([
            ("plan_cache_mode", "force_generic_plan"),
            ("enable_hashjoin", "off"),
            ("enable_mergejoin", "off"),
            ("jit", "off"),
            ("statement_timeout", "2s"),
        ]);
        Self {
            options,
            kept: Mutex::new(None),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Option<PgConnection>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connection(&self) -> Result<PgConnection, sqlx::Error> {
        let kept = self.kept().take();
        match kept {
            Some(connection) => Ok(connection),
            None => PgConnection::connect_with(&self.options).await,
        }
    }

    async fn write(&self, reads: &[DataRead]) -> Result<Vec<Outcome>, sqlx::Error> {
        let mut tries = 1;
        loop {
            let mut connection = self.connection().await?;
            let error = match statement::write(&mut connection, reads).await {
                Ok(outcomes) => {
                    *self.kept() = Some(connection);
                    return Ok(outcomes);
                }
                Err(error) => error,
            };
            let remedy = Remedy::of(&error).filter(|_| tries < MOST_TRIES);
            tries += 1;
            match remedy {
                None => return Err(error),
                Some(Remedy::ConnectAnew) => {}
                Some(Remedy::WriteAgain) => *self.kept() = Some(connection),
                Some(Remedy::MakeMonth) => {
                    let moments = statement::moments(reads);
                    partitions::make_missing(&mut connection, &moments).await?;
                    *self.kept() = Some(connection);
                }
            }
        }
    }
}

impl BatchRead for Writer {
    type Question = DataRead;
    type Answer = Outcome;
    type Error = WriteError;

    async fn read(&self, reads: &[DataRead]) -> Result<Vec<Outcome>, WriteError> {
        metrics::statement(reads.len());
        let written = tokio::time::timeout(WRITE_WITHIN, self.write(reads)).await;
        Ok(written.map_err(|_| WriteError::TooSlow)??)
    }
}
