//! What operators do is recorded before it happens or is answered: who, at which bank, what, on what. A read
//! is one row. What changes something is a row first ([`AtBank::begin`]), whose id the facts that follow name
//! as their cause, and a second one with its outcome; where a crash comes between, the facts tell.

use std::sync::LazyLock;

use chrono::Utc;
use consent_domain::BankCode;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use serde_json::{Value, json};
use sqlx::PgPool;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{Admitted, AtBank};
use crate::{entropy, store::sql_span};

/// Identifies a recorded act; the `causation_id` of the facts that follow from it.
pub type ActId = Uuid;

/// Longest detail, in bytes of JSON; the table takes a little more.
const DETAIL_BYTES_MAX: usize = 6 * 1024;

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Recorded {
    via: &'static str,
    act: &'static str,
    outcome: &'static str,
}

static RECORDED: LazyLock<Family<Recorded, Counter>> = LazyLock::new(Family::default);

/// Adds what is counted here to the process's registry.
pub(crate) fn register_metrics(registry: &mut Registry) {
    registry.register(
        "operator_acts",
        "Acts of operators that were recorded, by outcome; refused ones tell of wrong passwords and of tries",
        RECORDED.clone(),
    );
}

/// By which way an operator came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// The API, by a bearer token.
    Api,
    /// The console, by a session.
    Console,
    /// The command line.
    CommandLine,
}

impl Via {
    /// The word in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Console => "console",
            Self::CommandLine => "command_line",
        }
    }
}

/// On what an operator acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    kind: &'static str,
    id: Option<String>,
}

impl Subject {
    /// Nothing in particular of that kind, e.g. a search for `consents`.
    pub fn of_kind(kind: &'static str) -> Self {
        Self { kind, id: None }
    }

    /// That one: an opaque id, never a name or a number. Longer ids than 128 bytes are cut.
    pub fn new(kind: &'static str, id: impl Into<String>) -> Self {
        let mut id: String = id.into();
        let mut end = id.len().min(128);
        while !id.is_char_boundary(end) {
            end -= 1;
        }
        id.truncate(end);
        Self { kind, id: Some(id) }
    }
}

/// What an operator does.
#[derive(Debug, Clone)]
pub struct Act {
    /// A short code, e.g. `read_consent`.
    pub code: &'static str,
    /// On what.
    pub subject: Subject,
    /// What else is worth knowing: codes, opaque ids, counts, the filters of a search. No secret, no name.
    pub detail: Value,
}

impl Act {
    /// Without detail.
    pub fn on(code: &'static str, subject: Subject) -> Self {
        Self {
            code,
            subject,
            detail: json!({}),
        }
    }
}

/// What came of an act that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was so already.
    Already,
    /// A rule stood against it.
    Refused,
    /// Something failed; it may or may not have happened.
    Failed,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Already => "already",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// A detail that does not fit is replaced by its size.
fn bounded(detail: Value) -> Value {
    let bytes = detail.to_string().len();
    if bytes <= DETAIL_BYTES_MAX {
        detail
    } else {
        json!({ "omitted_bytes": bytes })
    }
}

/// One row of the record.
pub(super) struct Entry<'a> {
    pub operator: &'a str,
    pub via: Via,
    pub credential: Option<Uuid>,
    pub bank: Option<&'a BankCode>,
    pub request_id: Option<&'a str>,
    pub outcome: &'static str,
}

impl Entry<'_> {
    pub(super) async fn write<'e>(
        self,
        executor: impl sqlx::PgExecutor<'e>,
        act: Act,
    ) -> Result<ActId, sqlx::Error> {
        // Only the order of ids hangs on this clock; `acted_at` is the database's.
        let id = entropy::time_ordered_id(Utc::now());
        let counted = Recorded {
            via: self.via.as_str(),
            act: act.code,
            outcome: self.outcome,
        };
        sqlx::query(
            "INSERT INTO operator_acts (act_id, operator, via, credential, bank, act, subject_kind,
                subject_id, request_id, outcome, detail)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(id)
        .bind(self.operator)
        .bind(self.via.as_str())
        .bind(self.credential)
        .bind(self.bank.map(BankCode::as_str))
        .bind(act.code)
        .bind(act.subject.kind)
        .bind(act.subject.id)
        .bind(self.request_id)
        .bind(self.outcome)
        .bind(bounded(act.detail))
        .execute(executor)
        .instrument(sql_span("record act"))
        .await?;
        RECORDED.get_or_create(&counted).inc();
        Ok(id)
    }
}

