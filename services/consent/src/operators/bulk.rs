//! Bulk revocations.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::CACHE_CONTROL,
    web::{self, Bytes},
};
use consent_domain::Instant;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    cursor::{self, Cursor},
    lines::{self, Lines, Read},
    orders::{KeyHeader, OnBehalfOf, RevocationCode},
    query::{Parameters, page_limit},
    received::{body, order_key},
};
use crate::{
    app::App,
    bulk_revocation::{
        self as bulk, BulkRevocation, Filter, Item, ItemOutcome, ItemsAfter, Sample, Step, Totals,
        ordered::SUBJECT,
    },
    operator::{Act, Acts, Api, Reads, Subject},
    problem::Problem,
};

/// Consents that a preview shows.
const SAMPLE_SIZE: i64 = 20;
/// Rows that an export reads at a time.
const EXPORT_PAGE: i64 = 1_000;

/// Which consents are to be ended, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkRequest {
    filter: Filter,
    #[schema(inline)]
    reason: RevocationCode,
    /// `bank` where it is not sent.
    #[serde(default)]
    #[schema(inline)]
    on_behalf_of: OnBehalfOf,
}

/// What the second person saw.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Approval {
    /// `digest` of the bulk revocation.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    digest: String,
}

/// A bulk revocation as it stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct Bulk {
    /// The facts that it leads to carry it as their `causation_id`.
    bulk_id: Uuid,
    filter: Filter,
    /// Why, as a code.
    reason: &'static str,
    /// For whom the operator acts.
    on_behalf_of: &'static str,
    requested_by: String,
    #[schema(value_type = String, format = DateTime)]
    requested_at: Instant,
    /// `preparing`, `previewed`, `approved`, `running`, `paused`, `completed` or `cancelled`.
    state: &'static str,
    /// As of when the consents were frozen.
    #[schema(value_type = Option<String>, format = DateTime)]
    frozen_at: Option<Instant>,
    /// How many there are.
    items: Option<i64>,
    /// SHA-256 of what was frozen, in hex: what an approval names.
    digest: Option<String>,
    /// Whether a second operator has to approve.
    needs_approval: bool,
    /// Until when it may be approved, or started.
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_until: Option<Instant>,
    approved_by: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    approved_at: Option<Instant>,
    started_by: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Instant>,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Instant>,
    /// Most consents per second, over all replicas.
    per_second: i32,
}

impl From<BulkRevocation> for Bulk {
    fn from(it: BulkRevocation) -> Self {
        Self {
            bulk_id: it.bulk_id,
            reason: it.reason().as_str(),
            on_behalf_of: it.by().as_str(),
            state: it.state.as_str(),
            digest: it.digest(),
            filter: it.filter.0,
            requested_by: it.requested_by,
            requested_at: it.requested_at,
            frozen_at: it.frozen_at,
            items: it.item_count,
            needs_approval: it.needs_approval,
            valid_until: it.valid_until,
            approved_by: it.approved_by,
            approved_at: it.approved_at,
            started_by: it.started_by,
            started_at: it.started_at,
            ended_at: it.ended_at,
            per_second: it.per_second,
        }
    }
}

/// A bulk revocation with what it means and what came of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct BulkDetail {
    #[serde(flatten)]
    bulk: Bulk,
    totals: Totals,
    /// Some of the consents.
    sample: Vec<Sample>,
    /// What was done with it.
    acts: Vec<bulk::Act>,
}

/// Bulk revocations, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct BulkPage {
    bulk_revocations: Vec<Bulk>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Consents of a bulk revocation, with what came of each.
#[derive(Serialize, ToSchema)]
pub(crate) struct ItemPage {
    items: Vec<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Which bulk revocation of which bank.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "it describes the path; handlers read it themselves"
)]
pub(crate) struct BulkPath {
    /// The bank's code.
    #[param(example = "2963", pattern = "^[0-9]{4}$")]
    bank: String,
    /// The bulk revocation.
    bulk: Uuid,
}

