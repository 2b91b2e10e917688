//! Refusals of what a partner's program reads with its own token (RFC 9457). `code` is for programs,
//! `detail` for the partner's engineer; nothing of a request is repeated.

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::protocol::partner_scope::PartnerScope;

/// The media type of a problem.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";
/// What a bearer token is asked for with (RFC 6750 3).
const REALM: &str = "Bearer realm=\"consent\"";

/// Why a request is not answered with what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// For programs.
    pub code: &'static str,
    title: &'static str,
    detail: &'static str,
    /// RFC 6750 3.1: further parameters of the challenge, where there is one.
    challenge: Option<&'static str>,
    retry_after_seconds: Option<u32>,
    /// Where events begin that can be had.
    begin_after: Option<i64>,
}

/// Why a request was refused (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Body {
    /// `/problems/` and the code.
    #[schema(example = "/problems/invalid_token")]
    r#type: String,
    /// For people.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// For programs: decide by it.
    code: &'static str,
    /// For the partner's engineer; it repeats nothing of the request.
    detail: &'static str,
    /// With `archived`: the least `after` that is answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    begin_after: Option<i64>,
}

pub(crate) const fn problem(
    status: u16,
    code: &'static str,
    title: &'static str,
    detail: &'static str,
) -> Problem {
    Problem {
        status,
        code,
        title,
        detail,
        challenge: None,
        retry_after_seconds: None,
        begin_after: None,
    }
}

impl Problem {
    pub(crate) const fn challenging(self, parameters: &'static str) -> Self {
        Self {
            challenge: Some(parameters),
            ..self
        }
    }

    pub(crate) const fn retrying_after(self, seconds: u32) -> Self {
        Self {
            retry_after_seconds: Some(seconds),
            ..self
        }
    }

    /// A path that is no bank's.
    pub(crate) const UNKNOWN_ISSUER: Self =
        problem(404, "not_found", "Not found", "There is no such issuer.");
    /// No token where one is needed.
    pub(crate) const MISSING_TOKEN: Self = problem(
        401,
        "missing_token",
        "Access token required",
        "Send the access token in the Authorization header with the scheme Bearer.",
    )
    .challenging("");
    /// More than one token, or one elsewhere than in the header.
    pub(crate) const UNSUPPORTED_TOKEN_USE: Self = problem(
        400,
        "invalid_request",
        "Access token sent in an unsupported way",
        "Send exactly one access token, in the Authorization header and nowhere else.",
    )
    .challenging(", error=\"invalid_request\"");
    /// One text for every cause: unknown, expired, revoked, another bank's, for accounts.
    pub(crate) const INVALID_TOKEN: Self = problem(
        401,
        "invalid_token",
        "Access token not valid",
        "The token is malformed, expired, revoked, or not for this address. Get one by client_credentials \
         at this bank's token endpoint.",
    )
    .challenging(", error=\"invalid_token\"");
    /// The token is for something else.
    pub(crate) const fn insufficient_scope(scope: PartnerScope) -> Self {
        let (detail, challenge) = match scope {
            PartnerScope::Notifications => (
                "The token does not have the scope notifications.",
                ", error=\"insufficient_scope\", scope=\"notifications\"",
            ),
            PartnerScope::GrantManagementQuery => (
                "The token does not have the scope grant_management_query.",
                ", error=\"insufficient_scope\", scope=\"grant_management_query\"",
            ),
            PartnerScope::GrantManagementRevoke => (
                "The token does not have the scope grant_management_revoke.",
                ", error=\"insufficient_scope\", scope=\"grant_management_revoke\"",
            ),
            PartnerScope::Status => (
                "The token does not have the scope status.",
                ", error=\"insufficient_scope\", scope=\"status\"",
            ),
        };
        problem(403, "insufficient_scope", "Scope not covered", detail).challenging(challenge)
    }

    /// No such grant, or another partner's: nobody learns which.
    pub(crate) const UNKNOWN_GRANT: Self = problem(
        404,
        "unknown_grant",
        "Unknown grant",
        "There is no such grant of this client at this bank.",
    );
    /// No such request, another partner's, or one that is kept no longer.
    pub(crate) const UNKNOWN_REQUEST: Self = problem(
        404,
        "unknown_request",
        "Unknown request",
        "There is no such request of this client at this bank, or it is kept no longer.",
    );
    /// The bank does not let the partner in.
    pub(crate) const PARTNER_DISABLED: Self = problem(
        403,
        "partner_disabled",
        "Not enabled at this bank",
        "The bank does not let the partner in now. Nothing is lost: reading goes on when it does again.",
    );
    /// The log has no such number yet.
    pub(crate) const AHEAD_OF_LOG: Self = problem(
        400,
        "ahead_of_log",
        "after is ahead of the log",
        "The log has not come to this number. If the number came from this bank's feed, the log was \
         restored from a backup: ask the platform from where to read.",
    );
    /// An event can't be given now; what follows it waits.
    pub(crate) const EVENT_UNREADABLE: Self = problem(
        503,
        "event_unreadable",
        "The next event can't be given now",
        "The next event can't be read by this release. It is not passed over: what follows waits for it, \
         and the platform's operators have been told. Repeat the request later with the same after.",
    )
    .retrying_after(60);
    /// More requests wait than this replica, or one partner, may have waiting.
    pub(crate) const TOO_MANY_WAITING: Self = problem(
        429,
        "too_many_waiting",
        "Too many requests wait already",
        "End other waiting requests, or ask without wait.",
    )
    .retrying_after(5);
    /// The database does not answer.
    pub(crate) const UNAVAILABLE: Self = problem(
        503,
        "temporarily_unavailable",
        "Not available now",
        "The request could not be processed now. Repeat it later.",
    )
    .retrying_after(5);
    /// A fault of this service.
    pub(crate) const INTERNAL: Self = problem(
        500,
        "internal_error",
        "Internal error",
        "The request failed here.",
    );

    /// A parameter of the query or a member of the body.
    pub(crate) const fn invalid_parameter(detail: &'static str) -> Self {
        problem(400, "invalid_parameter", "Invalid parameter", detail)
    }

    /// The events asked for are in the database no more.
    pub(crate) const fn archived(begin_after: i64) -> Self {
        Self {
            begin_after: Some(begin_after),
            ..problem(
                410,
                "archived",
                "Events from there on are archived",
                "Events that old are in the archive and not given here any more. Read today's grants first (each \
                 by its token, or by introspection), and go on with after = begin_after.",
            )
        }
    }

    /// The answers that no handler wrote.
    pub(crate) const fn of_status(status: u16, detail: &'static str) -> Self {
        problem(status, "invalid_request", "Request not accepted", detail)
    }

    pub(crate) fn body(&self) -> Body {
        Body {
            r#type: format!("/problems/{}", self.code),
            title: self.title,
            status: self.status,
            code: self.code,
            detail: self.detail,
            begin_after: self.begin_after,
        }
    }

    /// A store that failed; the cause goes to the log.
    pub(crate) fn unavailable(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "the database failed");
        Self::UNAVAILABLE
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        Self::unavailable(&error)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response
            .insert_header((CACHE_CONTROL, "no-store"))
            .insert_header((CONTENT_TYPE, MEDIA_TYPE));
        if let Some(parameters) = self.challenge {
            response.insert_header((WWW_AUTHENTICATE, format!("{REALM}{parameters}")));
        }
        if let Some(seconds) = self.retry_after_seconds {
            response.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        match serde_json::to_vec(&self.body()) {
            Ok(body) => response.body(body),
            Err(_) => response.finish(),
        }
    }
}
