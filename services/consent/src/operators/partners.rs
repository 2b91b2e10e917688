//! Partners' records, for operators of the platform.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, web};
use consent_domain::{
    ClientId, Instant, PartnerId,
    partner::{Partner, PartnerRecord, PartnerStream},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    answer::answer,
    paging::{Page, Paging},
    paths::{self, PartnerKeyPath, PlatformPartnerPath},
    received::{OptionalKeyHeader, PerhapsUnderKey, Sent},
};
use crate::{
    app::App,
    japan::has_four_digits,
    operator::{Act, Subject, platform::Platform},
    partner_administration::{LegalRecord, RecordChange, retirements},
    partners::{PartnerRegistration, partner_ids},
    problem::Problem,
    store::state_of,
};

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

/// Answers with the record as it is now.
async fn answer_with(app: &App, partner: &PartnerId) -> Result<HttpResponse, Problem> {
    Ok(answer(&detail(app, partner).await?))
}

/// Every partner.
#[utoipa::path(
    get,
    path = "/v1/partners",
    tag = "partners",
    operation_id = "list_partners",
    summary = "The partners on the platform",
    params(Paging),
    responses((status = 200, description = "A page of them", body = PartnerPage)),
    security(("operator_token" = []))
)]
pub(crate) async fn list(
    app: web::Data<App>,
    who: Platform,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let page: Page<String> = Page::of(&request)?;
    who.record(
        &app.pool,
        Act::on("list_partners", Subject::of_kind("partners")),
    )
    .await?;
    let after = page.after.as_deref().unwrap_or_default();
    let ids = partner_ids(&app.pool, after, page.rows()).await;
    let mut ids = ids.map_err(|error| Problem::unavailable(&error))?;
    let next_cursor = page.cut(&mut ids, ToString::to_string);
    let mut partners = Vec::new();
    for id in &ids {
        partners.push(detail(&app, id).await?);
    }
    Ok(answer(&PartnerPage {
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
    let partner = paths::partner(&path)?;
    let act = Act::on("read_partner", Subject::new("partner", partner.as_str()));
    who.record(&app.pool, act).await?;
    answer_with(&app, &partner).await
}

/// Registers a partner.
#[utoipa::path(
    post,
    path = "/v1/partners",
    tag = "partners",
    operation_id = "register_partner",
    summary = "Register a partner; no bank has enabled it yet",
    params(OptionalKeyHeader),
    request_body(content = NewPartner, content_type = "application/json"),
    responses((status = 200, description = "It is registered", body = PartnerDetail)),
    security(("operator_token" = []))
)]
pub(crate) async fn register(
    app: web::Data<App>,
    sent: Sent<PerhapsUnderKey<Platform>, NewPartner>,
) -> Result<HttpResponse, Problem> {
    let new = sent.body;
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
    let given = sent.by.given(None);
    sent.by
        .by
        .register_partner(&app, registration, given)
        .await?;
    answer_with(&app, &partner).await
}

async fn change(
    (app, who): (&App, &PerhapsUnderKey<Platform>),
    partner: &str,
    (change, read_version): (RecordChange, Option<u32>),
) -> Result<HttpResponse, Problem> {
    let partner = paths::partner(partner)?;
    let given = who.given(read_version);
    who.by.change_partner(app, &partner, change, given).await?;
    answer_with(app, &partner).await
}

/// Changes what customers are shown.
#[utoipa::path(
    post,
    path = "/v1/partners/{partner}/record",
    tag = "partners",
    operation_id = "change_legal_record",
    summary = "Change what customers are shown of a partner: a new version of its record",
    params(PlatformPartnerPath, OptionalKeyHeader),
    request_body(content = LegalRecordChange, content_type = "application/json"),
    responses((status = 200, description = "The record now", body = PartnerDetail)),
    security(("operator_token" = []))
)]
pub(crate) async fn change_record(
    app: web::Data<App>,
    sent: Sent<PerhapsUnderKey<Platform>, LegalRecordChange>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let version = Some(sent.body.record_version);
    let record = RecordChange::Legal(sent.body.record);
    change((&app, &sent.by), &path, (record, version)).await
}

/// Changes the redirect URIs.
#[utoipa::path(
    post,
    path = "/v1/partners/{partner}/redirect-uris",
    tag = "partners",
    operation_id = "change_redirect_uris",
    summary = "Change where a partner's customers return to",
    params(PlatformPartnerPath, OptionalKeyHeader),
    request_body(content = RedirectUriChange, content_type = "application/json"),
    responses((status = 200, description = "The record now", body = PartnerDetail)),
    security(("operator_token" = []))
)]
pub(crate) async fn change_redirect_uris(
    app: web::Data<App>,
    sent: Sent<PerhapsUnderKey<Platform>, RedirectUriChange>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let version = Some(sent.body.record_version);
    let uris = RecordChange::RedirectUris(sent.body.redirect_uris);
    change((&app, &sent.by), &path, (uris, version)).await
}

/// Adds a key.
#[utoipa::path(
    post,
    path = "/v1/partners/{partner}/keys",
    tag = "partners",
    operation_id = "add_partner_key",
    summary = "Add a public key of a partner; the ones that are there stay good",
    params(PlatformPartnerPath, OptionalKeyHeader),
    request_body(content = NewKey, content_type = "application/json"),
    responses((status = 200, description = "The record now", body = PartnerDetail)),
    security(("operator_token" = []))
)]
pub(crate) async fn add_key(
    app: web::Data<App>,
    sent: Sent<PerhapsUnderKey<Platform>, NewKey>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let key = RecordChange::AddKey(sent.body.jwk);
    change((&app, &sent.by), &path, (key, None)).await
}

/// Lets a key go.
#[utoipa::path(
    post,
    path = "/v1/partners/{partner}/keys/{kid}/retirement",
    tag = "partners",
    operation_id = "retire_partner_key",
    summary = "Let a key go at a time; until then it and the new one are both good",
    params(PartnerKeyPath, OptionalKeyHeader),
    request_body(content = Retirement, content_type = "application/json"),
    responses((status = 200, description = "The record now", body = PartnerDetail)),
    security(("operator_token" = []))
)]
pub(crate) async fn retire_key(
    app: web::Data<App>,
    sent: Sent<PerhapsUnderKey<Platform>, Retirement>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (partner, kid) = path.into_inner();
    let partner = paths::partner(&partner)?;
    if !has_four_digits(sent.body.retire_at) {
        return Err(Problem::INVALID_BODY);
    }
    let retirement = (kid.as_str(), sent.body.retire_at);
    sent.by
        .by
        .retire_partner_key(&app, &partner, retirement, sent.by.given(None))
        .await?;
    answer_with(&app, &partner).await
}
