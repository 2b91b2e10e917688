//! The bank's pages, steps 2 to 6, and the ways out of them.
//!
//! | step | page | command | facts |
//! |---|---|---|---|
//! | 2 | [`step2_login`] | `RecordLogin` | `LoginSucceeded` |
//! | 3 | [`step3_tasks`] | `SelectTasks` | `TasksSelected` |
//! | 4 | [`step4_accounts`] | `RegisterAccounts` | `AccountsSelected`, `AccountsRegistered`, `AccountRegistrationRejected` |
//! | 5 | [`step5_confirm`] | `ConfirmRegistration` | `RegistrationConfirmed` |
//! | 6 | [`step6_authorize`] | `AuthorizeAccess` | `AccessAuthorized`, and `AccessGranted` or `AccessAmended` |
//!
//! Step 1 is the partner's pushed request, step 7 its token request: see `authorization_server`.
//! Every form is answered by 303 to a page; what a form may do is recorded under its key.

mod at_step;
mod certificate_login;
mod continuation;
mod cookie;
mod end;
mod entry;
mod extend;
mod form;
mod form_key;
mod hindrance;
mod language;
mod linkages;
mod login_guess;
mod login_record;
mod message;
mod page_address;
mod pin_guesses;
mod present;
mod respond;
mod row_rules;
mod session;
mod step2_login;
mod step3_tasks;
mod step4_accounts;
mod step5_confirm;
mod step6_authorize;
mod succession;
mod visit;

use actix_web::web::{ServiceConfig, get, post, resource};
use consent_domain::journey::Step;

use crate::{certificate_login::host_routes, pages::LANGUAGE_PATH};

pub(crate) use cookie::BrowserCookie;
pub(crate) use entry::refusal_page;
pub use entry::{authorize as authorization_endpoint, not_found};
pub(crate) use form::find_spent;
pub(crate) use language::{of_request as language_of, remembered as remembered_language};
pub(crate) use linkages::LINKAGES_MOST;
pub use linkages::{LiveLinkage, live_linkages};
pub(crate) use login_guess::{
    LOGIN_LONGEST, LoginPlace, LoginTry, TypedLogin, login_limit, try_login,
};
pub(crate) use login_record::Sent;
pub(crate) use page_address::PageAddress;
pub(crate) use pin_guesses::{guess_scope, pin_limit};
pub(crate) use respond::{Known, PageError, bank_failed, page, see_other};
pub(crate) use session::{Names, was_alive};
pub(crate) use step6_authorize::end_of_validity;
pub(crate) use visit::stream_id;

/// The last part of a step's path.
pub(crate) fn path_of(step: Step) -> &'static str {
    match step {
        Step::Login => "login",
        Step::Tasks => "tasks",
        Step::Accounts => "accounts",
        Step::Confirm => "confirm",
        Step::Authorize => "authorize",
    }
}

/// The routes of the pages.
pub fn routes(config: &mut ServiceConfig) {
    let page = |path: &str| resource(format!("/{{bank}}/journeys/{{journey}}/{path}"));
    let (login, tasks) = (page("login"), page("tasks"));
    let (accounts, confirm) = (page("accounts"), page("confirm"));
    config
        .service(
            login
                .route(get().to(step2_login::show))
                .route(post().to(step2_login::submit)),
        )
        .service(page("certificate-login").route(get().to(certificate_login::lead)))
        .service(page("certificate-handover").route(get().to(certificate_login::take_over)))
        .service(
            tasks
                .route(get().to(step3_tasks::show))
                .route(post().to(step3_tasks::submit)),
        )
        .service(
            accounts
                .route(get().to(step4_accounts::show))
                .route(post().to(step4_accounts::submit)),
        )
        .service(
            confirm
                .route(get().to(step5_confirm::show))
                .route(post().to(step5_confirm::submit)),
        )
        .service(
            page("authorize")
                .route(get().to(step6_authorize::show))
                .route(post().to(step6_authorize::submit)),
        )
        .service(page("extend").route(get().to(extend::extend)))
        .service(page("cancel").route(post().to(end::submit)))
        .service(page("done").route(get().to(end::show)))
        .service(resource(format!("{LANGUAGE_PATH}/{{locale}}")).route(get().to(language::switch)));
}

/// The routes on the certificate login's host.
pub(crate) fn certificate_host_routes(config: &mut ServiceConfig) {
    let certificate = "/{bank}/journeys/{journey}/certificate";
    host_routes::<visit::Visit>(config, certificate);
    config
        .service(resource(format!("{LANGUAGE_PATH}/{{locale}}")).route(get().to(language::switch)));
}
