//! Partners at a bank, for its operators.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::NaiveDate;
use consent_domain::{
    ClientId, Instant, PartnerId,
    partner::{Partner, PartnerAtBank, PartnerAtBankStream, PartnerContract, PartnerStream},
};
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{
    answer::{OrderAnswer, answer, performed},
    paging::{Page, Paging},
    paths::{self, AtBankPath, PartnerPath},
    received::{OptionalKeyHeader, PerhapsUnderKey, Sent},
};
use crate::{
    app::App,
    japan::{has_four_digits, start_of_day},
    operator::{Act, Acts, Api, Reads, Subject},
    operator_orders::Performed,
    partner_administration::AtBankChange,
    problem::Problem,
    security_events::push::{Authorization, list_targets},
    store::{state_of, state_of_row},
};

/// A partner as it stands at the bank.
#[derive(Serialize, ToSchema)]
pub(crate) struct PartnerHere {
    partner_id: String,
    client_id: String,
    legal_name: String,
    service_name: String,
    registration_number: String,
    complaint_contact: String,
    onward_recipients: Vec<String>,
    /// Counts the record's versions.
    record_version: u32,
    /// Whether the bank's customers may link to it.
    enabled: bool,
    /// The causes for which it is suspended here.
    suspended: Vec<&'static str>,
    /// Since when the contract runs.
    #[schema(value_type = Option<String>, format = DateTime)]
    contract_starts_at: Option<Instant>,
    /// The first instant at which it no longer does.
    #[schema(value_type = Option<String>, format = DateTime)]
    contract_ends_at: Option<Instant>,
}

/// Partners at the bank, in the order of their ids.
#[derive(Serialize, ToSchema)]
pub(crate) struct PartnersHere {
    partners: Vec<PartnerHere>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Since when and until when the bank's contract with a partner runs, in days of Japan.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContractDays {
    /// Its first day.
    #[schema(value_type = String, format = Date)]
    pub(crate) starts_on: NaiveDate,
    /// Its last day; none: no end is planned.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub(crate) ends_on: Option<NaiveDate>,
}

/// Where a partner's events are pushed (RFC 8935).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTarget {
    /// https, at a public address.
    url: String,
    /// The value of the Authorization header that the receiver asks for.
    #[serde(default)]
    #[schema(write_only)]
    authorization: Option<String>,
    /// Deliver what is after this number of the log; without it a new target begins at the log's end.
    #[serde(default)]
    after: Option<i64>,
}

/// A push target as it stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct Target {
    client_id: String,
    url: String,
    /// Of the log.
    delivered_to: i64,
    /// How many events of the partner wait, up to 1000.
    waiting: i64,
    /// In a row.
    failures: i32,
    /// Why, in our words.
    last_failure: Option<String>,
    /// When it is tried again.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_attempt_at: Option<Instant>,
    /// Who set it.
    set_by: String,
}

/// The bank's push targets.
#[derive(Serialize, ToSchema)]
pub(crate) struct Targets {
    targets: Vec<Target>,
}

impl ContractDays {
    /// By instants; `None` outside of the years 1 to 9999.
    pub(crate) fn contract(&self) -> Option<PartnerContract> {
        let start = |day| start_of_day(day).filter(|at| has_four_digits(*at));
        Some(PartnerContract {
            starts_at: start(self.starts_on)?,
            ends_at: match self.ends_on {
                None => None,
                Some(last) => {
                    // The last day of all years ends in the same year of UTC.
                    start(last)?;
                    Some(start_of_day(last.succ_opt()?)?)
                }
            },
        })
    }
}

