//! What the sweeper removes. Each statement removes a bounded batch by an index, and is repeated while there
//! is more: a long pause is caught up with in several rounds, and no lock is held for long.

use sqlx::PgPool;
use tracing::Instrument as _;

use super::RetentionSettings;
use crate::{
    linkages, metrics,
    operator::session,
    protocol::{
        code::purge_authorization_codes, jti::purge_used_jtis,
        token_ids::purge_issued_access_tokens,
    },
    store::{StoreError, sql_span},
};

/// Rows of one statement.
const BATCH: i32 = 2_000;
/// Statements of one kind in one round.
const BATCHES: u32 = 10;

/// Rows of a table that are over: `$1` is how long they are kept, `$2` the most that go at once.
struct Rule {
    table: &'static str,
    kept: i32,
    sql: &'static str,
}

/// Forgets what is past its use, with every round of the sweeper: what is short-lived and found by an index.
///
/// # Errors
/// [`StoreError`]; what was removed before stays removed.
pub async fn forget(pool: &PgPool, kept: &RetentionSettings) -> Result<(), StoreError> {
    purge_used_jtis(pool, kept.used_jtis_minutes).await?;
    purge_authorization_codes(pool, kept.authorization_codes_days).await?;
    purge_issued_access_tokens(pool, kept.access_token_ids_days).await?;
    session::forget_old(pool, kept.operator_sessions_days).await?;
    linkages::forget(pool, kept.bank_sessions_days).await?;
    for rule in &[
        Rule {
            table: "command_keys",
            kept: kept.command_keys_days,
            // Those of a bank's notice that is still open stay: what followed from it, and was undone since,
            // must not follow again.
            sql: "DELETE FROM command_keys WHERE ctid = ANY(ARRAY(SELECT k.ctid FROM command_keys k
                WHERE recorded_at < now() - make_interval(days => $1)
                    AND NOT EXISTS (SELECT FROM bank_notices n WHERE n.effected_at IS NULL
                        AND n.bank = k.bank
                        AND starts_with(k.command_key, 'act:bank-notice:' || n.notice_id || ':'))
                LIMIT $2))",
        },
        Rule {
            table: "guesses",
            kept: kept.guesses_days,
            sql: "DELETE FROM guesses WHERE ctid = ANY(ARRAY(SELECT ctid FROM guesses
                WHERE settled_at < now() - make_interval(days => $1) LIMIT $2))",
        },
        // Unknown login ids leave a counter each: those that say nothing any more go.
        Rule {
            table: "guess_counters",
            kept: kept.login_counters_days,
            sql: "DELETE FROM guess_counters WHERE kind = 'login' AND open = 0
                AND touched_at < now() - make_interval(days => $1)
                AND (locked_until IS NULL OR locked_until < now())
                AND ctid = ANY(ARRAY(SELECT ctid FROM guess_counters WHERE kind = 'login' AND open = 0
                    AND touched_at < now() - make_interval(days => $1)
                    AND (locked_until IS NULL OR locked_until < now()) LIMIT $2))",
        },
        // A request that led to a consent is kept as long as what was shown for it.
        Rule {
            table: "pushed_requests",
            kept: kept.pushed_requests_days,
            sql: "DELETE FROM pushed_requests WHERE ctid = ANY(ARRAY(SELECT r.ctid FROM pushed_requests r
                WHERE created_at < now() - make_interval(days => $1)
                  AND NOT EXISTS (SELECT FROM evidence_records e
                      WHERE e.bank = r.bank AND e.journey_id = r.journey_id) LIMIT $2))",
        },
        Rule {
            table: "bank_sessions",
            kept: kept.bank_sessions_days,
            sql: "DELETE FROM bank_sessions WHERE ctid = ANY(ARRAY(SELECT ctid FROM bank_sessions
                WHERE login_at < now() - make_interval(days => $1) LIMIT $2))",
        },
    ] {
        apply(pool, rule).await?;
    }
    Ok(())
}

