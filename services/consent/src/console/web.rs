//! The console's handlers: requests in, data read and acts done, pages out.

mod acts;
mod address;
mod affected;
mod bulk;
mod consent;
mod consent_act;
mod cursor;
mod ended;
mod entry;
mod funnel;
mod names_at_bank;
mod partners;
mod refused;
mod search;
mod visit;

use actix_web::{
    middleware::{DefaultHeaders, from_fn},
    web::{self, ServiceConfig, get, post, resource, scope},
};

/// Nothing of a page is from elsewhere, and none of it is a script.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
    frame-ancestors 'none'; base-uri 'none'";

/// The routes of the console.
pub fn routes(config: &mut ServiceConfig) {
    let headers = DefaultHeaders::new()
        .add(("Content-Security-Policy", POLICY))
        .add(("Cache-Control", "no-store"))
        .add(("Referrer-Policy", "same-origin"))
        .add(("X-Content-Type-Options", "nosniff"))
        .add(("X-Frame-Options", "DENY"));
    config.service(
        scope("/console")
            .wrap(from_fn(refused::as_pages))
            .wrap(headers)
            .route("", get().to(entry::home))
            .service(
                resource("/login")
                    .route(get().to(entry::show_login))
                    .route(post().to(entry::log_in)),
            )
            .service(resource("/logout").route(post().to(entry::log_out)))
            .service(resource("/language/{locale}").route(get().to(entry::switch_language)))
            .service(resource("/banks").route(get().to(entry::banks)))
            .service(resource("/banks/{bank}/acts").route(get().to(acts::show)))
            .service(resource("/banks/{bank}/funnel").route(get().to(funnel::show)))
            .service(resource("/banks/{bank}/affected").route(get().to(affected::show)))
            .service(resource("/banks/{bank}/partners").route(get().to(partners::list)))
            .service(resource("/banks/{bank}/partners/{partner}").route(get().to(partners::show)))
            .service(resource("/banks/{bank}/revocations").route(get().to(ended::show)))
            .service(resource("/banks/{bank}/revocations/bulk").route(get().to(bulk::list)))
            .service(
                resource("/banks/{bank}/revocations/bulk/new")
                    .route(get().to(bulk::show_new))
                    .route(post().to(bulk::submit_new)),
            )
            .service(resource("/banks/{bank}/revocations/bulk/{id}").route(get().to(bulk::show)))
            .service(
                resource("/banks/{bank}/revocations/bulk/{id}/{step}")
                    .route(post().to(bulk::submit_step)),
            )
            .service(resource("/banks/{bank}/consents").route(get().to(search::consents)))
            .service(resource("/banks/{bank}/consents.csv").route(get().to(search::consents_csv)))
            .service(
                resource("/banks/{bank}/consents.ndjson").route(get().to(search::consents_ndjson)),
            )
            .service(resource("/banks/{bank}/journeys").route(get().to(search::journeys)))
            .service(resource("/banks/{bank}/journeys.csv").route(get().to(search::journeys_csv)))
            .service(
                resource("/banks/{bank}/journeys.ndjson").route(get().to(search::journeys_ndjson)),
            )
            .service(resource("/banks/{bank}/consents/{grant}").route(get().to(consent::show)))
            .service(
                resource("/banks/{bank}/consents/{grant}/{act}")
                    .route(get().to(consent_act::show))
                    .route(post().to(consent_act::submit)),
            )
            .default_service(web::to(refused::not_found)),
    );
}
