//! Which language a visitor reads: what they chose by the switch, else what the partner's request
//! says, else what the browser asks for, else Japanese.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration},
    http::header::ACCEPT_LANGUAGE,
    web,
};

use super::{
    page_address::PageAddress,
    respond::{Known, PageError, see_other},
};
use crate::{
    app::{App, CookiePolicy},
    pages::{ErrorKind, Locale},
    request_context::RequestContext,
};

/// How long a choice is remembered, in days.
const REMEMBERED_DAYS: i64 = 180;

fn cookie_name(app: &App) -> String {
    format!("{}renkei-locale", app.cookies.prefix())
}

/// The visitor's language; `ui_locales` is the partner's wish, where its request is known.
pub(crate) fn of_request(app: &App, request: &HttpRequest, ui_locales: Option<&str>) -> Locale {
    chosen(app, request)
        .or_else(|| Locale::of_ui_locales(ui_locales?))
        .or_else(|| {
            let fields: Vec<&str> = request
                .headers()
                .get_all(ACCEPT_LANGUAGE)
                .filter_map(|value| value.to_str().ok())
                .collect();
            Locale::of_accept_language(&fields.join(","))
        })
        .unwrap_or_default()
}

fn chosen(app: &App, request: &HttpRequest) -> Option<Locale> {
    Locale::find(request.cookie(&cookie_name(app))?.value())
}

/// The switch: remembers the language, and leads back to the page. The journey is not touched.
///
/// # Errors
/// The error page for a language that there is not.
pub(super) async fn switch(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, PageError> {
    let Some(locale) = Locale::find(&path) else {
        let context = RequestContext::of(&request);
        return Err(Known::of(&app, &request, &context).error(&app, ErrorKind::NotFound));
    };
    let mut query = url::form_urlencoded::parse(request.query_string().as_bytes());
    let page = query
        .find(|(name, _)| name == "page")
        .map(|(_, page)| page)
        .unwrap_or_default();
    let (path, query) = page.split_once('?').unwrap_or((&page, ""));
    let mut response = see_other(PageAddress::read(path, query).as_str());
    // A cookie of printable ASCII: it can't fail.
    let _ = response.add_cookie(&remembered(&app, locale));
    Ok(response)
}

/// The choice, for the browser to keep.
pub(crate) fn remembered(app: &App, locale: Locale) -> Cookie<'static> {
    Cookie::build(cookie_name(app), locale.tag())
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(app.cookies == CookiePolicy::HostOnly)
        .max_age(Duration::days(REMEMBERED_DAYS))
        .finish()
}
