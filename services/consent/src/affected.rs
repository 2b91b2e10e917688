//! Who was affected: the consents under which a partner could read at some time of a span, and what it read in it.

use consent_domain::{BankCode, Instant, PartnerId};
use sqlx::{FromRow, PgPool};
use tracing::Instrument as _;

use crate::store::sql_span;

/// Which span, of whom.
#[derive(Debug, Clone)]
pub struct Affected {
    /// The bank.
    pub bank: BankCode,
    /// The partner.
    pub partner: PartnerId,
    /// From this time on.
    pub from: Instant,
    /// Before this time.
    pub to: Instant,
    /// After this one, in the order of beginnings, the newest first.
    pub after: Option<(Instant, String)>,
    /// At most.
    pub limit: i64,
}

/// A consent that held at some time of the span; it may have been suspended for a part of it.
#[derive(Debug, Clone, FromRow)]
pub struct AffectedConsent {
    /// The consent.
    pub grant_id: String,
    /// The contract (団体).
    pub contract: String,
    /// `live`, `expired`, `revoked` or `superseded`, by the clock.
    pub status: String,
    /// When it began.
    pub began_at: Instant,
    /// When it ended, or ends.
    pub ends_at: Instant,
    /// Reads within the span.
    pub reads: i64,
    /// Accounts, balances or transactions served by them.
    pub rows: i64,
    /// The last of them.
    pub last_read_at: Option<Instant>,
}

const SELECT: &str = "
    SELECT split_part(c.stream_id, ':', 2) AS grant_id, c.contract,
        CASE WHEN c.status = 'live' AND c.valid_until <= now() THEN 'expired' ELSE c.status END AS status,
        c.began_at, CASE WHEN c.status IN ('revoked', 'superseded') THEN c.changed_at ELSE c.valid_until END AS ends_at,
        r.reads, r.rows, r.last_read_at
    FROM consent_current c CROSS JOIN LATERAL (
        SELECT count(*) AS reads, coalesce(sum(a.rows), 0)::bigint AS rows, max(a.occurred_at) AS last_read_at
        FROM access_records a WHERE a.bank = c.bank AND a.grant_id = split_part(c.stream_id, ':', 2)
            AND a.occurred_at >= $3 AND a.occurred_at < $4
    ) r
    WHERE c.bank = $1 AND c.partner = $2 AND c.began_at < $4
        AND CASE WHEN c.status IN ('revoked', 'superseded') THEN c.changed_at ELSE c.valid_until END > $3
        AND ($5::timestamptz IS NULL OR (c.began_at, c.stream_id) < ($5, $6))
    ORDER BY c.began_at DESC, c.stream_id DESC LIMIT $7";

/// A page of them.
///
/// # Errors
/// The database's.
pub async fn between(pool: &PgPool, asked: &Affected) -> Result<Vec<AffectedConsent>, sqlx::Error> {
    let (at, grant) = asked.after.clone().unzip();
    sqlx::query_as(SELECT)
        .bind(asked.bank.as_str())
        .bind(asked.partner.as_str())
        .bind(asked.from)
        .bind(asked.to)
        .bind(at)
        .bind(grant.map(|grant| format!("{}:{grant}", asked.bank)))
        .bind(asked.limit)
        .fetch_all(pool)
        .instrument(sql_span("who was affected"))
        .await
}
