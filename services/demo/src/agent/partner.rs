//! A partner's OAuth client: pushed authorization requests, PKCE, `private_key_jwt`.
//!
//! It behaves well unless told otherwise: every parameter it sends can be replaced, repeated or
//! left out, so that a test can be any partner.

mod key;
mod oauth_error;
mod request;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;
use url::Url;
use uuid::Uuid;

pub use key::{GeneratedKey, generate_key};
pub use oauth_error::{Answer, OAuthError, PartnerError, ReturnError};
pub use request::{ParRequest, Pushed};
pub use tokens::{Return, Tokens};

use super::trust::Trust;

const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// How far ahead an assertion expires, in seconds.
const ASSERTION_LIFE_S: i64 = 60;

/// What a partner has registered with one bank.
#[derive(Clone)]
pub struct Registration {
    /// The client id.
    pub client_id: String,
    /// An EC P-256 private key, PKCS #8 in PEM.
    pub private_key_pem: String,
    /// The id of the public half in the registered key set.
    pub kid: String,
    /// Where the customer comes back to.
    pub redirect_uri: Url,
    /// The bank's issuer, e.g. `http://127.0.0.1:8080/2963`.
    pub issuer: Url,
}

/// The authorization server's metadata (RFC 8414), as far as the client uses it.
#[derive(Clone, Debug, Deserialize)]
pub struct Metadata {
    /// The issuer, equal to the one registered.
    pub issuer: String,
    /// Where the browser goes.
    pub authorization_endpoint: Url,
    /// Where authorization requests are pushed.
    pub pushed_authorization_request_endpoint: Url,
    /// Where codes and refresh tokens are exchanged.
    pub token_endpoint: Url,
    /// The server's public keys.
    pub jwks_uri: Url,
    /// The whole document.
    #[serde(skip)]
    pub document: Value,
}

/// A client at one bank. Clones share the metadata once it is read.
#[derive(Clone)]
pub struct PartnerClient {
    registration: Registration,
    key: EncodingKey,
    http: reqwest::Client,
    metadata: Arc<OnceCell<Metadata>>,
}

impl PartnerClient {
    /// A client with its key parsed; nothing is asked over the network yet.
    ///
    /// # Errors
    /// [`PartnerError::Key`] for a key that is no EC key in PEM, [`PartnerError::Client`] where the
    /// HTTP client cannot be made.
    pub fn try_new(registration: Registration) -> Result<Self, PartnerError> {
        Self::try_trusting(&Trust::default(), registration)
    }

    /// The same, for an issuer over TLS.
    ///
    /// # Errors
    /// As [`PartnerClient::try_new`].
    pub fn try_trusting(trust: &Trust, registration: Registration) -> Result<Self, PartnerError> {
        let key = EncodingKey::from_ec_pem(registration.private_key_pem.as_bytes())
            .map_err(PartnerError::Key)?;
        let http = trust.client(REQUEST_LIMIT).map_err(PartnerError::Client)?;
        Ok(Self {
            registration,
            key,
            http,
            metadata: Arc::default(),
        })
    }

    /// What the client was made with.
    #[must_use]
    pub fn registration(&self) -> &Registration {
        &self.registration
    }

