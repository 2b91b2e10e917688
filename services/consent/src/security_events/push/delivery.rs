//! One request of RFC 8935, and what its answer means.

use std::{path::Path, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use public_events::PublicEvent;
use reqwest::{
    Client, Response, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue},
    redirect,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use serde::Deserialize;

use super::{
    address::{AllowedAddresses, TargetPolicy, check_target},
    target::Lease,
};
use crate::{
    app::App,
    security_events::token::{Recipient, sign},
};

/// From the first byte sent to the answer's last; well within a lease.
const REQUEST_WITHIN: Duration = Duration::from_secs(10);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// As much of an answer is read.
const ANSWER_BYTES_MAX: usize = 4096;
/// Errors of RFC 8935 2.4 that are about the target, not about this token: setting one token aside would
/// mend nothing.
const ABOUT_THE_TARGET: [&str; 2] = ["authentication_failed", "access_denied"];

/// Why events can't be pushed at all.
#[derive(Debug, thiserror::Error)]
pub enum PusherError {
    /// The authorities can't be read.
    #[error("push_ca_file: {0}")]
    Authorities(rustls::pki_types::pem::Error),
    /// There is none in the file.
    #[error("push_ca_file: no certificate in it can be used")]
    NoAuthority,
    /// The library refuses something.
    #[error("TLS towards push targets: {0}")]
    Tls(#[from] rustls::Error),
    /// The HTTP client can't be made.
    #[error("the HTTP client for push targets: {0}")]
    Client(#[from] reqwest::Error),
}

/// Sends tokens to targets.
pub struct Pusher {
    client: Client,
    policy: TargetPolicy,
}

/// What became of one sending.
pub(super) enum Outcome {
    /// 202.
    Taken,
    /// 400 with an error about this token.
    Refused { error: String, description: String },
    /// Anything else; in our words.
    Failed(&'static str),
}

#[derive(Deserialize)]
struct ErrorBody {
    err: String,
    #[serde(default)]
    description: String,
}

impl Pusher {
    /// Trusts the authorities in the file and no others; without one no https target can be reached.
    ///
    /// # Errors
    /// [`PusherError`].
    pub fn try_new(policy: TargetPolicy, ca_file: Option<&Path>) -> Result<Self, PusherError> {
        // For clients of this process that are given no TLS of their own; the first one counts.
        drop(ring::default_provider().install_default());
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(authorities(ca_file)?)
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(AllowedAddresses(policy))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .https_only(policy == TargetPolicy::PublicHttps)
            .connect_timeout(CONNECT_WITHIN)
            .timeout(REQUEST_WITHIN)
            .build()?;
        Ok(Self { client, policy })
    }

    /// Signs the event and sends it.
    pub(super) async fn send(&self, app: &App, lease: &Lease, event: &PublicEvent) -> Outcome {
        // A literal address is not resolved, so the client's resolver never sees it.
        let Ok(url) = check_target(&lease.url, self.policy) else {
            return Outcome::Failed("the target's address is not allowed");
        };
        let Some(token) = signed(app, lease, event).await else {
            return Outcome::Failed("the token could not be signed");
        };
        let mut request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/secevent+jwt")
            .header(ACCEPT, "application/json")
            .body(token);
        match lease.authorization(app.keys.wrapping()) {
            Ok(None) => {}
            Ok(Some(header)) => {
                let Ok(mut value) = HeaderValue::from_bytes(header.as_slice()) else {
                    return Outcome::Failed("the stored Authorization is no header");
                };
                value.set_sensitive(true);
                request = request.header(AUTHORIZATION, value);
            }
            Err(_) => return Outcome::Failed("the stored Authorization does not open"),
        }
        match request.send().await {
            Ok(answer) => judged(answer).await,
            Err(error) if error.is_timeout() => Outcome::Failed("no answer in time"),
            Err(error) if error.is_connect() => Outcome::Failed("no connection"),
            Err(_) => Outcome::Failed("the request failed"),
        }
    }
}

async fn signed(app: &App, lease: &Lease, event: &PublicEvent) -> Option<String> {
    let now: DateTime<Utc> = sqlx::query_scalar("SELECT now()")
        .fetch_one(&app.pool)
        .await
        .ok()?;
    let recipient = Recipient {
        issuer: &app.issuer(&lease.whose.bank),
        client_id: &lease.client_id,
    };
    let key = app.keys.signing_key(&app.pool, &lease.whose.bank).await;
    Some(sign(&key.ok()?, &recipient, event, now))
}

async fn judged(answer: Response) -> Outcome {
    match answer.status() {
        StatusCode::ACCEPTED => Outcome::Taken,
        StatusCode::BAD_REQUEST => match error_of(answer).await {
            Some(body) if !ABOUT_THE_TARGET.contains(&body.err.as_str()) => Outcome::Refused {
                error: body.err,
                description: body.description,
            },
            Some(_) => Outcome::Failed("the receiver denies access (400)"),
            None => Outcome::Failed("400 without an error of RFC 8935"),
        },
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Outcome::Failed("the receiver denies access (401 or 403)")
        }
        status if status.is_redirection() => Outcome::Failed("a redirect, which is not followed"),
        status if status.is_success() => Outcome::Failed("a success other than 202"),
        status if status.is_server_error() => Outcome::Failed("an error of the receiver (5xx)"),
        _ => Outcome::Failed("an unexpected status"),
    }
}

async fn error_of(mut answer: Response) -> Option<ErrorBody> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            return None;
        }
    }
    serde_json::from_slice(&body).ok()
}

fn authorities(ca_file: Option<&Path>) -> Result<RootCertStore, PusherError> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = ca_file {
        let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect)
            .map_err(PusherError::Authorities)?;
        if roots.add_parsable_certificates(certificates).0 == 0 {
            return Err(PusherError::NoAuthority);
        }
    }
    Ok(roots)
}
