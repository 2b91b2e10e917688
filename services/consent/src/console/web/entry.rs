//! Signing in and out, the choice of a bank, and of the language.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use zeroize::Zeroizing;

use super::{
    address,
    refused::Refused,
    visit::{LOG_OUT, Sent, frame, locale, see_other, show},
};
use crate::{
    app::App,
    console::{
        entry_pages::{self, BankOfOperator, LoginNotice},
        platform_page,
    },
    journey::remembered_language,
    operator::{
        console::{self, ConsoleRefusal, LOGIN},
        form_key,
        password::{self, LoginError},
        platform::is_of_the_platform,
        session::{self, SessionCookie},
    },
    pages::Locale,
    partners::bank_record,
    request_context::RequestContext,
};

/// The name of the login form.
const LOG_IN: &str = "log_in";
const BANKS: &str = "/console/banks";

/// The front door.
pub(super) async fn home() -> HttpResponse {
    see_other(BANKS)
}

pub(super) async fn show_login(
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Refused> {
    let notice = Sent::of_query(&request)
        .find("m")
        .and_then(LoginNotice::find);
    login_page(&app, &request, notice)
}

fn login_page(
    app: &App,
    request: &HttpRequest,
    notice: Option<LoginNotice>,
) -> Result<HttpResponse, Refused> {
    let found = SessionCookie::find(app, request);
    let cookie = found.clone().unwrap_or_else(SessionCookie::mint);
    let key = form_key::mint(app, &cookie, LOG_IN);
    let mut response = show(&entry_pages::login(frame(app, request, None), key, notice))?;
    if found.is_none() {
        // A cookie of printable ASCII: it can't fail.
        let _ = response.add_cookie(&cookie.set(app));
    }
    if notice == Some(LoginNotice::Failed) {
        *response.status_mut() = StatusCode::FORBIDDEN;
    }
    Ok(response)
}

pub(super) async fn log_in(
    app: web::Data<App>,
    request: HttpRequest,
    form: web::Form<Vec<(String, String)>>,
) -> Result<HttpResponse, Refused> {
    let mut sent = Sent::of_pairs(form.into_inner());
    let cookie = SessionCookie::find(&app, &request).ok_or(Refused::FORM)?;
    sent.key(&app, &cookie, LOG_IN)?;
    let password = Zeroizing::new(sent.take("password"));
    let id = sent.find("operator").unwrap_or_default();
    match password::log_in(&app, id, password, RequestContext::of(&request)).await {
        Ok(logged_in) => {
            let mut response = see_other(BANKS);
            // A cookie of printable ASCII: it can't fail.
            let _ = response.add_cookie(&logged_in.cookie.set(&app));
            Ok(response)
        }
        Err(LoginError::Refused) => login_page(&app, &request, Some(LoginNotice::Failed)),
        Err(LoginError::Database(error)) => Err(error.into()),
    }
}

pub(super) async fn log_out(
    app: web::Data<App>,
    request: HttpRequest,
    form: web::Form<Vec<(String, String)>>,
) -> Result<HttpResponse, Refused> {
    let sent = Sent::of_pairs(form.into_inner());
    let mut response = see_other(&format!("{LOGIN}?m=signed_out"));
    // Signed out already, in another tab perhaps.
    let Some(cookie) = SessionCookie::find(&app, &request) else {
        return Ok(response);
    };
    sent.key(&app, &cookie, LOG_OUT)?;
    session::end(&app.pool, &cookie).await?;
    // A cookie of printable ASCII: it can't fail.
    let _ = response.add_cookie(&SessionCookie::removal(&app));
    Ok(response)
}

pub(super) async fn banks(
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, actix_web::Error> {
    let (who, cookie) = console::admit(&request).await?;
    let roles = console::roles_of(&app.pool, &who.operator.id)
        .await
        .map_err(ConsoleRefusal::from)?;
    let mut banks: Vec<BankOfOperator> = Vec::new();
    for (bank, role) in roles {
        let record = bank_record(&app.pool, &bank).await.map_err(Refused::from)?;
        // A role may be granted before the bank is registered.
        if let Some(record) = record {
            banks.push((bank.to_string(), record.display_name, role));
        }
    }
    let frame = frame(&app, &request, Some((&who, &cookie)));
    let platform = is_of_the_platform(&app.pool, &who.operator.id).await;
    let platform = platform.map_err(ConsoleRefusal::from)?;
    let platform = platform.then_some(platform_page::PATH);
    Ok(show(&entry_pages::banks(frame, &banks, platform))?)
}

/// Remembers the language, and leads back to the page.
pub(super) async fn switch_language(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, Refused> {
    let chosen = Locale::find(&path).ok_or(Refused::NOT_FOUND)?;
    let sent = Sent::of_query(&request);
    let mut response = see_other(&address::read(sent.find("page").unwrap_or_default()));
    if chosen != locale(&app, &request) {
        // A cookie of printable ASCII: it can't fail.
        let _ = response.add_cookie(&remembered_language(&app, chosen));
    }
    Ok(response)
}
