//! Outgoing HTTP, with a limit on time and on size.

use std::time::Duration;

use reqwest::RequestBuilder;
use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;
use serde::de::DeserializeOwned;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// From the first byte sent to the last byte read.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);
/// A page of 500 transactions is below 200 kB.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// A client that follows no redirect and uses no proxy: each address is the one that was checked.
#[derive(Debug, Clone)]
pub struct HttpClient(reqwest::Client);

/// Why there is no answer. None of these carries an address or a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// No connection was made: the other side has not seen the request.
    #[error("no connection")]
    NotConnected,
    /// The connection failed, or took too long, after the request may have been seen.
    #[error("no complete answer in time")]
    Interrupted,
    /// The answer is larger than 1 MiB.
    #[error("the answer is too large")]
    TooLarge,
    /// The answer is not the JSON that was expected.
    #[error("the answer is unreadable")]
    Unreadable,
}

/// A complete answer.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After` in seconds, where given in seconds.
    pub retry_after_seconds: Option<u32>,
    body: Vec<u8>,
}

impl Answer {
    /// The body, read as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        serde_json::from_slice(&self.body).map_err(|_| HttpError::Unreadable)
    }
}

impl HttpClient {
    /// Builds the client, once per process.
    pub fn try_new(tls: rustls::ClientConfig) -> Result<Self, reqwest::Error> {
        reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            .redirect(Policy::none())
            .no_proxy()
            .user_agent(concat!("partner-app/", env!("CARGO_PKG_VERSION")))
            .build()
            .map(Self)
    }

    /// Starts a GET.
    pub fn get(&self, url: url::Url) -> RequestBuilder {
        self.0.get(url)
    }

    /// Starts a POST.
    pub fn post(&self, url: url::Url) -> RequestBuilder {
        self.0.post(url)
    }

    /// Starts a DELETE.
    pub fn delete(&self, url: url::Url) -> RequestBuilder {
        self.0.delete(url)
    }

    /// Sends the request and reads the whole answer, whatever its status.
    pub async fn send(&self, request: RequestBuilder) -> Result<Answer, HttpError> {
        let mut response = request.send().await.map_err(|error| {
            if error.is_connect() {
                HttpError::NotConnected
            } else {
                HttpError::Interrupted
            }
        })?;
        let retry_after_seconds = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.parse().ok());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| HttpError::Interrupted)? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(HttpError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: response.status().as_u16(),
            retry_after_seconds,
            body,
        })
    }
}
