//! `POST /link`: the chosen bank.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::layout::see_other;
use super::{locale, message, visitor};
use crate::application::Services;
use crate::linking;
use crate::oauth::par::GrantAction;
use crate::settings::BankCode;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkForm {
    form_key: String,
    bank: String,
    #[serde(default)]
    action: Action,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    #[default]
    Default,
    Create,
}

pub(super) async fn submit(
    request: HttpRequest,
    services: web::Data<Services>,
    form: web::Form<LinkForm>,
) -> HttpResponse {
    let session =
        visitor::find(&request, &services).filter(|session| session.form_key() == form.form_key);
    let Some(session) = session else {
        return message::form_expired(&services);
    };
    let bank = BankCode::parse(&form.bank)
        .and_then(|code| services.settings.find_bank(&code))
        .cloned();
    let Some(bank) = bank else {
        return message::missing(&services);
    };
    let action = match form.action {
        Action::Default => GrantAction::Default,
        Action::Create => GrantAction::Create,
    };
    match linking::begin(&services, &session, bank, action, locale::current().tag()).await {
        Ok(url) => see_other(url.as_str()),
        Err(error) => message::not_linked(&services, error),
    }
}
