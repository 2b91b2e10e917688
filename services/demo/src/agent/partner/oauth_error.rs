//! What a server answers a partner, and how it refuses.

use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

/// An HTTP answer with a JSON body.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The answer's headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body; `null` where it is empty or no JSON.
    pub body: Value,
}

impl Answer {
    pub(crate) async fn receive(response: reqwest::Response) -> Result<Self, reqwest::Error> {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let bytes = response.bytes().await?;
        Ok(Self {
            status,
            headers,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
        })
    }

    /// The answer, if its status is a success.
    ///
    /// # Errors
    /// [`PartnerError::Refused`] for any other status.
    pub fn success(self) -> Result<Self, PartnerError> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let member = |name: &str| self.body.get(name)?.as_str().map(str::to_owned);
        Err(PartnerError::Refused(OAuthError {
            status: self.status,
            error: member("error").unwrap_or_default(),
            description: member("error_description"),
            retry_after: self
                .headers
                .get("retry-after")
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned),
        }))
    }

    /// The body as a value of a type.
    ///
    /// # Errors
    /// [`PartnerError::Unreadable`] where it is none.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, PartnerError> {
        serde_json::from_value(self.body.clone()).map_err(|source| PartnerError::Unreadable {
            status: self.status,
            source,
        })
    }
}

/// The error response of an OAuth endpoint (RFC 6749 5.2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("refused with {status} {error:?} ({})", .description.as_deref().unwrap_or("no description"))]
pub struct OAuthError {
    /// The HTTP status.
    pub status: u16,
    /// The OAuth error code; empty where the body has none.
    pub error: String,
    /// The `error_description`.
    pub description: Option<String>,
    /// The `Retry-After` header.
    pub retry_after: Option<String>,
}

/// Why a partner's request came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum PartnerError {
    /// The server refused.
    #[error(transparent)]
    Refused(OAuthError),
    /// The customer did not come back with a code.
    #[error(transparent)]
    Return(#[from] ReturnError),
    /// No HTTP answer came, or not to its end.
    #[error("no answer from {url}")]
    Transport {
        /// What was asked.
        url: Box<Url>,
        /// What went wrong.
        source: reqwest::Error,
    },
    /// A successful answer lacks what it must have.
    #[error("the answer ({status}) cannot be read")]
    Unreadable {
        /// The HTTP status.
        status: u16,
        /// What is missing.
        source: serde_json::Error,
    },
    /// The metadata cannot be used.
    #[error("the metadata at {url} is wrong: {reason}")]
    Metadata {
        /// Where it was read.
        url: Box<Url>,
        /// What is wrong with it.
        reason: String,
    },
    /// The client's key cannot be read or cannot sign.
    #[error("the client's key cannot be used")]
    Key(#[source] jsonwebtoken::errors::Error),
    /// A key pair could not be made.
    #[error("no key pair could be made")]
    KeyGeneration,
    /// The HTTP client could not be made.
    #[error("the HTTP client could not be made")]
    Client(#[source] reqwest::Error),
}

impl PartnerError {
    /// The server's refusal, if it is one.
    #[must_use]
    pub fn refusal(&self) -> Option<&OAuthError> {
        match self {
            Self::Refused(error) => Some(error),
            _ => None,
        }
    }

    /// The OAuth error code, of a refusal or of the customer's return.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(error) => Some(&error.error),
            Self::Return(ReturnError::Refused { error, .. }) => Some(error),
            _ => None,
        }
    }
}

/// Why the address by which the customer came back gives no code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReturnError {
    /// It is not the registered redirect URI.
    #[error("the browser came to {url}, which is not the redirect URI")]
    Elsewhere {
        /// The address without its query.
        url: Box<Url>,
    },
    /// The authorization server's error.
    #[error("the authorization ended with {error:?}")]
    Refused {
        /// The OAuth error code, e.g. `access_denied`.
        error: String,
        /// The `error_description`.
        description: Option<String>,
        /// The request's state.
        state: Option<String>,
    },
    /// `iss` is missing or another server's (RFC 9207).
    #[error("iss is {seen:?}")]
    OtherIssuer {
        /// What came.
        seen: Option<String>,
    },
    /// The state is not this request's.
    #[error("the state is not this request's")]
    OtherState,
    /// A parameter is missing or stands there twice.
    #[error("the return has {count} parameters {name}")]
    Parameter {
        /// Its name.
        name: &'static str,
        /// How often it is there.
        count: usize,
    },
}
