//! A grant in its partner's words: never more than events and decisions tell.

use chrono::{DateTime, NaiveDate, Utc};
use consent_domain::{
    AccountId, BankCode, GrantId,
    access::{Denial, Evidence},
    consent::{Consent, GrantTerms, RevocationReason},
    scope::Task,
};
use public_events::{party_word, revocation_reason_word, suspension_cause_words};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::granted::{granted_access, granted_tasks};
use crate::{
    access_record::{AccessTotal, ReadKind},
    app::App,
    protocol::{
        authorization_details::{GrantedAccess, rfc3339_seconds},
        pairwise::PairwiseId,
        shared_key::KeyPurpose,
    },
};

/// A grant: `scopes`, `claims` and `authorization_details` are Grant Management's, the rest is ours.
#[derive(Serialize, ToSchema)]
pub(crate) struct Grant {
    /// As in token responses.
    #[schema(example = "0196384e-1b2c-7d3e-8f40-5a6b7c8d9e0f")]
    grant_id: String,
    /// What a read would meet now.
    status: Status,
    /// Of a suspended grant, what of its own stands against reads: `customer`, `bank`,
    /// `authorization_needed`. Empty where it is something wider, and of every other grant.
    #[schema(example = json!([]))]
    causes: Vec<String>,
    /// Who revoked it: `customer`, `partner`, `bank`, `platform`. Only of a revoked grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "customer")]
    revoked_by: Option<String>,
    /// Why, where a partner may know: `no_longer_needed`, `contract_ended`, `security`,
    /// `no_account_left`. Only of a revoked grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "no_longer_needed")]
    reason: Option<String>,
    /// The contract (団体) as the partner knows it, as `sub` in access tokens.
    #[schema(example = "q3Zk0mJx8VtY1nLc5RbW2A")]
    sub: String,
    /// When the period began: RFC 3339 in UTC.
    #[serde(serialize_with = "rfc3339_seconds")]
    #[schema(example = "2026-01-01T00:00:00Z")]
    valid_from: DateTime<Utc>,
    /// The scopes that it allows, and where.
    scopes: Vec<GrantedScopes>,
    /// Claims of users: none are given.
    #[schema(example = json!([]))]
    claims: [&'static str; 0],
    /// What it allows, or allowed last.
    authorization_details: [GrantedAccess; 1],
    /// What was read under it; empty until something was.
    reads: Vec<Reads>,
}

/// How a grant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// Reads are allowed.
    Active,
    /// Not for the time being.
    Suspended,
    /// Its time passed. Final.
    Expired,
    /// Somebody ended it. Final.
    Revoked,
    /// Another grant took its place. Final.
    Superseded,
}

/// Scopes at a resource server.
#[derive(Serialize, ToSchema)]
struct GrantedScopes {
    /// Scopes separated by a space.
    #[schema(example = "balance transactions")]
    scope: String,
    /// The resource identifier of account-api.
    #[schema(example = json!(["https://accounts.example"]))]
    resources: [String; 1],
}

/// All reads of one kind.
#[derive(Serialize, ToSchema)]
struct Reads {
    /// The partner's own id of the account; left out of `accounts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "q3Zk0mJx8VtY1nLc5RbW2A")]
    account_id: Option<String>,
    /// `balance`, `transactions`, or `accounts` for lists of the accounts.
    #[schema(example = "transactions")]
    task: &'static str,
    /// How often; a page of transactions is a read.
    #[schema(example = 12)]
    reads: i64,
    /// Balances, transactions or accounts, all together.
    #[schema(example = 340)]
    rows: i64,
    /// RFC 3339 in UTC.
    #[serde(serialize_with = "rfc3339_seconds")]
    #[schema(example = "2026-01-02T03:04:05Z")]
    first_read_at: DateTime<Utc>,
    /// RFC 3339 in UTC.
    #[serde(serialize_with = "rfc3339_seconds")]
    #[schema(example = "2026-04-15T03:00:00Z")]
    last_read_at: DateTime<Utc>,
    /// Of transactions: the last day (Japan) that was over and of which every transaction was served.
    /// Go on from the day after it. Left out until there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "2026-04-14")]
    last_served_date: Option<NaiveDate>,
}

