//! Linking a bank: sending the browser there (step 1) and taking it back (before step 7).

use std::sync::Arc;

use url::Url;

use crate::application::Services;
use crate::http_client::HttpError;
use crate::oauth::authorization_response::{
    AuthorizationResponse, AuthorizationResult, ResponseError,
};
use crate::oauth::error::{ErrorCode, OauthError};
use crate::oauth::metadata::ServerMetadata;
use crate::oauth::par::{AuthorizationRequest, GrantAction};
use crate::oauth::token::{ClientProof, CodeExchange, Tokens, exchange_code};
use crate::secret::Secret;
use crate::settings::{Bank, Issuer};
use crate::store::{AuthorizationAttempt, Linkage, LinkageId, Outcome, Session};

/// Why there is no linkage; each has a page of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The customer declined or cancelled, or the procedure took too long.
    #[error("access_denied")]
    AccessDenied,
    /// The bank is closed, or down for now.
    #[error("temporarily_unavailable")]
    TemporarilyUnavailable,
    /// The bank reported an error of its own.
    #[error("server_error")]
    ServerError,
    /// The bank did not take our request: a defect, or a registration that is not valid.
    #[error("request_rejected")]
    RequestRejected,
    /// The bank does not answer, or not in a usable way.
    #[error("bank_unreachable")]
    BankUnreachable,
    /// The redirect names no attempt of this browser.
    #[error("invalid_state")]
    InvalidState,
    /// The redirect comes from another issuer than the one that was asked (a mix-up, RFC 9207).
    #[error("issuer_mismatch")]
    IssuerMismatch,
    /// The redirect can't be read.
    #[error("invalid_response")]
    InvalidResponse,
    /// The code was not taken: too old, or used.
    #[error("code_rejected")]
    CodeRejected,
    /// The code was sent and no answer came. It is not sent again: a code that is used twice ends
    /// the tokens that it gave.
    #[error("code_in_doubt")]
    CodeInDoubt,
}

impl LinkError {
    /// The error as text, for logs and `data-error`.
    pub fn code(self) -> String {
        self.to_string()
    }

    fn from_authorization(code: &ErrorCode) -> Self {
        match code.as_str() {
            "access_denied" => Self::AccessDenied,
            "temporarily_unavailable" => Self::TemporarilyUnavailable,
            "server_error" => Self::ServerError,
            _ => Self::RequestRejected,
        }
    }

    fn from_request(error: &OauthError) -> Self {
        match error {
            OauthError::Refused(code) if code.as_str() == "temporarily_unavailable" => {
                Self::TemporarilyUnavailable
            }
            OauthError::Status(503) => Self::TemporarilyUnavailable,
            OauthError::Refused(_) | OauthError::Signature | OauthError::Metadata(_) => {
                Self::RequestRejected
            }
            OauthError::Http(_) | OauthError::Status(_) | OauthError::Token(_) => {
                Self::BankUnreachable
            }
        }
    }
}

/// Starts a trip to the bank; answers the address for the browser.
///
/// Runs as a task of its own: a browser that clicks twice drops its first request, whose work is
/// finished all the same and serves the second.
pub async fn begin(
    services: &Arc<Services>,
    session: &Arc<Session>,
    bank: Bank,
    action: GrantAction,
    ui_locales: &'static str,
) -> Result<Url, LinkError> {
    let (services, session) = (Arc::clone(services), Arc::clone(session));
    let task = async move {
        let _gate = session.gate.lock().await;
        let now = services.clock.now();
        let earlier = session.with(|state| {
            state
                .find_double_click(&bank.code, action, now)
                .map(|attempt| attempt.authorization_url.clone())
        });
        if let Some(url) = earlier {
            return Ok(url);
        }
        let attempt = push(&services, bank.clone(), action, ui_locales).await.map_err(|error| {
            tracing::warn!(bank = %bank.code, %error, "the authorization request was not pushed");
            LinkError::from_request(&error)
        })?;
        let url = attempt.authorization_url.clone();
        session.with(|state| state.add_attempt(attempt));
        tracing::info!(bank = %bank.code, "the browser is sent to the bank");
        Ok(url)
    };
    tokio::spawn(task)
        .await
        .unwrap_or(Err(LinkError::ServerError))
}

async fn push(
    services: &Services,
    bank: Bank,
    action: GrantAction,
    ui_locales: &str,
) -> Result<AuthorizationAttempt, OauthError> {
    let metadata = ServerMetadata::fetch(&services.http, &bank.issuer).await?;
    let (state, nonce, code_verifier) = (Secret::random(), Secret::random(), Secret::random());
    let request = AuthorizationRequest {
        client_id: &services.settings.client_id,
        redirect_uri: &services.settings.public_url.redirect_uri(),
        state: &state,
        nonce: &nonce,
        code_verifier: &code_verifier,
        action,
        ui_locales,
    };
    let assertion = services.client_assertion(&bank.issuer)?;
    let authorization_url = request.push(&services.http, &metadata, &assertion).await?;
    let started_at = services.clock.now();
    Ok(AuthorizationAttempt {
        state,
        nonce,
        code_verifier,
        bank,
        action,
        metadata,
        authorization_url,
        started_at,
        outcome: Outcome::Awaited,
    })
}

