//! What all pages share.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use askama::Template;

use super::locale;
use crate::settings::Settings;

/// Names at the head and foot of each page, and where the page stands in the menu.
pub(super) struct Site<'a> {
    pub(super) company_name: &'a str,
    pub(super) service_name: &'a str,
    pub(super) place: Place,
}

/// The entry of the menu that is marked as current.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Home,
    Accounts,
    Banks,
    Elsewhere,
}

impl<'a> Site<'a> {
    pub(super) fn new(settings: &'a Settings, place: Place) -> Self {
        Self {
            company_name: &settings.company_name,
            service_name: &settings.service_name,
            place,
        }
    }

    /// A text in the language of the page.
    #[expect(clippy::unused_self, reason = "templates call it so")]
    pub(super) fn say(&self, japanese: &'static str, english: &'static str) -> &'static str {
        locale::say(japanese, english)
    }

    #[expect(clippy::unused_self, reason = "templates call it so")]
    pub(super) fn lang(&self) -> &'static str {
        locale::current().tag()
    }

    #[expect(clippy::unused_self, reason = "templates call it so")]
    pub(super) fn switch_href(&self) -> String {
        locale::switch_href()
    }

    pub(super) fn is_home(&self) -> bool {
        self.place == Place::Home
    }

    pub(super) fn is_accounts(&self) -> bool {
        self.place == Place::Accounts
    }

    pub(super) fn is_banks(&self) -> bool {
        self.place == Place::Banks
    }
}

/// A page as an answer.
pub(super) fn page(status: StatusCode, template: &impl Template) -> HttpResponse {
    match template.render() {
        Ok(body) => HttpResponse::build(status)
            .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
            .body(body),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            HttpResponse::InternalServerError()
                .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
                .body(locale::say(
                    "画面を表示できませんでした。時間をおいて、もう一度お試しください。",
                    "The page could not be shown. Please try again later.",
                ))
        }
    }
}

/// 303: the next page is fetched with GET, whatever the method was.
pub(super) fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, location))
        .finish()
}
