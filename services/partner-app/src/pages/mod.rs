//! The pages. Plain forms in two languages that work without script, a file per page.

mod accounts;
mod assets;
mod bank_status;
mod banks;
mod callback;
mod display;
mod explanation;
mod headers;
mod home;
mod import;
mod layout;
mod link;
mod locale;
mod message;
mod notification_texts;
mod notifications;
mod request_log;
mod statement;
mod visitor;

use actix_web::web;

pub(crate) use headers::security_headers;
pub(crate) use locale::in_language;
pub(crate) use request_log::log_request;

/// Bytes of a form; the largest here has three short fields.
const MAX_FORM_BYTES: usize = 4 * 1024;

/// All routes.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config
        .app_data(
            web::FormConfig::default()
                .limit(MAX_FORM_BYTES)
                .error_handler(message::refuse_form),
        )
        .route("/", web::get().to(home::show))
        .route("/banks", web::get().to(banks::show))
        .route("/link", web::post().to(link::submit))
        .route("/callback", web::get().to(callback::receive))
        .route("/linkages/{linkage}/import", web::get().to(import::show))
        .route("/linkages/{linkage}/import", web::post().to(import::save))
        .route(
            "/linkages/{linkage}/status",
            web::get().to(bank_status::show),
        )
        .route("/linkages/{linkage}/end", web::post().to(bank_status::end))
        .route("/accounts", web::get().to(accounts::show))
        .route("/accounts/{account}", web::get().to(statement::show))
        .route("/language/{tag}", web::get().to(locale::switch))
        .route("/notifications", web::get().to(notifications::show))
        .route("/healthz", web::get().to(assets::healthz))
        .route("/assets/style.css", web::get().to(assets::style))
        .route("/favicon.svg", web::get().to(assets::icon))
        .default_service(web::to(message::not_found));
}