/// Removes what is kept for months or years, and what takes a longer look: now and then.
///
/// # Errors
/// [`StoreError`]; what was removed before stays removed.
pub async fn remove_what_is_over(
    pool: &PgPool,
    kept: &RetentionSettings,
) -> Result<(), StoreError> {
    for rule in &[
        // By its own time, which the bank's record gave it; what is held stays (migration 0050).
        Rule {
            table: "evidence_records",
            kept: 0,
            sql: "DELETE FROM evidence_records WHERE ctid = ANY(ARRAY(SELECT ctid FROM evidence_records
                WHERE retain_until < now() - make_interval(days => $1)
                  AND NOT is_held(bank, grant_id) LIMIT $2))",
        },
        Rule {
            table: "notices",
            kept: kept.notices_sent_days,
            sql: "DELETE FROM notices WHERE ctid = ANY(ARRAY(SELECT ctid FROM notices
                WHERE sent_at < now() - make_interval(days => $1) LIMIT $2))",
        },
        Rule {
            table: "bank_notices",
            kept: kept.bank_notices_days,
            // Its id stays, with a digest: no repetition ever takes effect. Of two that forget at once the second
            // looks at the row again: not every server sees by the ctid alone that it is another one then.
            sql: "UPDATE bank_notices SET contract = NULL, content = NULL, occurred_at = NULL, concerned = NULL,
                    content_sha256 = bank_notice_sha256(bank, notice_id, contract, content, occurred_at)
                WHERE content_sha256 IS NULL
                AND ctid = ANY(ARRAY(SELECT ctid FROM bank_notices WHERE content_sha256 IS NULL
                    AND effected_at < now() - make_interval(days => $1) LIMIT $2))",
        },
        Rule {
            table: "unacknowledged_events",
            kept: kept.unacknowledged_events_days,
            sql: "DELETE FROM unacknowledged_events WHERE ctid = ANY(ARRAY(
                SELECT ctid FROM unacknowledged_events
                WHERE handed_out_at < now() - make_interval(days => $1) LIMIT $2))",
        },
        Rule {
            table: "refused_events",
            kept: kept.refused_events_days,
            sql: "DELETE FROM refused_events WHERE ctid = ANY(ARRAY(SELECT ctid FROM refused_events
                WHERE refused_at < now() - make_interval(days => $1) LIMIT $2))",
        },
        // A grant that ended that long ago had its tokens before; when it ended is when its last fact was
        // recorded.
        Rule {
            table: "refresh_tokens",
            kept: kept.refresh_tokens_of_ended_grants_days,
            sql: "DELETE FROM refresh_tokens WHERE ctid = ANY(ARRAY(SELECT r.ctid FROM refresh_tokens r
                JOIN consent_current c ON c.stream_id = r.bank || ':' || r.grant_id AND c.status <> 'live'
                JOIN events e ON e.aggregate_type = 'consent' AND e.aggregate_id = c.stream_id
                    AND e.sequence = c.version
                WHERE r.issued_at < now() - make_interval(days => $1)
                  AND e.recorded_at < now() - make_interval(days => $1) LIMIT $2))",
        },
    ] {
        apply(pool, rule).await?;
    }
    acts_and_months(pool, kept).await
}

async fn apply(pool: &PgPool, rule: &Rule) -> Result<(), StoreError> {
    for _ in 0..BATCHES {
        let done = sqlx::query(rule.sql)
            .bind(rule.kept)
            .bind(BATCH)
            .execute(pool)
            .instrument(sql_span("remove what is over"))
            .await?;
        let removed = done.rows_affected();
        metrics::removed(rule.table, removed);
        if removed < u64::from(BATCH.unsigned_abs()) {
            break;
        }
    }
    Ok(())
}

/// What the service's role may remove by a function only.
async fn acts_and_months(pool: &PgPool, kept: &RetentionSettings) -> Result<(), StoreError> {
    for _ in 0..BATCHES {
        let removed: i32 =
            sqlx::query_scalar("SELECT remove_unfinished_journeys(make_interval(days => $1), $2)")
                .bind(kept.unfinished_journeys_days)
                .bind(BATCH)
                .fetch_one(pool)
                .instrument(sql_span("remove rows of unfinished journeys"))
                .await?;
        metrics::removed("journey_current", u64::from(removed.unsigned_abs()));
        if removed < BATCH {
            break;
        }
    }
    let acts: i32 = sqlx::query_scalar("SELECT remove_operator_acts(make_interval(months => $1))")
        .bind(kept.operator_acts_months)
        .fetch_one(pool)
        .instrument(sql_span("remove acts of operators"))
        .await?;
    metrics::removed("operator_acts", u64::from(acts.unsigned_abs()));
    let (dropped, removed): (i32, i64) =
        sqlx::query_as("SELECT * FROM remove_access_records(make_interval(months => $1))")
            .bind(kept.access_records_months)
            .fetch_one(pool)
            .instrument(sql_span("remove months of the access record"))
            .await?;
    metrics::removed("access_records", removed.unsigned_abs());
    if dropped > 0 {
        tracing::info!(dropped, "months of the access record are past their time");
    }
    Ok(())
}
