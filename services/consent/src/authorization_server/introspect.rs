//! Introspection (RFC 7662): a client learns the state of its own tokens, a resource server that of
//! the access tokens meant for it. Whatever is not theirs is as unknown as what does not exist.

use actix_web::{
    HttpRequest, HttpResponse, ResponseError as _,
    http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE},
    web,
};
use consent_domain::{BankCode, ClientId};

use super::{
    bank_of,
    client_proof::{authenticate, read_form_within},
    granted::granted_access,
};
use crate::{
    app::App,
    decisions::Question,
    protocol::{
        access_token_claims::AccessTokenClaims,
        introspection::{IntrospectionResponse, LiveRefreshToken},
        oauth_error::OAuthError,
        pairwise::PairwiseId,
        partner_token::PartnerTokenClaims,
        presented_token::PresentedToken,
        refresh_token,
        secret::Secret,
        shared_key::KeyPurpose,
    },
};

/// `POST {issuer}/introspect`, for clients.
#[utoipa::path(
    post,
    path = "/{bank}/introspect",
    tag = "tokens",
    operation_id = "introspect",
    summary = "The state of a token of the client's own (RFC 7662)",
    description = "Active is what would be let in now: signed here, not expired, not revoked, of a grant \
        that lives, for a partner that the bank lets in. Everything else, another client's token \
        included, is `{\"active\":false}`.",
    params(crate::openapi::BankPath),
    request_body(
        content = crate::openapi::ClientTokenForm,
        content_type = "application/x-www-form-urlencoded"
    ),
    responses((status = 200, description = "The state", body = IntrospectionResponse))
)]
pub(crate) async fn for_client(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse, OAuthError> {
    let bank = bank_of(&app, &path).await?;
    let mut fields = read_form_within(PresentedToken::LIMITS, &request, &body)?;
    let proven = authenticate(&app, &bank, &mut fields).await?;
    let client = proven.client.client_id();
    let state = match PresentedToken::take(fields)? {
        PresentedToken::AccessToken(token) => match claims_of(&app, &bank, &token) {
            Some(claims) if &claims.client_id == client => {
                state_of_access_token(&app, &bank, claims).await?
            }
            Some(_) => IntrospectionResponse::inactive(),
            None => state_of_own_token(&app, &bank, client, &token).await?,
        },
        PresentedToken::RefreshToken(token) => {
            state_of_refresh_token(&app, &bank, client, &token).await?
        }
    };
    Ok(state.to_response())
}

/// `POST /{bank}/introspect` on the operators' listener, for resource servers: access tokens whose
/// audience is the resource server.
#[utoipa::path(
    post,
    path = "/{bank}/introspect",
    tag = "introspection",
    operation_id = "introspect_for_resource_server",
    summary = "The state of an access token (RFC 7662), for resource servers",
    description = "As for clients, of any client's access token whose audience is the account API. \
        A refresh token is never active here. An answer holds for the moment: ask for every read.",
    params(crate::openapi::BankPath),
    request_body(
        content = crate::openapi::TokenToIntrospect,
        content_type = "application/x-www-form-urlencoded"
    ),
    responses((status = 200, description = "The state", body = IntrospectionResponse)),
    security(("resource_server_credential" = []))
)]
pub(crate) async fn for_resource_server(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse, OAuthError> {
    let presented = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let Some(name) = presented.and_then(|credential| app.resource_servers.find(credential)) else {
        return Ok(unauthorized());
    };
    let bank = bank_of(&app, &path).await?;
    let fields = read_form_within(PresentedToken::LIMITS, &request, &body)?;
    let state = match PresentedToken::take(fields)? {
        PresentedToken::AccessToken(token) => match claims_of(&app, &bank, &token) {
            Some(claims) if claims.aud == app.resource_identifier => {
                state_of_access_token(&app, &bank, claims).await?
            }
            _ => IntrospectionResponse::inactive(),
        },
        // No resource server is ever sent one.
        PresentedToken::RefreshToken(_) => IntrospectionResponse::inactive(),
    };
    tracing::info!(%bank, resource_server = name, active = state.active, "a token was introspected");
    Ok(state.to_response())
}

fn unauthorized() -> HttpResponse {
    let mut response = OAuthError::unknown_resource_server().error_response();
    let challenge = HeaderValue::from_static("Bearer realm=\"introspection\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

fn claims_of(app: &App, bank: &BankCode, token: &Secret) -> Option<AccessTokenClaims> {
    AccessTokenClaims::find(token, &app.keys.ring(), bank, &app.issuer(bank))
}

async fn state_of_access_token(
    app: &App,
    bank: &BankCode,
    claims: AccessTokenClaims,
) -> Result<IntrospectionResponse, OAuthError> {
    let question = Question {
        bank: bank.clone(),
        grant: claims.grant_id.clone(),
        client: claims.client_id.clone(),
        jti: Some(claims.jti),
        kid: Some(claims.kid.clone()),
    };
    let seen = app.grants.see(question).await?;
    let live = seen
        .live_terms(&claims.client_id)
        .filter(|_| seen.token_live && !claims.is_expired(seen.now));
    Ok(match live {
        Some(terms) => {
            let granted = granted_access(app, bank, terms);
            IntrospectionResponse::of_access_token(claims, &granted)
        }
        None => IntrospectionResponse::inactive(),
    })
}

/// Of a token for the partner's own scopes. That the bank lets the partner in was asked already.
async fn state_of_own_token(
    app: &App,
    bank: &BankCode,
    client: &ClientId,
    token: &Secret,
) -> Result<IntrospectionResponse, OAuthError> {
    let claims = PartnerTokenClaims::find(token, &app.keys.ring(), bank, &app.issuer(bank));
    Ok(match claims.filter(|claims| &claims.client_id == client) {
        Some(claims) if claims.is_live(&app.pool, bank).await? => {
            IntrospectionResponse::of_partner_token(claims)
        }
        _ => IntrospectionResponse::inactive(),
    })
}

async fn state_of_refresh_token(
    app: &App,
    bank: &BankCode,
    client: &ClientId,
    token: &Secret,
) -> Result<IntrospectionResponse, OAuthError> {
    let Some(row) = refresh_token::find(&app.pool, bank, client, token).await? else {
        return Ok(IntrospectionResponse::inactive());
    };
    let question = Question {
        bank: bank.clone(),
        grant: row.grant_id.clone(),
        client: client.clone(),
        jti: None,
        kid: None,
    };
    let seen = app.grants.see(question).await?;
    let Some(terms) = seen.live_terms(client) else {
        return Ok(IntrospectionResponse::inactive());
    };
    let key = app.keys.shared(KeyPurpose::Pairwise);
    Ok(IntrospectionResponse::of_refresh_token(LiveRefreshToken {
        client_id: client.to_string(),
        grant_id: row.grant_id.to_string(),
        sub: PairwiseId::of_contract(key, &terms.partner, bank, &terms.contract).to_string(),
        iss: app.issuer(bank).to_string(),
        issued_at: row.issued_at,
        granted: granted_access(app, bank, terms),
    }))
}
