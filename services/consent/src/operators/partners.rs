//! Partners' records, for operators of the platform.

use std::collections::BTreeSet;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::CACHE_CONTROL,
    web::{self, Bytes},
};
use consent_domain::{
    ClientId, Instant, PartnerId,
    partner::{Partner, PartnerRecord, PartnerStream},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{
    cursor::{self, Cursor},
    query::{Parameters, page_limit},
    received::body,
};
use crate::{
    app::App,
    operator::{Act, Subject, platform::Platform},
    partner_administration::{Given, LegalRecord, RecordChange, retirements},
    partners::{PartnerRegistration, partner_ids},
    problem::Problem,
    store::state_of,
};

/// Which partner.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "it describes the path; handlers read it themselves"
)]
pub(crate) struct PlatformPartnerPath {
    /// The partner.
    partner: String,
}

/// Which key of which partner.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "it describes the path; handlers read it themselves"
)]
pub(crate) struct PartnerKeyPath {
    /// The partner.
    partner: String,
    /// The key.
    kid: String,
}

/// A partner's key.
#[derive(Serialize, ToSchema)]
pub(crate) struct PartnerKey {
    pub(crate) kid: String,
    /// The public key (RFC 7517).
    #[schema(value_type = Object)]
    pub(crate) jwk: Value,
    /// When it goes out of use; none: it stays.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) retire_at: Option<Instant>,
}

/// A partner's record.
#[derive(Serialize, ToSchema)]
pub(crate) struct PartnerDetail {
    pub(crate) partner_id: String,
    /// Counts the record's versions, from 1: what a change was made for.
    pub(crate) record_version: u32,
    pub(crate) client_id: String,
    pub(crate) legal_name: String,
    pub(crate) service_name: String,
    pub(crate) registration_number: String,
    pub(crate) complaint_contact: String,
    pub(crate) onward_recipients: Vec<String>,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) keys: Vec<PartnerKey>,
    /// Codes of the banks that have enabled it.
    pub(crate) banks: Vec<String>,
}

/// Partners, in the order of their ids.
#[derive(Serialize, ToSchema)]
pub(crate) struct PartnerPage {
    partners: Vec<PartnerDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A partner that joins the platform.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPartner {
    #[schema(value_type = String)]
    partner_id: PartnerId,
    /// The OAuth client id, for life.
    #[schema(value_type = String)]
    client_id: ClientId,
    record: LegalRecord,
    /// 1 to 10, compared byte for byte.
    redirect_uris: Vec<String>,
    /// Public keys (RFC 7517), each with a `kid`.
    #[schema(value_type = Object)]
    jwks: Value,
}

/// A new version of what customers are shown.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LegalRecordChange {
    /// The version that the change was made for.
    record_version: u32,
    record: LegalRecord,
}

/// Where customers return to from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedirectUriChange {
    /// The version that the change was made for.
    record_version: u32,
    /// All of them.
    redirect_uris: Vec<String>,
}

/// One more key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKey {
    /// The public key (RFC 7517) with a `kid`.
    #[schema(value_type = Object)]
    jwk: Value,
}

/// When a key goes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retirement {
    /// From when on it is refused, within a sweep; in the past: at once.
    #[schema(value_type = String, format = DateTime)]
    retire_at: Instant,
}

fn partner_of(text: &str) -> Result<PartnerId, Problem> {
    PartnerId::parse(text).map_err(|_| Problem::NOTHING_HERE)
}

