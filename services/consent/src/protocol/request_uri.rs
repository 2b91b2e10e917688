//! `request_uri`: a handle on a pushed request, bound to its client.
//!
//! It lives 60 s until it is first shown, then until 600 s after it was made, and may be loaded any
//! number of times from any browser until a login binds it to one (mail scanners load it first).

use crate::store::sql_span;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Duration, Utc};
use consent_domain::{BankCode, ClientId, JourneyId};
use sqlx::types::Json;
use sqlx::{PgExecutor, Row};
use tracing::Instrument as _;

use super::digest::sha256;
use super::received_parameters::ReceivedParameters;
use super::secret::Secret;
use crate::entropy::random_token;

/// `expires_in` of the pushed request's answer.
pub const UNSHOWN_SECONDS: i64 = 60;
/// From the push to the last load.
pub const SHOWN_MAX_SECONDS: i64 = 600;
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// A handle that is ours by its form; whoever holds it may open the journey.
#[derive(Clone, Debug)]
pub struct RequestUri(Secret);

impl RequestUri {
    /// A new handle of 256 bits.
    pub fn mint() -> Self {
        Self(Secret::new(
            format!("{PREFIX}{}", random_token().expose()).into(),
        ))
    }

    /// Reads a handle; `None` where it can't be one of ours.
    pub fn find(text: &str) -> Option<Self> {
        let token = text.strip_prefix(PREFIX)?;
        let base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (token.len() == 43 && token.bytes().all(base64url))
            .then(|| Self(Secret::new(text.to_owned().into())))
    }

    /// For the answer to the client.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// What the request is called where the handle would open it: the handle's SHA-256 as base64url, of
    /// no use to a browser.
    pub fn request_id(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.hash())
    }

    /// The key of its row.
    pub fn hash(&self) -> [u8; 32] {
        sha256(self.0.expose().as_bytes())
    }
}

/// A new row of `pushed_requests`; the columns that are not here begin as NULL.
#[derive(Clone, Debug)]
pub struct PushedRequestRow {
    /// Of the issuer.
    pub bank: BankCode,
    /// [`RequestUri::hash`].
    pub request_uri_hash: [u8; 32],
    /// Who pushed.
    pub client_id: ClientId,
    /// The journey that the request began.
    pub journey_id: JourneyId,
    /// jsonb, as received.
    pub parameters: ReceivedParameters,
    /// Empty until tokens are sender-constrained.
    pub dpop_jkt: Option<String>,
    /// The database's clock.
    pub created_at: DateTime<Utc>,
    /// [`UNSHOWN_SECONDS`] later.
    pub expires_at: DateTime<Utc>,
}

impl PushedRequestRow {
    /// The row of a request pushed at `now`.
    pub fn new(
        bank: BankCode,
        request_uri: &RequestUri,
        client_id: ClientId,
        journey_id: JourneyId,
        parameters: ReceivedParameters,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            bank,
            request_uri_hash: request_uri.hash(),
            client_id,
            journey_id,
            parameters,
            dpop_jkt: None,
            created_at: now,
            expires_at: now + Duration::seconds(UNSHOWN_SECONDS),
        }
    }

    /// Inserts the row by itself.
    ///
    /// # Errors
    /// The database's.
    pub async fn insert(&self, executor: impl PgExecutor<'_>) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO pushed_requests (bank, request_uri_hash, client_id, journey_id, \
             parameters, dpop_jkt, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(self.bank.as_str())
        .bind(self.request_uri_hash)
        .bind(self.client_id.as_str())
        .bind(self.journey_id.as_str())
        .bind(Json(&self.parameters))
        .bind(&self.dpop_jkt)
        .bind(self.created_at)
        .bind(self.expires_at)
        .execute(executor)
        .instrument(sql_span("insert pushed request"))
        .await
        .map(drop)
    }
}

/// How far a pushed request has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestStage {
    /// Nobody has logged in; any browser may load it.
    Open,
    /// A login bound it to the browser whose session hashes to this.
    Bound {
        /// As given to [`bind`].
        session_hash: Vec<u8>,
    },
    /// Its time passed before anybody logged in.
    Expired,
    /// The journey has an outcome.
    Finished,
}

/// A pushed request as stored.
#[derive(Clone, Debug)]
pub struct StoredRequest {
    /// The journey that it began.
    pub journey_id: JourneyId,
    /// To be read again by [`super::pushed_request::PushedRequest::parse`].
    pub parameters: ReceivedParameters,
    /// Judged by the database's clock.
    pub stage: RequestStage,
    /// When it was pushed.
    pub created_at: DateTime<Utc>,
}

