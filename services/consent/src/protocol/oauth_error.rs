//! Errors as RFC 6749 5.2 has them: JSON with `error` and `error_description`, never stored.
//!
//! Descriptions are constants, so nothing of a request can be reflected.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, PRAGMA, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use super::form::FormError;

/// An error of the pushed authorization request, token or revocation endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}: {description}")]
pub struct OAuthError {
    /// The code that the RFC names.
    pub error: &'static str,
    /// For the partner's engineer: printable ASCII without quotes (RFC 6749 5.2).
    pub description: &'static str,
    /// The HTTP status.
    pub status: u16,
}

impl OAuthError {
    const fn bad_request(error: &'static str, description: &'static str) -> Self {
        Self {
            error,
            description,
            status: 400,
        }
    }

    /// RFC 6749 5.2.
    pub const fn invalid_request(description: &'static str) -> Self {
        Self::bad_request("invalid_request", description)
    }

    /// RFC 6749 5.2. One text for every cause: probing tells nobody whether a client exists.
    pub const fn invalid_client() -> Self {
        Self {
            error: "invalid_client",
            description: "client authentication failed",
            status: 401,
        }
    }

    /// RFC 6749 5.2. One text for every cause.
    pub const fn invalid_grant() -> Self {
        Self::bad_request(
            "invalid_grant",
            "the code or token is invalid, expired or revoked",
        )
    }

    /// Grant Management for OAuth 2.0, draft 03. One text for every cause: unknown, another client's and
    /// ended are told apart to nobody.
    pub const fn invalid_grant_id() -> Self {
        Self::bad_request(
            "invalid_grant_id",
            "grant_id names no live grant of this client",
        )
    }

    /// RFC 6749 5.2.
    pub const fn invalid_scope(description: &'static str) -> Self {
        Self::bad_request("invalid_scope", description)
    }

    /// RFC 6749 5.2: this client may not do this here.
    pub const fn unauthorized_client(description: &'static str) -> Self {
        Self::bad_request("unauthorized_client", description)
    }

    /// RFC 6749 5.2.
    pub const fn unsupported_grant_type() -> Self {
        Self::bad_request(
            "unsupported_grant_type",
            "authorization_code, refresh_token or client_credentials",
        )
    }

    /// RFC 6749 4.1.2.1.
    pub const fn unsupported_response_type() -> Self {
        Self::bad_request("unsupported_response_type", "response_type must be code")
    }

    /// RFC 9396 5.
    pub const fn invalid_authorization_details(description: &'static str) -> Self {
        Self::bad_request("invalid_authorization_details", description)
    }

    /// RFC 9101 6.3: request objects are not accepted here.
    pub const fn request_not_supported() -> Self {
        Self::bad_request(
            "request_not_supported",
            "signed request objects are not supported",
        )
    }

    /// A path that is no bank's.
    pub const fn unknown_issuer() -> Self {
        Self {
            error: "not_found",
            description: "there is no such issuer",
            status: 404,
        }
    }

    /// RFC 6750 3.1; the same for no credential and a wrong one.
    pub const fn unknown_resource_server() -> Self {
        Self {
            error: "invalid_token",
            description: "present a resource server credential",
            status: 401,
        }
    }

    /// RFC 6749 4.1.2.1, with status 503 and `Retry-After`: nothing was decided.
    pub const fn temporarily_unavailable() -> Self {
        Self {
            error: "temporarily_unavailable",
            description: "the request could not be processed now; repeat it later",
            status: 503,
        }
    }

    /// RFC 6749 4.1.2.1, with status 500.
    pub const fn server_error() -> Self {
        Self {
            error: "server_error",
            description: "the request failed here",
            status: 500,
        }
    }
}

impl From<FormError> for OAuthError {
    fn from(error: FormError) -> Self {
        match error {
            FormError::TooLarge => Self {
                error: "invalid_request",
                description: "the request is too large",
                status: 413,
            },
            FormError::TooManyFields => Self::invalid_request("there are too many parameters"),
            FormError::NameTooLong | FormError::ValueTooLong => {
                Self::invalid_request("a parameter is too long")
            }
            FormError::EmptyName | FormError::InvalidEncoding | FormError::NulCharacter => {
                Self::invalid_request("the body is not application/x-www-form-urlencoded UTF-8")
            }
            FormError::Missing(_) => Self::invalid_request("a required parameter is missing"),
            FormError::Repeated => Self::invalid_request("a parameter was sent more than once"),
            FormError::Unexpected => Self::invalid_request("a parameter is not expected here"),
        }
    }
}

/// Why a request was refused (RFC 6749 5.2).
#[derive(Serialize, ToSchema)]
#[schema(as = OAuthError)]
pub(crate) struct Body {
    /// For programs.
    error: &'static str,
    /// For the partner's engineer; it repeats nothing of the request.
    error_description: &'static str,
}

/// Seconds after which an unavailable service may be asked again.
const RETRY_AFTER_SECONDS: &str = "5";

impl ResponseError for OAuthError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response
            .insert_header((CACHE_CONTROL, "no-store"))
            .insert_header((PRAGMA, "no-cache"));
        if self.status == 503 {
            response.insert_header((RETRY_AFTER, RETRY_AFTER_SECONDS));
        }
        response.json(Body::from(*self))
    }
}

impl From<OAuthError> for Body {
    fn from(error: OAuthError) -> Self {
        Self {
            error: error.error,
            error_description: error.description,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_json_that_no_cache_keeps() {
        let response = OAuthError::invalid_client().error_response();
        assert_eq!(response.status().as_u16(), 401);
        assert_eq!(response.headers().get(CACHE_CONTROL).unwrap(), "no-store");
        assert!(
            response
                .headers()
                .get("content-type")
                .unwrap()
                .to_str()
                .unwrap()
                .contains("json")
        );
    }

    #[test]
    fn an_outage_says_when_to_come_back() {
        let response = OAuthError::temporarily_unavailable().error_response();
        assert_eq!(response.status().as_u16(), 503);
        assert!(response.headers().contains_key(RETRY_AFTER));
    }
}
