//! The token endpoint's answer (RFC 6749 5.1), with what was granted (RFC 9396 7).

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, PRAGMA};
use consent_domain::GrantId;
use consent_domain::scope::Task;
use serde::Serialize;
use utoipa::ToSchema;

use super::access_token::LIFETIME_SECONDS;
use super::authorization_details::GrantedAccess;
use super::secret::Secret;

/// Tokens for a client.
#[derive(Clone, Debug)]
pub struct TokenResponse<'a> {
    /// A JWT.
    pub access_token: &'a Secret,
    /// Left out when a refresh token was exchanged: it stays the same.
    pub refresh_token: Option<&'a Secret>,
    /// Task names separated by a space.
    pub scope: &'a str,
    /// What was granted.
    pub authorization_details: &'a [GrantedAccess],
    /// The grant.
    pub grant_id: &'a GrantId,
}

/// Tokens (RFC 6749 5.1).
#[derive(Serialize, ToSchema)]
#[schema(as = Tokens)]
pub(crate) struct Body<'a> {
    /// A JWT (RFC 9068), for the account API.
    #[schema(example = "eyJ0eXAiOiJhdCtqd3QifQ.e30.c2lnbmF0dXJl")]
    access_token: &'a str,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// The access token's life in seconds.
    #[schema(example = 600)]
    expires_in: i64,
    /// Only where a code was exchanged: a refresh token stays the same for as long as the grant lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        example = "5mW0gQkzv0nq8N1i3cJ7yX2bT4uH6sLdRfPeAoVhKxE"
    )]
    refresh_token: Option<&'a str>,
    /// Task names separated by a space.
    #[schema(example = "balance transactions")]
    scope: &'a str,
    /// What was granted (RFC 9396 7).
    authorization_details: &'a [GrantedAccess],
    /// The grant (Grant Management for OAuth 2.0).
    #[schema(example = "0196384e-1b2c-7d3e-8f40-5a6b7c8d9e0f")]
    grant_id: &'a str,
}

impl TokenResponse<'_> {
    /// 200 with JSON that no cache keeps.
    pub fn to_response(&self) -> HttpResponse {
        HttpResponse::Ok()
            .insert_header((CACHE_CONTROL, "no-store"))
            .insert_header((PRAGMA, "no-cache"))
            .json(Body {
                access_token: self.access_token.expose(),
                token_type: "Bearer",
                expires_in: LIFETIME_SECONDS,
                refresh_token: self.refresh_token.map(Secret::expose),
                scope: self.scope,
                authorization_details: self.authorization_details,
                grant_id: self.grant_id.as_str(),
            })
    }
}

/// The scope string of a set of tasks.
pub fn scope_of(tasks: &BTreeSet<Task>) -> String {
    tasks
        .iter()
        .map(|task| task.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}
