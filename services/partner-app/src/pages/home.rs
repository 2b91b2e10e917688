//! `/`: what is linked, and the way to link more.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::layout::{Place, Site, page};
use super::locale::bank_name;
use super::{display, visitor};
use crate::application::Services;
use crate::store::Linkage;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage<'a> {
    site: Site<'a>,
    linkages: Vec<LinkageCard>,
}

struct LinkageCard {
    id: String,
    bank_name: String,
    connected_at: String,
    valid_until: Option<String>,
    range: String,
    is_range_missing: bool,
    account_count: usize,
    /// Whether the bank named the permission, so that it can be asked for it.
    is_known_at_bank: bool,
}

pub(super) async fn show(request: HttpRequest, services: web::Data<Services>) -> HttpResponse {
    let linkages = visitor::find(&request, &services)
        .map(|session| session.linkages())
        .unwrap_or_default();
    let site = Site::new(&services.settings, Place::Home);
    let linkages = linkages.iter().map(LinkageCard::new).collect();
    page(StatusCode::OK, &HomePage { site, linkages })
}

impl LinkageCard {
    fn new(linkage: &Linkage) -> Self {
        Self {
            id: linkage.id.as_str().to_owned(),
            bank_name: bank_name(&linkage.bank),
            connected_at: display::time(linkage.connected_at),
            valid_until: linkage.limits.valid_until.map(display::last_minute),
            range: display::range(linkage.range),
            is_range_missing: linkage.range.is_none(),
            account_count: linkage.accounts.len(),
            is_known_at_bank: linkage.grant_id.is_some(),
        }
    }
}
