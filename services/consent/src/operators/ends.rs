//! What ended, whether everybody was told of it, and whom a partner's doings concern.

use actix_web::{HttpRequest, HttpResponse, http::header::CACHE_CONTROL, web};
use consent_domain::{Instant, PartnerId};
use serde::Serialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    cursor::{self, Cursor},
    lines::{self, Lines, Read},
    orders::PartnerPath,
    query::{Parameters, page_limit},
};
use crate::{
    affected_consents::{self, AffectedBy, AffectedConsent},
    app::App,
    ended_consents::{self, EndedConsent, EndsBetween, Notices},
    operator::{Act, Api, Reads, Subject},
    problem::Problem,
};

/// Rows that an export reads at a time.
const EXPORT_PAGE: i64 = 500;

/// A key of time and consent.
type TimeKey = (Instant, String);

/// Ends, in the order in which they were recorded.
#[derive(Serialize, ToSchema)]
pub(crate) struct EndedPage {
    consents: Vec<EndedConsent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Consents, in the order in which they began.
#[derive(Serialize, ToSchema)]
pub(crate) struct AffectedPage {
    consents: Vec<AffectedConsent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Which ends, and how.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes the query; it is parsed by name")]
pub(crate) struct EndedQuery {
    /// Recorded at this time or later (RFC 3339).
    #[param(example = "2026-11-01T00:00:00+09:00")]
    from: String,
    /// Recorded before this time.
    #[param(example = "2026-12-01T00:00:00+09:00")]
    to: String,
    /// Only of this partner.
    partner: Option<String>,
    /// Only those that this led to: an act, a bulk revocation, a bank's notice.
    causation_id: Option<Uuid>,
    /// `outstanding`: only those of which a notice has not arrived.
    notices: Option<String>,
    /// `json`: a page; `csv`, `ndjson`: all of them.
    format: Option<String>,
    /// At most so many.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Which time, and how.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes the query; it is parsed by name")]
pub(crate) struct AffectedQuery {
    /// From this time on (RFC 3339).
    #[param(example = "2026-11-01T00:00:00+09:00")]
    from: String,
    /// Before this time.
    #[param(example = "2026-12-01T00:00:00+09:00")]
    to: String,
    /// `json`: a page; `csv`, `ndjson`: all of them.
    format: Option<String>,
    /// At most so many.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

fn time(parameters: &mut Parameters, name: &str) -> Result<Instant, Problem> {
    let text = parameters.take(name).unwrap_or_default();
    chrono::DateTime::parse_from_rfc3339(&text)
        .map(|time| time.to_utc())
        .map_err(|_| Problem::invalid_parameter("from and to are times as in RFC 3339."))
}

/// What both lists have in common.
struct Window {
    from: Instant,
    to: Instant,
    lines: Option<Lines>,
    after: Option<TimeKey>,
    limit: usize,
}

impl Window {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let (from, to) = (time(parameters, "from")?, time(parameters, "to")?);
        if to <= from {
            return Err(Problem::invalid_parameter("to is later than from."));
        }
        let after: Option<Cursor<TimeKey>> = cursor::take(parameters)?;
        Ok(Self {
            from,
            to,
            lines: Lines::take(parameters)?,
            after: after.map(|cursor| cursor.0),
            limit: page_limit(parameters)?,
        })
    }
}

const ENDED_COLUMNS: [&str; 22] = [
    "grant_id",
    "contract",
    "partner",
    "client",
    "began_at",
    "ended_at",
    "effective_at",
    "status",
    "by",
    "reason",
    "superseded_by",
    "actor_kind",
    "actor_id",
    "causation_id",
    "event_id",
    "mail",
    "mail_sent_at",
    "mail_tries",
    "kafka",
    "poll",
    "push",
    "all_arrived",
];

/// What ended in a time.
#[utoipa::path(
    get,
    path = "/v1/banks/{bank}/ended-consents",
    tag = "acts",
    operation_id = "list_ended_consents",
    summary = "What ended in a time: when, by whom, why, and whether every notice arrived",
    params(crate::openapi::BankPath, EndedQuery),
    responses((status = 200, description = "Ends", content(
        (EndedPage = "application/json"), (String = "text/csv"), (String = "application/x-ndjson")
    ))),
    security(("operator_token" = []))
)]
pub(crate) async fn ended(
    app: web::Data<App>,
    at: Api<Reads>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut parameters = Parameters::parse(request.query_string())?;
    let window = Window::take(&mut parameters)?;
    let causation_id = parameters
        .take("causation_id")
        .map(|id| Uuid::parse_str(&id))
        .transpose()
        .map_err(|_| Problem::invalid_parameter("causation_id is a UUID."))?;
    let notices = match parameters.take("notices").as_deref() {
        None => Notices::Any,
        Some("outstanding") => Notices::Outstanding,
        Some(_) => return Err(Problem::invalid_parameter("notices is outstanding.")),
    };
    let ends = EndsBetween {
        bank: at.bank.clone(),
        from: window.from,
        to: window.to,
        partner: parameters.take("partner"),
        causation_id,
        notices,
        after: window.after,
        limit: cursor::one_more(window.limit),
    };
    parameters.finish()?;
    let act = Act {
        code: if window.lines.is_some() {
            "export_ended_consents"
        } else {
            "list_ended_consents"
        },
        subject: Subject::of_kind("consents"),
        detail: json!({ "from": ends.from, "to": ends.to, "partner": ends.partner }),
    };
    at.record_read(&app.pool, act).await?;
    if let Some(lines) = window.lines {
        let pool = app.pool.clone();
        let first = ends.after.clone();
        let read = move |after| {
            let ends = EndsBetween {
                after,
                limit: EXPORT_PAGE,
                ..ends.clone()
            };
            let pool = pool.clone();
            async move {
                let rows = ended_consents::between(&pool, &ends)
                    .await
                    .map_err(|error| Problem::unavailable(&error))?;
                let last = rows.last();
                let next = last.map(|last| Some((last.ended_at, last.grant_id.clone())));
                Ok(Read { rows, next })
            }
        };
        return Ok(lines::send(
            lines,
            "ended-consents",
            &ENDED_COLUMNS,
            first,
            read,
        ));
    }
    let mut consents = ended_consents::between(&app.pool, &ends)
        .await
        .map_err(|error| Problem::unavailable(&error))?;
    let next_cursor = cursor::next(&mut consents, window.limit, |last| {
        (last.ended_at, last.grant_id.clone())
    });
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(EndedPage {
            consents,
            next_cursor,
        }))
}

