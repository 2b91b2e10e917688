//! Where a request that a partner pushed has come to: a stage and a coarse reason, for its support. Who
//! the customer is, which accounts there are and why a PIN or a login failed is not said.

use actix_web::{HttpRequest, HttpResponse, http::header::CACHE_CONTROL, web};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use consent_domain::journey::{
    FailureCode, InProgress, Journey, JourneyEnd, JourneyStream, Step, TimeOutCause,
};
use serde::Serialize;
use sqlx::{Row as _, postgres::PgRow};
use tracing::Instrument as _;
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::App,
    feed::{Reader, admit_for},
    problem::Problem,
    protocol::{authorization_details::rfc3339_seconds, partner_scope::PartnerScope},
    store::{sql_span, state_of_row},
};

/// Where a request has come to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RequestStatus)]
pub(crate) struct Body {
    /// As in the answer to the pushed request.
    #[schema(example = "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg")]
    request_id: String,
    /// Whether the customer is still at it, or how it ended.
    status: Status,
    /// The step that the customer is at, or was at when it ended.
    stage: Stage,
    /// Why it ended, in a word, where it timed out or failed and that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<Reason>,
    /// Of an authorized request: the grant that it made or changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "0196384e-1b2c-7d3e-8f40-5a6b7c8d9e0f")]
    grant_id: Option<String>,
    /// When it was pushed: RFC 3339 in UTC.
    #[serde(serialize_with = "rfc3339_seconds")]
    #[schema(example = "2026-04-15T03:00:00Z")]
    requested_at: DateTime<Utc>,
    /// When the last step was done: RFC 3339 in UTC.
    #[serde(serialize_with = "rfc3339_seconds")]
    #[schema(example = "2026-04-15T03:02:10Z")]
    updated_at: DateTime<Utc>,
    /// When its time is over, whatever the customer does: RFC 3339 in UTC.
    #[serde(serialize_with = "rfc3339_seconds")]
    #[schema(example = "2026-04-15T03:30:00Z")]
    ends_at: DateTime<Utc>,
}

/// How a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// The customer can go on.
    InProgress,
    /// 許可
    Authorized,
    /// The customer left before the last page.
    Cancelled,
    /// The customer declined on the last page.
    Declined,
    /// Its time passed.
    TimedOut,
    /// It could not go on.
    Failed,
}

/// A step of the journey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Stage {
    /// No browser has opened the request's address.
    NotOpened,
    /// API連携認証（利用登録）
    Login,
    /// API連携認証（認可業務選択）
    Tasks,
    /// API連携認証（口座選択）
    Accounts,
    /// API連携認証（登録口座確認）
    Confirm,
    /// API連携認証（情報アクセス認可）
    Authorize,
}

/// Why a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Reason {
    /// The customer did nothing for too long.
    Idle,
    /// The customer was at it and did not get done in time.
    TookTooLong,
    /// No browser opened the address within the minute that it lives.
    NotOpened,
    /// The bank is closed.
    BankClosed,
    /// The bank is down.
    BankUnavailable,
    /// The bank does not let this customer use the service.
    RefusedByBank,
    /// Steps were redone too often.
    TooManyAttempts,
    /// The bank no longer lets the partner in.
    PartnerDisabled,
    /// The linkage that the request names is not of the customer who logged in, or has ended.
    GrantUnavailable,
}

/// The path of one request.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "it describes the path; the handler parses it itself"
)]
pub(crate) struct RequestPath {
    /// The bank's code: four digits.
    #[param(example = "2963", pattern = "^[0-9]{4}$")]
    bank: String,
    /// `request_id` of the answer to the pushed request: the SHA-256 of `request_uri`, as base64url.
    #[param(example = "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg")]
    request_id: String,
}

/// `GET {issuer}/requests/{request_id}`
#[utoipa::path(
    get,
    path = "/{bank}/requests/{request_id}",
    tag = "authorization",
    operation_id = "request_status",
    summary = "Where a pushed request has come to",
    description = "For the partner's support: which step the customer is at, or how it ended. A request is \
        kept for 90 days, where the platform sets no other time, and longer where it led to a grant. It opens nothing: the address of the pages needs `request_uri`.",
    params(RequestPath),
    responses((status = 200, description = "Where it has come to", body = Body)),
    security(("partner_token" = ["status"]))
)]
pub(crate) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (bank, request_id) = path.into_inner();
    let reader = admit_for(&app, &request, &bank, PartnerScope::Status).await?;
    let body = find(&app, &reader, request_id).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(body))
}

