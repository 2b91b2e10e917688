//! What partners refuse: kept for the platform's operators, and counted for their alarm.

use std::sync::LazyLock;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::feed::arrivals::Whose;

/// Longest name of an error.
const ERROR_CHARACTERS_MAX: usize = 50;
/// Longest description.
const DESCRIPTION_CHARACTERS_MAX: usize = 500;

/// How it was delivered.
#[derive(Debug, Clone, Copy, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Delivery {
    delivery: &'static str,
}

static REFUSED: LazyLock<Family<Delivery, Counter>> = LazyLock::new(Family::default);

/// Adds the counter to the process's registry.
pub(crate) fn register(registry: &mut Registry) {
    registry.register(
        "security_events_refused",
        "Security Event Tokens that a partner refused for good; the table refused_events has them",
        REFUSED.clone(),
    );
}

/// A refusal as the partner tells it (RFC 8935 2.4, RFC 8936 2.6).
pub(crate) struct Refusal<'a> {
    /// `poll` or `push`.
    pub delivery: &'static str,
    pub jti: Uuid,
    pub error: &'a str,
    pub description: &'a str,
}

/// Keeps a refusal; the first of an event and a way of delivery counts.
///
/// # Errors
/// The database's.
pub(crate) async fn record(
    executor: impl PgExecutor<'_>,
    whose: &Whose,
    refusal: &Refusal<'_>,
) -> Result<(), sqlx::Error> {
    let error: String = refusal
        .error
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .take(ERROR_CHARACTERS_MAX)
        .collect();
    let description: String = refusal
        .description
        .chars()
        .filter(|c| !c.is_control())
        .take(DESCRIPTION_CHARACTERS_MAX)
        .collect();
    let inserted = sqlx::query(
        "INSERT INTO refused_events (bank, partner, delivery, jti, error, description)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(whose.bank.as_str())
    .bind(whose.partner.as_str())
    .bind(refusal.delivery)
    .bind(refusal.jti)
    .bind(&error)
    .bind(&description)
    .execute(executor)
    .await?;
    if inserted.rows_affected() == 1 {
        tracing::warn!(
            bank = %whose.bank, partner = %whose.partner, delivery = refusal.delivery,
            jti = %refusal.jti, error,
            "a partner refused a security event"
        );
        let delivery = Delivery {
            delivery: refusal.delivery,
        };
        REFUSED.get_or_create(&delivery).inc();
    }
    Ok(())
}