/// Which items, and how.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes the query; it is parsed by name")]
pub(crate) struct ItemQuery {
    /// Only those with this outcome.
    outcome: Option<ItemOutcome>,
    /// `json`: a page; `csv`, `ndjson`: all of them.
    #[param(example = "csv")]
    format: Option<String>,
    /// At most so many.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Which page.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes the query; it is parsed by name")]
pub(crate) struct PageQuery {
    /// At most so many.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

fn id_of(path: &(String, String)) -> Result<Uuid, Problem> {
    Uuid::parse_str(&path.1).map_err(|_| Problem::NOTHING_HERE)
}

async fn detail(
    app: &App,
    it: BulkRevocation,
    at: &crate::operator::AtBank,
) -> Result<HttpResponse, Problem> {
    let id = it.bulk_id;
    let detail = BulkDetail {
        bulk: it.into(),
        totals: bulk::totals(&app.pool, &at.bank, id).await?,
        sample: bulk::sample(&app.pool, &at.bank, id, SAMPLE_SIZE).await?,
        acts: bulk::acts(&app.pool, &at.bank, id).await?,
    };
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(detail))
}

/// Asks for a bulk revocation.
#[utoipa::path(
    post,
    path = "/v1/banks/{bank}/bulk-revocations",
    tag = "acts",
    operation_id = "request_bulk_revocation",
    summary = "Preview a revocation of many consents by a filter, and freeze it",
    description = "The live consents that the filter means at this moment are written down and counted; \
        nothing is revoked yet. What is approved and revoked later is exactly this set: consents that begin \
        afterwards are not in it. A repeat with the same key answers with the same bulk revocation.",
    params(crate::openapi::BankPath, KeyHeader),
    request_body(content = BulkRequest, content_type = "application/json"),
    responses((status = 200, description = "What it means", body = BulkDetail)),
    security(("operator_token" = []))
)]
pub(crate) async fn request(
    app: web::Data<App>,
    at: Api<Acts>,
    request: HttpRequest,
    bytes: Bytes,
) -> Result<HttpResponse, Problem> {
    let key = order_key(request.headers())?;
    let wanted: BulkRequest = body(&request, &bytes)?;
    let why = (wanted.reason.0, wanted.on_behalf_of.into());
    let it = at
        .request_bulk_revocation(&app, &key, wanted.filter, why)
        .await?;
    detail(&app, it, &at).await
}

/// A bank's bulk revocations.
#[utoipa::path(
    get,
    path = "/v1/banks/{bank}/bulk-revocations",
    tag = "acts",
    operation_id = "list_bulk_revocations",
    summary = "The bank's bulk revocations, the newest first",
    params(crate::openapi::BankPath, PageQuery),
    responses((status = 200, description = "A page of them", body = BulkPage)),
    security(("operator_token" = []))
)]
pub(crate) async fn list(
    app: web::Data<App>,
    at: Api<Reads>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut parameters = Parameters::parse(request.query_string())?;
    let before: Option<Cursor<(Instant, Uuid)>> = cursor::take(&mut parameters)?;
    let limit = page_limit(&mut parameters)?;
    parameters.finish()?;
    let act = Act::on("list_bulk_revocations", Subject::of_kind(SUBJECT));
    at.record_read(&app.pool, act).await?;
    let before = before.map(|cursor| cursor.0);
    let mut rows = bulk::list(&app.pool, &at.bank, before, cursor::one_more(limit)).await?;
    let next_cursor = cursor::next(&mut rows, limit, |last| (last.requested_at, last.bulk_id));
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(BulkPage {
            bulk_revocations: rows.into_iter().map(Bulk::from).collect(),
            next_cursor,
        }))
}

/// One bulk revocation.
#[utoipa::path(
    get,
    path = "/v1/banks/{bank}/bulk-revocations/{bulk}",
    tag = "acts",
    operation_id = "read_bulk_revocation",
    summary = "What a bulk revocation means, and what came of it so far",
    params(BulkPath),
    responses((status = 200, description = "The bulk revocation", body = BulkDetail)),
    security(("operator_token" = []))
)]
pub(crate) async fn show(
    app: web::Data<App>,
    at: Api<Reads>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    let act = Act::on(
        "read_bulk_revocation",
        Subject::new(SUBJECT, id.to_string()),
    );
    at.record_read(&app.pool, act).await?;
    let it = bulk::get(&app.pool, &at.bank, id).await?;
    detail(&app, it, &at).await
}

/// The columns of an export of items.
const ITEM_COLUMNS: [&str; 7] = [
    "ordinal",
    "grant_id",
    "contract",
    "partner",
    "outcome",
    "why",
    "settled_at",
];

