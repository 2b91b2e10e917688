//! Pushed authorization requests (RFC 9126): each begins a journey.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, http::header::CACHE_CONTROL, web};
use consent_domain::{
    AccountId, BankCode, GrantId, JourneyId,
    consent::ConsentStream,
    contract::ContractStream,
    journey::{GrantAction, JourneyRefusal, JourneyStream, RequestConsent, TimeLimits},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    bank_of,
    client_proof::{ProvenClient, authenticate, read_form},
};
use crate::{
    app::App,
    entropy, japan,
    journey::stream_id,
    partners::bank_record,
    protocol::{
        digest::sha256_hex,
        oauth_error::OAuthError,
        pushed_request::{GrantManagementAction, PushedRequest},
        received_parameters::ReceivedParameters,
        request_uri::{PushedRequestRow, RequestUri, UNSHOWN_SECONDS},
    },
    request_context::RequestContext,
    store::{Actor, CommandContext, Companion, state_of},
};

/// Where the customer's browser goes next.
#[derive(Serialize, ToSchema)]
#[schema(as = PushedAuthorizationResponse)]
pub(crate) struct PushedResponse<'a> {
    /// For the authorization endpoint, with `client_id`.
    #[schema(
        example = "urn:ietf:params:oauth:request_uri:vfGkOQ0cR2mUyGZ9hJdS0wXb3aLpN8eTqI5rY7sKxE4"
    )]
    request_uri: &'a str,
    /// Seconds until the first page must have been shown.
    #[schema(example = 60)]
    expires_in: i64,
    /// Names the request for support: `GET {issuer}/requests/{request_id}` tells where it has come to.
    #[schema(example = "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg")]
    request_id: String,
}

/// `POST {issuer}/par`
#[utoipa::path(
    post,
    path = "/{bank}/par",
    tag = "authorization",
    operation_id = "push_authorization_request",
    summary = "Push an authorization request (RFC 9126)",
    description = "Each request begins a journey. Unknown parameters are kept and ignored; a repeated \
        one, a `request_uri` or a `request` is refused.",
    params(crate::openapi::BankPath),
    request_body(
        content = crate::openapi::PushedRequestForm,
        content_type = "application/x-www-form-urlencoded"
    ),
    responses((status = 201, description = "The request is taken", body = PushedResponse))
)]
pub(crate) async fn push(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse, OAuthError> {
    let bank = bank_of(&app, &path).await?;
    let mut fields = read_form(&request, &body)?;
    let proven = authenticate(&app, &bank, &mut fields).await?;
    let parameters = ReceivedParameters::take(fields)?;
    let pushed = PushedRequest::parse(
        &parameters,
        &proven.client,
        japan::day_of(proven.partner.now),
    )?;
    let request_uri = RequestUri::mint();
    let context = RequestContext::of(&request);
    begin_journey(
        &app,
        &bank,
        &proven,
        pushed,
        parameters,
        &request_uri,
        context,
    )
    .await?;
    Ok(HttpResponse::Created()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(PushedResponse {
            request_uri: request_uri.expose(),
            expires_in: UNSHOWN_SECONDS,
            request_id: request_uri.request_id(),
        }))
}

/// Appends `ConsentRequested` and stores the request as received, at once.
async fn begin_journey(
    app: &App,
    bank: &BankCode,
    proven: &ProvenClient,
    pushed: PushedRequest,
    parameters: ReceivedParameters,
    request_uri: &RequestUri,
    context: RequestContext,
) -> Result<(), OAuthError> {
    let record = bank_record(&app.pool, bank)
        .await?
        .ok_or(OAuthError::server_error())?;
    let journey = JourneyId::parse(entropy::opaque_id().to_string())
        .map_err(|_| OAuthError::server_error())?;
    let received = serde_json::to_vec(&parameters).map_err(|_| OAuthError::server_error())?;
    let command = RequestConsent {
        journey: journey.clone(),
        bank: bank.clone(),
        client: proven.client.client_id().clone(),
        partner: proven.partner.partner.clone(),
        tasks: pushed.tasks,
        accounts: named_accounts(app, bank, proven, pushed.accounts.as_deref()).await?,
        history_from: pushed.history_from,
        grant_action: grant_action(app, bank, proven, pushed.grant_action).await?,
        request_sha256: sha256_hex(&received),
        limits: TimeLimits {
            idle_seconds: record.settings.idle_seconds,
            total_seconds: record.settings.journey_seconds,
        },
    };
    let row = {
        let (bank, uri, client) = (
            bank.clone(),
            request_uri.clone(),
            proven.client.client_id().clone(),
        );
        move |now| {
            PushedRequestRow::new(
                bank.clone(),
                &uri,
                client.clone(),
                journey.clone(),
                parameters.clone(),
                now,
            )
        }
    };
    app.bus
        .execute::<JourneyStream, JourneyRefusal>(
            stream_id(bank, command.journey.as_str()),
            CommandContext {
                bank: Some(bank.to_string()),
                partner: Some(proven.partner.partner.to_string()),
                request_id: Some(context.request_id),
                traceparent: context.traceparent,
                ..CommandContext::of(Actor::Partner(proven.client.client_id().to_string()))
            },
            move |state, now| state.request(command.clone(), now).map(|o| o.into_events()),
            move |_, _, now| vec![Companion::PushedRequest(row(now))],
        )
        .await?;
    Ok(())
}

/// What the request wants done, with a grant that can be changed where it names one.
///
/// # Errors
/// `invalid_grant_id`, the same for an unknown grant, another client's and one that has ended.
async fn grant_action(
    app: &App,
    bank: &BankCode,
    proven: &ProvenClient,
    asked: Option<GrantManagementAction>,
) -> Result<GrantAction, OAuthError> {
    let action = match asked {
        None => GrantAction::Unspecified,
        Some(GrantManagementAction::Create) => GrantAction::Create,
        Some(GrantManagementAction::Replace(grant)) => GrantAction::Replace { grant },
        Some(GrantManagementAction::Merge(grant)) => GrantAction::Merge { grant },
    };
    if let Some(grant) = action.named()
        && !can_be_changed(app, bank, proven, grant).await?
    {
        return Err(OAuthError::invalid_grant_id());
    }
    Ok(action)
}

/// Whether the grant is the client's and lives. A suspended one may be changed: 許可 may be what
/// restores it.
async fn can_be_changed(
    app: &App,
    bank: &BankCode,
    proven: &ProvenClient,
    grant: &GrantId,
) -> Result<bool, OAuthError> {
    let stream = stream_id(bank, grant.as_str());
    let consent = state_of::<ConsentStream>(&app.pool, &stream).await?;
    let Some(terms) = consent.live_terms(proven.partner.now) else {
        return Ok(false);
    };
    let contract = stream_id(bank, terms.contract.as_str());
    let contract = state_of::<ContractStream>(&app.pool, &contract).await?;
    Ok(&terms.client == proven.client.client_id() && !contract.is_closed())
}

/// The bank's ids of accounts that the partner named by its own ids: only those that it learned from
/// its own grants, whichever contract they belong to; others name nothing.
async fn named_accounts(
    app: &App,
    bank: &BankCode,
    proven: &ProvenClient,
    named: Option<&[crate::protocol::pairwise::PairwiseId]>,
) -> Result<BTreeSet<AccountId>, OAuthError> {
    let Some(named) = named else {
        return Ok(BTreeSet::new());
    };
    super::granted::accounts_by_pairwise(app, bank, &proven.partner.partner, named).await
}
