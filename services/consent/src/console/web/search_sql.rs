//! The statements of the console's searches: consents and journeys of a bank, the newest first.

use chrono::{DateTime, Utc};
use consent_domain::{AccountId, BankCode, consent::RevocationReason};
use serde_json::json;
use sqlx::{Postgres, QueryBuilder, types::Json};

use crate::console::{consent_page::Standing, journeys_page::Outcome};

/// From this instant on, and before that one.
pub(super) type Span = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// Which consents.
#[derive(Debug, Clone, Default)]
pub(super) struct ConsentFilter {
    pub(super) partner: Option<String>,
    pub(super) contract: Option<String>,
    pub(super) account: Option<AccountId>,
    pub(super) standing: Option<Standing>,
    pub(super) reason: Option<RevocationReason>,
    pub(super) began: Span,
    pub(super) ends: Span,
}

/// Which journeys.
#[derive(Debug, Clone, Default)]
pub(super) struct JourneyFilter {
    pub(super) journey: Option<String>,
    pub(super) partner: Option<String>,
    pub(super) outcome: Option<Outcome>,
    pub(super) stage: Option<&'static str>,
    pub(super) began: Span,
}

/// A page: what comes after a place, and how many rows.
#[derive(Debug, Clone)]
pub(super) struct Page {
    pub(super) after: Option<(DateTime<Utc>, String)>,
    pub(super) limit: i64,
}

impl Page {
    fn push(&self, sql: &mut QueryBuilder<'static, Postgres>, bank: &BankCode) {
        if let Some((at, id)) = &self.after {
            sql.push(" AND (began_at, stream_id) < (").push_bind(*at);
            sql.push(", ").push_bind(format!("{bank}:{id}")).push(")");
        }
        sql.push(" ORDER BY began_at DESC, stream_id DESC LIMIT ")
            .push_bind(self.limit);
    }
}

/// When a consent ends or ended: by the clock, or when its end was recorded.
const ENDS: &str =
    "CASE WHEN status IN ('revoked', 'superseded') THEN changed_at ELSE valid_until END";

impl ConsentFilter {
    pub(super) fn select(&self, bank: &BankCode, page: &Page) -> QueryBuilder<'static, Postgres> {
        let mut sql = QueryBuilder::new(format!(
            "SELECT split_part(stream_id, ':', 2) AS grant_id, partner, contract,
                CASE WHEN status = 'live' AND valid_until <= now() THEN 'expired'
                    WHEN status = 'live' AND state -> 'suspended' IS NOT NULL THEN 'suspended'
                    ELSE status END AS status,
                CASE status WHEN 'revoked' THEN state ->> 'reason' END AS reason,
                ARRAY(SELECT jsonb_array_elements_text(state -> 'suspended')) AS suspended,
                (SELECT count(DISTINCT pair ->> 'account')
                    FROM jsonb_array_elements(state #> '{{terms,scope}}') AS pair) AS account_count,
                began_at, changed_at, {ENDS} AS ends_at
             FROM consent_current WHERE bank = "
        ));
        sql.push_bind(bank.to_string());
        push_text(&mut sql, "partner", self.partner.as_deref());
        push_text(&mut sql, "contract", self.contract.as_deref());
        if let Some(account) = &self.account {
            sql.push(" AND state #> '{terms,scope}' @> ")
                .push_bind(Json(json!([{ "account": account.as_str() }])));
        }
        match self.standing {
            None => {}
            Some(Standing::Live) => {
                sql.push(
                    " AND status = 'live' AND valid_until > now() AND state -> 'suspended' IS NULL",
                );
            }
            Some(Standing::Suspended) => {
                sql.push(" AND status = 'live' AND valid_until > now() AND state -> 'suspended' IS NOT NULL");
            }
            Some(Standing::Expired) => {
                sql.push(" AND (status = 'expired' OR status = 'live' AND valid_until <= now())");
            }
            Some(Standing::Revoked) => {
                sql.push(" AND status = 'revoked'");
            }
            Some(Standing::Superseded) => {
                sql.push(" AND status = 'superseded'");
            }
        }
        if let Some(reason) = self.reason {
            sql.push(" AND status = 'revoked' AND state ->> 'reason' = ")
                .push_bind(reason.as_str());
        }
        push_span(&mut sql, "began_at", self.began);
        push_span(&mut sql, ENDS, self.ends);
        page.push(&mut sql, bank);
        sql
    }
}

/// The step at which a journey stands or ended.
const STAGE: &str = "coalesce(state #>> '{end,step}', CASE state #>> '{stage,stage}'
    WHEN 'awaiting_login' THEN 'login' WHEN 'choosing_tasks' THEN 'tasks'
    WHEN 'choosing_accounts' THEN 'accounts' WHEN 'confirming' THEN 'confirm'
    WHEN 'authorizing' THEN 'authorize' END)";

impl JourneyFilter {
    pub(super) fn select(&self, bank: &BankCode, page: &Page) -> QueryBuilder<'static, Postgres> {
        // The bank by the range of ids that begin with it.
        let mut sql = QueryBuilder::new(format!(
            "SELECT split_part(stream_id, ':', 2) AS journey_id, state #>> '{{request,partner}}' AS partner,
                coalesce(state ->> 'contract', state #>> '{{stage,login,contract}}') AS contract,
                coalesce(state #>> '{{end,end}}', status) AS status, {STAGE} AS stage,
                coalesce(state #>> '{{end,code}}', state #>> '{{end,cause}}') AS reason,
                state #>> '{{end,grant}}' AS grant_id, began_at, changed_at
             FROM journey_current WHERE split_part(stream_id, ':', 1) = "
        ));
        sql.push_bind(bank.to_string());
        if let Some(journey) = &self.journey {
            sql.push(" AND stream_id = ")
                .push_bind(format!("{bank}:{journey}"));
        }
        push_text(
            &mut sql,
            "state #>> '{request,partner}'",
            self.partner.as_deref(),
        );
        match self.outcome {
            None => {}
            Some(Outcome::InProgress) => {
                sql.push(" AND status = 'in_progress'");
            }
            Some(outcome) => {
                sql.push(" AND state #>> '{end,end}' = ")
                    .push_bind(outcome.word());
            }
        }
        push_text(&mut sql, STAGE, self.stage);
        push_span(&mut sql, "began_at", self.began);
        page.push(&mut sql, bank);
        sql
    }
}

fn push_text(sql: &mut QueryBuilder<'static, Postgres>, column: &str, value: Option<&str>) {
    if let Some(value) = value {
        sql.push(format!(" AND {column} = "))
            .push_bind(value.to_owned());
    }
}

fn push_span(sql: &mut QueryBuilder<'static, Postgres>, column: &str, (from, to): Span) {
    if let Some(from) = from {
        sql.push(format!(" AND {column} >= ")).push_bind(from);
    }
    if let Some(to) = to {
        sql.push(format!(" AND {column} < ")).push_bind(to);
    }
}
