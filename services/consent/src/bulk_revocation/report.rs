//! What a bulk revocation means, and what came of it.

use consent_domain::{BankCode, Instant};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgPool};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{BulkError, UnknownWord};

/// What came of one consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemOutcome {
    /// This bulk revocation ended it.
    Revoked,
    /// Something else had ended it.
    AlreadyEnded,
    /// It could not be revoked.
    Failed,
}

impl ItemOutcome {
    /// The name in the table and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::AlreadyEnded => "already_ended",
            Self::Failed => "failed",
        }
    }
}

impl TryFrom<String> for ItemOutcome {
    type Error = UnknownWord;

    fn try_from(word: String) -> Result<Self, UnknownWord> {
        let mut all = [Self::Revoked, Self::AlreadyEnded, Self::Failed].into_iter();
        all.find(|outcome| outcome.as_str() == word)
            .ok_or(UnknownWord)
    }
}

/// How many have which outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromRow, Serialize, ToSchema)]
#[schema(as = BulkRevocationTotals)]
pub struct Totals {
    /// All.
    pub items: i64,
    /// Ended by this bulk revocation.
    pub revoked: i64,
    /// Ended by something else before.
    pub already_ended: i64,
    /// Not revoked.
    pub failed: i64,
    /// Without an outcome yet.
    pub open: i64,
}

/// Counts the outcomes.
///
/// # Errors
/// [`BulkError::Store`].
pub async fn totals(pool: &PgPool, bank: &BankCode, id: Uuid) -> Result<Totals, BulkError> {
    Ok(sqlx::query_as(
        "SELECT count(*) AS items, count(*) FILTER (WHERE outcome = 'revoked') AS revoked,
             count(*) FILTER (WHERE outcome = 'already_ended') AS already_ended,
             count(*) FILTER (WHERE outcome = 'failed') AS failed,
             count(*) FILTER (WHERE outcome IS NULL) AS open
         FROM bulk_revocation_items WHERE bank = $1 AND bulk_id = $2",
    )
    .bind(bank.as_str())
    .bind(id)
    .fetch_one(pool)
    .await?)
}

/// One consent of the frozen set.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize, ToSchema)]
#[schema(as = BulkRevocationItem)]
pub struct Item {
    /// From 1.
    pub ordinal: i64,
    /// The consent.
    pub grant_id: String,
    /// The contract (団体).
    pub contract: String,
    /// The partner.
    pub partner: String,
    /// What came of it; none yet.
    #[schema(value_type = Option<ItemOutcome>)]
    pub outcome: Option<String>,
    /// Of a failure.
    pub why: Option<String>,
    /// When it was settled.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub settled_at: Option<Instant>,
}

/// Which page of items.
#[derive(Debug, Clone, Copy, Default)]
pub struct ItemsAfter {
    /// After this ordinal; 0: from the first.
    pub ordinal: i64,
    /// Only those with this outcome.
    pub outcome: Option<ItemOutcome>,
    /// At most.
    pub limit: i64,
}

/// A page of items, in their order.
///
/// # Errors
/// [`BulkError::Store`].
pub async fn items(
    pool: &PgPool,
    bank: &BankCode,
    id: Uuid,
    page: ItemsAfter,
) -> Result<Vec<Item>, BulkError> {
    Ok(sqlx::query_as(
        "SELECT ordinal, grant_id, contract, partner, outcome, why, settled_at FROM bulk_revocation_items
         WHERE bank = $1 AND bulk_id = $2 AND ordinal > $3 AND ($4::text IS NULL OR outcome = $4)
         ORDER BY ordinal LIMIT $5",
    )
    .bind(bank.as_str())
    .bind(id)
    .bind(page.ordinal)
    .bind(page.outcome.map(ItemOutcome::as_str))
    .bind(page.limit)
    .fetch_all(pool)
    .await?)
}

/// A consent of the preview, as it is now.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize, ToSchema)]
#[schema(as = BulkRevocationSample)]
pub struct Sample {
    /// The consent.
    pub grant_id: String,
    /// The contract (団体).
    pub contract: String,
    /// The partner.
    pub partner: String,
    /// Its OAuth client.
    pub client: String,
    /// When the consent began.
    #[schema(value_type = String, format = DateTime)]
    pub began_at: Instant,
    /// When it ends by itself.
    #[schema(value_type = String, format = DateTime)]
    pub valid_until: Instant,
    /// `live`, or how it ended since.
    pub status: String,
}

/// Some of them, in the order of their ids: these are random, and so is the choice.
///
/// # Errors
/// [`BulkError::Store`].
pub async fn sample(
    pool: &PgPool,
    bank: &BankCode,
    id: Uuid,
    size: i64,
) -> Result<Vec<Sample>, BulkError> {
    Ok(sqlx::query_as(
        "SELECT i.grant_id, i.contract, i.partner, c.client, c.began_at, c.valid_until, c.status
         FROM bulk_revocation_items i JOIN consent_current c ON c.stream_id = i.bank || ':' || i.grant_id
         WHERE i.bank = $1 AND i.bulk_id = $2 AND i.ordinal <= $3 ORDER BY i.ordinal",
    )
    .bind(bank.as_str())
    .bind(id)
    .bind(size)
    .fetch_all(pool)
    .await?)
}

/// Something that was done with it.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize, ToSchema)]
#[schema(as = BulkRevocationAct)]
pub struct Act {
    /// `requested`, `approved`, `started`, `paused`, `resumed`, `cancelled` or `completed`.
    pub act: String,
    /// By whom; none: by this service.
    pub operator: Option<String>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub acted_at: Instant,
}

/// Everything that was done with it, in order.
///
/// # Errors
/// [`BulkError::Store`].
pub async fn acts(pool: &PgPool, bank: &BankCode, id: Uuid) -> Result<Vec<Act>, BulkError> {
    Ok(sqlx::query_as(
        "SELECT act, operator, acted_at FROM bulk_revocation_acts
         WHERE bank = $1 AND bulk_id = $2 ORDER BY act_id",
    )
    .bind(bank.as_str())
    .bind(id)
    .fetch_all(pool)
    .await?)
}