/// Who orders an act of the command line, and why: both stand in its record.
#[derive(Debug, Clone)]
pub struct Order {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// Records an act of the command line, in the transaction of what it changes.
///
/// # Errors
/// The database's.
pub(crate) async fn record_by_command_line<'e>(
    executor: impl sqlx::PgExecutor<'e>,
    by: &str,
    bank: Option<&BankCode>,
    act: Act,
) -> Result<ActId, sqlx::Error> {
    let entry = Entry {
        operator: by,
        via: Via::CommandLine,
        credential: None,
        bank,
        request_id: None,
        outcome: "done",
    };
    entry.write(executor, act).await
}

impl Admitted {
    fn entry<'a>(&'a self, bank: Option<&'a BankCode>, outcome: &'static str) -> Entry<'a> {
        Entry {
            operator: self.operator.id.as_str(),
            via: self.via,
            credential: Some(self.credential),
            bank,
            request_id: Some(&self.request.request_id),
            outcome,
        }
    }

    /// Records an act of no bank in particular.
    ///
    /// # Errors
    /// The database's: then nothing is to be answered.
    pub async fn record(&self, pool: &PgPool, act: Act) -> Result<ActId, sqlx::Error> {
        self.entry(None, "done").write(pool, act).await
    }

    /// Records what is about to be done at no bank in particular, as [`AtBank::begin`] does at one.
    ///
    /// # Errors
    /// The database's: then nothing is to be done.
    pub async fn begin(&self, pool: &PgPool, act: Act) -> Result<Begun, sqlx::Error> {
        let id = self.entry(None, "begun").write(pool, act).await?;
        Ok(Begun { id })
    }

    /// Records what was refused.
    ///
    /// # Errors
    /// The database's.
    pub async fn record_refused(
        &self,
        pool: &PgPool,
        bank: Option<&BankCode>,
        act: Act,
    ) -> Result<ActId, sqlx::Error> {
        self.entry(bank, "refused").write(pool, act).await
    }
}

impl AtBank {
    /// Records a read, before it is answered.
    ///
    /// # Errors
    /// The database's: then nothing is to be answered.
    pub async fn record_read(&self, pool: &PgPool, act: Act) -> Result<ActId, sqlx::Error> {
        let entry = self.who.entry(Some(&self.bank), "done");
        entry.write(pool, act).await
    }

    /// Records what is about to be done. [`Begun::id`] is the `causation_id` of the facts that follow.
    ///
    /// # Errors
    /// The database's: then nothing is to be done.
    pub async fn begin(&self, pool: &PgPool, act: Act) -> Result<Begun, sqlx::Error> {
        let entry = self.who.entry(Some(&self.bank), "begun");
        let id = entry.write(pool, act).await?;
        Ok(Begun { id })
    }
}

/// An act that is under way.
#[derive(Debug)]
#[must_use = "its outcome is to be recorded"]
pub struct Begun {
    /// Its id.
    pub id: ActId,
}

impl Begun {
    /// Records what came of it.
    ///
    /// # Errors
    /// The database's; the facts that the act caused stand all the same, and name it.
    pub async fn end(
        self,
        pool: &PgPool,
        outcome: Outcome,
        detail: Value,
    ) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO operator_act_outcomes (act_id, outcome, detail) VALUES ($1, $2, $3)",
        )
        .bind(self.id)
        .bind(outcome.as_str())
        .bind(bounded(detail))
        .execute(pool)
        .instrument(sql_span("record outcome"))
        .await
        .map(drop)
    }
}
