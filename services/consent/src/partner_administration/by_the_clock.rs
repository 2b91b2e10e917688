//! The planned end of a partner's contract with a bank: its customers are told beforehand, and on the day
//! the partner is disabled.

use std::convert::Infallible;

use consent_domain::{
    BankCode, Instant, PartnerId,
    partner::{PartnerAtBank, PartnerAtBankStream},
};
use sqlx::{FromRow, PgPool};

use super::By;
use crate::{
    partners::bank_record,
    store::{Bus, CommandError, StoreError},
};

/// Consents whose customers one statement tells.
const BATCH: i64 = 500;
/// Batches that one round does for one partner; the rest waits for the next.
const BATCHES_MAX: usize = 20;

#[derive(FromRow)]
struct Ending {
    stream_id: String,
    contract_ends_at: Instant,
}

impl Ending {
    fn parts(&self) -> Result<(BankCode, PartnerId), StoreError> {
        let (bank, partner) = self.stream_id.split_once(':').unwrap_or_default();
        Ok((BankCode::parse(bank)?, PartnerId::parse(partner)?))
    }
}

/// Disables partners whose contracts have ended.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn end_contracts(pool: &PgPool, bus: &Bus) -> Result<(), StoreError> {
    let ended: Vec<Ending> = sqlx::query_as(
        "SELECT stream_id, contract_ends_at FROM partner_at_bank_current
         WHERE status = 'enabled' AND contract_ends_at <= now() ORDER BY contract_ends_at LIMIT 50",
    )
    .fetch_all(pool)
    .await?;
    for ending in ended {
        let (bank, partner) = ending.parts()?;
        let whom = partner.clone();
        let disabled = bus
            .execute::<PartnerAtBankStream, Infallible>(
                ending.stream_id,
                By::system().context(Some(&bank), &partner),
                move |state: &PartnerAtBank, now| {
                    Ok(state.end_by_contract(&whom, now).into_events())
                },
                |_, _, _| Vec::new(),
            )
            .await;
        if let Err(error @ (CommandError::Store(_) | CommandError::Violates(_))) = disabled {
            tracing::warn!(%bank, %partner, %error, "the end of a contract is not recorded yet");
        }
    }
    Ok(())
}

/// Tells customers of ends that are near, each consent once per end.
///
/// # Errors
/// [`StoreError`]; what was told stays told.
pub(crate) async fn tell_of_ends(pool: &PgPool) -> Result<(), StoreError> {
    let endings: Vec<Ending> = sqlx::query_as(
        "SELECT stream_id, contract_ends_at FROM partner_at_bank_current
         WHERE status = 'enabled' AND contract_ends_at > now() ORDER BY contract_ends_at",
    )
    .fetch_all(pool)
    .await?;
    for ending in endings {
        let (bank, partner) = ending.parts()?;
        let Some(record) = bank_record(pool, &bank).await? else {
            continue;
        };
        let days = record.settings.operator_rules.partner_end_notice_days;
        for _ in 0..BATCHES_MAX {
            let told = tell(pool, (&bank, &partner), ending.contract_ends_at, days).await?;
            if told == 0 {
                break;
            }
        }
    }
    Ok(())
}

/// Tells one batch and moves on, in one statement; gives how many were passed. Consents are passed in the
/// order in which they began, a minute behind, so that none that commits late is missed.
async fn tell(
    pool: &PgPool,
    (bank, partner): (&BankCode, &PartnerId),
    ends_at: Instant,
    days: u32,
) -> Result<i64, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let due: Option<bool> = sqlx::query_scalar(
        "INSERT INTO partner_end_notices AS p (bank, partner, ends_at)
         SELECT $1, $2, $3 WHERE $3 - make_interval(days => $4) <= now()
         ON CONFLICT (bank, partner, ends_at) DO UPDATE SET ends_at = p.ends_at RETURNING true",
    )
    .bind(bank.as_str())
    .bind(partner.as_str())
    .bind(ends_at)
    .bind(i32::try_from(days).unwrap_or(i32::MAX))
    .fetch_optional(&mut *transaction)
    .await?;
    if due.is_none() {
        return Ok(0);
    }
    let passed: i64 = sqlx::query_scalar(
        "WITH place AS (
             SELECT * FROM partner_end_notices WHERE bank = $1 AND partner = $2 AND ends_at = $3),
         batch AS (
             SELECT c.stream_id, c.contract, c.status, c.valid_until, c.began_at, c.state #> '{terms,scope}' AS scope
             FROM consent_current c, place
             WHERE c.bank = $1 AND c.partner = $2 AND (c.began_at, c.stream_id) > (place.told_began_at, place.told_stream)
                 AND c.began_at < now() - interval '1 minute'
             ORDER BY c.began_at, c.stream_id LIMIT $4),
         told AS (
             INSERT INTO notices (notice_id, bank, kind, contract, partner, accounts, ends_at, grant_id)
             SELECT gen_random_uuid(), $1, 'expiring', contract, $2,
                 ARRAY(SELECT DISTINCT pair ->> 'account' FROM jsonb_array_elements(scope) pair ORDER BY 1), $3,
                 split_part(stream_id, ':', 2)
             FROM batch WHERE status = 'live' AND valid_until > $3),
         moved AS (
             UPDATE partner_end_notices p SET told_began_at = last.began_at, told_stream = last.stream_id
             FROM (SELECT began_at, stream_id FROM batch ORDER BY began_at DESC, stream_id DESC LIMIT 1) last
             WHERE p.bank = $1 AND p.partner = $2 AND p.ends_at = $3)
         SELECT count(*) FROM batch",
    )
    .bind(bank.as_str())
    .bind(partner.as_str())
    .bind(ends_at)
    .bind(BATCH)
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(passed)
}
