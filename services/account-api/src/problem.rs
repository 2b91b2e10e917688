//! Everything that may be answered instead of data, in one place (RFC 9457).
//!
//! `code` is for programs, `detail` for the partner's engineer. Neither repeats what was sent. What
//! the operator needs is logged where it happens, not answered.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::in_japan;
use crate::task::Task;

/// Seconds after which asking again makes sense, per cause.
const RETRY_KEYS_SECONDS: u64 = 5;
const RETRY_DECISION_SECONDS: u64 = 5;
const RETRY_BANK_SECONDS: u64 = 30;
const RETRY_TIMEOUT_SECONDS: u64 = 10;
/// Used where a closed bank does not say when it opens.
const RETRY_CLOSED_SECONDS: u64 = 600;
/// A week; a bank that names a later day is asked again before.
const RETRY_MAX_SECONDS: u64 = 7 * 24 * 3600;

/// Why a request is not answered with data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("no access token")]
    MissingToken,
    #[error("access token sent in a way that is not supported")]
    UnsupportedTokenUse,
    #[error("access token not valid")]
    InvalidToken,
    #[error("keys of the issuer unavailable")]
    KeysUnavailable,
    #[error("no decision")]
    DecisionUnavailable,
    #[error("the read is not recorded")]
    RecordUnavailable,
    #[error("denied: {0:?}")]
    Denied(Denial),
    #[error("the bank gives no data for the account")]
    AccountUnavailable,
    #[error("bank closed: {0:?}")]
    Closed(Closed),
    #[error("bank unavailable")]
    BankUnavailable,
    #[error("bank timed out")]
    BankTimeout,
    #[error("invalid parameter: {0}")]
    InvalidParameter(&'static str),
    #[error("invalid cursor")]
    InvalidCursor,
    #[error("no such resource")]
    NotFound,
    #[error("method not allowed")]
    MethodNotAllowed,
    #[error("URI too long")]
    UriTooLong,
    #[error("headers too large")]
    HeadersTooLarge,
    #[error("request body")]
    ContentNotAccepted,
    #[error("defect of this service")]
    Internal,
}

/// Why the decision is no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    UnknownGrant,
    Expired,
    Revoked,
    Superseded,
    Suspended,
    AccountNotInScope,
    TaskNotInScope(Task),
    TokenRevoked,
}

/// A bank that is closed, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    pub(crate) reason: ClosedReason,
    pub(crate) reopens_at: Option<DateTime<Utc>>,
    /// When the bank said so.
    pub(crate) asked_at: DateTime<Utc>,
}

/// サービス時間外 or メンテナンス.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClosedReason {
    Hours,
    Maintenance,
}

/// The code of the problem answered, for the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProblemCode(pub(crate) &'static str);

struct Wording {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: &'static str,
}

/// Why a request is not answered with data (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Body {
    /// `/problems/` and the code.
    r#type: String,
    /// For people.
    pub(crate) title: &'static str,
    /// The HTTP status.
    status: u16,
    /// For programs: decide by it.
    pub(crate) code: &'static str,
    /// For the partner's engineer; it repeats nothing of the request.
    detail: &'static str,
    /// Only of `closed_hours` and `maintenance`, where the bank says when it opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    reopens_at: Option<String>,
}

impl Problem {
    #[expect(clippy::too_many_lines, reason = "one table, read from top to bottom")]
    fn wording(&self) -> Wording {
        use StatusCode as S;
        let (status, code, title, detail) = match self {
            Self::MissingToken => (
                S::UNAUTHORIZED,
                "missing_token",
                "Access token required",
                "Send the access token in the Authorization header with the scheme Bearer.",
            ),
            Self::UnsupportedTokenUse => (
                S::BAD_REQUEST,
                "invalid_request",
                "Access token sent in an unsupported way",
                "Send exactly one access token, in the Authorization header and nowhere else.",
            ),
            Self::InvalidToken => (
                S::UNAUTHORIZED,
                "invalid_token",
                "Access token not valid",
                "The access token is malformed, expired, or not for this API. Refresh it.",
            ),
            Self::KeysUnavailable => (
                S::SERVICE_UNAVAILABLE,
                "keys_unavailable",
                "Access token can't be checked now",
                "The keys of the token's issuer can't be had at the moment. Try again.",
            ),
            Self::DecisionUnavailable => (
                S::SERVICE_UNAVAILABLE,
                "decision_unavailable",
                "The grant can't be checked now",
                "Nothing is read without a check of the grant. Try again.",
            ),
            Self::RecordUnavailable => (
                S::SERVICE_UNAVAILABLE,
                "record_unavailable",
                "The read can't be recorded now",
                "Nothing is served without a record of it. The grant is not affected. Try again.",
            ),
            Self::Denied(denial) => denial.wording(),
            Self::AccountUnavailable => (
                S::NOT_FOUND,
                "account_unavailable",
                "Account unavailable at the bank",
                "The grant covers this account and task, but the bank no longer gives this data.",
            ),
            Self::Closed(Closed {
                reason: ClosedReason::Hours,
                ..
            }) => (
                S::SERVICE_UNAVAILABLE,
                "closed_hours",
                "The bank is outside its service hours",
                "The grant is not affected. Try again when the bank is open.",
            ),
            Self::Closed(Closed {
                reason: ClosedReason::Maintenance,
                ..
            }) => (
                S::SERVICE_UNAVAILABLE,
                "maintenance",
                "The bank is under maintenance",
                "The grant is not affected. Try again when the bank is open.",
            ),
            Self::BankUnavailable => (
                S::SERVICE_UNAVAILABLE,
                "bank_unavailable",
                "The bank can't be reached",
                "The grant is not affected. Try again later.",
            ),
            Self::BankTimeout => (
                S::SERVICE_UNAVAILABLE,
                "bank_timeout",
                "The bank did not answer in time",
                "The grant is not affected. Try again later.",
            ),
            Self::InvalidParameter(detail) => (
                S::BAD_REQUEST,
                "invalid_parameter",
                "Invalid parameter",
                *detail,
            ),
            Self::InvalidCursor => (
                S::BAD_REQUEST,
                "invalid_cursor",
                "Invalid cursor",
                "The cursor does not belong to this account and range, or is out of date. \
                 Start again without a cursor.",
            ),
            Self::NotFound => (
                S::NOT_FOUND,
                "not_found",
                "Not found",
                "There is no resource at this path.",
            ),
            Self::MethodNotAllowed => (
                S::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "Method not allowed",
                "This resource is read with GET.",
            ),
            Self::UriTooLong => (
                S::URI_TOO_LONG,
                "uri_too_long",
                "URI too long",
                "The request target is too long.",
            ),
            Self::HeadersTooLarge => (
                S::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "headers_too_large",
                "Headers too large",
                "The request's header fields are too large.",
            ),
            Self::ContentNotAccepted => (
                S::PAYLOAD_TOO_LARGE,
                "content_not_accepted",
                "Request content not accepted",
                "Requests to this API have no content.",
            ),
            Self::Internal => (
                S::INTERNAL_SERVER_ERROR,
                "internal_error",
                "Internal error",
                "The request can't be answered. Ask support with the x-request-id.",
            ),
        };
        Wording {
            status,
            code,
            title,
            detail,
        }
    }

