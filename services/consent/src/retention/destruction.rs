//! The destruction of streams that ended longer ago than the law asks: by the database's owner alone, in
//! batches that each commit with their record. What may go, and how, is said in `0052_destructions.sql` and
//! `0058_destruction_of_contracts.sql`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use consent_domain::BankCode;
use serde::Serialize;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::RetentionSettings;
use crate::operator::Order;

/// Streams of each kind that one batch looks at.
pub const BATCH: i32 = 500;

/// What is old enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Criteria {
    /// Consents and journeys whose last fact was recorded before this.
    pub ended_before: DateTime<Utc>,
    /// Contracts that the bank closed and whose last fact was recorded before this.
    pub closed_before: DateTime<Utc>,
}

/// What a destruction would do now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// Consents that would be destroyed, each with its journeys.
    pub consents: i64,
    /// Journeys that ended without a consent and would be destroyed.
    pub unfinished_journeys: i64,
    /// Closed contracts of which nothing else would be left.
    pub closed_contracts: i64,
    /// Ended streams that would stay, by what stands against their destruction: `held`, `too_young`,
    /// `not_archived`; of a contract `in_use`, where a consent or a journey of it has not ended.
    pub staying: BTreeMap<String, i64>,
}

impl Preview {
    /// How many streams an order has to name to be carried out.
    pub fn count(&self) -> i64 {
        self.consents + self.unfinished_journeys + self.closed_contracts
    }
}

/// What an act did so far.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize)]
pub struct Act {
    /// Its id.
    pub destruction_id: Uuid,
    /// The bank's code.
    pub bank: String,
    /// Streams whose last fact was recorded before this.
    pub ended_before: DateTime<Utc>,
    /// Contracts whose last fact was recorded before this; none: an act of a release that left them alone.
    pub closed_before: Option<DateTime<Utc>>,
    /// Who ordered it.
    pub ordered_by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub begun_at: DateTime<Utc>,
    /// When it was through; none: it was interrupted, or runs.
    pub completed_at: Option<DateTime<Utc>>,
    /// Consents destroyed.
    pub consents: i64,
    /// Journeys destroyed.
    pub journeys: i64,
    /// Contracts destroyed.
    pub contracts: i64,
    /// Events destroyed.
    pub events: i64,
}

/// Why a destruction was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum DestructionError {
    /// The database's.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// Not what was previewed.
    #[error("{now} streams would be destroyed now, and the order names {ordered}: look again")]
    CountDiffers {
        /// What the order names.
        ordered: i64,
        /// What would be destroyed.
        now: i64,
    },
    /// An earlier act was interrupted.
    #[error("an act at this bank was interrupted: `consent destroy resume` comes first")]
    UnderWay,
    /// No act was interrupted.
    #[error("no act at this bank was interrupted")]
    NothingToResume,
}

/// What is old enough at a bank now, by the database's clock.
///
/// # Errors
/// The database's.
pub async fn criteria(
    owner: &mut PgConnection,
    bank: &BankCode,
    kept: &RetentionSettings,
) -> Result<Criteria, sqlx::Error> {
    let (ended_before, closed_before) = sqlx::query_as(
        "SELECT now() - make_interval(years => $1), now() - make_interval(years => $2)",
    )
    .bind(kept.ended_streams_years_at(bank))
    .bind(kept.closed_contracts_years_at(bank))
    .fetch_one(owner)
    .await?;
    Ok(Criteria {
        ended_before,
        closed_before,
    })
}

