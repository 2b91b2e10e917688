//! A bank's feed: a token of the service's own, then one long poll after another.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::application::Services;
use crate::http_client::HttpError;
use crate::oauth::error::OauthError;
use crate::oauth::metadata::ServerMetadata;
use crate::oauth::token::{ClientProof, OwnToken, own_token};
use crate::settings::Bank;

/// How long the bank may put an empty answer off.
const WAIT_SECONDS: u64 = 25;
/// From the first byte sent to the last byte read.
const POLL_WITHIN: Duration = Duration::from_secs(40);
/// After a failure, and twice as long after each further one, up to the longest.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
const AFTER_FAILURES: Duration = Duration::from_secs(60);

/// A CloudEvent, as far as this service uses it.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) sequence: i64,
    pub(super) time: DateTime<Utc>,
    /// The type's last part, e.g. `AccessRevoked`.
    pub(super) kind: String,
    pub(super) grant_id: Option<String>,
    pub(super) data: Value,
}

impl Event {
    /// Reads an event; none where a member that every event has is missing.
    pub(super) fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let data = value.get("data").cloned().unwrap_or_default();
        Some(Self {
            id: text("id")?.to_owned(),
            sequence: text("sequence")?.parse().ok()?,
            time: text("time")?.parse().ok()?,
            kind: text("type")?.rsplit('.').next()?.to_owned(),
            grant_id: data
                .get("grant_id")
                .and_then(Value::as_str)
                .map(str::to_owned),
            data,
        })
    }
}

#[derive(Debug, thiserror::Error)]
enum FeedError {
    #[error(transparent)]
    Oauth(#[from] OauthError),
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("the feed answers {0}")]
    Status(u16),
    #[error("an event is unreadable")]
    Event,
}

/// Follows one bank, for as long as the process runs.
pub(super) async fn follow(services: Arc<Services>, bank: Bank) {
    let mut token: Option<OwnToken> = None;
    let mut pause = AFTER_FAILURE;
    loop {
        match poll(&services, &bank, &mut token).await {
            Ok(()) => pause = AFTER_FAILURE,
            Err(error) => {
                tracing::warn!(bank = %bank.code, %error, "the feed could not be read");
                token = None;
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(AFTER_FAILURES);
            }
        }
    }
}

async fn poll(
    services: &Services,
    bank: &Bank,
    token: &mut Option<OwnToken>,
) -> Result<(), FeedError> {
    let now = services.clock.now();
    let access_token = match token {
        Some(kept) if now < kept.fresh_until => kept.access_token.clone(),
        _ => {
            let new = fetch_token(services, bank).await?;
            token.insert(new).access_token.clone()
        }
    };
    let mut url = bank.issuer.url().clone();
    let path = format!("{}/notifications", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url.query_pairs_mut()
        .append_pair(
            "after",
            &services.notifications.after(&bank.code).to_string(),
        )
        .append_pair("wait", &WAIT_SECONDS.to_string());
    let request = services.http.get(url).timeout(POLL_WITHIN);
    let answer = services
        .http
        .send(request.bearer_auth(access_token.reveal()))
        .await?;
    if answer.status != 200 {
        return Err(FeedError::Status(answer.status));
    }
    let events: Vec<Value> = answer.json()?;
    let events: Option<Vec<Event>> = events.iter().map(Event::read).collect();
    services
        .notifications
        .handle(&bank.code, events.ok_or(FeedError::Event)?);
    Ok(())
}

async fn fetch_token(services: &Services, bank: &Bank) -> Result<OwnToken, FeedError> {
    let metadata = ServerMetadata::fetch(&services.http, &bank.issuer).await?;
    let assertion = services.client_assertion(&bank.issuer)?;
    let client = ClientProof {
        client_id: &services.settings.client_id,
        assertion: &assertion,
    };
    let (endpoint, now) = (&metadata.token_endpoint, services.clock.now());
    Ok(own_token(&services.http, endpoint, &client, "notifications", now).await?)
}
