//! Bulk revocations.

use actix_web::{HttpRequest, HttpResponse, web};
use consent_domain::Instant;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{
    answer::answer,
    bulk_bodies::{Approval, Bulk, BulkDetail, BulkPage, BulkRequest, ItemPage},
    listing::{Export, Listing},
    paging::{Page, Paging},
    paths::{self, AtBankPath, BulkPath},
    query::Parameters,
    received::{KeyHeader, Ordered, Sent},
};
use crate::{
    app::App,
    bulk_revocation::{
        self as bulk, BulkRevocation, ItemOutcome, ItemsAfter, Step, ordered::SUBJECT,
    },
    operator::{Act, Acts, Api, AtBank, Reads, Subject},
    problem::Problem,
};

/// Consents that a preview shows.
const SAMPLE_SIZE: i64 = 20;
/// Rows that an export reads at a time.
const EXPORT_PAGE: i64 = 1_000;

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

async fn detail(app: &App, it: BulkRevocation, at: &AtBank) -> Result<HttpResponse, Problem> {
    let id = it.bulk_id;
    let detail = BulkDetail {
        bulk: it.into(),
        totals: bulk::totals(&app.pool, &at.bank, id).await?,
        sample: bulk::sample(&app.pool, &at.bank, id, SAMPLE_SIZE).await?,
        acts: bulk::acts(&app.pool, &at.bank, id).await?,
    };
    Ok(answer(&detail))
}

/// Takes a bulk revocation a step on.
async fn step(
    app: &App,
    at: &AtBank,
    path: &AtBankPath,
    step: Step,
) -> Result<HttpResponse, Problem> {
    let id = paths::bulk(&path.1)?;
    let it = at.step_bulk_revocation(app, id, step).await?;
    detail(app, it, at).await
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
    order: Ordered<BulkRequest>,
) -> Result<HttpResponse, Problem> {
    let Sent { by, body } = order;
    let why = (body.reason.0, body.on_behalf_of.into());
    let it = by
        .at
        .request_bulk_revocation(&app, &by.key, body.filter, why)
        .await?;
    detail(&app, it, &by.at).await
}

/// A bank's bulk revocations.
#[utoipa::path(
    get,
    path = "/v1/banks/{bank}/bulk-revocations",
    tag = "acts",
    operation_id = "list_bulk_revocations",
    summary = "The bank's bulk revocations, the newest first",
    params(crate::openapi::BankPath, Paging),
    responses((status = 200, description = "A page of them", body = BulkPage)),
    security(("operator_token" = []))
)]
pub(crate) async fn list(
    app: web::Data<App>,
    at: Api<Reads>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let page: Page<(Instant, Uuid)> = Page::of(&request)?;
    let act = Act::on("list_bulk_revocations", Subject::of_kind(SUBJECT));
    at.record_read(&app.pool, act).await?;
    let mut rows = bulk::list(&app.pool, &at.bank, page.after, page.rows()).await?;
    let next_cursor = page.cut(&mut rows, |last| (last.requested_at, last.bulk_id));
    Ok(answer(&BulkPage {
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
    path: AtBankPath,
) -> Result<HttpResponse, Problem> {
    let id = paths::bulk(&path.1)?;
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
    path: AtBankPath,
) -> Result<HttpResponse, Problem> {
    let id = paths::bulk(&path.1)?;
    let mut parameters = Parameters::parse(request.query_string())?;
    let outcome = parameters
        .take("outcome")
        .map(ItemOutcome::try_from)
        .transpose()
        .map_err(|_| Problem::invalid_parameter("outcome is revoked, already_ended or failed."))?;
    let listing: Listing<i64> = Listing::take(&mut parameters)?;
    parameters.finish()?;
    let code = listing.act("read_bulk_revocation_items", "export_bulk_revocation");
    let subject = Subject::new(SUBJECT, id.to_string());
    at.record_read(&app.pool, Act::on(code, subject)).await?;
    // 404 before anything is streamed.
    bulk::get(&app.pool, &at.bank, id).await?;
    let export = Export {
        name: format!("bulk-revocation-{id}"),
        columns: &ITEM_COLUMNS,
        rows_at_once: EXPORT_PAGE,
    };
    let (pool, bank) = (app.pool.clone(), at.bank.clone());
    let read = move |after: Option<i64>, limit| {
        let (pool, bank) = (pool.clone(), bank.clone());
        let page = ItemsAfter {
            ordinal: after.unwrap_or(0),
            outcome,
            limit,
        };
        async move { Ok(bulk::items(&pool, &bank, id, page).await?) }
    };
    let page = |items, next_cursor| ItemPage { items, next_cursor };
    listing
        .answer(export, read, |last| last.ordinal, page)
        .await
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
    sent: Sent<Api<Acts>, Approval>,
    path: AtBankPath,
) -> Result<HttpResponse, Problem> {
    let Approval { digest } = sent.body;
    step(&app, &sent.by, &path, Step::Approve { digest }).await
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
            path: AtBankPath,
        ) -> Result<HttpResponse, Problem> {
            step(&app, &at, &path, Step::$step).await
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