/// The partners at a bank.
#[utoipa::path(
    get,
    path = "/v1/banks/{bank}/partners",
    tag = "partners",
    operation_id = "list_partners_of_bank",
    summary = "The partners that the bank has or had to do with",
    params(crate::openapi::BankPath, Paging),
    responses((status = 200, description = "A page of them", body = PartnersHere)),
    security(("operator_token" = []))
)]
pub(crate) async fn list(
    app: web::Data<App>,
    at: Api<Reads>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let page: Page<String> = Page::of(&request)?;
    let act = Act::on("list_partners", Subject::of_kind("partners"));
    at.record_read(&app.pool, act).await?;
    let after = page.after.as_deref().unwrap_or_default();
    let rows = sqlx::query(
        "SELECT stream_id, version AS here_version, state_version AS here_state_version, state AS here_state
         FROM partner_at_bank_current WHERE stream_id > $1 AND stream_id < $2 ORDER BY stream_id LIMIT $3",
    )
    .bind(format!("{}:{after}", at.bank))
    // The character after the colon: the range of the bank's streams by their primary key.
    .bind(format!("{};", at.bank))
    .bind(page.rows())
    .fetch_all(&app.pool)
    .await?;
    let mut partners = Vec::new();
    for row in &rows {
        let stream: String = row.try_get("stream_id")?;
        let here = state_of_row::<PartnerAtBankStream>(&app.pool, row, "here", &stream).await;
        let (here, _) = here.map_err(|error| Problem::unavailable(&error))?;
        let (_, id) = stream.split_once(':').unwrap_or_default();
        let partner = state_of::<PartnerStream>(&app.pool, id).await;
        let partner = partner.map_err(|error| Problem::unavailable(&error))?;
        partners.push(seen_here(id, partner, &here));
    }
    let next_cursor = page.cut(&mut partners, |last| last.partner_id.clone());
    Ok(answer(&PartnersHere {
        partners,
        next_cursor,
    }))
}

fn seen_here(id: &str, partner: Partner, here: &PartnerAtBank) -> PartnerHere {
    let (record, record_version) = match partner {
        Partner::Absent => (None, 0),
        Partner::Registered {
            record,
            record_version,
            ..
        } => (Some(record), record_version),
    };
    let text = |of: fn(&consent_domain::partner::PartnerRecord) -> String| {
        record.as_ref().map(of).unwrap_or_default()
    };
    let contract = here.contract();
    PartnerHere {
        partner_id: id.to_owned(),
        client_id: text(|record| record.client_id.to_string()),
        legal_name: text(|record| record.legal_name.clone()),
        service_name: text(|record| record.service_name.clone()),
        registration_number: text(|record| record.registration_number.clone()),
        complaint_contact: text(|record| record.complaint_contact.clone()),
        onward_recipients: record
            .as_ref()
            .map(|record| record.onward_recipients.clone())
            .unwrap_or_default(),
        record_version,
        enabled: here.is_enabled(),
        suspended: here
            .suspensions()
            .iter()
            .map(|cause| cause.as_str())
            .collect(),
        contract_starts_at: contract.map(|contract| contract.starts_at),
        contract_ends_at: contract.and_then(|contract| contract.ends_at),
    }
}

async fn change(
    (app, at): (&App, &PerhapsUnderKey<Api<Acts>>),
    path: &AtBankPath,
    change: AtBankChange,
) -> Result<HttpResponse, Problem> {
    let partner = paths::partner(&path.1)?;
    let done = at
        .by
        .change_partner_here(app, &partner, change, at.given(None));
    Ok(performed(done.await?))
}

/// Enables a partner.
#[utoipa::path(
    post,
    path = "/v1/banks/{bank}/partners/{partner}/enablement",
    tag = "partners",
    operation_id = "enable_partner",
    summary = "Let the bank's customers link to a partner",
    params(PartnerPath, OptionalKeyHeader),
    responses((status = 200, description = "It is so", body = OrderAnswer)),
    security(("operator_token" = []))
)]
pub(crate) async fn enable(
    app: web::Data<App>,
    at: PerhapsUnderKey<Api<Acts>>,
    path: AtBankPath,
) -> Result<HttpResponse, Problem> {
    change((&app, &at), &path, AtBankChange::Enable).await
}

/// Disables a partner.
#[utoipa::path(
    post,
    path = "/v1/banks/{bank}/partners/{partner}/disablement",
    tag = "partners",
    operation_id = "disable_partner",
    summary = "Let a partner do nothing at the bank any more",
    description = "No new journey begins, and no read that starts after the answer succeeds, on any replica. \
        Consents stay as they are.",
    params(PartnerPath, OptionalKeyHeader),
    responses((status = 200, description = "It is so", body = OrderAnswer)),
    security(("operator_token" = []))
)]
pub(crate) async fn disable(
    app: web::Data<App>,
    at: PerhapsUnderKey<Api<Acts>>,
    path: AtBankPath,
) -> Result<HttpResponse, Problem> {
    change((&app, &at), &path, AtBankChange::Disable).await
}

