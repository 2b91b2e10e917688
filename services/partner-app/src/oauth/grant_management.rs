//! Grant Management for OAuth 2.0 (draft 03): what a bank says of a permission now, and its end, with a
//! token of the service's own. Members beyond the draft are this bank's and may be missing.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use url::Url;

use super::error::{OauthError, refusal};
use crate::account_api::AccountId;
use crate::http_client::HttpClient;
use crate::secret::Secret;

/// Asks.
pub const QUERY: &str = "grant_management_query";
/// Ends.
pub const REVOKE: &str = "grant_management_revoke";

/// How a permission stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantStatus {
    /// Reads are allowed.
    Active,
    /// Not for the time being.
    Suspended,
    /// Its time passed.
    Expired,
    /// Somebody ended it.
    Revoked,
    /// Another one took its place.
    Superseded,
    /// A later release's.
    #[serde(other)]
    Other,
}

/// A permission as the bank tells it.
#[derive(Debug, Clone, Deserialize)]
pub struct GrantNow {
    /// How it stands.
    pub status: GrantStatus,
    /// Why it is suspended, where that is told.
    #[serde(default)]
    pub causes: Vec<String>,
    /// Who revoked it, where that is told.
    pub revoked_by: Option<String>,
    /// What it allows.
    #[serde(default)]
    pub authorization_details: Vec<Allowed>,
    /// What was read under it.
    #[serde(default)]
    pub reads: Vec<Reads>,
}

/// An element of `authorization_details`.
#[derive(Debug, Clone, Deserialize)]
pub struct Allowed {
    /// The first moment at which it no longer holds.
    pub valid_until: Option<DateTime<Utc>>,
}

/// All reads of one kind, of one account.
#[derive(Debug, Clone, Deserialize)]
pub struct Reads {
    /// None of lists of accounts.
    pub account_id: Option<AccountId>,
    /// `balance`, `transactions`, or another word.
    pub task: String,
    /// When last.
    pub last_read_at: DateTime<Utc>,
    /// The last day of which every transaction came.
    pub last_served_date: Option<NaiveDate>,
}

/// What a bank answers about a permission.
#[derive(Debug, Clone)]
pub enum Told {
    /// It knows it.
    Known(Box<GrantNow>),
    /// It does not.
    Unknown,
}

/// Asks how a permission stands.
pub async fn query(
    http: &HttpClient,
    endpoint: &Url,
    token: &Secret,
    grant_id: &str,
) -> Result<Told, OauthError> {
    let request = http
        .get(address(endpoint, grant_id)?)
        .bearer_auth(token.reveal());
    let answer = http.send(request).await?;
    match answer.status {
        200 => Ok(Told::Known(Box::new(answer.json()?))),
        404 => Ok(Told::Unknown),
        _ => Err(refusal(&answer)),
    }
}

/// Ends a permission; one that has ended, or that the bank does not know, is no error.
pub async fn revoke(
    http: &HttpClient,
    endpoint: &Url,
    token: &Secret,
    grant_id: &str,
) -> Result<(), OauthError> {
    let request = http
        .delete(address(endpoint, grant_id)?)
        .bearer_auth(token.reveal());
    let answer = http.send(request).await?;
    match answer.status {
        200 | 204 | 404 => Ok(()),
        _ => Err(refusal(&answer)),
    }
}

/// The permission's own address under the endpoint.
fn address(endpoint: &Url, grant_id: &str) -> Result<Url, OauthError> {
    let mut url = endpoint.clone();
    url.path_segments_mut()
        .map_err(|()| OauthError::Token("the grant management endpoint takes no path"))?
        .pop_if_empty()
        .push(grant_id);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_identifier_stays_one_part_of_the_address() {
        let endpoint: Url = "https://bank.example/2963/grants".parse().unwrap();
        for (id, expected) in [
            ("g-1", "https://bank.example/2963/grants/g-1"),
            (
                "a/../b?c#d",
                "https://bank.example/2963/grants/a%2F..%2Fb%3Fc%23d",
            ),
        ] {
            assert_eq!(address(&endpoint, id).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn what_is_missing_or_new_is_no_error() {
        let now: GrantNow = serde_json::from_value(json!({ "status": "frozen" })).unwrap();
        assert_eq!(now.status, GrantStatus::Other);
        assert!(now.reads.is_empty() && now.revoked_by.is_none());
    }
}