/// Finds a request of this client; another client's is not found.
///
/// # Errors
/// The database's.
pub async fn load(
    executor: impl PgExecutor<'_>,
    bank: &BankCode,
    client_id: &ClientId,
    request_uri: &RequestUri,
) -> Result<Option<StoredRequest>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT journey_id, parameters, created_at, bound_session_hash, \
         finished_at IS NOT NULL AS finished, expires_at <= now() AS expired \
         FROM pushed_requests WHERE bank = $1 AND request_uri_hash = $2 AND client_id = $3",
    )
    .bind(bank.as_str())
    .bind(request_uri.hash())
    .bind(client_id.as_str())
    .fetch_optional(executor)
    .instrument(sql_span("load"))
    .await?;
    row.map(|row| {
        let session_hash: Option<Vec<u8>> = row.try_get("bound_session_hash")?;
        let (finished, expired) = (row.try_get("finished")?, row.try_get("expired")?);
        let stage = match (finished, session_hash, expired) {
            (true, _, _) => RequestStage::Finished,
            (false, Some(session_hash), _) => RequestStage::Bound { session_hash },
            (false, None, true) => RequestStage::Expired,
            (false, None, false) => RequestStage::Open,
        };
        let Json(parameters) = row.try_get("parameters")?;
        let journey_id: String = row.try_get("journey_id")?;
        Ok(StoredRequest {
            journey_id: JourneyId::parse(journey_id)
                .map_err(|error| sqlx::Error::Decode(error.into()))?,
            parameters,
            stage,
            created_at: row.try_get("created_at")?,
        })
    })
    .transpose()
}

/// Records that the journey was shown: the request may then be loaded until 600 s after it was
/// pushed. Later calls change nothing. False where it is not live.
///
/// # Errors
/// The database's.
pub async fn mark_first_shown(
    executor: impl PgExecutor<'_>,
    bank: &BankCode,
    request_uri: &RequestUri,
) -> Result<bool, sqlx::Error> {
    sqlx::query(
        "UPDATE pushed_requests SET first_shown_at = coalesce(first_shown_at, now()), \
         expires_at = created_at + make_interval(secs => $3) \
         WHERE bank = $1 AND request_uri_hash = $2 AND expires_at > now() AND finished_at IS NULL",
    )
    .bind(bank.as_str())
    .bind(request_uri.hash())
    .bind(SHOWN_MAX_SECONDS as f64)
    .execute(executor)
    .instrument(sql_span("mark first shown"))
    .await
    .map(|updated| updated.rows_affected() == 1)
}

/// Whose a request is after a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// This session's, now or already.
    Ours,
    /// Another browser was first, or the request is over.
    NotOurs,
}

/// Binds a journey's request to the session that logged in first. One winner.
///
/// # Errors
/// The database's.
pub async fn bind(
    executor: impl PgExecutor<'_>,
    bank: &BankCode,
    journey_id: &JourneyId,
    session_hash: &[u8],
) -> Result<Binding, sqlx::Error> {
    let bound = sqlx::query(
        "UPDATE pushed_requests SET bound_at = coalesce(bound_at, now()), bound_session_hash = $3 \
         WHERE bank = $1 AND journey_id = $2 AND finished_at IS NULL \
         AND (bound_session_hash = $3 OR bound_session_hash IS NULL AND expires_at > now())",
    )
    .bind(bank.as_str())
    .bind(journey_id.as_str())
    .bind(session_hash)
    .execute(executor)
    .instrument(sql_span("bind pushed request"))
    .await?;
    Ok(if bound.rows_affected() == 1 {
        Binding::Ours
    } else {
        Binding::NotOurs
    })
}

/// Ends a request with its journey's outcome; later loads find it finished.
///
/// # Errors
/// The database's.
pub async fn finish(
    executor: impl PgExecutor<'_>,
    bank: &BankCode,
    journey_id: &JourneyId,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE pushed_requests SET finished_at = now() \
         WHERE bank = $1 AND journey_id = $2 AND finished_at IS NULL",
    )
    .bind(bank.as_str())
    .bind(journey_id.as_str())
    .execute(executor)
    .instrument(sql_span("finish"))
    .await
    .map(drop)
}

/// Deletes requests pushed before an instant; how long they are kept as evidence is the caller's
/// to say. Returns how many.
///
/// # Errors
/// The database's.
pub async fn purge_pushed_requests(
    executor: impl PgExecutor<'_>,
    pushed_before: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    sqlx::query("DELETE FROM pushed_requests WHERE created_at < $1")
        .bind(pushed_before)
        .execute(executor)
        .instrument(sql_span("purge pushed requests"))
        .await
        .map(|deleted| deleted.rows_affected())
}

#[cfg(test)]
mod tests {
    use sqlx::PgPool;

    use super::super::test_database::TestDatabase;
    use super::*;

    fn bank() -> BankCode {
        BankCode::parse("2963").unwrap()
    }

    fn client() -> ClientId {
        ClientId::parse("kaikei-app").unwrap()
    }

