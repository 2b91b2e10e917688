//! What a recipient sends when it polls (RFC 8936 2.2).

use std::collections::BTreeMap;

use actix_web::{HttpRequest, http::header::CONTENT_TYPE};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::problem::Problem;

/// Most tokens of one answer.
const EVENTS_MAX: u32 = 500;
const EVENTS_DEFAULT: u32 = 100;
/// Most acknowledgements and errors of one request.
const SETTLED_MAX: usize = 1000;

/// A poll; members that are not known are passed over.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PollRequest)]
pub(crate) struct Body {
    /// At most so many tokens (at most 500 in any case). 0: acknowledge only.
    #[schema(nullable = false, minimum = 0, default = 100)]
    max_events: Option<u32>,
    /// Whether an empty answer is to come at once; otherwise it is put off for up to 30 seconds.
    #[serde(default)]
    return_immediately: bool,
    /// `jti`s that were handled: they don't come again.
    #[serde(default)]
    #[schema(max_items = 1000)]
    ack: Vec<String>,
    /// By `jti`: tokens that were refused. They don't come again either; the platform's operators see them.
    #[serde(default)]
    set_errs: BTreeMap<String, SetError>,
}

/// Why a token was refused.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SetError)]
pub(crate) struct SetError {
    /// RFC 8935 2.4, such as `invalid_key`.
    #[schema(example = "invalid_key")]
    pub err: String,
    /// For people.
    #[serde(default)]
    #[schema(example = "no key with this kid")]
    pub description: String,
}

/// A poll that was understood.
pub(super) struct Poll {
    pub events_max: u32,
    pub return_immediately: bool,
    pub acknowledged: Vec<Uuid>,
    pub refused: Vec<(Uuid, SetError)>,
}

impl Poll {
    /// Reads a request. An id that is none was never given, so it acknowledges nothing.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub(super) fn parse(request: &HttpRequest, body: &[u8]) -> Result<Self, Problem> {
        let invalid = Problem::invalid_parameter;
        if !is_json(request) {
            return Err(invalid("The body must be application/json."));
        }
        let body: Body = serde_json::from_slice(body)
            .map_err(|_| invalid("The body is no poll request of RFC 8936."))?;
        if body.ack.len() + body.set_errs.len() > SETTLED_MAX {
            return Err(invalid(
                "ack and setErrs have at most 1000 members together.",
            ));
        }
        Ok(Self {
            events_max: body.max_events.unwrap_or(EVENTS_DEFAULT).min(EVENTS_MAX),
            return_immediately: body.return_immediately,
            acknowledged: body.ack.iter().filter_map(|jti| id(jti)).collect(),
            refused: body
                .set_errs
                .into_iter()
                .filter_map(|(jti, error)| Some((id(&jti)?, error)))
                .collect(),
        })
    }
}

fn id(jti: &str) -> Option<Uuid> {
    Uuid::try_parse(jti).ok()
}

fn is_json(request: &HttpRequest) -> bool {
    request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|value| value.trim().eq_ignore_ascii_case("application/json"))
}
