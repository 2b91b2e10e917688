//! Whom a partner's doings in a time concern: every consent of it that was live at some moment of that time,
//! what it allowed then, and whether data were read under it.

use std::collections::{BTreeMap, BTreeSet};

use consent_domain::{
    BankCode, Instant, PartnerId, Stream as _,
    consent::{Consent, ConsentEvent, ConsentStream},
};
use serde::Serialize;
use sqlx::{FromRow, PgPool, Row as _};
use utoipa::ToSchema;

use crate::{
    history::{COLUMNS, HistoryError, Told, told},
    openapi::TaskName,
};

/// Which consents.
#[derive(Debug, Clone)]
pub struct AffectedBy {
    /// The bank.
    pub bank: BankCode,
    /// The partner.
    pub partner: PartnerId,
    /// From this time on.
    pub from: Instant,
    /// Before this time.
    pub to: Instant,
    /// After this one, in the order of beginning and consent.
    pub after: Option<(Instant, String)>,
    /// At most.
    pub limit: i64,
}

/// An account that could be read in that time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AffectedAccount {
    /// The bank's id of the account.
    pub account: String,
    /// Which tasks were allowed.
    #[schema(value_type = Vec<TaskName>)]
    pub tasks: Vec<&'static str>,
}

/// A consent that was live in that time.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = AffectedConsent)]
pub struct AffectedConsent {
    /// The consent.
    pub grant_id: String,
    /// The contract (団体).
    pub contract: String,
    /// The users who answered for it in that time, by the bank's ids.
    pub users: Vec<String>,
    /// Its OAuth client.
    pub client: String,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub began_at: Instant,
    /// When it ended; none: it is live.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Instant>,
    /// What could be read at some moment of that time.
    pub accounts: Vec<AffectedAccount>,
    /// How often data were read in that time.
    pub reads: i64,
    /// How many rows they were.
    pub rows: i64,
    /// The first of these reads.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub first_read_at: Option<Instant>,
    /// The last.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_read_at: Option<Instant>,
}

#[derive(FromRow)]
struct Row {
    stream_id: String,
    contract: String,
    client: String,
    began_at: Instant,
    ended_at: Option<Instant>,
    reads: i64,
    rows: i64,
    first_read_at: Option<Instant>,
    last_read_at: Option<Instant>,
}

/// An end by the clock holds since the period's end, not since it was recorded.
const SELECT: &str = "
    SELECT c.stream_id, c.contract, c.client, c.began_at, c.ended_at, coalesce(r.reads, 0) AS reads,
        coalesce(r.rows, 0) AS rows, r.first_read_at, r.last_read_at
    FROM (SELECT stream_id, bank, contract, client, began_at,
            CASE WHEN status = 'live' AND valid_until > now() THEN NULL
                WHEN status IN ('live', 'expired') THEN valid_until ELSE changed_at END AS ended_at
        FROM consent_current WHERE bank = $1 AND partner = $2 AND began_at < $4
            AND status IN ('live', 'expired', 'revoked', 'superseded')
            AND ($5::timestamptz IS NULL OR (began_at, stream_id) > ($5, $6))) c
    LEFT JOIN LATERAL (
        SELECT count(*) AS reads, sum(a.rows)::bigint AS rows, min(a.occurred_at) AS first_read_at,
            max(a.occurred_at) AS last_read_at
        FROM access_records a WHERE a.bank = c.bank AND a.grant_id = split_part(c.stream_id, ':', 2)
            AND a.occurred_at >= $3 AND a.occurred_at < $4) r ON true
    WHERE c.ended_at IS NULL OR c.ended_at > $3
    ORDER BY c.began_at, c.stream_id LIMIT $7";

/// A page of them, in the order in which they began.
///
/// # Errors
/// [`HistoryError`].
pub async fn affected(
    pool: &PgPool,
    by: &AffectedBy,
) -> Result<Vec<AffectedConsent>, HistoryError> {
    let (at, grant) = by.after.clone().unzip();
    let rows: Vec<Row> = sqlx::query_as(SELECT)
        .bind(by.bank.as_str())
        .bind(by.partner.as_str())
        .bind(by.from)
        .bind(by.to)
        .bind(at)
        .bind(grant.map(|grant| format!("{}:{grant}", by.bank)))
        .bind(by.limit)
        .fetch_all(pool)
        .await?;
    let streams = rows.iter().map(|row| row.stream_id.clone()).collect();
    let mut said = said_in(pool, streams, (by.from, by.to)).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let said = said.remove(&row.stream_id).unwrap_or_default();
            row.with(said)
        })
        .collect())
}

/// What a consent said at some moment of a time.
#[derive(Default)]
struct Said {
    users: BTreeSet<String>,
    accounts: BTreeMap<String, BTreeSet<&'static str>>,
}

impl Said {
    fn add(&mut self, consent: &Consent) {
        let Consent::Live { terms, .. } = consent else {
            return;
        };
        self.users.insert(terms.user.to_string());
        for pair in terms.scope.iter() {
            let tasks = self.accounts.entry(pair.account.to_string()).or_default();
            tasks.insert(pair.task.as_str());
        }
    }
}

/// Folds these consents, and notes every state that held in the time.
async fn said_in(
    pool: &PgPool,
    streams: Vec<String>,
    (from, to): (Instant, Instant),
) -> Result<BTreeMap<String, Said>, HistoryError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM events e WHERE e.aggregate_type = 'consent' AND e.aggregate_id = ANY($1)
             AND e.recorded_at < $2
         ORDER BY e.aggregate_id, e.sequence"
    );
    let rows = sqlx::query(&sql)
        .bind(&streams)
        .bind(to)
        .fetch_all(pool)
        .await?;
    let mut facts: BTreeMap<String, Vec<Told<ConsentEvent>>> = BTreeMap::new();
    for row in &rows {
        let stream: String = row.try_get("aggregate_id")?;
        let fact = told::<ConsentStream>(row)?;
        facts.entry(stream).or_default().push(fact);
    }
    Ok(facts
        .into_iter()
        .map(|(stream, facts)| (stream, held_since(&facts, from)))
        .collect())
}

/// The states that held after `from`: the one before it, and every one since.
fn held_since(facts: &[Told<ConsentEvent>], from: Instant) -> Said {
    let (mut state, mut said) = (Consent::default(), Said::default());
    for fact in facts {
        if fact.holds_since() > from {
            said.add(&state);
        }
        ConsentStream::evolve(&mut state, &fact.event);
    }
    said.add(&state);
    said
}

impl Row {
    fn with(self, said: Said) -> AffectedConsent {
        let (_, grant) = self.stream_id.split_once(':').unwrap_or_default();
        let accounts = said.accounts.into_iter();
        AffectedConsent {
            grant_id: grant.to_owned(),
            contract: self.contract,
            users: said.users.into_iter().collect(),
            client: self.client,
            began_at: self.began_at,
            ended_at: self.ended_at,
            accounts: accounts
                .map(|(account, tasks)| AffectedAccount {
                    account,
                    tasks: tasks.into_iter().collect(),
                })
                .collect(),
            reads: self.reads,
            rows: self.rows,
            first_read_at: self.first_read_at,
            last_read_at: self.last_read_at,
        }
    }
}
