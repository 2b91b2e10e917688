//! What can go wrong when the service talks to an authorization server.

use serde::Deserialize;

use crate::http_client::{Answer, HttpError};

/// Why an exchange with an authorization server failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OauthError {
    /// No usable answer came.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The server said no (RFC 6749, 5.2).
    #[error("the authorization server refused: {0}")]
    Refused(ErrorCode),
    /// An answer without an OAuth error in it.
    #[error("the authorization server answered with status {0}")]
    Status(u16),
    /// The metadata can't be used.
    #[error("the metadata is unusable: {0}")]
    Metadata(#[from] super::metadata::MetadataError),
    /// The tokens can't be used.
    #[error("the token response is unusable: {0}")]
    Token(&'static str),
    /// The client assertion could not be signed.
    #[error("the client assertion could not be signed")]
    Signature,
}

/// An OAuth error code. Only the registered characters pass, and at most 64 of them, so that the
/// code can be logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorCode(String);

impl ErrorCode {
    /// The code, or `unknown_error` where the text is not one.
    pub fn new(value: &str) -> Self {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if (1..=64).contains(&value.len()) && value.bytes().all(plain) {
            Self(value.to_owned())
        } else {
            Self("unknown_error".to_owned())
        }
    }

    /// The code itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Reads an answer that is not a success.
pub(super) fn refusal(answer: &Answer) -> OauthError {
    #[derive(Deserialize)]
    struct Body {
        error: String,
    }
    // A 5xx may carry any body: the status says more than a guess at it.
    match answer.json::<Body>() {
        Ok(body) if answer.status < 500 => OauthError::Refused(ErrorCode::new(&body.error)),
        _ => OauthError::Status(answer.status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_codes_are_kept() {
        assert_eq!(ErrorCode::new("invalid_grant").as_str(), "invalid_grant");
        assert_eq!(ErrorCode::new("<script>").as_str(), "unknown_error");
        assert_eq!(ErrorCode::new("").as_str(), "unknown_error");
        assert_eq!(ErrorCode::new(&"a".repeat(65)).as_str(), "unknown_error");
    }
}
