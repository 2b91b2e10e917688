//! Revocation (RFC 7009): a client ends its own tokens. The grant lives on.

use actix_web::{HttpRequest, HttpResponse, http::header::CACHE_CONTROL, web};
use consent_domain::{BankCode, ClientId};

use super::{
    bank_of,
    client_proof::{authenticate, read_form_within},
};
use crate::{
    app::App,
    protocol::{
        access_token_claims::AccessTokenClaims,
        oauth_error::OAuthError,
        partner_token::PartnerTokenClaims,
        presented_token::PresentedToken,
        refresh_token,
        secret::Secret,
        token_ids::{RevokedTokens, revoke_access_token, revoke_refresh_token},
    },
};

/// `POST {issuer}/revoke`: 200 without a body whatever the token was. Another client's token is not
/// touched, and the answer does not tell that there is one.
#[utoipa::path(
    post,
    path = "/{bank}/revoke",
    tag = "tokens",
    operation_id = "revoke",
    summary = "End a token (RFC 7009)",
    description = "An access token ends by itself; a refresh token ends with every access token that it \
        gave. The grant lives on. When the answer is there, no read with what was ended succeeds any \
        more.",
    params(crate::openapi::BankPath),
    request_body(
        content = crate::openapi::ClientTokenForm,
        content_type = "application/x-www-form-urlencoded"
    ),
    responses((status = 200, description = "The client has no such token any more, if it ever had"))
)]
pub(crate) async fn revoke(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse, OAuthError> {
    let bank = bank_of(&app, &path).await?;
    let mut fields = read_form_within(PresentedToken::LIMITS, &request, &body)?;
    let proven = authenticate(&app, &bank, &mut fields).await?;
    let client = proven.client.client_id();
    let revoked = match PresentedToken::take(fields)? {
        PresentedToken::AccessToken(token) => end_access_token(&app, &bank, client, &token).await?,
        PresentedToken::RefreshToken(token) => {
            end_refresh_token(&app, &bank, client, &token).await?
        }
    };
    tracing::info!(
        %bank,
        %client,
        refresh_tokens = revoked.refresh_tokens,
        access_tokens = revoked.access_tokens,
        "a client revoked a token"
    );
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .finish())
}

async fn end_access_token(
    app: &App,
    bank: &BankCode,
    client: &ClientId,
    token: &Secret,
) -> Result<RevokedTokens, OAuthError> {
    let ring = app.keys.ring();
    let issuer = app.issuer(bank);
    let of_grant = AccessTokenClaims::find(token, &ring, bank, &issuer).map(|claims| claims.jti);
    let Some(jti) = of_grant
        .or_else(|| PartnerTokenClaims::find(token, &ring, bank, &issuer).map(|claims| claims.jti))
    else {
        return Ok(RevokedTokens::default());
    };
    // For this client only: another's row does not match.
    Ok(revoke_access_token(&app.pool, bank, client, jti).await?)
}

async fn end_refresh_token(
    app: &App,
    bank: &BankCode,
    client: &ClientId,
    token: &Secret,
) -> Result<RevokedTokens, OAuthError> {
    let Some(row) = refresh_token::find(&app.pool, bank, client, token).await? else {
        return Ok(RevokedTokens::default());
    };
    let mut transaction = app.pool.begin().await?;
    let revoked = revoke_refresh_token(&mut transaction, &row).await?;
    transaction.commit().await?;
    Ok(revoked)
}
