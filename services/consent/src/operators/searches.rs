//! Searches: `GET /v1/banks/{bank}/consents` and `…/journeys`, and the same as CSV and NDJSON.

use actix_web::{HttpRequest, HttpResponse, web};
use consent_domain::BankCode;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    answer::answer,
    consent_filters,
    export::{self, Format, Pools},
    journey_filters,
    paging::Paging,
    query::{Parameters, page_limit, place},
};
use crate::{
    app::App,
    operator::{Act, Api, AtBank, Reads, Subject},
    problem::Problem,
    search::{self, Search, consents::FoundConsent, journeys::FoundJourney},
};

/// A page of consents, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConsentPage {
    /// What was found.
    found: Vec<FoundConsent>,
    /// To be sent as `cursor`, with the same filters, for the next page; none on the last.
    next_cursor: Option<String>,
}

/// A page of journeys, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct JourneyPage {
    /// What was found.
    found: Vec<FoundJourney>,
    /// To be sent as `cursor`, with the same filters, for the next page; none on the last.
    next_cursor: Option<String>,
}

/// Searches consents.
#[utoipa::path(
    get,
    path = "/v1/banks/{bank}/consents",
    tag = "search",
    operation_id = "search_consents",
    summary = "Consents of the bank, the newest first",
    description = "Without `status` and `reason` they stand in the order of their beginnings, with one of them \
        in the order of their ends (of live ones: to come), and so do all that ended where only a span of \
        ends is given. Of one contract or account everything may be asked together, in the order of \
        beginnings. What begins, ends or is renewed between two pages may be missing from them, or be on \
        both; nothing else is.",
    params(crate::openapi::BankPath, consent_filters::Described, Paging),
    responses((status = 200, description = "A page", body = ConsentPage)),
    security(("operator_token" = []))
)]
pub(crate) async fn consents(
    app: web::Data<App>,
    at: Api<Reads>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    found(&app, &at, &request, "consents", consent_filters::take).await
}

/// Searches journeys.
#[utoipa::path(
    get,
    path = "/v1/banks/{bank}/journeys",
    tag = "search",
    operation_id = "search_journeys",
    summary = "Journeys of the bank, the newest first: where is one stuck, how did one end?",
    params(crate::openapi::BankPath, journey_filters::Described, Paging),
    responses((status = 200, description = "A page", body = JourneyPage)),
    security(("operator_token" = []))
)]
pub(crate) async fn journeys(
    app: web::Data<App>,
    at: Api<Reads>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    found(&app, &at, &request, "journeys", journey_filters::take).await
}

async fn found<S: Search>(
    app: &App,
    at: &AtBank,
    request: &HttpRequest,
    what: &'static str,
    take: fn(&BankCode, &mut Parameters) -> Result<S, Problem>,
) -> Result<HttpResponse, Problem> {
    let mut parameters = Parameters::parse(request.query_string())?;
    let search = take(&at.bank, &mut parameters)?;
    let after = place(&mut parameters, &search)?;
    let limit = page_limit(&mut parameters)?;
    parameters.finish()?;
    let act = Act {
        code: "search",
        subject: Subject::of_kind(what),
        detail: json!({ "query": request.query_string() }),
    };
    at.record_read(&app.pool, act).await?;
    let mut connection = app.searches.acquire().await?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let page = search::page(&mut connection, &search, after.as_ref(), limit).await?;
    let next = page.next.map(|place| place.to_cursor(&search.text()));
    Ok(answer(&json!({ "found": page.found, "next_cursor": next })))
}

/// Exports consents as CSV.
#[utoipa::path(
    get,
    path = "/v1/banks/{bank}/consents.csv",
    tag = "search",
    operation_id = "export_consents_csv",
    summary = "Every consent of a search, as CSV",
    description = "RFC 4180, UTF-8, with a header. All rows are of one moment. The last record begins with \
        `END` and has the number of rows in its second field: without it the export is not complete. A field that a \
        spreadsheet could take for a formula begins with an apostrophe.",
    params(crate::openapi::BankPath, consent_filters::Described),
    responses((status = 200, description = "The rows", body = String, content_type = "text/csv")),
    security(("operator_token" = []))
)]
pub(crate) async fn consents_csv(
    app: web::Data<App>,
    at: Api<Reads>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let take = consent_filters::take;
    exported(&app, &at, &request, ("consents", Format::Csv), take).await
}

/// Exports consents as NDJSON.
#[utoipa::path(
    get,
    path = "/v1/banks/{bank}/consents.ndjson",
    tag = "search",
    operation_id = "export_consents_ndjson",
    summary = "Every consent of a search, a line of JSON each",
    description = "All rows are of one moment. The last line is `{\"end\":true,\"rows\":n}`: without it the \
        export is not complete.",
    params(crate::openapi::BankPath, consent_filters::Described),
    responses((status = 200, description = "The rows", body = String, content_type = "application/x-ndjson")),
    security(("operator_token" = []))
)]
pub(crate) async fn consents_ndjson(
    app: web::Data<App>,
    at: Api<Reads>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let take = consent_filters::take;
    exported(&app, &at, &request, ("consents", Format::Ndjson), take).await
}

/// Exports journeys as CSV.
#[utoipa::path(
    get,
    path = "/v1/banks/{bank}/journeys.csv",
    tag = "search",
    operation_id = "export_journeys_csv",
    summary = "Every journey of a search, as CSV",
    description = "As for consents.",
    params(crate::openapi::BankPath, journey_filters::Described),
    responses((status = 200, description = "The rows", body = String, content_type = "text/csv")),
    security(("operator_token" = []))
)]
pub(crate) async fn journeys_csv(
    app: web::Data<App>,
    at: Api<Reads>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let take = journey_filters::take;
    exported(&app, &at, &request, ("journeys", Format::Csv), take).await
}

/// Exports journeys as NDJSON.
#[utoipa::path(
    get,
    path = "/v1/banks/{bank}/journeys.ndjson",
    tag = "search",
    operation_id = "export_journeys_ndjson",
    summary = "Every journey of a search, a line of JSON each",
    description = "As for consents.",
    params(crate::openapi::BankPath, journey_filters::Described),
    responses((status = 200, description = "The rows", body = String, content_type = "application/x-ndjson")),
    security(("operator_token" = []))
)]
pub(crate) async fn journeys_ndjson(
    app: web::Data<App>,
    at: Api<Reads>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let take = journey_filters::take;
    exported(&app, &at, &request, ("journeys", Format::Ndjson), take).await
}

async fn exported<S: Search + 'static>(
    app: &App,
    at: &AtBank,
    request: &HttpRequest,
    (what, format): (&'static str, Format),
    take: fn(&BankCode, &mut Parameters) -> Result<S, Problem>,
) -> Result<HttpResponse, Problem> {
    let mut parameters = Parameters::parse(request.query_string())?;
    let search = take(&at.bank, &mut parameters)?;
    parameters.finish()?;
    let asked = (what, request.query_string(), format);
    export::begin(Pools::of(app), at, search, asked).await
}
