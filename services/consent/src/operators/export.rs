//! A search as a stream: rows of one moment, read page by page in one snapshot, in bounded memory. The last
//! record says that it is complete; where something fails before, the connection is cut.

use std::time::Duration;

use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_DISPOSITION},
    web::Bytes,
};
use futures_util::stream;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgPool};
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};

use crate::{
    app::App,
    operator::{Act, AtBank, Begun, Outcome, Subject},
    problem::{Problem, problem},
    search::{self, Search},
};

/// Rows of one read.
const ROWS_AT_ONCE: i64 = 500;
/// Chunks that wait for a slow reader.
const CHUNKS: usize = 2;
/// Longest export: its snapshot holds back what the database may clean up.
const TIME_MAX: Duration = Duration::from_secs(600);
/// At most so many at once in this replica.
static RUNNING: Semaphore = Semaphore::const_new(2);

impl Problem {
    /// More exports run than may.
    pub(crate) const TOO_MANY_EXPORTS: Self = problem(
        429,
        "too_many_exports",
        "Too many exports run already",
        "Two exports run here at once, and both are taken. Ask again when one has ended.",
    )
    .retrying_after(30);
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    Ndjson,
}

impl Format {
    /// By the end of a file's name.
    pub(crate) fn find(name: &str) -> Option<Self> {
        let mut all = [Self::Csv, Self::Ndjson].into_iter();
        all.find(|format| format.as_str() == name)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}

/// Room for one more export.
///
/// # Errors
/// [`Problem::TOO_MANY_EXPORTS`].
fn slot() -> Result<SemaphorePermit<'static>, Problem> {
    RUNNING.try_acquire().map_err(|_| Problem::TOO_MANY_EXPORTS)
}

#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("a row can't be written: {0}")]
    Json(#[from] serde_json::Error),
    #[error("a row can't be written: {0}")]
    Csv(#[from] csv::Error),
    #[error("the reader went away")]
    ReaderGone,
    #[error("it took too long")]
    TooLong,
}

/// What an export reads from, and where it is recorded: the record does not wait for searches.
#[derive(Clone, Copy)]
pub(crate) struct Pools<'a> {
    record: &'a PgPool,
    reading: &'a PgPool,
}

impl<'a> Pools<'a> {
    pub(crate) fn of(app: &'a App) -> Self {
        Self {
            record: &app.pool,
            reading: &app.searches,
        }
    }
}

/// Records the act, then answers; `query` is what was asked for, of `what`.
///
/// # Errors
/// [`Problem::TOO_MANY_EXPORTS`]; that the act could not be recorded.
pub(crate) async fn begin<S: Search + 'static>(
    pools: Pools<'_>,
    at: &AtBank,
    search: S,
    (what, query, format): (&'static str, &str, Format),
) -> Result<HttpResponse, Problem> {
    let slot = slot()?;
    let act = Act {
        code: "export",
        subject: Subject::of_kind(what),
        detail: json!({ "query": query, "format": format.as_str() }),
    };
    let begun = at.begin(pools.record, act).await?;
    Ok(answer(pools, search, format, begun, slot))
}

/// The answer, which begins at once.
fn answer<S: Search + 'static>(
    pools: Pools<'_>,
    search: S,
    format: Format,
    begun: Begun,
    slot: SemaphorePermit<'static>,
) -> HttpResponse {
    let (sender, receiver) = mpsc::channel(CHUNKS);
    let (record, reading) = (pools.record.clone(), pools.reading.clone());
    tokio::spawn(async move {
        let _slot = slot;
        let mut rows = 0;
        let written = write(&reading, &search, format, &sender, &mut rows);
        let written = tokio::time::timeout(TIME_MAX, written);
        let done = written.await.unwrap_or(Err(ExportError::TooLong));
        let outcome = match &done {
            Ok(()) => Outcome::Done,
            Err(error) => {
                tracing::warn!(%error, rows, "an export was cut off");
                Outcome::Failed
            }
        };
        if let Err(error) = begun.end(&record, outcome, json!({ "rows": rows })).await {
            tracing::error!(%error, "the outcome of an export could not be recorded");
        }
        if done.is_err() {
            // Cuts the connection before the end of the last chunk.
            let cut = std::io::Error::other("the export was cut off");
            drop(sender.send(Err(cut)).await);
        }
    });
    let body = stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    });
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"export.{}\"", format.as_str()),
        ))
        .content_type(format.media_type())
        .streaming(body)
}

type Chunks = mpsc::Sender<Result<Bytes, std::io::Error>>;

