//! What a token's state is answered with (RFC 7662 2.2).

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, PRAGMA};
use chrono::{DateTime, Utc};
use consent_domain::scope::Task;
use serde::Serialize;
use utoipa::ToSchema;

use super::access_token_claims::AccessTokenClaims;
use super::authorization_details::{GrantedAccess, GrantedAccount};
use super::partner_token::PartnerTokenClaims;
use super::token_response::scope_of;

/// The state of a token. A token that is not active is answered with `active` alone, whatever the
/// reason: unknown, expired, revoked, another client's, of a grant that ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = TokenState)]
pub struct IntrospectionResponse {
    /// Whether the token works now.
    pub active: bool,
    /// Task names separated by a space: what the token covers now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "balance transactions")]
    pub scope: Option<String>,
    /// To whom the token was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "kaikei-app")]
    pub client_id: Option<String>,
    /// `Bearer` for an access token; a refresh token has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, example = "Bearer")]
    pub token_type: Option<&'static str>,
    /// When the token ends, in seconds since 1970. A refresh token ends with its grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 1_798_729_199)]
    pub exp: Option<i64>,
    /// When it was issued, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 1_767_225_600)]
    pub iat: Option<i64>,
    /// The contract, as this client knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "q3Zk0mJx8VtY1nLc5RbW2A")]
    pub sub: Option<String>,
    /// The resource server of an access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "https://accounts.example")]
    pub aud: Option<String>,
    /// The bank's issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "https://consent.example/2963")]
    pub iss: Option<String>,
    /// The id of an access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "0196384e-7c5a-7c3e-9d5f-0a6b1c2d3e4f")]
    pub jti: Option<String>,
    /// The grant on whose strength it works.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "0196384e-1b2c-7d3e-8f40-5a6b7c8d9e0f")]
    pub grant_id: Option<String>,
    /// What the token covers now (RFC 9396 9.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub authorization_details: Option<Vec<GrantedAccess>>,
}

/// A refresh token that works, and what its grant is now.
#[derive(Clone, Debug)]
pub struct LiveRefreshToken {
    /// To whom.
    pub client_id: String,
    /// The grant.
    pub grant_id: String,
    /// The contract, as the client knows it.
    pub sub: String,
    /// The bank's issuer.
    pub iss: String,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    /// What it can get access tokens for.
    pub granted: GrantedAccess,
}

impl IntrospectionResponse {
    /// Nothing but `{"active":false}`.
    pub fn inactive() -> Self {
        Self::default()
    }

    /// An access token whose signature, time and grant hold: what it was issued for, as far as the
    /// grant covers that now. A token that covers nothing any more is not active.
    pub fn of_access_token(claims: AccessTokenClaims, granted: &GrantedAccess) -> Self {
        let scope: BTreeSet<Task> = claims.scope.split(' ').filter_map(Task::find).collect();
        let details: Vec<GrantedAccess> = claims
            .authorization_details
            .iter()
            .map(|issued| covered_now(issued, granted, &scope))
            .filter(|covered| !covered.accounts.is_empty())
            .collect();
        let Some(tasks) = tasks_of(&details) else {
            return Self::inactive();
        };
        Self {
            active: true,
            scope: Some(scope_of(&tasks)),
            client_id: Some(claims.client_id.to_string()),
            token_type: Some("Bearer"),
            exp: Some(claims.exp),
            iat: Some(claims.iat),
            sub: Some(claims.sub),
            aud: Some(claims.aud),
            iss: Some(claims.iss),
            jti: Some(claims.jti.to_string()),
            grant_id: Some(claims.grant_id.to_string()),
            authorization_details: Some(details),
        }
    }

    /// A token for the partner's own scopes that works.
    pub fn of_partner_token(claims: PartnerTokenClaims) -> Self {
        Self {
            active: true,
            scope: Some(claims.scope),
            client_id: Some(claims.client_id.to_string()),
            token_type: Some("Bearer"),
            exp: Some(claims.exp),
            iat: Some(claims.iat),
            sub: Some(claims.sub.to_string()),
            aud: Some(claims.aud),
            iss: Some(claims.iss),
            jti: Some(claims.jti.to_string()),
            ..Self::default()
        }
    }

    /// A refresh token that works.
    pub fn of_refresh_token(token: LiveRefreshToken) -> Self {
        let exp = token.granted.valid_until.timestamp();
        let details = vec![token.granted];
        let Some(tasks) = tasks_of(&details) else {
            return Self::inactive();
        };
        Self {
            active: true,
            scope: Some(scope_of(&tasks)),
            client_id: Some(token.client_id),
            exp: Some(exp),
            iat: Some(token.issued_at.timestamp()),
            sub: Some(token.sub),
            iss: Some(token.iss),
            grant_id: Some(token.grant_id),
            authorization_details: Some(details),
            ..Self::default()
        }
    }

