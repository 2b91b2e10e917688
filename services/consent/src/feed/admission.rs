//! Who may read: a partner with a token of its own, where the token may stand, and nobody else.

use actix_web::{HttpRequest, http::header::AUTHORIZATION};
use consent_domain::{BankCode, PartnerId};
use zeroize::Zeroizing;

use super::arrivals::Whose;
use crate::{
    app::App,
    authorization_server::bank_of,
    partners::find_client,
    problem::Problem,
    protocol::{partner_scope::PartnerScope, partner_token::PartnerTokenClaims, secret::Secret},
};

/// Longest token of a partner's own, in bytes.
const TOKEN_BYTES_MAX: usize = 4096;

/// A partner that was let in.
pub(crate) struct Reader {
    pub bank: BankCode,
    pub partner: PartnerId,
    pub claims: PartnerTokenClaims,
}

/// Lets a partner in that presents a live token with the scope `notifications` of this bank's issuer.
///
/// # Errors
/// 404, 401, 403, 400, or 503.
pub(crate) async fn admit(app: &App, request: &HttpRequest, path: &str) -> Result<Reader, Problem> {
    admit_for(app, request, path, PartnerScope::Notifications).await
}

/// The same for another scope.
///
/// # Errors
/// As for [`admit`].
pub(crate) async fn admit_for(
    app: &App,
    request: &HttpRequest,
    path: &str,
    scope: PartnerScope,
) -> Result<Reader, Problem> {
    let bank = bank_of(app, path)
        .await
        .map_err(|error| match error.status {
            404 => Problem::UNKNOWN_ISSUER,
            _ => Problem::UNAVAILABLE,
        })?;
    let token = bearer_token(request)?;
    let claims = PartnerTokenClaims::find(&token, &app.keys.ring(), &bank, &app.issuer(&bank))
        .ok_or(Problem::INVALID_TOKEN)?;
    let partner = let_in(app, &bank, &claims).await?;
    if !claims.covers(scope) {
        return Err(Problem::insufficient_scope(scope));
    }
    Ok(Reader {
        bank,
        partner,
        claims,
    })
}

/// The partner of a token that works now.
async fn let_in(
    app: &App,
    bank: &BankCode,
    claims: &PartnerTokenClaims,
) -> Result<PartnerId, Problem> {
    if !claims.is_live(&app.pool, bank).await? {
        return Err(Problem::INVALID_TOKEN);
    }
    let found = find_client(&app.pool, bank, &claims.client_id)
        .await
        .map_err(|error| Problem::unavailable(&error))?
        .ok_or(Problem::INVALID_TOKEN)?;
    if found.enabled {
        Ok(found.partner)
    } else {
        Err(Problem::PARTNER_DISABLED)
    }
}

impl Reader {
    /// Whose events.
    pub(crate) fn of(&self) -> Whose {
        Whose {
            bank: self.bank.clone(),
            partner: self.partner.clone(),
        }
    }

    /// Looks at the token and the partner again.
    ///
    /// # Errors
    /// As for [`admit`].
    pub(crate) async fn is_still_admitted(&self, app: &App) -> Result<(), Problem> {
        let_in(app, &self.bank, &self.claims).await.map(drop)
    }
}

/// The bearer token of a request (RFC 6750 2.1; the query is what FAPI 2.0 forbids).
fn bearer_token(request: &HttpRequest) -> Result<Secret, Problem> {
    let in_query = url::form_urlencoded::parse(request.query_string().as_bytes())
        .any(|(name, _)| name == "access_token");
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let first = headers.next();
    if in_query || headers.next().is_some() {
        return Err(Problem::UNSUPPORTED_TOKEN_USE);
    }
    let value = first.ok_or(Problem::MISSING_TOKEN)?;
    let value = value.to_str().map_err(|_| Problem::INVALID_TOKEN)?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(Problem::MISSING_TOKEN);
    }
    let token = token.trim_matches(' ');
    if (1..=TOKEN_BYTES_MAX).contains(&token.len()) {
        Ok(Secret::new(Zeroizing::new(token.to_owned())))
    } else {
        Err(Problem::INVALID_TOKEN)
    }
}
