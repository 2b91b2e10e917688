//! The token endpoint: a code for tokens, a refresh token for an access token, or the client's own
//! credentials for one of its own.

use crate::store::sql_span;
use std::collections::BTreeSet;
use tracing::Instrument as _;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, SubsecRound as _, Utc};
use consent_domain::{
    BankCode, ContractId, GrantId, JourneyId,
    consent::{ConsentRefusal, ConsentStream, GrantTerms},
    scope::Task,
};
use uuid::Uuid;

use super::{
    bank_of,
    client_proof::{ProvenClient, authenticate, read_form},
    granted::{granted_access, granted_tasks},
    own_credentials,
};
use crate::{
    app::App,
    entropy,
    journey::stream_id,
    protocol::{
        access_token::{self, AccessTokenContent},
        authorization_details::GrantedAccess,
        code::{CodePresented, find_proven, redeem},
        oauth_error::OAuthError,
        pairwise::PairwiseId,
        pkce::CodeVerifier,
        pushed_request::parse_scope,
        refresh_token::{self, RefreshTokenRow, token_hash},
        secret::Secret,
        shared_key::KeyPurpose,
        signing_key::SigningKey,
        token_ids::{Issuance, IssuedAccessTokenRow, issue_from_refresh_token},
        token_request::TokenRequest,
        token_response::{TokenResponse, scope_of},
    },
    request_context::RequestContext,
    store::{Actor, CommandContext, state_of},
};