/// Tells grants of one bank.
pub(super) struct Teller<'a> {
    app: &'a App,
    bank: &'a BankCode,
}

impl<'a> Teller<'a> {
    pub(super) fn new(app: &'a App, bank: &'a BankCode) -> Self {
        Self { app, bank }
    }

    /// The grant, which is the partner's own; none where it was never given.
    pub(super) fn tell<'t>(
        &self,
        grant: &GrantId,
        evidence: &Evidence<'_>,
        totals: impl Iterator<Item = &'t AccessTotal>,
    ) -> Option<Grant> {
        let terms = evidence.consent.terms()?;
        let ended = ended_by(evidence);
        let access = granted_access(self.app, self.bank, terms);
        let mut reads: Vec<Reads> = totals.map(|total| self.reads(terms, total)).collect();
        // By the partner's ids: the order of the bank's own would tell something of them.
        reads.sort_by(|one, other| {
            (&one.account_id, one.task).cmp(&(&other.account_id, other.task))
        });
        Some(Grant {
            grant_id: grant.to_string(),
            status: status(evidence, terms),
            causes: suspension_cause_words(&evidence.consent.suspensions()),
            revoked_by: ended.0,
            reason: ended.1,
            sub: self.subject(terms),
            valid_from: terms.valid_from,
            scopes: vec![GrantedScopes {
                scope: scope(terms),
                resources: [self.app.resource_identifier.clone()],
            }],
            claims: [],
            authorization_details: [access],
            reads,
        })
    }

    fn subject(&self, terms: &GrantTerms) -> String {
        let key = self.app.keys.shared(KeyPurpose::Pairwise);
        PairwiseId::of_contract(key, &terms.partner, self.bank, &terms.contract).into()
    }

    fn account(&self, terms: &GrantTerms, account: &AccountId) -> String {
        let key = self.app.keys.shared(KeyPurpose::Pairwise);
        PairwiseId::of_account(key, &terms.partner, self.bank, account).into()
    }

    fn reads(&self, terms: &GrantTerms, total: &AccessTotal) -> Reads {
        let account = total.account.as_ref();
        Reads {
            account_id: account.map(|account| self.account(terms, account)),
            task: ReadKind::as_str(total.task),
            reads: total.reads,
            rows: total.rows,
            first_read_at: total.first_read_at,
            last_read_at: total.last_read_at,
            last_served_date: total.last_served_on,
        }
    }
}

fn scope(terms: &GrantTerms) -> String {
    let tasks: Vec<&str> = granted_tasks(terms).into_iter().map(Task::as_str).collect();
    tasks.join(" ")
}

/// By the rule of decisions, so that a read and this answer agree.
fn status(evidence: &Evidence<'_>, terms: &GrantTerms) -> Status {
    match evidence.live_for(&terms.client) {
        Ok(_) => Status::Active,
        Err(Denial::Expired) => Status::Expired,
        Err(Denial::Superseded) => Status::Superseded,
        Err(Denial::Suspended(_)) => Status::Suspended,
        // Nothing to wait for: a closed contract stays closed. The others are no answers about a grant
        // that there is and a client whose it is.
        Err(
            Denial::Revoked
            | Denial::ContractClosed
            | Denial::UnknownGrant
            | Denial::AccountNotInScope
            | Denial::TaskNotInScope,
        ) => Status::Revoked,
    }
}

/// Who revoked it and why, as far as a partner may know.
fn ended_by(evidence: &Evidence<'_>) -> (Option<String>, Option<String>) {
    match evidence.consent {
        Consent::Revoked { by, reason, .. } => {
            (Some(party_word(*by)), revocation_reason_word(*reason))
        }
        // The fact of the grant itself follows.
        Consent::Live { .. } if evidence.contract == consent_domain::standing::Standing::Ended => (
            None,
            revocation_reason_word(RevocationReason::ContractClosed),
        ),
        _ => (None, None),
    }
}