/// Writes the contract with a partner down.
#[utoipa::path(
    post,
    path = "/v1/banks/{bank}/partners/{partner}/contract",
    tag = "partners",
    operation_id = "set_partner_contract",
    summary = "Write down since when and until when the bank's contract with a partner runs",
    description = "Customers with a live consent are told `partner_end_notice_days` before a planned end, and \
        the partner is disabled when it comes.",
    params(PartnerPath, OptionalKeyHeader),
    request_body(content = ContractDays, content_type = "application/json"),
    responses((status = 200, description = "It is so", body = OrderAnswer)),
    security(("operator_token" = []))
)]
pub(crate) async fn set_contract(
    app: web::Data<App>,
    sent: Sent<PerhapsUnderKey<Api<Acts>>, ContractDays>,
    path: AtBankPath,
) -> Result<HttpResponse, Problem> {
    let contract = sent.body.contract().ok_or(Problem::INVALID_CONTRACT)?;
    let contract = AtBankChange::SetContract(contract);
    change((&app, &sent.by), &path, contract).await
}

/// The bank's push targets.
#[utoipa::path(
    get,
    path = "/v1/banks/{bank}/push-targets",
    tag = "partners",
    operation_id = "list_push_targets",
    summary = "Where partners' events at the bank are pushed, and how far each is",
    params(crate::openapi::BankPath),
    responses((status = 200, description = "The targets", body = Targets)),
    security(("operator_token" = []))
)]
pub(crate) async fn targets(app: web::Data<App>, at: Api<Reads>) -> Result<HttpResponse, Problem> {
    let act = Act::on("list_push_targets", Subject::of_kind("push_targets"));
    at.record_read(&app.pool, act).await?;
    let all = list_targets(&app.pool).await?;
    let targets = all
        .into_iter()
        .filter(|target| target.bank == at.bank.as_str())
        .map(|target| Target {
            client_id: target.client_id,
            url: target.url,
            delivered_to: target.delivered_to,
            waiting: target.waiting,
            failures: target.failures,
            last_failure: target.last_failure,
            next_attempt_at: target.next_attempt_at,
            set_by: target.set_by,
        })
        .collect();
    Ok(answer(&Targets { targets }))
}

/// The partner's client, which push targets are named by.
pub(crate) async fn client_of(app: &App, partner: &PartnerId) -> Result<ClientId, Problem> {
    let state = state_of::<PartnerStream>(&app.pool, partner.as_str()).await;
    match state.map_err(|error| Problem::unavailable(&error))? {
        Partner::Absent => Err(Problem::NOTHING_HERE),
        Partner::Registered { record, .. } => Ok(record.client_id),
    }
}

/// Sets a push target.
#[utoipa::path(
    post,
    path = "/v1/banks/{bank}/partners/{partner}/push-target",
    tag = "partners",
    operation_id = "set_push_target",
    summary = "Set where a partner's events at the bank are pushed (RFC 8935)",
    description = "A target that is there keeps its place in the log and is tried at once. The address is \
        checked again when a connection is made.",
    params(PartnerPath, OptionalKeyHeader),
    request_body(content = NewTarget, content_type = "application/json"),
    responses((status = 200, description = "It is set", body = OrderAnswer)),
    security(("operator_token" = []))
)]
pub(crate) async fn set_target(
    app: web::Data<App>,
    sent: Sent<PerhapsUnderKey<Api<Acts>>, NewTarget>,
    path: AtBankPath,
) -> Result<HttpResponse, Problem> {
    let Sent { by: at, body } = sent;
    let partner = paths::partner(&path.1)?;
    let client = client_of(&app, &partner).await?;
    let authorization = body.authorization.map(Zeroizing::new);
    let authorization = authorization.map(|text| Authorization::parse(&text));
    let authorization = authorization
        .transpose()
        .map_err(|_| Problem::INVALID_TARGET)?;
    let how = (authorization, body.after);
    let target = (&partner, &client);
    at.by
        .set_push_target(&app, target, &body.url, how, at.given(None))
        .await?;
    Ok(performed(Performed::Done))
}

/// Removes a push target.
#[utoipa::path(
    post,
    path = "/v1/banks/{bank}/partners/{partner}/push-target/removal",
    tag = "partners",
    operation_id = "remove_push_target",
    summary = "Push a partner's events at the bank no more",
    params(PartnerPath, OptionalKeyHeader),
    responses((status = 200, description = "It is removed", body = OrderAnswer)),
    security(("operator_token" = []))
)]
pub(crate) async fn remove_target(
    app: web::Data<App>,
    at: PerhapsUnderKey<Api<Acts>>,
    path: AtBankPath,
) -> Result<HttpResponse, Problem> {
    let partner = paths::partner(&path.1)?;
    let client = client_of(&app, &partner).await?;
    at.by
        .remove_push_target(&app, (&partner, &client), at.given(None))
        .await?;
    Ok(performed(Performed::Done))
}
