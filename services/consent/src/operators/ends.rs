//! What ended, whether everybody was told of it, and whom a partner's doings concern.

use actix_web::{HttpRequest, HttpResponse, web};
use consent_domain::Instant;
use serde::Serialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    listing::{Export, Listing},
    paths::{self, AtBankPath, PartnerPath},
    query::Parameters,
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
    listing: Listing<TimeKey>,
}

impl Window {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let (from, to) = (time(parameters, "from")?, time(parameters, "to")?);
        if to <= from {
            return Err(Problem::invalid_parameter("to is later than from."));
        }
        let listing = Listing::take(parameters)?;
        Ok(Self { from, to, listing })
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
    let partner = parameters.take("partner");
    parameters.finish()?;
    let Window { from, to, listing } = window;
    let act = Act {
        code: listing.act("list_ended_consents", "export_ended_consents"),
        subject: Subject::of_kind("consents"),
        detail: json!({ "from": from, "to": to, "partner": partner }),
    };
    at.record_read(&app.pool, act).await?;
    let (pool, bank) = (app.pool.clone(), at.bank.clone());
    let read = move |after, limit| {
        let pool = pool.clone();
        let ends = EndsBetween {
            bank: bank.clone(),
            from,
            to,
            partner: partner.clone(),
            causation_id,
            notices,
            after,
            limit,
        };
        async move {
            let rows = ended_consents::between(&pool, &ends).await;
            rows.map_err(|error| Problem::unavailable(&error))
        }
    };
    let key = |last: &EndedConsent| (last.ended_at, last.grant_id.clone());
    let page = |consents, next_cursor| EndedPage {
        consents,
        next_cursor,
    };
    let export = Export {
        name: "ended-consents".to_owned(),
        columns: &ENDED_COLUMNS,
        rows_at_once: EXPORT_PAGE,
    };
    listing.answer(export, read, key, page).await
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
    path: AtBankPath,
) -> Result<HttpResponse, Problem> {
    let mut parameters = Parameters::parse(request.query_string())?;
    let window = Window::take(&mut parameters)?;
    parameters.finish()?;
    let partner = paths::partner(&path.1)?;
    let Window { from, to, listing } = window;
    let act = Act {
        code: listing.act("list_affected_consents", "export_affected_consents"),
        subject: Subject::new("partner", partner.as_str()),
        detail: json!({ "from": from, "to": to }),
    };
    at.record_read(&app.pool, act).await?;
    let (pool, bank) = (app.pool.clone(), at.bank.clone());
    let read = move |after, limit| {
        let pool = pool.clone();
        let by = AffectedBy {
            bank: bank.clone(),
            partner: partner.clone(),
            from,
            to,
            after,
            limit,
        };
        async move {
            let rows = affected_consents::affected(&pool, &by).await;
            rows.map_err(|error| Problem::unavailable(&error))
        }
    };
    let key = |last: &AffectedConsent| (last.began_at, last.grant_id.clone());
    let page = |consents, next_cursor| AffectedPage {
        consents,
        next_cursor,
    };
    let export = Export {
        name: "affected-consents".to_owned(),
        columns: &AFFECTED_COLUMNS,
        rows_at_once: EXPORT_PAGE,
    };
    listing.answer(export, read, key, page).await
}
