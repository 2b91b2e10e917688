//! `request_uri`: a handle on a pushed request, bound to its client.
//!
//! It lives 60 s until it is first shown, then until 600 s after it was made, and may be loaded any
//! number of times from any browser until a login binds it to one (mail scanners load it first).

use crate::store::{Statement, sql_span};
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

    /// The SQL that inserts the row with what else `statement` writes.
    pub fn insert(&self, statement: &mut Statement) -> String {
        let values = [
            statement.bind(self.bank.to_string()),
            statement.bind(self.request_uri_hash.to_vec()),
            statement.bind(self.client_id.to_string()),
            statement.bind(self.journey_id.to_string()),
            statement.bind(Json(self.parameters.clone())),
            statement.bind(self.dpop_jkt.clone()),
            statement.bind(self.created_at),
            statement.bind(self.expires_at),
        ];
        format!(
            "INSERT INTO pushed_requests (bank, request_uri_hash, client_id, journey_id, parameters,
                dpop_jkt, created_at, expires_at) VALUES ({})",
            values.join(", ")
        )
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

/// The SQL that binds a journey's request to the session that logged in first.
pub fn bind(
    statement: &mut Statement,
    bank: &str,
    journey_id: &JourneyId,
    session_hash: &[u8],
) -> String {
    let bank = statement.bind(bank.to_owned());
    let journey_id = statement.bind(journey_id.to_string());
    let session_hash = statement.bind(session_hash.to_vec());
    format!(
        "UPDATE pushed_requests SET bound_at = now(), bound_session_hash = {session_hash}
         WHERE bank = {bank} AND journey_id = {journey_id} AND bound_session_hash IS NULL"
    )
}

/// The SQL that ends a request with its journey's outcome; later loads find it finished.
pub fn finish(statement: &mut Statement, bank: &str, journey_id: &JourneyId) -> String {
    let bank = statement.bind(bank.to_owned());
    let journey_id = statement.bind(journey_id.to_string());
    format!(
        "UPDATE pushed_requests SET finished_at = now()
         WHERE bank = {bank} AND journey_id = {journey_id} AND finished_at IS NULL"
    )
}

#[cfg(test)]
mod tests {
    use sqlx::PgPool;

    use super::super::test_database::{TestDatabase, write_alone};
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
        let row = PushedRequestRow::new(bank(), &uri, client(), journey(), parameters, then);
        write_alone(pool, |statement| row.insert(statement)).await;
        uri
    }

    async fn stage(pool: &PgPool, uri: &RequestUri) -> RequestStage {
        load(pool, &bank(), &client(), uri)
            .await
            .unwrap()
            .unwrap()
            .stage
    }

    /// A login in a browser of its own.
    async fn logged_in(pool: &PgPool, session: u8) {
        let session_hash = [session; 32];
        write_alone(pool, |statement| {
            bind(statement, "2963", &journey(), &session_hash)
        })
        .await;
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
                tokio::spawn(async move { logged_in(&pool, session).await })
            })
            .collect();
        for login in logins {
            login.await.unwrap();
        }
        let RequestStage::Bound { session_hash } = stage(pool, &uri).await else {
            panic!("nobody's")
        };
        logged_in(pool, 50).await;
        shift_back(pool, 3600.0).await;
        assert_eq!(
            stage(pool, &uri).await,
            RequestStage::Bound { session_hash }
        );
        write_alone(pool, |statement| finish(statement, "2963", &journey())).await;
        assert_eq!(stage(pool, &uri).await, RequestStage::Finished);
        database.drop().await;
    }
}