    /// The issuer as it stands in tokens and assertions.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.registration.issuer.as_str().trim_end_matches('/')
    }

    /// The server's metadata from the RFC 8414 address of its issuer, asked for once.
    ///
    /// # Errors
    /// [`PartnerError::Metadata`] where the document is another issuer's or lacks an endpoint;
    /// [`PartnerError::Transport`] and [`PartnerError::Refused`] as for every request.
    pub async fn metadata(&self) -> Result<&Metadata, PartnerError> {
        self.metadata.get_or_try_init(|| self.discover()).await
    }

    async fn discover(&self) -> Result<Metadata, PartnerError> {
        let issuer = &self.registration.issuer;
        let mut url = issuer.clone();
        let path = issuer.path().trim_end_matches('/');
        url.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
        let answer = self
            .send(self.http.get(url.clone()), &url)
            .await?
            .success()?;
        let wrong = |reason: String| PartnerError::Metadata {
            url: Box::new(url.clone()),
            reason,
        };
        let mut metadata: Metadata = serde_json::from_value(answer.body.clone())
            .map_err(|error| wrong(error.to_string()))?;
        if metadata.issuer != self.issuer() {
            return Err(wrong(format!("issuer is {:?}", metadata.issuer)));
        }
        metadata.document = answer.body;
        Ok(metadata)
    }

    /// The claims of a client assertion made now: `iss`, `sub`, `aud`, `iat`, `exp`, `jti`.
    #[must_use]
    pub fn assertion_claims(&self) -> Value {
        let now = Utc::now().timestamp();
        json!({
            "iss": self.registration.client_id,
            "sub": self.registration.client_id,
            "aud": self.issuer(),
            "iat": now,
            "exp": now + ASSERTION_LIFE_S,
            "jti": Uuid::new_v4().to_string(),
        })
    }

    /// A fresh client assertion (RFC 7523), good for one use.
    ///
    /// # Errors
    /// [`PartnerError::Key`] where signing fails.
    pub fn assertion(&self) -> Result<String, PartnerError> {
        self.sign(&self.assertion_claims())
    }

    /// Any claims signed with the client's key (ES256) and `kid`.
    ///
    /// # Errors
    /// [`PartnerError::Key`] where signing fails.
    pub fn sign(&self, claims: &Value) -> Result<String, PartnerError> {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.registration.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.key).map_err(PartnerError::Key)
    }

    /// The parameters by which the client authenticates, with a fresh assertion.
    ///
    /// # Errors
    /// As [`PartnerClient::assertion`].
    pub fn authentication(&self) -> Result<Vec<(String, String)>, PartnerError> {
        Ok([
            ("client_id", self.registration.client_id.clone()),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned(),
            ),
            ("client_assertion", self.assertion()?),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into())
    }

    /// Pushes an authorization request (RFC 9126) with a fresh state and code verifier.
    ///
    /// # Errors
    /// [`PartnerError::Refused`] with the server's OAuth error; see also
    /// [`PartnerClient::metadata`].
    pub async fn push(&self, request: &ParRequest) -> Result<Pushed, PartnerError> {
        let metadata = self.metadata().await?;
        let verifier = random_token();
        let state = random_token();
        let mut pairs = self.authentication()?;
        let own = [
            ("response_type", "code".to_owned()),
            ("redirect_uri", self.registration.redirect_uri.to_string()),
            ("state", state.clone()),
            ("code_challenge", code_challenge(&verifier)),
            ("code_challenge_method", "S256".to_owned()),
        ];
        pairs.extend(own.map(|(name, value)| (name.to_owned(), value)));
        let pairs = request.apply(pairs);
        let sent = |name: &str| {
            pairs
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone())
        };
        let state = sent("state").unwrap_or_default();
        let client_id = sent("client_id").unwrap_or_default();
        let answer = self
            .post(&metadata.pushed_authorization_request_endpoint, &pairs)
            .await?
            .success()?;
        #[derive(Deserialize)]
        struct Answered {
            request_uri: String,
            expires_in: u64,
        }
        let Answered {
            request_uri,
            expires_in,
        } = answer.read()?;
        Ok(Pushed {
            authorization_endpoint: metadata.authorization_endpoint.clone(),
            client_id,
            request_uri,
            expires_in_s: expires_in,
            state,
            verifier,
        })
    }

    /// Where the customer's browser goes with a pushed request.
    #[must_use]
    pub fn authorization_url(&self, pushed: &Pushed) -> Url {
        let mut url = pushed.authorization_endpoint.clone();
        url.query_pairs_mut()
            .append_pair("client_id", &pushed.client_id)
            .append_pair("request_uri", &pushed.request_uri);
        url
    }

    /// Reads the address by which the customer came back: it must be the registered redirect URI
    /// and carry this bank's `iss` (RFC 9207).
    ///
    /// # Errors
    /// [`ReturnError`]; [`ReturnError::Refused`] is the server's own error.
    pub fn parse_return(&self, url: &Url) -> Result<Return, ReturnError> {
        Return::parse(url, &self.registration.redirect_uri, self.issuer())
    }

    /// Exchanges a code for tokens.
    ///
    /// # Errors
    /// [`PartnerError::Refused`] with the server's OAuth error, among others `invalid_grant`.
    pub async fn exchange(&self, code: &str, verifier: &str) -> Result<Tokens, PartnerError> {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.registration.redirect_uri.as_str()),
            ("code_verifier", verifier),
        ])
        .await
    }

    /// Exchanges a refresh token for a new access token.
    ///
    /// # Errors
    /// As [`PartnerClient::exchange`].
    pub async fn refresh(&self, refresh_token: &str) -> Result<Tokens, PartnerError> {
        self.token(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        ])
        .await
    }

    /// Reads the customer's return, checks that it answers this request, and exchanges its code.
    ///
    /// # Errors
    /// [`PartnerError::Return`] for a return that is not this request's; else as
    /// [`PartnerClient::exchange`].
    pub async fn complete(&self, url: &Url, pushed: &Pushed) -> Result<Tokens, PartnerError> {
        let answer = self.parse_return(url)?;
        if answer.state != pushed.state {
            return Err(ReturnError::OtherState.into());
        }
        self.exchange(&answer.code, &pushed.verifier).await
    }

    /// Any request to the token endpoint, authenticated with a fresh assertion.
    ///
    /// # Errors
    /// As [`PartnerClient::exchange`].
    pub async fn token(&self, parameters: &[(&str, &str)]) -> Result<Tokens, PartnerError> {
        let endpoint = &self.metadata().await?.token_endpoint;
        let mut pairs = self.authentication()?;
        pairs.extend(
            parameters
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned())),
        );
        Tokens::read(self.post(endpoint, &pairs).await?.success()?)
    }

    /// Posts exactly these pairs to any endpoint, without authentication of its own.
    ///
    /// # Errors
    /// [`PartnerError::Transport`] where nothing answers; every HTTP status is an answer.
    pub async fn post(
        &self,
        endpoint: &Url,
        pairs: &[(String, String)],
    ) -> Result<Answer, PartnerError> {
        self.send(self.http.post(endpoint.clone()).form(pairs), endpoint)
            .await
    }

    async fn send(
        &self,
        request: reqwest::RequestBuilder,
        url: &Url,
    ) -> Result<Answer, PartnerError> {
        let failed = |source| PartnerError::Transport {
            url: Box::new(url.clone()),
            source,
        };
        let response = request
            .header("accept", "application/json")
            .send()
            .await
            .map_err(failed)?;
        Answer::receive(response).await.map_err(failed)
    }
}

/// Ids only: the registration holds a private key.
impl std::fmt::Debug for PartnerClient {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("PartnerClient")
            .field("client_id", &self.registration.client_id)
            .field("issuer", &self.issuer())
            .finish_non_exhaustive()
    }
}

/// The S256 challenge of a code verifier (RFC 7636).
#[must_use]
pub fn code_challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

/// 256 random bits, base64url: 43 characters, the least that a code verifier may have.
fn random_token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

#[cfg(test)]
mod tests;
