//! Revocation of many consents by a filter: previewed, frozen, approved by a second person where the bank
//! asks for it, worked off in batches by whichever replica is free, reported per consent.
//!
//! What is revoked is what was previewed: the set is written down when it is asked for, and its digest is
//! what the second person approves. `docs/decisions/0040-bulk-revocation.md`.

mod filter;
pub mod ordered;
mod preview;
mod report;
mod run;
mod steps;

use consent_domain::{
    BankCode, Instant, InvalidId,
    consent::{RevocationReason, RevokedBy},
};
use sqlx::{FromRow, PgPool, types::Json};
use uuid::Uuid;

pub use self::{
    filter::{Filter, SuspendedOrNot},
    preview::{Request, request},
    report::{Act, Item, ItemOutcome, ItemsAfter, Sample, Totals, acts, items, sample, totals},
    run::{Worked, run, work},
    steps::{Step, take},
};
use crate::store::StoreError;

/// Where a bulk revocation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its items are being written down.
    Preparing,
    /// It can be looked at; nothing has been revoked.
    Previewed,
    /// A second person approved what was previewed.
    Approved,
    /// Replicas work it off.
    Running,
    /// They stopped until it is resumed.
    Paused,
    /// Every item has its outcome.
    Completed,
    /// Nothing more is revoked by it.
    Cancelled,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Preparing,
        Self::Previewed,
        Self::Approved,
        Self::Running,
        Self::Paused,
        Self::Completed,
        Self::Cancelled,
    ];

    /// The name in the table and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Previewed => "previewed",
            Self::Approved => "approved",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A word in the table that this release does not know.
#[derive(Debug, thiserror::Error)]
#[error("not a word that this release knows")]
pub struct UnknownWord;

impl TryFrom<String> for State {
    type Error = UnknownWord;

    fn try_from(word: String) -> Result<Self, UnknownWord> {
        let mut all = Self::ALL.into_iter();
        all.find(|state| state.as_str() == word).ok_or(UnknownWord)
    }
}

/// A bulk revocation as it stands.
#[derive(Debug, Clone, FromRow)]
pub struct BulkRevocation {
    /// The bank's code.
    pub bank: String,
    /// Its id; the facts that it leads to carry it as their cause.
    pub bulk_id: Uuid,
    /// Which consents.
    pub filter: Json<Filter>,
    /// Why.
    reason: String,
    /// For whom.
    by_whom: String,
    /// The operator who asked for it.
    pub requested_by: String,
    /// When.
    pub requested_at: Instant,
    request_digest: Vec<u8>,
    /// Where it stands.
    #[sqlx(try_from = "String")]
    pub state: State,
    /// As of when the consents were frozen; none while preparing.
    pub frozen_at: Option<Instant>,
    /// How many there are.
    pub item_count: Option<i64>,
    content_digest: Option<Vec<u8>>,
    /// Whether a second person has to approve.
    pub needs_approval: bool,
    /// Until when it may be approved, or started.
    pub valid_until: Option<Instant>,
    /// Who approved.
    pub approved_by: Option<String>,
    /// When.
    pub approved_at: Option<Instant>,
    /// Who started it.
    pub started_by: Option<String>,
    /// When.
    pub started_at: Option<Instant>,
    /// When it was completed or cancelled.
    pub ended_at: Option<Instant>,
    /// Most consents per second, over all replicas.
    pub per_second: i32,
}

/// What a [`BulkRevocation`] takes of a row, by name: a plan that a connection keeps outlives columns that are added.
const COLUMNS: &str = "bank, bulk_id, filter, reason, by_whom, requested_by, requested_at, request_digest, state, \
    frozen_at, item_count, content_digest, needs_approval, valid_until, approved_by, approved_at, started_by, \
    started_at, ended_at, per_second";

impl BulkRevocation {
    /// Why the consents are revoked.
    pub fn reason(&self) -> RevocationReason {
        RevocationReason::find(&self.reason).unwrap_or(RevocationReason::Other)
    }

    /// For whom the operator acts.
    pub fn by(&self) -> RevokedBy {
        RevokedBy::find(&self.by_whom).unwrap_or(RevokedBy::Bank)
    }

    /// SHA-256 of what was previewed, in lower-case hex: what an approval is bound to.
    pub fn digest(&self) -> Option<String> {
        let digest = self.content_digest.as_ref()?;
        Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// Why a bulk revocation is not as asked.
#[derive(Debug, thiserror::Error)]
pub enum BulkError {
    /// The bank is not on the platform.
    #[error("no such bank")]
    UnknownBank,
    /// There is none of that id at this bank.
    #[error("no such bulk revocation")]
    Unknown,
    /// A filter that names nothing would mean every consent of the bank.
    #[error("the filter is empty")]
    EmptyFilter,
    /// The key was used for another request.
    #[error("this key was used for something else")]
    KeyReused,
    /// The same request is being prepared at this moment.
    #[error("it is being prepared")]
    BeingPrepared,
    /// It stands where this can't be done.
    #[error("it is {}", .0.as_str())]
    WrongState(State),
    /// A second person has to approve first.
    #[error("it has to be approved first")]
    NeedsApproval,
    /// Whoever asked for it can't approve it.
    #[error("whoever asked for it can't approve it")]
    SamePerson,
    /// What the second person saw is not what this is.
    #[error("this is not what was previewed")]
    DigestDiffers,
    /// The preview or the approval is too old.
    #[error("the preview or the approval has expired")]
    Expired,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for BulkError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<InvalidId> for BulkError {
    fn from(error: InvalidId) -> Self {
        Self::Store(error.into())
    }
}

/// One of a bank's.
///
/// # Errors
/// [`BulkError::Unknown`], [`BulkError::Store`].
pub async fn get(pool: &PgPool, bank: &BankCode, id: Uuid) -> Result<BulkRevocation, BulkError> {
    sqlx::query_as(&format!(
        "SELECT {COLUMNS} FROM bulk_revocations WHERE bank = $1 AND bulk_id = $2"
    ))
    .bind(bank.as_str())
    .bind(id)
    .fetch_optional(pool)
    .await?
    .ok_or(BulkError::Unknown)
}

/// A bank's, the newest first; `before`: those before this one.
///
/// # Errors
/// [`BulkError::Store`].
pub async fn list(
    pool: &PgPool,
    bank: &BankCode,
    before: Option<(Instant, Uuid)>,
    limit: i64,
) -> Result<Vec<BulkRevocation>, BulkError> {
    let (at, id) = before.unzip();
    Ok(sqlx::query_as(&format!(
        "SELECT {COLUMNS} FROM bulk_revocations
         WHERE bank = $1 AND ($2::timestamptz IS NULL OR (requested_at, bulk_id) < ($2, $3))
         ORDER BY requested_at DESC, bulk_id DESC LIMIT $4",
    ))
    .bind(bank.as_str())
    .bind(at)
    .bind(id)
    .bind(limit)
    .fetch_all(pool)
    .await?)
}