/// Counts what a destruction would do; changes nothing.
///
/// # Errors
/// The database's.
pub async fn preview(
    owner: &mut PgConnection,
    bank: &BankCode,
    criteria: &Criteria,
) -> Result<Preview, sqlx::Error> {
    let mut preview = Preview::default();
    for (walk, due) in [
        ("ended_consents($1, $2, $4, $5)", &mut preview.consents),
        (
            "unfinished_journeys($1, $2, $4, $5)",
            &mut preview.unfinished_journeys,
        ),
        (
            "closed_contracts($1, $3, $2, $4, $5)",
            &mut preview.closed_contracts,
        ),
    ] {
        let mut after = String::new();
        loop {
            let looked: Vec<(String, Option<String>)> = sqlx::query_as(&format!(
                "SELECT stream, against FROM {walk} WHERE $3::timestamptz IS NOT NULL ORDER BY stream"
            ))
            .bind(bank.as_str())
            .bind(criteria.ended_before)
            .bind(criteria.closed_before)
            .bind(&after)
            .bind(BATCH)
            .fetch_all(&mut *owner)
            .await?;
            let Some((last, _)) = looked.last() else {
                break;
            };
            after.clone_from(last);
            for (_, against) in looked {
                match against.as_deref() {
                    None => *due += 1,
                    // It goes with its consent, or has not ended.
                    Some("has_consent" | "in_progress") => {}
                    Some(against) => {
                        *preview.staying.entry(against.to_owned()).or_default() += 1;
                    }
                }
            }
        }
    }
    Ok(preview)
}

/// Begins an act; `count` is what its preview said.
///
/// # Errors
/// [`DestructionError`].
pub async fn begin(
    owner: &mut PgConnection,
    bank: &BankCode,
    criteria: &Criteria,
    count: i64,
    order: &Order,
) -> Result<Uuid, DestructionError> {
    if under_way(owner, bank).await?.is_some() {
        return Err(DestructionError::UnderWay);
    }
    let now = preview(owner, bank, criteria).await?.count();
    if now != count {
        return Err(DestructionError::CountDiffers {
            ordered: count,
            now,
        });
    }
    let begun = sqlx::query_scalar(
        "INSERT INTO destructions (bank, ended_before, closed_before, ordered_by, reason)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING destruction_id",
    )
    .bind(bank.as_str())
    .bind(criteria.ended_before)
    .bind(criteria.closed_before)
    .bind(&order.by)
    .bind(&order.reason)
    .fetch_optional(owner)
    .await?;
    begun.ok_or(DestructionError::UnderWay)
}

/// The act at a bank that was begun and is not through.
///
/// # Errors
/// The database's.
pub async fn under_way(
    owner: &mut PgConnection,
    bank: &BankCode,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT destruction_id FROM destructions WHERE bank = $1 AND completed_at IS NULL",
    )
    .bind(bank.as_str())
    .fetch_optional(owner)
    .await
}

/// Carries an act on until it is through. Each batch is a transaction; after an interruption the next call
/// goes on behind the last one that committed.
///
/// # Errors
/// The database's.
pub async fn carry_on(owner: &mut PgConnection, act: Uuid) -> Result<Act, sqlx::Error> {
    loop {
        let done: bool = sqlx::query_scalar("SELECT done FROM destroy_batch($1, $2)")
            .bind(act)
            .bind(BATCH)
            .fetch_one(&mut *owner)
            .await?;
        if done {
            break;
        }
    }
    let mut acts = acts(owner, Some(act)).await?;
    acts.pop().ok_or(sqlx::Error::RowNotFound)
}

/// The acts, the latest first; or one of them.
///
/// # Errors
/// The database's.
pub async fn acts(
    connection: &mut PgConnection,
    only: Option<Uuid>,
) -> Result<Vec<Act>, sqlx::Error> {
    sqlx::query_as(
        "SELECT d.destruction_id, d.bank, d.ended_before, d.closed_before, d.ordered_by, d.reason,
             d.begun_at, d.completed_at, coalesce(sum(b.consents), 0)::bigint AS consents,
             coalesce(sum(b.journeys), 0)::bigint AS journeys,
             coalesce(sum(b.contracts), 0)::bigint AS contracts,
             coalesce(sum(b.events), 0)::bigint AS events
         FROM destructions d LEFT JOIN destruction_batches b USING (destruction_id)
         WHERE $1::uuid IS NULL OR d.destruction_id = $1
         GROUP BY d.destruction_id ORDER BY d.begun_at DESC",
    )
    .bind(only)
    .fetch_all(connection)
    .await
}
