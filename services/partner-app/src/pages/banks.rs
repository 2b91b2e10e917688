//! `/banks`: step 1 of the procedure, the choice of the bank.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::layout::{Place, Site, page};
use super::locale::bank_name;
use super::visitor;
use crate::application::Services;

#[derive(Template)]
#[template(path = "banks.html")]
struct BanksPage<'a> {
    site: Site<'a>,
    form_key: &'a str,
    banks: Vec<BankChoice>,
}

struct BankChoice {
    code: String,
    name: String,
    is_linked: bool,
}

pub(super) async fn show(request: HttpRequest, services: web::Data<Services>) -> HttpResponse {
    let (session, new_cookie) = visitor::find_or_create(&request, &services);
    let linkages = session.linkages();
    let banks = services
        .settings
        .banks
        .iter()
        .map(|bank| BankChoice {
            code: bank.code.to_string(),
            name: bank_name(bank),
            is_linked: linkages
                .iter()
                .any(|linkage| linkage.bank.code == bank.code),
        })
        .collect();
    let site = Site::new(&services.settings, Place::Banks);
    let form_key = session.form_key();
    let mut response = page(
        StatusCode::OK,
        &BanksPage {
            site,
            form_key,
            banks,
        },
    );
    if let Some(cookie) = new_cookie
        && let Err(error) = response.add_cookie(&cookie)
    {
        tracing::error!(%error, "the session cookie could not be set");
    }
    response
}
