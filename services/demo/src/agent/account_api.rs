//! What a partner reads: accounts, balances, transactions.

use serde_json::Value;
use std::time::Duration;
use url::Url;

use super::partner::Answer;
use super::trust::Trust;

const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// A refusal as RFC 9457 problem details.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("refused with {status} {} ({})", .code.as_deref().unwrap_or("without a code"), .detail.as_deref().unwrap_or(""))]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The `code` member.
    pub code: Option<String>,
    /// The `detail` member.
    pub detail: Option<String>,
    /// The `WWW-Authenticate` header.
    pub www_authenticate: Option<String>,
    /// The `Retry-After` header.
    pub retry_after: Option<String>,
    /// The whole body; `null` where it is no JSON.
    pub body: Value,
}

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The server refused.
    #[error(transparent)]
    Refused(Box<Problem>),
    /// No HTTP answer came, or not to its end.
    #[error("no answer from {url}")]
    Transport {
        /// What was asked.
        url: Box<Url>,
        /// What went wrong.
        source: reqwest::Error,
    },
    /// The HTTP client could not be made.
    #[error("the HTTP client could not be made")]
    Client(#[source] reqwest::Error),
}

impl ReadError {
    /// The server's refusal, if it is one.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            _ => None,
        }
    }
}

/// Which transactions; all of them by default, as the server pages them.
#[derive(Clone, Debug, Default)]
pub struct TransactionQuery {
    /// The first day, `YYYY-MM-DD`, inclusive.
    pub from: Option<String>,
    /// The last day, `YYYY-MM-DD`, inclusive.
    pub to: Option<String>,
    /// Where the last page ended.
    pub cursor: Option<String>,
    /// The most rows of a page.
    pub limit: Option<u32>,
}

/// A reader of account-api with its access token.
#[derive(Clone)]
pub struct AccountApi {
    base: Url,
    access_token: String,
    http: reqwest::Client,
}

impl AccountApi {
    /// A reader at an address, e.g. `http://127.0.0.1:8090`.
    ///
    /// # Errors
    /// [`ReadError::Client`] where the HTTP client cannot be made.
    pub fn try_new(base: Url, access_token: &str) -> Result<Self, ReadError> {
        Self::try_trusting(&Trust::default(), base, access_token)
    }

    /// The same, for an address over TLS.
    ///
    /// # Errors
    /// As [`AccountApi::try_new`].
    pub fn try_trusting(trust: &Trust, base: Url, access_token: &str) -> Result<Self, ReadError> {
        let http = trust.client(REQUEST_LIMIT).map_err(ReadError::Client)?;
        Ok(Self {
            base,
            access_token: access_token.to_owned(),
            http,
        })
    }

    /// `GET /v1/accounts`.
    ///
    /// # Errors
    /// [`ReadError::Refused`] with the server's problem.
    pub async fn accounts(&self) -> Result<Value, ReadError> {
        self.read(&["v1", "accounts"], &[]).await
    }

    /// `GET /v1/accounts/{account_id}/balance`.
    ///
    /// # Errors
    /// As [`AccountApi::accounts`].
    pub async fn balance(&self, account_id: &str) -> Result<Value, ReadError> {
        self.read(&["v1", "accounts", account_id, "balance"], &[])
            .await
    }

    /// `GET /v1/accounts/{account_id}/transactions`.
    ///
    /// # Errors
    /// As [`AccountApi::accounts`].
    pub async fn transactions(
        &self,
        account_id: &str,
        query: &TransactionQuery,
    ) -> Result<Value, ReadError> {
        let pairs = [
            ("from", query.from.clone()),
            ("to", query.to.clone()),
            ("cursor", query.cursor.clone()),
            ("limit", query.limit.map(|limit| limit.to_string())),
        ];
        let pairs: Vec<(&str, String)> = pairs
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        self.read(&["v1", "accounts", account_id, "transactions"], &pairs)
            .await
    }

    async fn read(&self, path: &[&str], query: &[(&str, String)]) -> Result<Value, ReadError> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let failed = |source| ReadError::Transport {
            url: Box::new(url.clone()),
            source,
        };
        let request = self
            .http
            .get(url.clone())
            .query(query)
            .bearer_auth(&self.access_token);
        let response = request.send().await.map_err(failed)?;
        let answer = Answer::receive(response).await.map_err(failed)?;
        if (200..300).contains(&answer.status) {
            return Ok(answer.body);
        }
        let member = |name: &str| answer.body.get(name)?.as_str().map(str::to_owned);
        let header = |name: &str| Some(answer.headers.get(name)?.to_str().ok()?.to_owned());
        Err(ReadError::Refused(Box::new(Problem {
            status: answer.status,
            code: member("code"),
            detail: member("detail"),
            www_authenticate: header("www-authenticate"),
            retry_after: header("retry-after"),
            body: answer.body,
        })))
    }
}

/// Without the token.
impl std::fmt::Debug for AccountApi {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("AccountApi")
            .field("base", &self.base.as_str())
            .finish_non_exhaustive()
    }
}
