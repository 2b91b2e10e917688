//! The token endpoint: a code, and later the refresh token, for an access token (RFC 6749, 4.1.3, 6).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use url::Url;

use super::authorization_details::{GrantedElement, GrantedLimits, granted_limits};
use super::client_assertion::ASSERTION_TYPE;
use super::error::{OauthError, refusal};
use crate::http_client::HttpClient;
use crate::secret::Secret;

/// An access token is given up this long before its end, for the way to the resource server.
const EXPIRY_MARGIN_SECONDS: i64 = 20;
/// Longer lifetimes are cut to a day: a number without bounds must not become a date without bounds.
const MAX_LIFETIME_SECONDS: i64 = 24 * 60 * 60;

/// What a token response gives.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// For the resource server.
    pub access_token: Secret,
    /// When the access token is to be replaced.
    pub fresh_until: DateTime<Utc>,
    /// For the next access token.
    pub refresh_token: Option<Secret>,
    /// The grant, where the server tells it.
    pub grant_id: Option<String>,
    /// Limits of the grant, where the server tells them.
    pub limits: Option<GrantedLimits>,
}

/// How the client proves itself at the token endpoint.
#[derive(Debug)]
pub struct ClientProof<'a> {
    /// The client.
    pub client_id: &'a str,
    /// A new assertion.
    pub assertion: &'a Secret,
}

/// A code and what it is bound to.
#[derive(Debug)]
pub struct CodeExchange<'a> {
    /// The authorization code.
    pub code: &'a Secret,
    /// The redirect URI of the request.
    pub redirect_uri: &'a str,
    /// The PKCE verifier of the request.
    pub code_verifier: &'a Secret,
    /// The nonce of the request.
    pub nonce: &'a Secret,
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: Secret,
    token_type: String,
    expires_in: Option<i64>,
    refresh_token: Option<Secret>,
    id_token: Option<Secret>,
    grant_id: Option<String>,
    authorization_details: Option<Vec<GrantedElement>>,
}

/// Exchanges a code.
pub async fn exchange_code(
    http: &HttpClient,
    endpoint: &Url,
    client: &ClientProof<'_>,
    exchange: &CodeExchange<'_>,
    now: DateTime<Utc>,
) -> Result<Tokens, OauthError> {
    let parameters = [
        ("grant_type", "authorization_code"),
        ("code", exchange.code.reveal()),
        ("redirect_uri", exchange.redirect_uri),
        ("code_verifier", exchange.code_verifier.reveal()),
    ];
    let response = post(http, endpoint, client, &parameters).await?;
    // None was asked for; one that comes all the same must belong to this request.
    if let Some(id_token) = &response.id_token
        && nonce_of(id_token).as_deref() != Some(exchange.nonce.reveal())
    {
        return Err(OauthError::Token("the ID token's nonce is another"));
    }
    tokens(response, now)
}

/// Gets a new access token. Where the server sends no new refresh token, the old one stays good.
pub async fn refresh(
    http: &HttpClient,
    endpoint: &Url,
    client: &ClientProof<'_>,
    refresh_token: &Secret,
    now: DateTime<Utc>,
) -> Result<Tokens, OauthError> {
    let parameters = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token.reveal()),
    ];
    tokens(post(http, endpoint, client, &parameters).await?, now)
}

/// A token of the client's own (RFC 6749, 4.4).
#[derive(Debug, Clone)]
pub struct OwnToken {
    /// For the bank's own interfaces.
    pub access_token: Secret,
    /// When it is to be replaced.
    pub fresh_until: DateTime<Utc>,
}

/// Gets a token for scopes of the client itself.
pub async fn own_token(
    http: &HttpClient,
    endpoint: &Url,
    client: &ClientProof<'_>,
    scope: &str,
    now: DateTime<Utc>,
) -> Result<OwnToken, OauthError> {
    let parameters = [("grant_type", "client_credentials"), ("scope", scope)];
    let tokens = tokens(post(http, endpoint, client, &parameters).await?, now)?;
    Ok(OwnToken {
        access_token: tokens.access_token,
        fresh_until: tokens.fresh_until,
    })
}

async fn post(
    http: &HttpClient,
    endpoint: &Url,
    client: &ClientProof<'_>,
    parameters: &[(&str, &str)],
) -> Result<TokenResponse, OauthError> {
    let mut form = vec![
        ("client_id", client.client_id),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", client.assertion.reveal()),
    ];
    form.extend_from_slice(parameters);
    let answer = http.send(http.post(endpoint.clone()).form(&form)).await?;
    if answer.status != 200 {
        return Err(refusal(&answer));
    }
    Ok(answer.json()?)
}

fn tokens(response: TokenResponse, now: DateTime<Utc>) -> Result<Tokens, OauthError> {
    if !response.token_type.eq_ignore_ascii_case("Bearer") {
        return Err(OauthError::Token("the token type is not Bearer"));
    }
    let lifetime = response
        .expires_in
        .unwrap_or(0)
        .clamp(0, MAX_LIFETIME_SECONDS);
    let fresh_seconds = (lifetime - EXPIRY_MARGIN_SECONDS).max(0);
    Ok(Tokens {
        access_token: response.access_token,
        fresh_until: now + TimeDelta::seconds(fresh_seconds),
        refresh_token: response.refresh_token,
        grant_id: response.grant_id.filter(|id| (1..=200).contains(&id.len())),
        limits: response
            .authorization_details
            .as_deref()
            .map(granted_limits),
    })
}

/// The `nonce` of an ID token that came straight from the token endpoint (OpenID Connect Core,
/// 3.1.3.7, lets the connection stand for the signature there).
fn nonce_of(id_token: &Secret) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        nonce: Option<String>,
    }
    let payload = id_token.reveal().split('.').nth(1)?;
    let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    claims.nonce
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: serde_json::Value) -> Result<Tokens, OauthError> {
        let now = "2026-04-01T00:00:00Z".parse().unwrap();
        tokens(serde_json::from_value(body).unwrap(), now)
    }

    #[test]
    fn a_token_is_replaced_shortly_before_its_end() {
        let tokens = read(json!({
            "access_token": "a", "token_type": "Bearer", "expires_in": 600, "refresh_token": "r",
            "scope": "balance", "grant_id": "g",
        }))
        .unwrap();

        assert_eq!(tokens.fresh_until.to_rfc3339(), "2026-04-01T00:09:40+00:00");
        assert_eq!(tokens.grant_id.as_deref(), Some("g"));
    }

    #[test]
    fn a_token_of_another_type_is_refused() {
        let refused = read(json!({ "access_token": "a", "token_type": "DPoP", "expires_in": 600 }));

        assert!(matches!(refused, Err(OauthError::Token(_))));
    }

    #[test]
    fn the_nonce_is_read_from_the_payload() {
        let payload = URL_SAFE_NO_PAD.encode(r#"{"nonce":"n1"}"#);

        assert_eq!(
            nonce_of(&Secret::new(format!("h.{payload}.s"))).as_deref(),
            Some("n1")
        );
        assert_eq!(nonce_of(&Secret::new("garbage")), None);
    }
}
