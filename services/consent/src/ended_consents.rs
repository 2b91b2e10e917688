//! What ended between two moments: when, by whom, why, and whether everybody was told of it.

use consent_domain::{BankCode, Instant};
use serde::Serialize;
use sqlx::{FromRow, PgPool};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::StoreError;

/// Which ends.
#[derive(Debug, Clone)]
pub struct EndsBetween {
    /// The bank.
    pub bank: BankCode,
    /// Recorded at this time or later.
    pub from: Instant,
    /// Recorded before this time.
    pub to: Instant,
    /// Only of this partner.
    pub partner: Option<String>,
    /// Only those that this led to, e.g. a bulk revocation.
    pub causation_id: Option<Uuid>,
    /// Only those of which a notice has not arrived.
    pub notices: Notices,
    /// After this one, in the order of time and consent.
    pub after: Option<(Instant, String)>,
    /// At most.
    pub limit: i64,
}

/// Which ends by what became of their notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notices {
    /// Whatever became of them.
    Any,
    /// One at least has not arrived.
    Outstanding,
}

/// An end, and what became of each notice of it.
#[derive(Debug, Clone, FromRow, Serialize, ToSchema)]
#[schema(as = EndedConsent)]
pub struct EndedConsent {
    /// The consent.
    pub grant_id: String,
    /// The contract (団体).
    pub contract: String,
    /// The partner.
    pub partner: String,
    /// Its OAuth client.
    pub client: String,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub began_at: Instant,
    /// When the end was recorded.
    #[schema(value_type = String, format = DateTime)]
    pub ended_at: Instant,
    /// Since when it holds: earlier where the clock decided.
    #[schema(value_type = String, format = DateTime)]
    pub effective_at: Instant,
    /// `revoked`, `expired` or `superseded`.
    pub status: String,
    /// Of a revocation: for whom, `customer`, `partner`, `bank` or `system`.
    pub by: Option<String>,
    /// Of a revocation: why.
    pub reason: Option<String>,
    /// Which grant took its place.
    pub superseded_by: Option<String>,
    /// `customer`, `partner`, `operator` or `system`: who acted.
    pub actor_kind: String,
    /// Who, where that is known.
    pub actor_id: Option<String>,
    /// What led to it: an operator's act, a bulk revocation, a bank's notice.
    pub causation_id: Option<Uuid>,
    /// The fact.
    pub event_id: Uuid,
    /// The mail to the customer (お知らせメール): `sent`, `waiting`, or `unrecorded` where no notice names the
    /// consent.
    pub mail: String,
    /// When it was sent.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub mail_sent_at: Option<Instant>,
    /// How often it was tried.
    pub mail_tries: Option<i32>,
    /// The partner's topic: `published`, `waiting`, `parked` until an operator acts, `skipped` by one.
    pub kafka: String,
    /// The partner's poll (RFC 8936): `not_polled` where the partner never polls, `waiting`, `handed_out`,
    /// `acknowledged` or `refused`.
    pub poll: String,
    /// The push to the partner (RFC 8935): `no_target` where none is set, `waiting`, `delivered` or `refused`.
    pub push: String,
    /// Whether none of them is outstanding.
    pub all_arrived: bool,
}

