//! Reads with an access token (RFC 6750).

use serde::de::DeserializeOwned;
use url::Url;

use super::account::{Account, AccountId, AccountsBody, Balance, BalanceBody};
use super::problem::{Problem, ProblemBody, ProblemCode};
use super::statement::{Statement, StatementRange};
use crate::http_client::{HttpClient, HttpError};
use crate::secret::Secret;

/// Accounts of one linkage that are shown; corporate contracts have a few dozen.
const MAX_ACCOUNTS: usize = 200;
/// Transactions on one page.
const PAGE_SIZE: usize = 50;

/// Why a read gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No usable answer came.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The interface refused.
    #[error("refused: {}", .0.code.as_str())]
    Problem(Problem),
    /// The authorization server no longer takes the refresh token: only a new permission helps.
    #[error("the linkage gives no more access tokens")]
    LinkageEnded,
    /// The authorization server gave no access token, for now.
    #[error("no access token for now")]
    NoAccessToken,
}

/// The account data interface at one base address.
#[derive(Debug, Clone)]
pub struct AccountApi {
    http: HttpClient,
    base: Url,
}

impl AccountApi {
    /// An interface below `base`; requests go to `{base}/v1/...`.
    pub fn new(http: HttpClient, base: Url) -> Self {
        Self { http, base }
    }

    /// `GET /v1/accounts`.
    pub async fn accounts(&self, token: &Secret) -> Result<Vec<Account>, ReadError> {
        let mut body: AccountsBody = self.get(token, self.url(&["v1", "accounts"])).await?;
        body.accounts.truncate(MAX_ACCOUNTS);
        Ok(body.accounts)
    }

    /// `GET /v1/accounts/{account_id}/balance`.
    pub async fn balance(&self, token: &Secret, account: &AccountId) -> Result<Balance, ReadError> {
        let url = self.url(&["v1", "accounts", account.as_str(), "balance"]);
        Ok(self.get::<BalanceBody>(token, url).await?.into())
    }

    /// `GET /v1/accounts/{account_id}/transactions`, 50 at a time.
    pub async fn transactions(
        &self,
        token: &Secret,
        account: &AccountId,
        range: StatementRange,
        cursor: Option<&str>,
    ) -> Result<Statement, ReadError> {
        let mut url = self.url(&["v1", "accounts", account.as_str(), "transactions"]);
        {
            let mut query = url.query_pairs_mut();
            if let Some(from) = range.from {
                query.append_pair("from", &from.to_string());
            }
            query.append_pair("to", &range.to.to_string());
            query.append_pair("limit", &PAGE_SIZE.to_string());
            if let Some(cursor) = cursor {
                query.append_pair("cursor", cursor);
            }
        }
        self.get(token, url).await
    }

    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        // Only a URL that can't have a path, such as mailto:, answers Err; the settings refuse it.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    async fn get<T: DeserializeOwned>(&self, token: &Secret, url: Url) -> Result<T, ReadError> {
        let answer = self
            .http
            .send(self.http.get(url).bearer_auth(token.reveal()))
            .await?;
        if answer.status == 200 {
            return Ok(answer.json()?);
        }
        let code = answer
            .json::<ProblemBody>()
            .map_or(ProblemCode::Other, |body| body.code);
        Err(ReadError::Problem(Problem {
            code,
            status: answer.status,
            retry_after_seconds: answer.retry_after_seconds,
        }))
    }
}
