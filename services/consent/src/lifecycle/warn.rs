//! Warnings of an end that is near, each once per period however many replicas look.

use std::convert::Infallible;

use consent_domain::consent::ConsentStream;
use sqlx::PgPool;
use tracing::Instrument as _;

use super::{
    expire::{BATCH, Due, report},
    telling,
};
use crate::store::{Actor, Bus, StoreError, sql_span};

/// Records those that are due, a batch at a time.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn warn_due(pool: &PgPool, bus: &Bus) -> Result<(), StoreError> {
    let due: Vec<Due> = sqlx::query_as(
        "SELECT stream_id, partner, contract FROM consent_current
         WHERE status = 'live' AND warn_at <= now() AND valid_until > now()
         ORDER BY warn_at LIMIT $1",
    )
    .bind(BATCH)
    .fetch_all(pool)
    .instrument(sql_span("warn of ends"))
    .await?;
    for consent in due {
        let (stream, bank, context) = consent.command()?;
        let warned = bus
            .execute::<ConsentStream, Infallible>(
                stream.clone(),
                context,
                |consent, now| Ok(consent.warn(now).into_events()),
                move |facts, consent, _| telling::notices(&bank, &Actor::System, facts, consent),
            )
            .await;
        if let Err(error) = warned {
            report(&stream, &error);
        }
    }
    Ok(())
}