const AFFECTED_COLUMNS: [&str; 11] = [
    "grant_id",
    "contract",
    "users",
    "client",
    "began_at",
    "ended_at",
    "accounts",
    "reads",
    "rows",
    "first_read_at",
    "last_read_at",
];

/// Whom a partner concerns.
#[utoipa::path(
    get,
    path = "/v1/banks/{bank}/partners/{partner}/affected-consents",
    tag = "acts",
    operation_id = "list_affected_consents",
    summary = "Every consent of a partner that was live at some moment of a time",
    description = "With what could be read at some moment of that time, also where the consent was changed in \
        it, and how often data were read in it.",
    params(PartnerPath, AffectedQuery),
    responses((status = 200, description = "Consents", content(
        (AffectedPage = "application/json"), (String = "text/csv"), (String = "application/x-ndjson")
    ))),
    security(("operator_token" = []))
)]
pub(crate) async fn affected(
    app: web::Data<App>,
    at: Api<Reads>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let mut parameters = Parameters::parse(request.query_string())?;
    let window = Window::take(&mut parameters)?;
    parameters.finish()?;
    let partner = PartnerId::parse(path.1.as_str()).map_err(|_| Problem::NOTHING_HERE)?;
    let act = Act {
        code: if window.lines.is_some() {
            "export_affected_consents"
        } else {
            "list_affected_consents"
        },
        subject: Subject::new("partner", partner.as_str()),
        detail: json!({ "from": window.from, "to": window.to }),
    };
    at.record_read(&app.pool, act).await?;
    let by = AffectedBy {
        bank: at.bank.clone(),
        partner,
        from: window.from,
        to: window.to,
        after: window.after,
        limit: cursor::one_more(window.limit),
    };
    if let Some(lines) = window.lines {
        let pool = app.pool.clone();
        let first = by.after.clone();
        let read = move |after| {
            let by = AffectedBy {
                after,
                limit: EXPORT_PAGE,
                ..by.clone()
            };
            let pool = pool.clone();
            async move {
                let rows = affected_consents::affected(&pool, &by)
                    .await
                    .map_err(|error| Problem::unavailable(&error))?;
                let last = rows.last();
                let next = last.map(|last| Some((last.began_at, last.grant_id.clone())));
                Ok(Read { rows, next })
            }
        };
        return Ok(lines::send(
            lines,
            "affected-consents",
            &AFFECTED_COLUMNS,
            first,
            read,
        ));
    }
    let mut consents = affected_consents::affected(&app.pool, &by)
        .await
        .map_err(|error| Problem::unavailable(&error))?;
    let next_cursor = cursor::next(&mut consents, window.limit, |last| {
        (last.began_at, last.grant_id.clone())
    });
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(AffectedPage {
            consents,
            next_cursor,
        }))
}