async fn find(app: &App, reader: &Reader, request_id: String) -> Result<Body, Problem> {
    let hash: [u8; 32] = URL_SAFE_NO_PAD
        .decode(&request_id)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(Problem::UNKNOWN_REQUEST)?;
    let row = sqlx::query(
        "SELECT j.stream_id, j.version AS j_version, j.state_version AS j_state_version,
             j.state AS j_state, p.first_shown_at IS NOT NULL AS opened, p.expires_at <= now() AS expired,
             now() AS now, (SELECT recorded_at FROM events
                 WHERE aggregate_type = 'journey' AND aggregate_id = j.stream_id
                 ORDER BY sequence DESC LIMIT 1) AS updated_at
         FROM pushed_requests p
         JOIN journey_current j ON j.stream_id = p.bank || ':' || p.journey_id
         WHERE p.bank = $1 AND p.request_uri_hash = $2 AND p.client_id = $3",
    )
    .bind(reader.bank.as_str())
    .bind(hash)
    .bind(reader.claims.client_id.as_str())
    .fetch_optional(&app.pool)
    .instrument(sql_span("status of a request"))
    .await?
    .ok_or(Problem::UNKNOWN_REQUEST)?;
    let stream: String = row.try_get("stream_id")?;
    let journey = state_of_row::<JourneyStream>(&app.pool, &row, "j", &stream).await;
    let (journey, _) = journey.map_err(|error| Problem::unavailable(&error))?;
    let link = Link::read(&row)?;
    let told = told(&journey, &link).ok_or(Problem::UNKNOWN_REQUEST)?;
    let request = match &journey {
        Journey::InProgress(journey) => &journey.request,
        Journey::Ended(ended) => &ended.request,
        Journey::Absent => return Err(Problem::UNKNOWN_REQUEST),
    };
    Ok(Body {
        request_id,
        status: told.status,
        stage: told.stage,
        reason: told.reason,
        grant_id: told.grant_id,
        requested_at: request.requested_at,
        updated_at: row.try_get("updated_at")?,
        ends_at: request.ends_at,
    })
}

/// What became of the request's address.
struct Link {
    opened: bool,
    expired: bool,
    now: DateTime<Utc>,
}

impl Link {
    fn read(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            opened: row.try_get("opened")?,
            expired: row.try_get("expired")?,
            now: row.try_get("now")?,
        })
    }
}

struct Told {
    status: Status,
    stage: Stage,
    reason: Option<Reason>,
    grant_id: Option<String>,
}

fn told(journey: &Journey, link: &Link) -> Option<Told> {
    let at = |status, stage, reason| Told {
        status,
        stage,
        reason,
        grant_id: None,
    };
    Some(match journey {
        Journey::Absent => return None,
        Journey::InProgress(journey) => in_progress(journey, link),
        Journey::Ended(ended) => match &ended.end {
            JourneyEnd::Authorized { grant } => Told {
                grant_id: Some(grant.to_string()),
                ..at(Status::Authorized, Stage::Authorize, None)
            },
            JourneyEnd::Declined => at(Status::Declined, Stage::Authorize, None),
            JourneyEnd::Cancelled { step } => at(Status::Cancelled, stage(*step), None),
            JourneyEnd::TimedOut { .. } if !link.opened => {
                at(Status::TimedOut, Stage::NotOpened, Some(Reason::NotOpened))
            }
            JourneyEnd::TimedOut { step, cause } => at(
                Status::TimedOut,
                stage(*step),
                Some(match cause {
                    TimeOutCause::Idle => Reason::Idle,
                    TimeOutCause::Total => Reason::TookTooLong,
                }),
            ),
            JourneyEnd::Failed { step, code } => {
                at(Status::Failed, stage(*step), Some(failure(*code)))
            }
        },
    })
}

/// The clock ends a journey before anybody records it, and an address that nobody opened in time can be
/// opened no more.
fn in_progress(journey: &InProgress, link: &Link) -> Told {
    let over = journey.request.ends_at <= link.now;
    let (status, stage, reason) = match (link.opened, link.expired || over) {
        (false, true) => (Status::TimedOut, Stage::NotOpened, Some(Reason::NotOpened)),
        (false, false) => (Status::InProgress, Stage::NotOpened, None),
        (true, _) if over => (Status::TimedOut, stage(journey.stage.step()), None),
        (true, _) => (Status::InProgress, stage(journey.stage.step()), None),
    };
    Told {
        status,
        stage,
        reason,
        grant_id: None,
    }
}

fn stage(step: Step) -> Stage {
    match step {
        Step::Login => Stage::Login,
        Step::Tasks => Stage::Tasks,
        Step::Accounts => Stage::Accounts,
        Step::Confirm => Stage::Confirm,
        Step::Authorize => Stage::Authorize,
    }
}

fn failure(code: FailureCode) -> Reason {
    match code {
        FailureCode::LoginRefused => Reason::RefusedByBank,
        FailureCode::BankClosed => Reason::BankClosed,
        FailureCode::BankUnavailable => Reason::BankUnavailable,
        FailureCode::TooManyRevisions => Reason::TooManyAttempts,
        FailureCode::PartnerDisabled => Reason::PartnerDisabled,
        FailureCode::GrantUnavailable => Reason::GrantUnavailable,
        // Why the bank does not serve this customer is between the two.
        FailureCode::ContractClosed | FailureCode::UserRemoved => Reason::RefusedByBank,
    }
}
