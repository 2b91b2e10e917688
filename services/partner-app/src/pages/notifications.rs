//! `/notifications`: what the banks told of this session's linkages. Loads itself again, without script.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::layout::{Place, Site, page};
use super::{display, locale, notification_texts as texts, visitor};
use crate::application::Services;
use crate::notifications::Notice;
use crate::settings::Bank;
use crate::store::Linkage;

/// The page is loaded again after so many seconds.
const REFRESH_SECONDS: &str = "5";
/// The latest ones that are shown.
const SHOWN_MAX: usize = 100;

#[derive(Template)]
#[template(path = "notifications.html")]
struct NotificationsPage<'a> {
    site: Site<'a>,
    title: &'static str,
    lead: &'static str,
    none: &'static str,
    accounts: &'static str,
    rows: Vec<Row>,
}

struct Row {
    kind: &'static str,
    headline: &'static str,
    text: &'static str,
    bank_name: String,
    at: String,
}

pub(super) async fn show(request: HttpRequest, services: web::Data<Services>) -> HttpResponse {
    let linkages = visitor::find(&request, &services)
        .map(|session| session.linkages())
        .unwrap_or_default();
    let site = Site::new(&services.settings, Place::Elsewhere);
    let rows = rows(&services, &linkages);
    let body = NotificationsPage {
        site,
        title: texts::title(),
        lead: texts::lead(),
        none: texts::none(),
        accounts: texts::accounts(),
        rows,
    };
    let mut response = page(StatusCode::OK, &body);
    response.headers_mut().insert(
        HeaderName::from_static("refresh"),
        HeaderValue::from_static(REFRESH_SECONDS),
    );
    response
}

/// Only what concerns the linkages of whoever looks.
fn rows(services: &Services, linkages: &[Linkage]) -> Vec<Row> {
    let mut told: Vec<(Notice, &Bank)> = Vec::new();
    let mut seen = Vec::new();
    for bank in linkages.iter().map(|linkage| &linkage.bank) {
        if seen.contains(&&bank.code) {
            continue;
        }
        seen.push(&bank.code);
        let grants: Vec<&str> = linkages
            .iter()
            .filter(|linkage| linkage.bank.code == bank.code)
            .filter_map(|linkage| linkage.grant_id.as_deref())
            .collect();
        let notices = services.notifications.notices(&bank.code, &grants);
        told.extend(notices.into_iter().map(|notice| (notice, bank)));
    }
    told.sort_by_key(|(notice, _)| std::cmp::Reverse(notice.at));
    told.truncate(SHOWN_MAX);
    told.iter()
        .map(|(notice, bank)| {
            let (kind, headline, text) = texts::of(notice.meaning);
            Row {
                kind,
                headline,
                text,
                bank_name: locale::bank_name(bank),
                at: display::time(notice.at),
            }
        })
        .collect()
}