/// `POST {issuer}/token`
#[utoipa::path(
    post,
    path = "/{bank}/token",
    tag = "tokens",
    operation_id = "exchange",
    summary = "Exchange a code, a refresh token or the client's own credentials (RFC 6749 4.1.3, 6, 4.4)",
    description = "A code has one use, and its second use, proven to be the client's, ends the tokens \
        that the first gave. An access token lives 10 minutes; a refresh token stays the same. \
        `client_credentials` give the partner's own scopes, never accounts: no refresh token, no \
        `grant_id`, no `authorization_details`.",
    params(crate::openapi::BankPath),
    request_body(
        content = crate::openapi::TokenForm,
        content_type = "application/x-www-form-urlencoded"
    ),
    responses(
        (status = 200, description = "Tokens", body = crate::openapi::TokenAnswer)
    )
)]
pub(crate) async fn exchange(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse, OAuthError> {
    let bank = bank_of(&app, &path).await?;
    let mut fields = read_form(&request, &body)?;
    let proven = authenticate(&app, &bank, &mut fields).await?;
    match TokenRequest::parse(fields)? {
        TokenRequest::AuthorizationCode {
            code,
            redirect_uri,
            code_verifier,
        } => {
            let context = RequestContext::of(&request);
            let presented = PresentedCode {
                code,
                redirect_uri,
                code_verifier,
            };
            redeem_code(&app, &bank, &proven, presented, context).await
        }
        TokenRequest::RefreshToken {
            refresh_token,
            scope,
        } => refresh(&app, &bank, &proven, &refresh_token, scope.as_deref()).await,
        TokenRequest::ClientCredentials { scopes } => {
            own_credentials::issue(&app, &bank, &proven, &scopes).await
        }
    }
}

struct PresentedCode {
    code: Secret,
    redirect_uri: String,
    code_verifier: CodeVerifier,
}

/// One winner: the code's use, the refresh token and the access token's id commit together. The
/// consent learns of its first token afterwards, in a command of its own that a repeat finds done.
async fn redeem_code(
    app: &App,
    bank: &BankCode,
    proven: &ProvenClient,
    presented: PresentedCode,
    context: RequestContext,
) -> Result<HttpResponse, OAuthError> {
    let client_id = proven.client.client_id();
    let presented = CodePresented {
        bank,
        client_id,
        code: &presented.code,
        redirect_uri: &presented.redirect_uri,
        code_verifier: &presented.code_verifier,
    };
    // Read before the transaction: rivals for one code hold a connection each while they wait for
    // the row, and a winner that needed a second connection would wait for them.
    let found = find_proven(&app.pool, presented)
        .await?
        .ok_or(OAuthError::invalid_grant())?;
    let terms = live_terms(app, bank, &found.grant_id)
        .await?
        .ok_or(OAuthError::invalid_grant())?;
    let key = app.keys.signing_key(&app.pool, bank).await?;
    let mut transaction = app.pool.begin().await?;
    let now: DateTime<Utc> = sqlx::query_scalar("SELECT now()")
        .fetch_one(&mut *transaction)
        .instrument(sql_span("database time"))
        .await?;
    let redemption = redeem(&mut transaction, presented).await?;
    let row = match redemption.into_redeemed() {
        Ok(row) => row,
        Err(error) => {
            // A second use has revoked what the first gave: that must hold.
            transaction.commit().await?;
            return Err(error);
        }
    };
    let refresh_token = refresh_token::mint();
    let refresh = RefreshTokenRow {
        bank: bank.clone(),
        token_hash: token_hash(&refresh_token),
        refresh_token_id: entropy::opaque_id(),
        client_id: client_id.clone(),
        grant_id: row.grant_id.clone(),
        code_id: row.code_id,
        issued_at: now,
    };
    refresh.insert(&mut *transaction).await?;
    let jti = entropy::opaque_id();
    let issued_at = now.trunc_subsecs(0);
    IssuedAccessTokenRow {
        bank: bank.clone(),
        jti,
        client_id: client_id.clone(),
        grant_id: row.grant_id.clone(),
        code_id: row.code_id,
        refresh_token_id: Some(refresh.refresh_token_id),
        issued_at,
        expires_at: access_token::expires_at(issued_at),
        kid: key.kid().to_owned(),
    }
    .insert(&mut *transaction)
    .await?;
    transaction.commit().await?;
    // The code is spent and its tokens exist: the answer must not hang on this fact. Where it can't be
    // recorded now, the sweeper records it.
    let connected = connect(
        app,
        bank,
        &row.grant_id,
        &row.journey_id,
        &terms.contract,
        proven,
        context,
    )
    .await;
    if let Err(error) = connected {
        tracing::warn!(%error, "the partner's first token could not be recorded yet");
    }
    let token = Token {
        jti,
        key,
        issued_at,
        tasks: granted_tasks(&terms),
    };
    answer(
        app,
        bank,
        proven,
        &row.grant_id,
        &terms,
        &token,
        Some(&refresh_token),
    )
}

/// Records the partner's first token of the grant (`PartnerConnected`).
async fn connect(
    app: &App,
    bank: &BankCode,
    grant: &GrantId,
    journey: &JourneyId,
    contract: &ContractId,
    proven: &ProvenClient,
    context: RequestContext,
) -> Result<(), OAuthError> {
    let journey = journey.clone();
    app.bus
        .execute::<ConsentStream, ConsentRefusal>(
            stream_id(bank, grant.as_str()),
            CommandContext {
                bank: Some(bank.to_string()),
                partner: Some(proven.partner.partner.to_string()),
                contract: Some(contract.to_string()),
                request_id: Some(context.request_id),
                traceparent: context.traceparent,
                ..CommandContext::of(Actor::Partner(proven.client.client_id().to_string()))
            },
            move |consent, now| consent.connect(&journey, now).map(|o| o.into_events()),
            |_, _, _| Vec::new(),
        )
        .await?;
    Ok(())
}

async fn live_terms(
    app: &App,
    bank: &BankCode,
    grant: &GrantId,
) -> Result<Option<GrantTerms>, OAuthError> {
    let now: DateTime<Utc> = sqlx::query_scalar("SELECT now()")
        .fetch_one(&app.pool)
        .instrument(sql_span("database time"))
        .await?;
    let consent = state_of::<ConsentStream>(&app.pool, &stream_id(bank, grant.as_str())).await?;
    Ok(consent.live_terms(now).cloned())
}

async fn refresh(
    app: &App,
    bank: &BankCode,
    proven: &ProvenClient,
    presented: &Secret,
    scope: Option<&str>,
) -> Result<HttpResponse, OAuthError> {
    let row = refresh_token::find(&app.pool, bank, proven.client.client_id(), presented)
        .await?
        .ok_or(OAuthError::invalid_grant())?;
    let terms = live_terms(app, bank, &row.grant_id)
        .await?
        .ok_or(OAuthError::invalid_grant())?;
    let now: DateTime<Utc> = sqlx::query_scalar("SELECT now()")
        .fetch_one(&app.pool)
        .instrument(sql_span("database time"))
        .await?;
    let granted = granted_tasks(&terms);
    let tasks = match scope {
        None => granted,
        Some(scope) => {
            let asked = parse_scope(scope, &proven.client)?;
            if !asked.is_subset(&granted) {
                return Err(OAuthError::invalid_scope("more than was granted"));
            }
            asked
        }
    };
    let jti = entropy::opaque_id();
    let issued_at = now.trunc_subsecs(0);
    let expires_at = access_token::expires_at(issued_at);
    let key = app.keys.signing_key(&app.pool, bank).await?;
    let kid = key.kid();
    match issue_from_refresh_token(&app.pool, &row, jti, kid, issued_at, expires_at).await? {
        Issuance::Issued => {}
        Issuance::RefreshTokenRevoked => return Err(OAuthError::invalid_grant()),
    }
    let token = Token {
        jti,
        key,
        issued_at,
        tasks,
    };
    answer(app, bank, proven, &row.grant_id, &terms, &token, None)
}

struct Token {
    jti: Uuid,
    /// Recorded with the `jti`.
    key: SigningKey,
    issued_at: DateTime<Utc>,
    /// What the token is for: every granted task, or fewer.
    tasks: BTreeSet<Task>,
}

fn answer(
    app: &App,
    bank: &BankCode,
    proven: &ProvenClient,
    grant: &GrantId,
    terms: &GrantTerms,
    token: &Token,
    refresh_token: Option<&Secret>,
) -> Result<HttpResponse, OAuthError> {
    let details: [GrantedAccess; 1] = [granted_access(app, bank, terms).only(&token.tasks)];
    let scope = scope_of(&token.tasks);
    let key = app.keys.shared(KeyPurpose::Pairwise);
    let subject = PairwiseId::of_contract(key, &terms.partner, bank, &terms.contract);
    let content = AccessTokenContent {
        issuer: &app.issuer(bank),
        subject: &subject,
        audience: &app.resource_identifier,
        jti: token.jti,
        client_id: proven.client.client_id(),
        scope: &scope,
        grant_id: grant,
        authorization_details: &details,
        issued_at: token.issued_at,
    };
    let access_token = access_token::mint(&token.key, &content).map_err(|error| {
        tracing::error!(%error, "a token could not be signed");
        OAuthError::server_error()
    })?;
    let response = TokenResponse {
        access_token: &access_token,
        refresh_token,
        scope: &scope,
        authorization_details: &details,
        grant_id: grant,
    };
    Ok(response.to_response())
}