/// Writes all pages and the last record; counts the rows.
async fn write<S: Search>(
    pool: &PgPool,
    search: &S,
    format: Format,
    chunks: &Chunks,
    rows: &mut u64,
) -> Result<(), ExportError> {
    // Not the pool's own: a slow reader must keep no request waiting.
    let mut connection = pool.acquire().await?.detach();
    let mut writer = Writer::new(format);
    let mut snapshot = connection.begin().await?;
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        .execute(&mut *snapshot)
        .await?;
    // A reader may be slow, not gone.
    sqlx::query("SET LOCAL idle_in_transaction_session_timeout = '60s'")
        .execute(&mut *snapshot)
        .await?;
    let mut after = None;
    loop {
        let page = search::page(&mut snapshot, search, after.as_ref(), ROWS_AT_ONCE).await?;
        for found in &page.found {
            writer.row(&serde_json::to_value(found)?)?;
            *rows += 1;
        }
        after = page.next;
        if after.is_none() {
            writer.end(*rows)?;
        }
        let chunk = writer.take()?;
        if chunks.send(Ok(chunk)).await.is_err() {
            return Err(ExportError::ReaderGone);
        }
        if after.is_none() {
            break;
        }
    }
    snapshot.rollback().await?;
    connection.close().await?;
    Ok(())
}

/// Rows as text.
enum Writer {
    Ndjson(Vec<u8>),
    Csv {
        records: csv::Writer<Vec<u8>>,
        columns: Vec<String>,
    },
}

impl Writer {
    fn new(format: Format) -> Self {
        match format {
            Format::Ndjson => Self::Ndjson(Vec::new()),
            Format::Csv => Self::Csv {
                records: records(),
                columns: Vec::new(),
            },
        }
    }

    fn row(&mut self, row: &Value) -> Result<(), ExportError> {
        match self {
            Self::Ndjson(lines) => {
                serde_json::to_writer(&mut *lines, row)?;
                lines.push(b'\n');
            }
            Self::Csv { records, columns } => {
                let members = row.as_object().into_iter().flatten();
                if columns.is_empty() {
                    columns.extend(members.clone().map(|(name, _)| name.clone()));
                    records.write_record(&*columns)?;
                }
                records.write_record(members.map(|(_, value)| field(value)))?;
            }
        }
        Ok(())
    }

    fn end(&mut self, rows: u64) -> Result<(), ExportError> {
        match self {
            Self::Ndjson(_) => self.row(&json!({ "end": true, "rows": rows })),
            Self::Csv { records, columns } => {
                let width = columns.len().max(2);
                let last = ["END".to_owned(), rows.to_string()];
                let padding = std::iter::repeat_n(String::new(), width - 2);
                records.write_record(last.into_iter().chain(padding))?;
                Ok(())
            }
        }
    }

    /// What was written since the last time.
    fn take(&mut self) -> Result<Bytes, ExportError> {
        match self {
            Self::Ndjson(lines) => Ok(std::mem::take(lines).into()),
            Self::Csv { records: held, .. } => {
                let written = std::mem::replace(held, records());
                let bytes = written
                    .into_inner()
                    .map_err(|error| csv::Error::from(error.into_error()))?;
                Ok(bytes.into())
            }
        }
    }
}

/// RFC 4180: lines end in CRLF.
fn records() -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .flexible(true)
        .from_writer(Vec::new())
}

/// A value as a field that no spreadsheet takes for a formula: one that begins with `=`, `+`, `-`, `@`, a tab
/// or a carriage return gets an apostrophe before it (OWASP, "CSV Injection").
fn field(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            let texts: Vec<String> = values.iter().map(field).collect();
            texts.join(" ")
        }
        other => other.to_string(),
    };
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']) {
        format!("'{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_csv_has_a_header_and_an_end_and_no_formula() {
        let mut writer = Writer::new(Format::Csv);
        let rows = [
            json!({ "a": "=1+1", "b": null, "c": ["x", "y"] }),
            json!({ "a": "a,\"b\"", "b": 7, "c": [] }),
        ];
        for row in &rows {
            writer.row(row).unwrap();
        }
        let first = writer.take().unwrap();
        writer.end(2).unwrap();
        let last = writer.take().unwrap();
        assert_eq!(first, "a,b,c\r\n'=1+1,,x y\r\n\"a,\"\"b\"\"\",7,\r\n");
        assert_eq!(last, "END,2,\r\n");
    }

    #[test]
    fn an_export_without_rows_has_an_end() {
        for (format, text) in [
            (Format::Csv, "END,0\r\n"),
            (Format::Ndjson, "{\"end\":true,\"rows\":0}\n"),
        ] {
            let mut writer = Writer::new(format);
            writer.end(0).unwrap();
            assert_eq!(writer.take().unwrap(), text);
        }
    }
}
