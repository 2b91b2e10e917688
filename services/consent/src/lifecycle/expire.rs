//! Records the ends that the clock has decided.

use std::convert::Infallible;

use consent_domain::{BankCode, ContractId, consent::ConsentStream};
use sqlx::PgPool;
use tracing::Instrument as _;

use super::telling;
use crate::store::{Actor, Bus, CommandContext, CommandError, StoreError, sql_span};

/// Most consents that one round ends or warns of.
pub(super) const BATCH: i64 = 200;

/// A consent about which the clock has something to say, with whose it is.
#[derive(sqlx::FromRow)]
pub(super) struct Due {
    stream_id: String,
    partner: Option<String>,
    contract: Option<String>,
}

impl Due {
    /// The consent's stream, its bank, and the context of a command by the clock.
    pub(super) fn command(self) -> Result<(String, BankCode, CommandContext), StoreError> {
        let (bank, _) = self.stream_id.split_once(':').unwrap_or_default();
        let bank = BankCode::parse(bank)?;
        let context = CommandContext {
            bank: Some(bank.to_string()),
            partner: self.partner,
            contract: self.contract,
            ..CommandContext::of(Actor::System)
        };
        Ok((self.stream_id, bank, context))
    }
}

/// Those of all banks, a batch at a time.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn expire_due(pool: &PgPool, bus: &Bus) -> Result<(), StoreError> {
    let due: Vec<Due> = sqlx::query_as(
        "SELECT stream_id, partner, contract FROM consent_current
         WHERE status = 'live' AND valid_until <= now() ORDER BY valid_until LIMIT $1",
    )
    .bind(BATCH)
    .fetch_all(pool)
    .instrument(sql_span("expire consents"))
    .await?;
    expire(bus, due).await
}

/// Those of one contract.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn expire_consents_of(
    pool: &PgPool,
    bus: &Bus,
    bank: &BankCode,
    contract: &ContractId,
) -> Result<(), StoreError> {
    let due: Vec<Due> = sqlx::query_as(
        "SELECT stream_id, partner, contract FROM consent_current
         WHERE bank = $1 AND contract = $2 AND status = 'live' AND valid_until <= now()",
    )
    .bind(bank.as_str())
    .bind(contract.as_str())
    .fetch_all(pool)
    .instrument(sql_span("expire consents of"))
    .await?;
    expire(bus, due).await
}

async fn expire(bus: &Bus, due: Vec<Due>) -> Result<(), StoreError> {
    for consent in due {
        let (stream, bank, context) = consent.command()?;
        let expired = bus
            .execute::<ConsentStream, Infallible>(
                stream.clone(),
                context,
                |consent, now| Ok(consent.expire(now).into_events()),
                move |facts, consent, _| telling::notices(&bank, &Actor::System, facts, consent),
            )
            .await;
        if let Err(error) = expired {
            report(&stream, &error);
        }
    }
    Ok(())
}

/// Another replica, or the customer, may have been first; the next round looks again.
pub(super) fn report(stream: &str, error: &CommandError<Infallible>) {
    match error {
        CommandError::Refused(_) | CommandError::Busy => {}
        CommandError::Violates(_) | CommandError::Store(_) => {
            tracing::warn!(stream, %error, "what the clock decided could not be recorded");
        }
    }
}
