//! The routes of what operators do and ask about what was done.

use actix_web::web::{ServiceConfig, get, post};

use super::{bulk, ends, orders, partners, partners_here, suspensions};

/// Adds them.
pub(super) fn routes(config: &mut ServiceConfig) {
    let bulk = "/v1/banks/{bank}/bulk-revocations";
    let one = |rest: &str| format!("{bulk}/{{bulk}}{rest}");
    config
        .route(bulk, post().to(bulk::request))
        .route(bulk, get().to(bulk::list))
        .route(&one(""), get().to(bulk::show))
        .route(&one("/items"), get().to(bulk::items))
        .route(&one("/approval"), post().to(bulk::approve))
        .route(&one("/start"), post().to(bulk::start))
        .route(&one("/pause"), post().to(bulk::pause))
        .route(&one("/resumption"), post().to(bulk::resume))
        .route(&one("/cancellation"), post().to(bulk::cancel))
        .configure(acts_on_consents)
        .configure(acts_on_levels)
        .configure(questions)
        .configure(partners_at_bank)
        .configure(records_of_partners);
}

fn acts_on_consents(config: &mut ServiceConfig) {
    let of = |rest: &str| format!("/v1/banks/{{bank}}/consents/{{grant}}/{rest}");
    config
        .route(&of("revocation"), post().to(orders::revoke))
        .route(&of("account-removals"), post().to(orders::remove_account))
        .route(&of("handover"), post().to(orders::hand_over))
        .route(&of("suspensions"), post().to(suspensions::suspend_consent))
        .route(&of("restorations"), post().to(suspensions::restore_consent));
}

fn acts_on_levels(config: &mut ServiceConfig) {
    let bank = |rest: &str| format!("/v1/banks/{{bank}}/{rest}");
    let contract = |rest: &str| bank(&format!("contracts/{{contract}}/{rest}"));
    let partner = |rest: &str| bank(&format!("partners/{{partner}}/{rest}"));
    config
        .route(
            &contract("suspensions"),
            post().to(suspensions::suspend_contract),
        )
        .route(
            &contract("restorations"),
            post().to(suspensions::restore_contract),
        )
        .route(
            &partner("suspensions"),
            post().to(suspensions::suspend_partner),
        )
        .route(
            &partner("restorations"),
            post().to(suspensions::restore_partner),
        )
        .route(&bank("suspensions"), post().to(suspensions::suspend_bank))
        .route(&bank("restorations"), post().to(suspensions::restore_bank));
}

fn questions(config: &mut ServiceConfig) {
    config
        .route("/v1/banks/{bank}/ended-consents", get().to(ends::ended))
        .route(
            "/v1/banks/{bank}/partners/{partner}/affected-consents",
            get().to(ends::affected),
        );
}

fn partners_at_bank(config: &mut ServiceConfig) {
    let of = |rest: &str| format!("/v1/banks/{{bank}}/partners/{{partner}}/{rest}");
    config
        .route("/v1/banks/{bank}/partners", get().to(partners_here::list))
        .route(
            "/v1/banks/{bank}/push-targets",
            get().to(partners_here::targets),
        )
        .route(&of("enablement"), post().to(partners_here::enable))
        .route(&of("disablement"), post().to(partners_here::disable))
        .route(&of("contract"), post().to(partners_here::set_contract))
        .route(&of("push-target"), post().to(partners_here::set_target))
        .route(
            &of("push-target/removal"),
            post().to(partners_here::remove_target),
        );
}

fn records_of_partners(config: &mut ServiceConfig) {
    let of = |rest: &str| format!("/v1/partners/{{partner}}{rest}");
    config
        .route("/v1/partners", get().to(partners::list))
        .route("/v1/partners", post().to(partners::register))
        .route(&of(""), get().to(partners::show))
        .route(&of("/record"), post().to(partners::change_record))
        .route(
            &of("/redirect-uris"),
            post().to(partners::change_redirect_uris),
        )
        .route(&of("/keys"), post().to(partners::add_key))
        .route(
            &of("/keys/{kid}/retirement"),
            post().to(partners::retire_key),
        );
}