/// A partner's record as it stands.
///
/// # Errors
/// [`Problem::NOTHING_HERE`]; what failed.
pub(crate) async fn detail(app: &App, partner: &PartnerId) -> Result<PartnerDetail, Problem> {
    let state = state_of::<PartnerStream>(&app.pool, partner.as_str()).await;
    let state = state.map_err(|error| Problem::unavailable(&error))?;
    let Partner::Registered {
        record,
        record_version,
        ..
    } = state
    else {
        return Err(Problem::NOTHING_HERE);
    };
    let going = retirements(&app.pool, partner).await;
    let going = going.map_err(|error| Problem::unavailable(&error))?;
    let banks = sqlx::query_scalar(
        "SELECT split_part(stream_id, ':', 1) FROM partner_at_bank_current
         WHERE split_part(stream_id, ':', 2) = $1 AND status = 'enabled' ORDER BY 1",
    )
    .bind(partner.as_str())
    .fetch_all(&app.pool)
    .await?;
    let PartnerRecord {
        legal_name,
        service_name,
        registration_number,
        complaint_contact,
        onward_recipients,
        client_id,
        redirect_uris,
        keys,
    } = record;
    let keys = keys.into_iter().map(|(kid, jwk)| PartnerKey {
        jwk: serde_json::from_str(&jwk).unwrap_or_default(),
        retire_at: going
            .iter()
            .find(|gone| gone.kid == kid)
            .map(|gone| gone.retire_at),
        kid,
    });
    Ok(PartnerDetail {
        partner_id: partner.to_string(),
        record_version,
        client_id: client_id.to_string(),
        legal_name,
        service_name,
        registration_number,
        complaint_contact,
        onward_recipients,
        redirect_uris,
        keys: keys.collect(),
        banks,
    })
}

fn no_store(value: impl Serialize) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(value)
}

/// Every partner.
#[utoipa::path(
    get,
    path = "/v1/partners",
    tag = "partners",
    operation_id = "list_partners",
    summary = "The partners on the platform",
    params(super::bulk::PageQuery),
    responses((status = 200, description = "A page of them", body = PartnerPage)),
    security(("operator_token" = []))
)]
pub(crate) async fn list(
    app: web::Data<App>,
    who: Platform,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut parameters = Parameters::parse(request.query_string())?;
    let after: Option<Cursor<String>> = cursor::take(&mut parameters)?;
    let limit = page_limit(&mut parameters)?;
    parameters.finish()?;
    who.record(
        &app.pool,
        Act::on("list_partners", Subject::of_kind("partners")),
    )
    .await?;
    let after = after.map(|cursor| cursor.0).unwrap_or_default();
    let ids = partner_ids(&app.pool, &after, cursor::one_more(limit)).await;
    let mut ids = ids.map_err(|error| Problem::unavailable(&error))?;
    let next_cursor = cursor::next(&mut ids, limit, ToString::to_string);
    let mut partners = Vec::new();
    for id in &ids {
        partners.push(detail(&app, id).await?);
    }
    Ok(no_store(PartnerPage {
        partners,
        next_cursor,
    }))
}

/// One partner.
#[utoipa::path(
    get,
    path = "/v1/partners/{partner}",
    tag = "partners",
    operation_id = "read_partner",
    summary = "A partner's record",
    params(PlatformPartnerPath),
    responses((status = 200, description = "The record", body = PartnerDetail)),
    security(("operator_token" = []))
)]
pub(crate) async fn show(
    app: web::Data<App>,
    who: Platform,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let partner = partner_of(&path)?;
    let act = Act::on("read_partner", Subject::new("partner", partner.as_str()));
    who.record(&app.pool, act).await?;
    Ok(no_store(detail(&app, &partner).await?))
}

/// Registers a partner.
#[utoipa::path(
    post,
    path = "/v1/partners",
    tag = "partners",
    operation_id = "register_partner",
    summary = "Register a partner; no bank has enabled it yet",
    request_body(content = NewPartner, content_type = "application/json"),
    responses((status = 200, description = "It is registered", body = PartnerDetail)),
    security(("operator_token" = []))
)]
pub(crate) async fn register(
    app: web::Data<App>,
    who: Platform,
    request: HttpRequest,
    bytes: Bytes,
) -> Result<HttpResponse, Problem> {
    let new: NewPartner = body(&request, &bytes)?;
    let partner = new.partner_id.clone();
    new.record.check().map_err(|_| Problem::INVALID_RECORD)?;
    let registration = PartnerRegistration {
        partner_id: new.partner_id,
        client_id: new.client_id,
        legal_name: new.record.legal_name,
        service_name: new.record.service_name,
        registration_number: new.record.registration_number,
        complaint_contact: new.record.complaint_contact,
        onward_recipients: new.record.onward_recipients,
        redirect_uris: new.redirect_uris,
        jwks: new.jwks,
        banks: BTreeSet::new(),
    };
    who.register_partner(&app, registration).await?;
    Ok(no_store(detail(&app, &partner).await?))
}

