//! Grant Management for OAuth 2.0 (draft 03), query and revoke, and the list of a client's grants: for a
//! partner with a token of its own. Another partner's grants do not exist here.

mod told;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, HeaderName},
    web,
};
use consent_domain::{
    BankCode, GrantId,
    consent::{ConsentRefusal, RevocationReason, RevokedBy},
};
use futures_util::future::try_join_all;
use serde::Serialize;
use tracing::Instrument as _;
use utoipa::{IntoParams, ToSchema};

use crate::{
    access_record::totals_of,
    app::App,
    decisions::{Question, Seen},
    feed::{Reader, admit_for},
    lifecycle::{ActError, OnConsent, Order},
    problem::Problem,
    protocol::partner_scope::PartnerScope,
    request_context::RequestContext,
    store::{Actor, CommandError, sql_span},
};
pub(crate) use told::Grant;
use told::Teller;

/// Most grants of one answer.
const LIMIT_MAX: u32 = 100;
const LIMIT_DEFAULT: u32 = 50;
/// An answer holds for its moment.
const NEVER_STORED: (HeaderName, &str) = (CACHE_CONTROL, "no-store");

/// A page of the client's grants, in no order that means anything.
#[derive(Serialize, ToSchema)]
#[schema(as = Grants)]
pub(crate) struct Page {
    /// Live ones and ended ones.
    grants: Vec<Grant>,
    /// For the next page; `null` on the last one.
    #[schema(example = "0196384e-1b2c-7d3e-8f40-5a6b7c8d9e0f")]
    next_cursor: Option<String>,
}

/// The query of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "it describes the query; the handler parses it itself"
)]
pub(crate) struct Described {
    /// At most so many grants.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The path of one grant.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "it describes the path; the handlers parse it themselves"
)]
pub(crate) struct GrantPath {
    /// The bank's code: four digits.
    #[param(example = "2963", pattern = "^[0-9]{4}$")]
    bank: String,
    /// `grant_id` of a token response.
    #[param(example = "0196384e-1b2c-7d3e-8f40-5a6b7c8d9e0f")]
    grant_id: String,
}

/// `GET {issuer}/grants`
#[utoipa::path(
    get,
    path = "/{bank}/grants",
    tag = "grants",
    operation_id = "list_grants",
    summary = "The client's grants at this bank, live and ended",
    description = "Page by page, each as by itself. Grants that begin meanwhile may be on a later page or \
        not; their events are in the feed.",
    params(crate::openapi::BankPath, Described),
    responses((status = 200, description = "Grants, none or more", body = Page)),
    security(("partner_token" = ["grant_management_query"]))
)]
pub(crate) async fn list(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let reader = admit_for(&app, &request, &path, PartnerScope::GrantManagementQuery).await?;
    let query = Query::parse(request.query_string())?;
    let mut ids = ids(&app, &reader, &query).await?;
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let more = ids.len() > limit;
    ids.truncate(limit);
    let next_cursor = ids.last().filter(|_| more).map(ToString::to_string);
    let grants = told(&app, &reader, &ids).await?;
    let page = Page {
        grants,
        next_cursor,
    };
    Ok(HttpResponse::Ok().insert_header(NEVER_STORED).json(page))
}

/// `GET {issuer}/grants/{grant_id}`
#[utoipa::path(
    get,
    path = "/{bank}/grants/{grant_id}",
    tag = "grants",
    operation_id = "query_grant",
    summary = "What a grant says and how it stands (Grant Management)",
    description = "The members of the draft, and ours: how the grant stands now, why as far as a partner \
        may know, and what was read under it. It is told by the same read as the decisions of account-api. \
        An ended grant is told with what it said last.",
    params(GrantPath),
    responses((status = 200, description = "The grant", body = Grant)),
    security(("partner_token" = ["grant_management_query"]))
)]
pub(crate) async fn query(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (bank, grant) = path.into_inner();
    let reader = admit_for(&app, &request, &bank, PartnerScope::GrantManagementQuery).await?;
    let grant = GrantId::parse(grant).map_err(|_| Problem::UNKNOWN_GRANT)?;
    let told = told(&app, &reader, &[grant]).await?;
    let grant = told.into_iter().next().ok_or(Problem::UNKNOWN_GRANT)?;
    Ok(HttpResponse::Ok().insert_header(NEVER_STORED).json(grant))
}

/// `DELETE {issuer}/grants/{grant_id}`
#[utoipa::path(
    delete,
    path = "/{bank}/grants/{grant_id}",
    tag = "grants",
    operation_id = "revoke_grant",
    summary = "End a grant (Grant Management)",
    description = "When the answer is there, no read that starts later succeeds, on any replica, and no \
        token of the grant gives anything. The bank tells the customer. An ended grant stays as it is, and \
        the answer is the same.",
    params(GrantPath),
    responses((status = 204, description = "The grant has ended")),
    security(("partner_token" = ["grant_management_revoke"]))
)]
pub(crate) async fn revoke(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (bank, grant) = path.into_inner();
    let reader = admit_for(&app, &request, &bank, PartnerScope::GrantManagementRevoke).await?;
    let grant = GrantId::parse(grant).map_err(|_| Problem::UNKNOWN_GRANT)?;
    // Whose a grant is never changes.
    own(&app, &reader, &grant)
        .await?
        .ok_or(Problem::UNKNOWN_GRANT)?;
    end(&app, &reader.bank, &grant, &reader, &request).await?;
    Ok(HttpResponse::NoContent()
        .insert_header(NEVER_STORED)
        .finish())
}