/// `$1` bank, `$2` and `$3` the times, `$4` and `$5` the keyset, `$6` limit, `$7` partner, `$8` cause, `$9`
/// only outstanding ones.
const SELECT: &str = "
    SELECT * FROM (SELECT told.*, mail = 'sent' AND kafka = 'published' AND poll IN ('not_polled', 'acknowledged')
            AND push IN ('no_target', 'delivered') AS all_arrived
        FROM (SELECT split_part(c.stream_id, ':', 2) AS grant_id, c.contract, c.partner, c.client, c.began_at,
                c.changed_at AS ended_at, coalesce(e.effective_at, e.recorded_at) AS effective_at, c.status,
                CASE WHEN c.status = 'revoked' THEN c.state ->> 'by' END AS by, c.state ->> 'reason' AS reason,
                CASE WHEN c.status = 'superseded' THEN c.state ->> 'by' END AS superseded_by,
                e.actor_kind, e.actor_id, e.causation_id, e.event_id,
                CASE WHEN m.notice_id IS NULL THEN 'unrecorded' WHEN m.sent_at IS NULL THEN 'waiting'
                    ELSE 'sent' END AS mail, m.sent_at AS mail_sent_at, m.tries AS mail_tries,
                CASE WHEN k.state IN ('parked', 'waiting') THEN 'parked'
                    WHEN k.state IS NOT NULL THEN k.state
                    WHEN is_in_log_up_to((SELECT published_to FROM relay_positions), e.event_id,
                        e.transaction_id, e.position, c.bank, c.partner) THEN 'published'
                    ELSE 'waiting' END AS kafka,
                CASE WHEN o.bank IS NULL THEN 'not_polled'
                    WHEN EXISTS (SELECT FROM refused_events r WHERE r.bank = c.bank AND r.partner = c.partner
                        AND r.delivery = 'poll' AND r.jti = e.event_id) THEN 'refused'
                    WHEN EXISTS (SELECT FROM unacknowledged_events u WHERE u.bank = c.bank
                        AND u.partner = c.partner AND u.jti = e.event_id) THEN 'handed_out'
                    WHEN is_in_log_up_to(o.handed_out_to, e.event_id, e.transaction_id, e.position,
                        c.bank, c.partner) THEN 'acknowledged'
                    ELSE 'waiting' END AS poll,
                CASE WHEN t.bank IS NULL THEN 'no_target'
                    WHEN EXISTS (SELECT FROM refused_events r WHERE r.bank = c.bank AND r.partner = c.partner
                        AND r.delivery = 'push' AND r.jti = e.event_id) THEN 'refused'
                    WHEN is_in_log_up_to(t.delivered_to, e.event_id, e.transaction_id, e.position,
                        c.bank, c.partner) THEN 'delivered'
                    ELSE 'waiting' END AS push
            FROM consent_current c
            JOIN events e ON e.aggregate_type = 'consent' AND e.aggregate_id = c.stream_id
                AND e.sequence = c.version
            LEFT JOIN LATERAL (SELECT n.notice_id, n.sent_at, n.tries FROM notices n
                WHERE n.bank = c.bank AND n.grant_id = split_part(c.stream_id, ':', 2) AND n.kind = 'ended'
                ORDER BY n.occurred_at DESC LIMIT 1) m ON true
            LEFT JOIN parked_events k ON k.event_id = e.event_id
            LEFT JOIN event_polls o ON o.bank = c.bank AND o.partner = c.partner
            LEFT JOIN push_targets t ON t.bank = c.bank AND t.partner = c.partner
            WHERE c.bank = $1 AND c.status IN ('expired', 'revoked', 'superseded')
                AND c.changed_at >= $2 AND c.changed_at < $3
                AND ($4::timestamptz IS NULL OR (c.changed_at, c.stream_id) > ($4, $5))
                AND ($7::text IS NULL OR c.partner = $7) AND ($8::uuid IS NULL OR e.causation_id = $8)
        ) told) judged
    WHERE NOT $9 OR NOT all_arrived
    ORDER BY ended_at, grant_id LIMIT $6";

/// A page of ends, in the order in which they were recorded.
///
/// # Errors
/// [`StoreError`].
pub async fn between(pool: &PgPool, ends: &EndsBetween) -> Result<Vec<EndedConsent>, StoreError> {
    let (at, grant) = ends.after.clone().unzip();
    Ok(sqlx::query_as(SELECT)
        .bind(ends.bank.as_str())
        .bind(ends.from)
        .bind(ends.to)
        .bind(at)
        .bind(grant.map(|grant| format!("{}:{grant}", ends.bank)))
        .bind(ends.limit)
        .bind(ends.partner.as_deref())
        .bind(ends.causation_id)
        .bind(ends.notices == Notices::Outstanding)
        .fetch_all(pool)
        .await?)
}