/// Takes the browser back: `query` is the redirect's, as received.
///
/// Runs as a task of its own: a reload drops the first request while its code is on the way, and
/// must find that one's outcome instead of sending the code again.
pub async fn complete(
    services: &Arc<Services>,
    session: &Arc<Session>,
    query: &str,
) -> Result<LinkageId, LinkError> {
    let response = AuthorizationResponse::parse(query).map_err(|error| match error {
        ResponseError::NoState => LinkError::InvalidState,
        ResponseError::NoIssuer => LinkError::IssuerMismatch,
        ResponseError::Malformed => LinkError::InvalidResponse,
    })?;
    let (services, session) = (Arc::clone(services), Arc::clone(session));
    let task = async move {
        let _gate = session.gate.lock().await;
        settle(&services, &session, &response).await
    };
    tokio::spawn(task)
        .await
        .unwrap_or(Err(LinkError::ServerError))
}

async fn settle(
    services: &Services,
    session: &Session,
    response: &AuthorizationResponse,
) -> Result<LinkageId, LinkError> {
    let attempt = session
        .find_attempt(&response.state)
        .ok_or(LinkError::InvalidState)?;
    // Nothing is recorded for a wrong issuer: who forged it must not end the genuine attempt.
    expect_issuer(&attempt.bank.issuer, &response.issuer)?;
    match attempt.outcome {
        Outcome::Linked(id) => return Ok(id),
        Outcome::Failed(error) => return Err(error),
        Outcome::Awaited => {}
    }
    let outcome = match &response.result {
        AuthorizationResult::Error(code) => {
            tracing::info!(bank = %attempt.bank.code, %code, "the bank gave no permission");
            Err(LinkError::from_authorization(code))
        }
        AuthorizationResult::Code(code) => match exchange(services, &attempt, code).await {
            Ok(tokens) => Ok(connect(services, session, &attempt, tokens)),
            Err(error) => {
                tracing::warn!(bank = %attempt.bank.code, %error, "the code gave no tokens");
                // The code has not left this machine: a reload may try once more.
                if error == OauthError::Http(HttpError::NotConnected) {
                    return Err(LinkError::BankUnreachable);
                }
                Err(from_exchange(&error))
            }
        },
    };
    let recorded = match &outcome {
        Ok(id) => Outcome::Linked(id.clone()),
        Err(error) => Outcome::Failed(*error),
    };
    session.with(|state| state.record_outcome(&response.state, recorded));
    outcome
}

fn expect_issuer(expected: &Issuer, received: &str) -> Result<(), LinkError> {
    if expected.as_str() == received {
        Ok(())
    } else {
        Err(LinkError::IssuerMismatch)
    }
}

fn from_exchange(error: &OauthError) -> LinkError {
    match error {
        OauthError::Refused(code) if code.as_str() == "invalid_grant" => LinkError::CodeRejected,
        OauthError::Refused(_) | OauthError::Signature => LinkError::RequestRejected,
        OauthError::Http(_)
        | OauthError::Status(_)
        | OauthError::Token(_)
        | OauthError::Metadata(_) => LinkError::CodeInDoubt,
    }
}

async fn exchange(
    services: &Services,
    attempt: &AuthorizationAttempt,
    code: &Secret,
) -> Result<Tokens, OauthError> {
    let assertion = services.client_assertion(&attempt.bank.issuer)?;
    let client = ClientProof {
        client_id: &services.settings.client_id,
        assertion: &assertion,
    };
    let exchange = CodeExchange {
        code,
        redirect_uri: &services.settings.public_url.redirect_uri(),
        code_verifier: &attempt.code_verifier,
        nonce: &attempt.nonce,
    };
    let endpoint = &attempt.metadata.token_endpoint;
    exchange_code(
        &services.http,
        endpoint,
        &client,
        &exchange,
        services.clock.now(),
    )
    .await
}

fn connect(
    services: &Services,
    session: &Session,
    attempt: &AuthorizationAttempt,
    tokens: Tokens,
) -> LinkageId {
    let linkage = Linkage {
        id: LinkageId::random(),
        bank: attempt.bank.clone(),
        metadata: attempt.metadata.clone(),
        grant_id: tokens.grant_id.clone(),
        limits: tokens.limits.unwrap_or_default(),
        tokens,
        range: None,
        accounts: Vec::new(),
        connected_at: services.clock.now(),
    };
    tracing::info!(bank = %attempt.bank.code, "linked");
    services.notifications.follow(&attempt.bank);
    session.with(|state| state.connect(attempt, linkage))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_are_compared_byte_for_byte() {
        let issuer = Issuer::parse("http://127.0.0.1:8080/2963").unwrap();

        assert!(expect_issuer(&issuer, "http://127.0.0.1:8080/2963").is_ok());
        for other in [
            "http://127.0.0.1:8080/2963/",
            "http://localhost:8080/2963",
            "",
        ] {
            assert_eq!(
                expect_issuer(&issuer, other),
                Err(LinkError::IssuerMismatch)
            );
        }
    }

    #[test]
    fn a_closed_bank_is_told_from_a_refused_request() {
        let refused = |code: &str| OauthError::Refused(ErrorCode::new(code));

        assert_eq!(
            LinkError::from_request(&OauthError::Status(503)),
            LinkError::TemporarilyUnavailable
        );
        assert_eq!(
            LinkError::from_request(&refused("invalid_client")),
            LinkError::RequestRejected
        );
        assert_eq!(
            LinkError::from_request(&OauthError::Http(HttpError::Interrupted)),
            LinkError::BankUnreachable
        );
        assert_eq!(
            from_exchange(&refused("invalid_grant")),
            LinkError::CodeRejected
        );
        assert_eq!(
            from_exchange(&OauthError::Status(500)),
            LinkError::CodeInDoubt
        );
    }
}
