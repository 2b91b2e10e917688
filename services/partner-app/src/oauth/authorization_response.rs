//! What comes back to the redirect URI (RFC 6749, 4.1.2; `iss`: RFC 9207).

use serde::Deserialize;

use super::error::ErrorCode;
use crate::secret::Secret;

/// The query of a redirect, as far as this service reads it.
#[derive(Debug)]
pub struct AuthorizationResponse {
    /// The `state` of the request that it answers.
    pub state: Secret,
    /// Who says that it answers.
    pub issuer: String,
    /// What the answer is.
    pub result: AuthorizationResult,
}

/// Yes or no.
#[derive(Debug)]
pub enum AuthorizationResult {
    /// The customer allowed the access.
    Code(Secret),
    /// Something else happened.
    Error(ErrorCode),
}

/// Why a redirect can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// No `state`.
    #[error("state is missing")]
    NoState,
    /// No `iss`: every bank sends it, so its absence is an attack or a defect.
    #[error("iss is missing")]
    NoIssuer,
    /// A parameter twice, neither or both of `code` and `error`, or a broken query.
    #[error("the response is malformed")]
    Malformed,
}

/// serde refuses a field that is given twice; `error_description` and anything else is passed over,
/// because it is text from outside that no page of ours repeats.
#[derive(Deserialize)]
struct Parameters {
    state: Option<Secret>,
    iss: Option<String>,
    code: Option<Secret>,
    error: Option<String>,
}

impl AuthorizationResponse {
    /// Reads a query string.
    pub fn parse(query: &str) -> Result<Self, ResponseError> {
        let parameters = actix_web::web::Query::<Parameters>::from_query(query)
            .map_err(|_| ResponseError::Malformed)?
            .into_inner();
        let state = parameters
            .state
            .filter(|state| !state.reveal().is_empty())
            .ok_or(ResponseError::NoState)?;
        let issuer = parameters.iss.ok_or(ResponseError::NoIssuer)?;
        let result = match (parameters.code, parameters.error) {
            (Some(code), None) if !code.reveal().is_empty() => AuthorizationResult::Code(code),
            (None, Some(error)) => AuthorizationResult::Error(ErrorCode::new(&error)),
            _ => return Err(ResponseError::Malformed),
        };
        Ok(Self {
            state,
            issuer,
            result,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(query: &str) -> ResponseError {
        AuthorizationResponse::parse(query).unwrap_err()
    }

    #[test]
    fn a_code_or_an_error_is_read() {
        let yes = AuthorizationResponse::parse("code=c&state=s&iss=http%3A%2F%2Fb%2F2963").unwrap();
        let no =
            AuthorizationResponse::parse("error=access_denied&error_description=x&state=s&iss=i");

        assert_eq!(yes.issuer, "http://b/2963");
        assert!(matches!(yes.result, AuthorizationResult::Code(_)));
        assert!(
            matches!(no.unwrap().result, AuthorizationResult::Error(code) if code.as_str() == "access_denied")
        );
    }

    #[test]
    fn anything_else_is_refused() {
        assert_eq!(error_of("code=c&iss=i"), ResponseError::NoState);
        assert_eq!(error_of("code=c&state=&iss=i"), ResponseError::NoState);
        assert_eq!(error_of("code=c&state=s"), ResponseError::NoIssuer);
        assert_eq!(error_of("state=s&iss=i"), ResponseError::Malformed);
        assert_eq!(
            error_of("code=c&error=e&state=s&iss=i"),
            ResponseError::Malformed
        );
        assert_eq!(
            error_of("code=c&code=d&state=s&iss=i"),
            ResponseError::Malformed
        );
        assert_eq!(
            error_of("code=c&state=s&iss=i&iss=j"),
            ResponseError::Malformed
        );
    }
}