    /// 200 with JSON that no cache keeps.
    pub fn to_response(&self) -> HttpResponse {
        HttpResponse::Ok()
            .insert_header((CACHE_CONTROL, "no-store"))
            .insert_header((PRAGMA, "no-cache"))
            .json(self)
    }
}

/// Every task of some account; none where there is none.
fn tasks_of(details: &[GrantedAccess]) -> Option<BTreeSet<Task>> {
    let tasks: BTreeSet<Task> = details
        .iter()
        .flat_map(|granted| &granted.accounts)
        .flat_map(|account| account.tasks.iter().copied())
        .collect();
    (!tasks.is_empty()).then_some(tasks)
}

/// What was issued, without what the grant, changed since, or the token's scope do not cover.
fn covered_now(
    issued: &GrantedAccess,
    granted: &GrantedAccess,
    scope: &BTreeSet<Task>,
) -> GrantedAccess {
    let accounts = issued
        .accounts
        .iter()
        .filter_map(|account| {
            let now = granted
                .accounts
                .iter()
                .find(|now| now.account_id == account.account_id)?;
            let tasks: BTreeSet<Task> = account
                .tasks
                .iter()
                .copied()
                .filter(|task| now.tasks.contains(task) && scope.contains(task))
                .collect();
            (!tasks.is_empty()).then(|| GrantedAccount {
                account_id: account.account_id.clone(),
                tasks,
            })
        })
        .collect();
    GrantedAccess {
        r#type: issued.r#type,
        accounts,
        // No date means no limit, and the later of two dates is the narrower limit.
        history_from: issued.history_from.max(granted.history_from),
        valid_until: issued.valid_until.min(granted.valid_until),
    }
}

#[cfg(test)]
mod tests {
    use consent_domain::{ClientId, GrantId};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    const BOTH: &[&str] = &["balance", "transactions"];

    fn access(accounts: &[(usize, &[&str])], history_from: Option<&str>) -> GrantedAccess {
        let accounts: Vec<_> = accounts
            .iter()
            .map(|(id, tasks)| json!({"account_id": format!("{id:022}"), "tasks": tasks}))
            .collect();
        serde_json::from_value(json!({
            "type": "account_information", "accounts": accounts,
            "history_from": history_from, "valid_until": "2027-03-31T14:59:59Z",
        }))
        .unwrap()
    }

    fn state(scope: &str, issued: GrantedAccess, granted: &GrantedAccess) -> IntrospectionResponse {
        let claims = AccessTokenClaims {
            iss: "https://consent.example/2963".to_owned(),
            sub: "s".to_owned(),
            aud: "https://accounts.example".to_owned(),
            exp: 1_800_000_600,
            iat: 1_800_000_000,
            jti: Uuid::nil(),
            client_id: ClientId::parse("kaikei-app").unwrap(),
            scope: scope.to_owned(),
            grant_id: GrantId::parse("g1").unwrap(),
            authorization_details: vec![issued],
            kid: "k".to_owned(),
        };
        IntrospectionResponse::of_access_token(claims, granted)
    }

    #[test]
    fn an_unchanged_grant_gives_what_was_issued() {
        let granted = access(&[(1, BOTH), (2, BOTH)], Some("2026-01-01"));
        let state = state("balance transactions", granted.clone(), &granted);
        assert!(state.active);
        assert_eq!(state.scope.as_deref(), Some("balance transactions"));
        assert_eq!(state.authorization_details, Some(vec![granted]));
    }

    #[test]
    fn what_the_grant_lost_since_is_not_told_as_covered() {
        let issued = access(&[(1, BOTH), (2, BOTH)], None);
        let granted = access(&[(2, &["balance"]), (3, BOTH)], Some("2026-01-01"));
        let state = state("balance transactions", issued, &granted);
        assert_eq!(state.scope.as_deref(), Some("balance"));
        let left = access(&[(2, &["balance"])], Some("2026-01-01"));
        assert_eq!(state.authorization_details, Some(vec![left]));
    }

    #[test]
    fn a_narrow_token_of_a_wide_grant_stays_narrow() {
        let issued = access(&[(1, BOTH)], Some("2026-06-01"));
        let granted = access(&[(1, BOTH), (2, BOTH)], Some("2026-01-01"));
        let state = state("balance", issued, &granted);
        assert_eq!(state.scope.as_deref(), Some("balance"));
        let left = access(&[(1, &["balance"])], Some("2026-06-01"));
        assert_eq!(state.authorization_details, Some(vec![left]));
    }

    #[test]
    fn a_token_that_covers_nothing_any_more_is_not_active() {
        let state = state(
            "balance",
            access(&[(1, BOTH)], None),
            &access(&[(2, BOTH)], None),
        );
        assert_eq!(state, IntrospectionResponse::inactive());
        assert_eq!(
            serde_json::to_value(&state).unwrap(),
            json!({"active": false})
        );
    }
}