    /// What is answered.
    pub(crate) fn body(&self) -> Body {
        let Wording {
            status,
            code,
            title,
            detail,
        } = self.wording();
        Body {
            r#type: format!("/problems/{code}"),
            title,
            status: status.as_u16(),
            code,
            detail,
            reopens_at: self.reopens_at(),
        }
    }

    /// RFC 6750 section 3.
    fn challenge(&self) -> Option<String> {
        const REALM: &str = "Bearer realm=\"account-api\"";
        match self {
            Self::MissingToken => Some(REALM.to_owned()),
            Self::UnsupportedTokenUse => Some(format!("{REALM}, error=\"invalid_request\"")),
            Self::Denied(Denial::TaskNotInScope(task)) => Some(format!(
                "{REALM}, error=\"insufficient_scope\", scope=\"{}\"",
                task.name()
            )),
            _ if self.wording().status == StatusCode::UNAUTHORIZED => {
                Some(format!("{REALM}, error=\"invalid_token\""))
            }
            _ => None,
        }
    }

    fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::KeysUnavailable => Some(RETRY_KEYS_SECONDS),
            Self::DecisionUnavailable | Self::RecordUnavailable => Some(RETRY_DECISION_SECONDS),
            Self::BankUnavailable => Some(RETRY_BANK_SECONDS),
            Self::BankTimeout => Some(RETRY_TIMEOUT_SECONDS),
            Self::Closed(closed) => Some(closed.retry_after_seconds()),
            _ => None,
        }
    }

    fn reopens_at(&self) -> Option<String> {
        match self {
            Self::Closed(closed) => closed.reopens_at.map(in_japan),
            _ => None,
        }
    }
}

impl Denial {
    fn wording(self) -> (StatusCode, &'static str, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::UnknownGrant => (
                S::UNAUTHORIZED,
                "unknown_grant",
                "Unknown grant",
                "There is no such grant for this client at this bank.",
            ),
            Self::Expired => (
                S::UNAUTHORIZED,
                "grant_expired",
                "The grant has expired",
                "The customer's permission has run out. The customer may renew it.",
            ),
            Self::Revoked => (
                S::UNAUTHORIZED,
                "grant_revoked",
                "The grant was revoked",
                "The permission was ended. Only the customer can give a new one.",
            ),
            Self::Superseded => (
                S::UNAUTHORIZED,
                "grant_superseded",
                "The grant was superseded",
                "A newer grant has taken the place of this one. Use that one's tokens.",
            ),
            Self::Suspended => (
                S::FORBIDDEN,
                "grant_suspended",
                "The grant is suspended",
                "The permission is on hold and may come back. Keep the tokens and try again later.",
            ),
            Self::AccountNotInScope => (
                S::NOT_FOUND,
                "account_not_in_scope",
                "No such account in this grant",
                "The grant covers no account with this id.",
            ),
            Self::TaskNotInScope(_) => (
                S::FORBIDDEN,
                "task_not_in_scope",
                "Task not covered",
                "The grant or the access token does not cover this task of this account.",
            ),
            Self::TokenRevoked => (
                S::UNAUTHORIZED,
                "token_revoked",
                "The access token was revoked",
                "This access token was withdrawn. The grant itself may still be live.",
            ),
        }
    }
}

impl Closed {
    fn retry_after_seconds(self) -> u64 {
        self.reopens_at.map_or(RETRY_CLOSED_SECONDS, |reopens_at| {
            let seconds = (reopens_at - self.asked_at).num_seconds();
            u64::try_from(seconds)
                .unwrap_or(0)
                .clamp(1, RETRY_MAX_SECONDS)
        })
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.wording().status
    }

    fn error_response(&self) -> HttpResponse {
        let body = self.body();
        let code = body.code;
        let mut response = HttpResponse::build(self.wording().status);
        if let Some(challenge) = self.challenge() {
            response.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        if let Some(seconds) = self.retry_after_seconds() {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if *self == Self::MethodNotAllowed {
            response.insert_header((header::ALLOW, "GET"));
        }
        let mut response = response.json(body);
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("application/problem+json"),
        );
        response.extensions_mut().insert(ProblemCode(code));
        response
    }
}