/// What came of each consent.
#[utoipa::path(
    get,
    path = "/v1/banks/{bank}/bulk-revocations/{bulk}/items",
    tag = "acts",
    operation_id = "list_bulk_revocation_items",
    summary = "The consents of a bulk revocation, with what came of each; a page, or all as CSV or NDJSON",
    params(BulkPath, ItemQuery),
    responses((status = 200, description = "Consents", content(
        (ItemPage = "application/json"), (String = "text/csv"), (String = "application/x-ndjson")
    ))),
    security(("operator_token" = []))
)]
pub(crate) async fn items(
    app: web::Data<App>,
    at: Api<Reads>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    let mut parameters = Parameters::parse(request.query_string())?;
    let lines = Lines::take(&mut parameters)?;
    let outcome = parameters
        .take("outcome")
        .map(ItemOutcome::try_from)
        .transpose()
        .map_err(|_| Problem::invalid_parameter("outcome is revoked, already_ended or failed."))?;
    let after: Option<Cursor<i64>> = cursor::take(&mut parameters)?;
    let limit = page_limit(&mut parameters)?;
    parameters.finish()?;
    let subject = Subject::new(SUBJECT, id.to_string());
    let code = if lines.is_some() {
        "export_bulk_revocation"
    } else {
        "read_bulk_revocation_items"
    };
    at.record_read(&app.pool, Act::on(code, subject)).await?;
    // 404 before anything is streamed.
    bulk::get(&app.pool, &at.bank, id).await?;
    let after = after.map_or(0, |cursor| cursor.0);
    let page = move |ordinal, limit| ItemsAfter {
        ordinal,
        outcome,
        limit,
    };
    if let Some(lines) = lines {
        let (pool, bank) = (app.pool.clone(), at.bank.clone());
        let name = format!("bulk-revocation-{id}");
        let send = move |ordinal| {
            let (pool, bank) = (pool.clone(), bank.clone());
            async move {
                let rows = bulk::items(&pool, &bank, id, page(ordinal, EXPORT_PAGE)).await?;
                let next = rows.last().map(|last| last.ordinal);
                Ok(Read { rows, next })
            }
        };
        return Ok(lines::send(lines, &name, &ITEM_COLUMNS, after, send));
    }
    let mut rows = bulk::items(
        &app.pool,
        &at.bank,
        id,
        page(after, cursor::one_more(limit)),
    )
    .await?;
    let next_cursor = cursor::next(&mut rows, limit, |last| last.ordinal);
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(ItemPage {
            items: rows,
            next_cursor,
        }))
}

/// Approves one.
#[utoipa::path(
    post,
    path = "/v1/banks/{bank}/bulk-revocations/{bulk}/approval",
    tag = "acts",
    operation_id = "approve_bulk_revocation",
    summary = "Approve a bulk revocation as a second person",
    description = "By another operator than the one who asked for it, and bound to its digest. It may be used \
        for a day.",
    params(BulkPath),
    request_body(content = Approval, content_type = "application/json"),
    responses((status = 200, description = "It is approved", body = BulkDetail)),
    security(("operator_token" = []))
)]
pub(crate) async fn approve(
    app: web::Data<App>,
    at: Api<Acts>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    bytes: Bytes,
) -> Result<HttpResponse, Problem> {
    let Approval { digest } = body(&request, &bytes)?;
    let it = at
        .step_bulk_revocation(&app, id_of(&path)?, Step::Approve { digest })
        .await?;
    detail(&app, it, &at).await
}

macro_rules! steps {
    ($($name:ident, $step:ident, $path:literal, $id:literal, $summary:literal, $description:literal;)+) => {$(
        #[doc = $summary]
        #[utoipa::path(
            post,
            path = $path,
            tag = "acts",
            operation_id = $id,
            summary = $summary,
            description = $description,
            params(BulkPath),
            responses((status = 200, description = "It is so", body = BulkDetail)),
            security(("operator_token" = []))
        )]
        pub(crate) async fn $name(
            app: web::Data<App>,
            at: Api<Acts>,
            path: web::Path<(String, String)>,
        ) -> Result<HttpResponse, Problem> {
            let it = at.step_bulk_revocation(&app, id_of(&path)?, Step::$step).await?;
            detail(&app, it, &at).await
        }
    )+};
}

steps! {
    start, Start, "/v1/banks/{bank}/bulk-revocations/{bulk}/start", "start_bulk_revocation",
        "Begin to revoke", "Where the bank asks for it, only after a second person's approval.";
    pause, Pause, "/v1/banks/{bank}/bulk-revocations/{bulk}/pause", "pause_bulk_revocation",
        "Stop for the time being", "A batch that a replica holds, at most a second's worth, is finished.";
    resume, Resume, "/v1/banks/{bank}/bulk-revocations/{bulk}/resumption", "resume_bulk_revocation",
        "Go on", "With what has no outcome yet.";
    cancel, Cancel, "/v1/banks/{bank}/bulk-revocations/{bulk}/cancellation", "cancel_bulk_revocation",
        "End it", "What was revoked stays revoked; the rest is left alone. A batch that a replica holds, at \
        most a second's worth, is finished.";
}
