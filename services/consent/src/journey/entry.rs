//! The authorization endpoint: where the partner sends the customer's browser.

use actix_web::{HttpRequest, HttpResponse, ResponseError as _, http::StatusCode, web};
use consent_domain::BankCode;

use super::{
    cookie::BrowserCookie,
    language,
    page_address::PageAddress,
    respond::{Known, PageError, see_other, store_failed},
};
use crate::{
    app::App,
    pages::ErrorKind,
    partners::{PartnerAtBankRecord, bank_record, find_client},
    protocol::{
        authorization_request::AuthorizationRequest,
        request_uri::{self, RequestStage},
    },
    request_context::RequestContext,
};

/// Takes a pushed request up: only `client_id` and our `request_uri` count. It may be loaded any
/// number of times, from any browser, until a login (mail scanners load it first).
///
/// # Errors
/// An error page; never a redirect, for nothing is proven before the request is found.
pub async fn authorize(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, PageError> {
    let context = RequestContext::of(&request);
    let mut known = Known::of(&app, &request, &context);
    let Ok(bank) = BankCode::parse(path.as_str()) else {
        return Err(known.error(&app, ErrorKind::NotFound));
    };
    match bank_record(&app.pool, &bank).await {
        Ok(Some(record)) => known.bank = Some(app.pages.of(&bank, &record)),
        Ok(None) => return Err(known.error(&app, ErrorKind::NotFound)),
        Err(error) => return Err(known.error(&app, store_failed(&error))),
    }
    match take_up(&app, &request, &bank, &mut known).await {
        Ok(response) => Ok(response),
        Err(kind) => Err(known.error(&app, kind)),
    }
}

async fn take_up(
    app: &web::Data<App>,
    request: &HttpRequest,
    bank: &BankCode,
    known: &mut Known,
) -> Result<HttpResponse, ErrorKind> {
    let asked = AuthorizationRequest::parse(request.query_string().as_bytes())
        .map_err(|_| ErrorKind::InvalidRequest)?;
    let stored = request_uri::load(&app.pool, bank, &asked.client_id, &asked.request_uri).await?;
    let stored = stored.ok_or(ErrorKind::RequestExpired)?;
    known.locale = language::of_request(app, request, stored.parameters.find("ui_locales"));
    known.address = PageAddress::of_request(bank, &asked);
    match find_client(&app.pool, bank, &asked.client_id).await? {
        Some(PartnerAtBankRecord { enabled: true, .. }) => {}
        _ => return Err(ErrorKind::PartnerNotAvailable),
    }
    let journey = &stored.journey_id;
    let login = format!("/{bank}/journeys/{journey}/login");
    let cookie = BrowserCookie::find(app, request, journey);
    match stored.stage {
        RequestStage::Open => {
            if !request_uri::mark_first_shown(&app.pool, bank, &asked.request_uri).await? {
                return Err(ErrorKind::RequestExpired);
            }
            let mut response = see_other(&login);
            if cookie.is_none() {
                // A cookie of printable ASCII: it can't fail.
                let _ = response.add_cookie(&BrowserCookie::mint().set(app, journey));
            }
            Ok(response)
        }
        // The browser whose login bound it goes on where it was; no other learns anything.
        RequestStage::Bound { .. } if cookie.is_some() => Ok(see_other(&login)),
        RequestStage::Bound { .. } | RequestStage::Expired | RequestStage::Finished => {
            Err(ErrorKind::RequestExpired)
        }
    }
}

/// The page for a request that reached no handler of ours, with the status that says why.
pub(crate) fn refusal_page(app: &App, request: &HttpRequest, status: StatusCode) -> HttpResponse {
    let known = Known::of(app, request, &RequestContext::of(request));
    let kind = match status {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => ErrorKind::NotFound,
        status if status.is_server_error() => ErrorKind::Internal,
        _ => ErrorKind::FormNotAccepted,
    };
    known.error(app, kind).with_status(status).error_response()
}

/// Every path that is none of ours.
///
/// # Errors
/// Always: 404.
pub async fn not_found(
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, PageError> {
    let known = Known::of(&app, &request, &RequestContext::of(&request));
    Err(known.error(&app, ErrorKind::NotFound))
}
