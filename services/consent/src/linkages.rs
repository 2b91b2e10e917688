//! 「API連携の確認・解除」: the customer's own page behind the bank's login. It lists every linkage of the
//! contract, and lets a user who may end one, take an account out, renew it, or answer for it.
//!
//! | page | what |
//! |---|---|
//! | `/{bank}/linkages/login` | [`login`]: a bank session of its own, of no journey |
//! | `/{bank}/linkages/certificate-login`, `/certificate-handover` | [`mod@certificate_login`]: the same by 電子証明書 |
//! | `/{bank}/linkages` | [`list`] |
//! | `/{bank}/linkages/{grant}` | [`details`] |
//! | `/{bank}/linkages/{grant}/end` | [`end`] |
//! | `/{bank}/linkages/{grant}/remove/{account}` | [`remove`] |
//! | `/{bank}/linkages/{grant}/renew` | [`renew`] |
//! | `/{bank}/linkages/{grant}/take-over` | [`take_over`] |
//!
//! Every act is a page that says what it does, then a form with a key of its own, then
//! [`crate::lifecycle`]; a repeat of the form gets the same answer. What may be done by whom:
//! `docs/decisions/0035-the-customers-own-page.md`.

mod address;
mod admission;
mod at_linkage;
mod certificate_login;
mod details;
mod end;
mod form;
mod linkage;
mod list;
mod login;
mod logout;
mod message;
mod reads;
mod remove;
mod renew;
mod renewable;
mod session;
mod sight;
mod take_over;
mod view;
mod visit;

use actix_web::web::{ServiceConfig, get, post, resource};
use consent_domain::BankCode;

use crate::certificate_login::host_routes;

pub(crate) use address::address;
pub(crate) use session::forget;

/// The page's address on its origin.
pub(crate) fn path(bank: &BankCode) -> String {
    format!("/{bank}/linkages")
}

/// The routes of the pages.
pub fn routes(config: &mut ServiceConfig) {
    let page = |path: &str| resource(format!("/{{bank}}/linkages{path}"));
    config
        .service(page("").route(get().to(list::show)))
        .service(
            page("/login")
                .route(get().to(login::show))
                .route(post().to(login::submit)),
        )
        .service(page("/certificate-login").route(get().to(certificate_login::lead)))
        .service(page("/certificate-handover").route(get().to(certificate_login::take_over)))
        .service(page("/logout").route(post().to(logout::submit)))
        .service(page("/extend").route(get().to(login::extend)))
        .service(page("/{grant}").route(get().to(details::show)))
        .service(
            page("/{grant}/end")
                .route(get().to(end::show))
                .route(post().to(end::submit)),
        )
        .service(
            page("/{grant}/remove/{account}")
                .route(get().to(remove::show))
                .route(post().to(remove::submit)),
        )
        .service(
            page("/{grant}/renew")
                .route(get().to(renew::show))
                .route(post().to(renew::submit)),
        )
        .service(
            page("/{grant}/take-over")
                .route(get().to(take_over::show))
                .route(post().to(take_over::submit)),
        );
}

/// The route on the certificate login's host.
pub(crate) fn certificate_host_routes(config: &mut ServiceConfig) {
    host_routes::<certificate_login::BeforeLogin>(config, "/{bank}/linkages/certificate");
}