    fn journey() -> JourneyId {
        JourneyId::parse("j1").unwrap()
    }

    /// A request pushed some seconds ago.
    async fn pushed(pool: &PgPool, seconds_ago: i64) -> RequestUri {
        let uri = RequestUri::mint();
        let parameters = serde_json::from_str(r#"{"state":"s"}"#).unwrap();
        let then = Utc::now() - Duration::seconds(seconds_ago);
        PushedRequestRow::new(bank(), &uri, client(), journey(), parameters, then)
            .insert(pool)
            .await
            .unwrap();
        uri
    }

    async fn stage(pool: &PgPool, uri: &RequestUri) -> RequestStage {
        load(pool, &bank(), &client(), uri)
            .await
            .unwrap()
            .unwrap()
            .stage
    }

    async fn shift_back(pool: &PgPool, seconds: f64) {
        sqlx::query(
            "UPDATE pushed_requests SET created_at = created_at - make_interval(secs => $1), \
             expires_at = expires_at - make_interval(secs => $1)",
        )
        .bind(seconds)
        .execute(pool)
        .await
        .unwrap();
    }

    #[test]
    fn only_our_form_is_a_request_uri() {
        let uri = RequestUri::mint();
        assert_eq!(RequestUri::find(uri.expose()).unwrap().hash(), uri.hash());
        let longer = format!("{}A", uri.expose());
        for text in [
            "",
            "https://evil.example",
            PREFIX,
            longer.as_str(),
            &uri.expose()[1..],
        ] {
            assert!(RequestUri::find(text).is_none());
        }
    }

    #[tokio::test]
    async fn a_request_is_its_clients_and_its_banks() {
        let database = TestDatabase::create().await;
        let uri = pushed(database.pool(), 0).await;
        let found = load(database.pool(), &bank(), &client(), &uri)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.parameters.find("state"), Some("s"));
        assert_eq!(found.stage, RequestStage::Open);
        let other = ClientId::parse("other").unwrap();
        assert!(
            load(database.pool(), &bank(), &other, &uri)
                .await
                .unwrap()
                .is_none()
        );
        let elsewhere = BankCode::parse("2951").unwrap();
        assert!(
            load(database.pool(), &elsewhere, &client(), &uri)
                .await
                .unwrap()
                .is_none()
        );
        database.drop().await;
    }

    #[tokio::test]
    async fn an_unshown_request_lives_a_minute() {
        let database = TestDatabase::create().await;
        let uri = pushed(database.pool(), 61).await;
        assert_eq!(stage(database.pool(), &uri).await, RequestStage::Expired);
        assert!(
            !mark_first_shown(database.pool(), &bank(), &uri)
                .await
                .unwrap()
        );
        let late = bind(database.pool(), &bank(), &journey(), b"s")
            .await
            .unwrap();
        assert_eq!(late, Binding::NotOurs);
        database.drop().await;
    }

    #[tokio::test]
    async fn a_shown_request_lives_ten_minutes_from_the_push() {
        let database = TestDatabase::create().await;
        let pool = database.pool();
        let uri = pushed(pool, 50).await;
        assert!(mark_first_shown(pool, &bank(), &uri).await.unwrap());
        shift_back(pool, 540.0).await;
        assert!(mark_first_shown(pool, &bank(), &uri).await.unwrap());
        assert_eq!(stage(pool, &uri).await, RequestStage::Open);
        shift_back(pool, 15.0).await;
        assert_eq!(stage(pool, &uri).await, RequestStage::Expired);
        database.drop().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_first_login_binds_it_for_good() {
        let database = TestDatabase::create().await;
        let pool = database.pool();
        let uri = pushed(pool, 0).await;
        let logins: Vec<_> = (0..50_u8)
            .map(|session| {
                let pool = pool.clone();
                tokio::spawn(async move {
                    bind(&pool, &bank(), &journey(), &[session; 32])
                        .await
                        .unwrap()
                })
            })
            .collect();
        let mut winners = Vec::new();
        for (session, login) in (0..50_u8).zip(logins) {
            if login.await.unwrap() == Binding::Ours {
                winners.push(session);
            }
        }
        let [winner] = winners[..] else {
            panic!("{winners:?}")
        };
        let session_hash = vec![winner; 32];
        assert_eq!(
            bind(pool, &bank(), &journey(), &session_hash)
                .await
                .unwrap(),
            Binding::Ours,
            "a new login in the same browser goes on"
        );
        shift_back(pool, 3600.0).await;
        assert_eq!(
            stage(pool, &uri).await,
            RequestStage::Bound { session_hash }
        );
        finish(pool, &bank(), &journey()).await.unwrap();
        assert_eq!(stage(pool, &uri).await, RequestStage::Finished);
        database.drop().await;
    }
}
