//! Who asks: a client that proves its key, at a bank that lets it in.

use actix_web::{HttpRequest, web};
use consent_domain::BankCode;

use crate::{
    app::{App, CookiePolicy},
    partners::{PartnerAtBankRecord, client_of, find_client},
    protocol::{
        client::{Client, RedirectUriPolicy},
        client_assertion::verify_client_assertion,
        client_authentication::PresentedAssertion,
        form::{Fields, Limits, is_form},
        jti::{JtiPurpose, JtiUse, spend_jti},
        oauth_error::OAuthError,
    },
};

/// An authenticated client.
pub(super) struct ProvenClient {
    pub client: Client,
    pub partner: PartnerAtBankRecord,
}

/// Which redirect URIs may be registered here.
pub fn redirect_policy(cookies: CookiePolicy) -> RedirectUriPolicy {
    match cookies {
        CookiePolicy::HostOnly => RedirectUriPolicy::HttpsOnly,
        CookiePolicy::PlainLoopback => RedirectUriPolicy::HttpsOrLoopbackHttp,
    }
}

/// Reads a form of an OAuth endpoint strictly.
///
/// # Errors
/// `invalid_request`.
pub(super) fn read_form(request: &HttpRequest, body: &web::Bytes) -> Result<Fields, OAuthError> {
    read_form_within(Limits::ENDPOINT, request, body)
}

/// The same within other limits.
///
/// # Errors
/// `invalid_request`.
pub(super) fn read_form_within(
    limits: Limits,
    request: &HttpRequest,
    body: &web::Bytes,
) -> Result<Fields, OAuthError> {
    if !is_form(request.headers()) {
        return Err(OAuthError::invalid_request("the body must be a form"));
    }
    Ok(Fields::parse(body, limits)?)
}

/// Authenticates the client by its assertion, and spends the assertion: one use, on whichever replica.
///
/// # Errors
/// `invalid_client`, the same for an unknown client and a wrong key; `unauthorized_client` where the
/// bank does not let the partner in; 503 where the use could not be recorded.
pub(super) async fn authenticate(
    app: &App,
    bank: &BankCode,
    fields: &mut Fields,
) -> Result<ProvenClient, OAuthError> {
    let presented = PresentedAssertion::take(fields)?;
    let partner = find_client(&app.pool, bank, presented.claimed_client_id())
        .await?
        .ok_or(OAuthError::invalid_client())?;
    let client = client_of(
        &partner.partner,
        &partner.record,
        redirect_policy(app.cookies),
    )
    .map_err(|error| {
        tracing::error!(%error, "a registered client can't be read");
        OAuthError::invalid_client()
    })?;
    let verified = verify_client_assertion(
        presented.assertion(),
        &client,
        &app.issuer(bank),
        partner.now,
    )?;
    let spent = spend_jti(
        &app.pool,
        bank,
        &verified.client_id,
        JtiPurpose::ClientAssertion,
        &verified.jti,
        verified.expires_at,
    )
    .await?;
    match spent {
        JtiUse::Replayed => Err(OAuthError::invalid_client()),
        JtiUse::Fresh if !partner.enabled => Err(OAuthError::unauthorized_client(
            "the partner is not enabled at this bank",
        )),
        JtiUse::Fresh => Ok(ProvenClient { client, partner }),
    }
}
