//! `client_credentials` (RFC 6749 4.4): a token for the partner's own scopes.

use std::collections::BTreeSet;

use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, PRAGMA},
};
use chrono::{DateTime, SubsecRound as _, Utc};
use consent_domain::BankCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::client_proof::ProvenClient;
use crate::{
    app::App,
    entropy,
    protocol::{
        access_token::LIFETIME_SECONDS, oauth_error::OAuthError, partner_scope::PartnerScope,
        partner_token::PartnerTokenClaims,
    },
};

/// A token of the partner's own (RFC 6749 4.4.3): no refresh token.
#[derive(Serialize, ToSchema)]
#[schema(as = PartnerToken)]
pub(crate) struct Body<'a> {
    /// A JWT (RFC 9068); its audience is the bank's issuer.
    #[schema(example = "eyJ0eXAiOiJhdCtqd3QifQ.e30.c2lnbmF0dXJl")]
    access_token: &'a str,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// The access token's life in seconds.
    #[schema(example = 600)]
    expires_in: i64,
    /// The partner's own scopes.
    #[schema(example = "notifications")]
    scope: &'a str,
}

/// Records and answers a token.
///
/// # Errors
/// The store's, 503; 500 where it can't be signed.
pub(super) async fn issue(
    app: &App,
    bank: &BankCode,
    proven: &ProvenClient,
    scopes: &BTreeSet<PartnerScope>,
) -> Result<HttpResponse, OAuthError> {
    let now: DateTime<Utc> = sqlx::query_scalar("SELECT now()")
        .fetch_one(&app.pool)
        .await?;
    let key = app.keys.signing_key(&app.pool, bank).await?;
    let claims = PartnerTokenClaims::new(
        &app.issuer(bank),
        proven.client.client_id(),
        scopes,
        entropy::opaque_id(),
        key.kid(),
        now.trunc_subsecs(0),
    );
    let token = claims.sign(&key).map_err(|error| {
        tracing::error!(%error, "a token could not be signed");
        OAuthError::server_error()
    })?;
    claims.record(&app.pool, bank).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((PRAGMA, "no-cache"))
        .json(Body {
            access_token: token.expose(),
            token_type: "Bearer",
            expires_in: LIFETIME_SECONDS,
            scope: &claims.scope,
        }))
}