async fn end(
    app: &App,
    bank: &BankCode,
    grant: &GrantId,
    reader: &Reader,
    request: &HttpRequest,
) -> Result<(), Problem> {
    let consent = OnConsent {
        pool: &app.pool,
        bus: &app.bus,
        bank,
        grant,
    };
    let order = Order {
        request: Some(RequestContext::of(request)),
        ..Order::of(Actor::Partner(reader.claims.client_id.to_string()))
    };
    // The partner need not say why.
    let revoked = consent
        .revoke(RevokedBy::Partner, RevocationReason::Other, order)
        .await;
    match revoked {
        Ok(_) | Err(ActError::Command(CommandError::Refused(ConsentRefusal::AlreadyEnded))) => {
            Ok(())
        }
        Err(error) => Err(Problem::unavailable(&error)),
    }
}

/// The grant as it is now, where it is the reader's.
async fn own(app: &App, reader: &Reader, grant: &GrantId) -> Result<Option<Seen>, Problem> {
    let client = &reader.claims.client_id;
    let question = Question {
        bank: reader.bank.clone(),
        grant: grant.clone(),
        client: client.clone(),
        jti: None,
        kid: None,
    };
    let seen = app.grants.see(question).await;
    let seen = seen.map_err(|unseen| Problem::unavailable(&unseen))?;
    let terms = seen.evidence().consent.terms();
    Ok(terms
        .is_some_and(|terms| &terms.client == client)
        .then_some(seen))
}

/// Those of the grants that are the reader's. They share one read.
async fn told(app: &App, reader: &Reader, grants: &[GrantId]) -> Result<Vec<Grant>, Problem> {
    let seen = try_join_all(grants.iter().map(|grant| own(app, reader, grant))).await?;
    let totals = totals_of(&app.pool, &reader.bank, grants).await;
    let totals = totals.map_err(|error| Problem::unavailable(&error))?;
    let teller = Teller::new(app, &reader.bank);
    Ok(grants
        .iter()
        .zip(&seen)
        .filter_map(|(grant, seen)| {
            let own = totals.iter().filter(|total| &total.grant == grant);
            teller.tell(grant, &seen.as_ref()?.evidence(), own)
        })
        .collect())
}

/// One more than asked for, where there are more.
async fn ids(app: &App, reader: &Reader, query: &Query) -> Result<Vec<GrantId>, Problem> {
    let after = query.after.as_ref().map(GrantId::as_str);
    let streams: Vec<String> = sqlx::query_scalar(
        "SELECT stream_id FROM consent_current WHERE bank = $1 AND client = $2 AND stream_id > $3
         ORDER BY stream_id LIMIT $4",
    )
    .bind(reader.bank.as_str())
    .bind(reader.claims.client_id.as_str())
    .bind(format!("{}:{}", reader.bank, after.unwrap_or_default()))
    .bind(i64::from(query.limit) + 1)
    .fetch_all(&app.pool)
    .instrument(sql_span("list grants"))
    .await?;
    let ids = streams
        .iter()
        .filter_map(|stream| stream.split_once(':'))
        .map(|(_, id)| GrantId::parse(id));
    ids.collect::<Result<_, _>>()
        .map_err(|error| Problem::unavailable(&error))
}

/// What of a list is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Query {
    limit: u32,
    after: Option<GrantId>,
}

impl Query {
    fn parse(query: &str) -> Result<Self, Problem> {
        let invalid = Problem::invalid_parameter;
        let (mut limit, mut cursor) = (None, None);
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let slot = match name.as_ref() {
                "limit" => &mut limit,
                "cursor" => &mut cursor,
                _ => return Err(invalid("The query has a parameter that is not known.")),
            };
            if slot.replace(value.into_owned()).is_some() {
                return Err(invalid("The query has a parameter more than once."));
            }
        }
        let limit = limit.map_or(Some(LIMIT_DEFAULT), |text| {
            let digits = (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten()
        });
        Ok(Self {
            limit: limit
                .filter(|limit| (1..=LIMIT_MAX).contains(limit))
                .ok_or(invalid("limit is 1 to 100."))?,
            after: cursor
                .map(GrantId::parse)
                .transpose()
                .map_err(|_| invalid("cursor is next_cursor of the page before."))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_a_limit_and_a_place() {
        let query = Query::parse("").unwrap();
        assert_eq!((query.limit, query.after), (50, None));
        let query = Query::parse("cursor=g-1&limit=100").unwrap();
        assert_eq!(query.limit, 100);
        assert_eq!(query.after.unwrap().as_str(), "g-1");
        for refused in [
            "limit=0",
            "limit=101",
            "limit=+1",
            "limit=",
            "cursor=",
            "cursor=%00",
            "limit=1&limit=1",
            "other=1",
        ] {
            assert_eq!(Query::parse(refused).unwrap_err().status, 400, "{refused}");
        }
    }
}