async fn change(
    (app, who): (&App, &Platform),
    partner: &str,
    change: RecordChange,
    given: Given<u32>,
) -> Result<HttpResponse, Problem> {
    let partner = partner_of(partner)?;
    who.change_partner(app, &partner, change, given).await?;
    Ok(no_store(detail(app, &partner).await?))
}

/// Changes what customers are shown.
#[utoipa::path(
    post,
    path = "/v1/partners/{partner}/record",
    tag = "partners",
    operation_id = "change_legal_record",
    summary = "Change what customers are shown of a partner: a new version of its record",
    params(PlatformPartnerPath),
    request_body(content = LegalRecordChange, content_type = "application/json"),
    responses((status = 200, description = "The record now", body = PartnerDetail)),
    security(("operator_token" = []))
)]
pub(crate) async fn change_record(
    app: web::Data<App>,
    who: Platform,
    request: HttpRequest,
    path: web::Path<String>,
    bytes: Bytes,
) -> Result<HttpResponse, Problem> {
    let wanted: LegalRecordChange = body(&request, &bytes)?;
    let given = Given::on(wanted.record_version);
    let record = RecordChange::Legal(wanted.record);
    change((&app, &who), &path, record, given).await
}

/// Changes the redirect URIs.
#[utoipa::path(
    post,
    path = "/v1/partners/{partner}/redirect-uris",
    tag = "partners",
    operation_id = "change_redirect_uris",
    summary = "Change where a partner's customers return to",
    params(PlatformPartnerPath),
    request_body(content = RedirectUriChange, content_type = "application/json"),
    responses((status = 200, description = "The record now", body = PartnerDetail)),
    security(("operator_token" = []))
)]
pub(crate) async fn change_redirect_uris(
    app: web::Data<App>,
    who: Platform,
    request: HttpRequest,
    path: web::Path<String>,
    bytes: Bytes,
) -> Result<HttpResponse, Problem> {
    let wanted: RedirectUriChange = body(&request, &bytes)?;
    let given = Given::on(wanted.record_version);
    let uris = RecordChange::RedirectUris(wanted.redirect_uris);
    change((&app, &who), &path, uris, given).await
}

/// Adds a key.
#[utoipa::path(
    post,
    path = "/v1/partners/{partner}/keys",
    tag = "partners",
    operation_id = "add_partner_key",
    summary = "Add a public key of a partner; the ones that are there stay good",
    params(PlatformPartnerPath),
    request_body(content = NewKey, content_type = "application/json"),
    responses((status = 200, description = "The record now", body = PartnerDetail)),
    security(("operator_token" = []))
)]
pub(crate) async fn add_key(
    app: web::Data<App>,
    who: Platform,
    request: HttpRequest,
    path: web::Path<String>,
    bytes: Bytes,
) -> Result<HttpResponse, Problem> {
    let NewKey { jwk } = body(&request, &bytes)?;
    let key = RecordChange::AddKey(jwk);
    change((&app, &who), &path, key, Given::default()).await
}

/// Lets a key go.
#[utoipa::path(
    post,
    path = "/v1/partners/{partner}/keys/{kid}/retirement",
    tag = "partners",
    operation_id = "retire_partner_key",
    summary = "Let a key go at a time; until then it and the new one are both good",
    params(PartnerKeyPath),
    request_body(content = Retirement, content_type = "application/json"),
    responses((status = 200, description = "The record now", body = PartnerDetail)),
    security(("operator_token" = []))
)]
pub(crate) async fn retire_key(
    app: web::Data<App>,
    who: Platform,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    bytes: Bytes,
) -> Result<HttpResponse, Problem> {
    let Retirement { retire_at } = body(&request, &bytes)?;
    let (partner, kid) = path.into_inner();
    let partner = partner_of(&partner)?;
    let retirement = (kid.as_str(), retire_at);
    who.retire_partner_key(&app, &partner, retirement, Given::default())
        .await?;
    Ok(no_store(detail(&app, &partner).await?))
}
