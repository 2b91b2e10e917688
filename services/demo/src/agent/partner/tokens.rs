//! The customer's return and the tokens that its code gives.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::oauth_error::{Answer, PartnerError, ReturnError};

/// A successful authorization response.
#[derive(Clone, PartialEq, Eq)]
pub struct Return {
    /// The authorization code.
    pub code: String,
    /// The request's state.
    pub state: String,
    /// The server that answers (RFC 9207).
    pub iss: String,
}

impl Return {
    pub(crate) fn parse(url: &Url, redirect_uri: &Url, issuer: &str) -> Result<Self, ReturnError> {
        let here = (url.origin(), url.path());
        if here != (redirect_uri.origin(), redirect_uri.path()) {
            let mut elsewhere = url.clone();
            elsewhere.set_query(None);
            return Err(ReturnError::Elsewhere {
                url: Box::new(elsewhere),
            });
        }
        let iss = at_most_once(url, "iss")?;
        if iss.as_deref() != Some(issuer) {
            return Err(ReturnError::OtherIssuer { seen: iss });
        }
        let state = at_most_once(url, "state")?;
        if let Some(error) = at_most_once(url, "error")? {
            let description = at_most_once(url, "error_description")?;
            return Err(ReturnError::Refused {
                error,
                description,
                state,
            });
        }
        let missing = |name| ReturnError::Parameter { name, count: 0 };
        Ok(Self {
            code: at_most_once(url, "code")?.ok_or_else(|| missing("code"))?,
            state: state.ok_or_else(|| missing("state"))?,
            iss: issuer.to_owned(),
        })
    }
}

fn at_most_once(url: &Url, name: &'static str) -> Result<Option<String>, ReturnError> {
    let mut found = url.query_pairs().filter(|(key, _)| key == name);
    let first = found.next().map(|(_, value)| value.into_owned());
    match found.count() {
        0 => Ok(first),
        more => Err(ReturnError::Parameter {
            name,
            count: more + 1,
        }),
    }
}

/// Without the code.
impl std::fmt::Debug for Return {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Return")
            .field("iss", &self.iss)
            .finish_non_exhaustive()
    }
}

/// The token response.
#[derive(Clone, Deserialize)]
pub struct Tokens {
    /// The access token, a JWT (RFC 9068).
    pub access_token: String,
    /// `Bearer` or `DPoP`.
    pub token_type: String,
    /// The access token's life, in seconds.
    pub expires_in: u64,
    /// The refresh token.
    pub refresh_token: Option<String>,
    /// The granted scope.
    pub scope: Option<String>,
    /// What was granted (RFC 9396): a JSON array, `null` where the response has none.
    #[serde(default)]
    pub authorization_details: Value,
    /// The grant (Grant Management for OAuth 2.0).
    pub grant_id: Option<String>,
    /// The headers of the response.
    #[serde(skip)]
    pub headers: reqwest::header::HeaderMap,
}

impl Tokens {
    pub(crate) fn read(answer: Answer) -> Result<Self, PartnerError> {
        let mut tokens: Self = answer.read()?;
        tokens.headers = answer.headers;
        Ok(tokens)
    }

    /// The claims of the access token, read without checking its signature.
    #[must_use]
    pub fn claims(&self) -> Option<Value> {
        let payload = self.access_token.split('.').nth(1)?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
    }

    /// The `kid` of the access token's header; nothing is verified.
    #[must_use]
    pub fn kid(&self) -> Option<String> {
        let header = URL_SAFE_NO_PAD.decode(self.access_token.split('.').next()?);
        let header: Value = serde_json::from_slice(&header.ok()?).ok()?;
        header.get("kid")?.as_str().map(str::to_owned)
    }

    /// The account ids granted, in the order of the response, each once.
    #[must_use]
    pub fn account_ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = Vec::new();
        let details = self
            .authorization_details
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        for account in details
            .iter()
            .filter_map(|detail| detail.get("accounts")?.as_array())
        {
            for id in account
                .iter()
                .filter_map(|account| account.get("account_id")?.as_str())
            {
                if !ids.iter().any(|known| known == id) {
                    ids.push(id.to_owned());
                }
            }
        }
        ids
    }
}

/// Without the tokens.
impl std::fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Tokens")
            .field("token_type", &self.token_type)
            .field("expires_in", &self.expires_in)
            .field("scope", &self.scope)
            .field("grant_id", &self.grant_id)
            .finish_non_exhaustive()
    }
}
