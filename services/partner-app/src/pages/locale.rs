//! The language of a page: the visitor's choice, else what the browser asks for, else Japanese. It is
//! the request's, for as long as the request is answered, so that a text is said where it belongs.

use actix_web::body::MessageBody;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::layout::see_other;
use crate::settings::Bank;

/// A language that the pages are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locale {
    Ja,
    En,
}

impl Locale {
    const ALL: [Self; 2] = [Self::Ja, Self::En];

    /// As in `lang` and in `ui_locales` (RFC 5646).
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::Ja => "ja",
            Self::En => "en",
        }
    }

    fn find(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|locale| locale.tag().eq_ignore_ascii_case(primary))
    }

    fn of(request: &HttpRequest) -> Self {
        let chosen = request.cookie(COOKIE);
        let chosen = chosen.and_then(|cookie| Self::find(cookie.value()));
        chosen.unwrap_or_else(|| {
            let wish = request.headers().get(header::ACCEPT_LANGUAGE);
            Self::wished(wish.and_then(|wish| wish.to_str().ok()).unwrap_or_default())
        })
    }

    /// The best of an `Accept-Language` (RFC 9110, 12.5.4); of equals the first.
    fn wished(header: &str) -> Self {
        let mut best = (Self::Ja, 0.0_f32);
        for part in header.split(',') {
            let mut parameters = part.split(';').map(str::trim);
            let tag = parameters.next().unwrap_or_default();
            let weight = parameters
                .find_map(|parameter| parameter.strip_prefix("q="))
                .map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
            if let Some(locale) = Self::find(tag)
                && weight > best.1
            {
                best = (locale, weight);
            }
        }
        best.0
    }
}

/// The visitor's choice; it tells nothing but the language.
const COOKIE: &str = "kaikei_language";

#[derive(Clone)]
struct Reading {
    locale: Locale,
    /// Where the switch leads back to.
    page: String,
}

tokio::task_local! {
    static READING: Reading;
}

/// Answers a request in its language.
pub(crate) async fn in_language(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let target = request.uri().path_and_query();
    let page = match (request.method(), target) {
        // The way back from the bank is not gone twice.
        (&Method::GET, Some(target)) if request.path() != "/callback" => target.to_string(),
        _ => "/".to_owned(),
    };
    let reading = Reading {
        locale: Locale::of(request.request()),
        page,
    };
    READING.scope(reading, next.call(request)).await
}

/// The language of the request that is being answered.
pub(crate) fn current() -> Locale {
    READING
        .try_with(|reading| reading.locale)
        .unwrap_or(Locale::Ja)
}

/// A text in the request's language.
pub(super) fn say<T>(japanese: T, english: T) -> T {
    match current() {
        Locale::Ja => japanese,
        Locale::En => english,
    }
}

/// A bank's name in lists.
pub(super) fn bank_name(bank: &Bank) -> String {
    match (&bank.name_en, current()) {
        (Some(name), Locale::En) => format!("{name} (corporate)"),
        _ => bank.listed_name(),
    }
}

/// Where the switch to the other language leads.
pub(super) fn switch_href() -> String {
    let page = READING.try_with(|reading| reading.page.clone());
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("page", page.as_deref().unwrap_or("/"))
        .finish();
    let other = say(Locale::En, Locale::Ja);
    format!("/language/{}?{query}", other.tag())
}

#[derive(Deserialize)]
pub(super) struct SwitchQuery {
    page: Option<String>,
}

/// `GET /language/{tag}`: remembers the language and leads back to a page of ours.
pub(super) async fn switch(
    path: web::Path<String>,
    query: web::Query<SwitchQuery>,
    services: web::Data<crate::application::Services>,
) -> HttpResponse {
    let Some(locale) = Locale::find(&path) else {
        return super::message::missing(&services);
    };
    let page = query.into_inner().page.unwrap_or_default();
    let mut response = see_other(if is_own(&page) { &page } else { "/" });
    let cookie = Cookie::build(COOKIE, locale.tag())
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .finish();
    if let Err(error) = response.add_cookie(&cookie) {
        tracing::error!(%error, "the language could not be remembered");
    }
    response
}

/// A path on this origin: `//host` and `/\host` are other hosts to a browser.
fn is_own(page: &str) -> bool {
    page.starts_with('/')
        && !page.starts_with("//")
        && page
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_gets_the_language_that_it_wants_most() {
        for (wish, expected) in [
            ("", Locale::Ja),
            ("en-US,en;q=0.9,ja;q=0.8", Locale::En),
            ("ja,en;q=0.9", Locale::Ja),
            ("en;q=0.5, ja-JP;q=0.7", Locale::Ja),
            ("fr,en;q=0.1", Locale::En),
            ("en;q=0", Locale::Ja),
            ("fr", Locale::Ja),
            ("en;q=x", Locale::Ja),
        ] {
            assert_eq!(Locale::wished(wish), expected, "{wish}");
        }
    }

    #[test]
    fn the_switch_leads_to_pages_of_ours_only() {
        assert!(is_own("/accounts/a?linkage=b"));
        for foreign in [
            "",
            "//host",
            "/\\host",
            "https://host",
            "/a\r\nb",
            "javascript:x",
        ] {
            assert!(!is_own(foreign), "{foreign}");
        }
    }
}
