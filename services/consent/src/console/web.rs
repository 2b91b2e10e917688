//! The console's handlers: requests in, data read and acts done, pages out.

mod acts;
mod address;
mod affected;
mod bulk;
mod consent;
mod consent_act;
mod cursor;
mod edit;
mod ended;
mod entry;
mod files;
mod funnel;
mod names_at_bank;
mod partner_act;
mod partners;
mod platform;
mod platform_orders;
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
            .service(
                resource("/banks/{bank}/partners/{partner}/{act}")
                    .route(get().to(partner_act::show))
                    .route(post().to(partner_act::submit)),
            )
            .configure(of_the_platform)
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
            .service(resource("/banks/{bank}/journeys").route(get().to(search::journeys)))
            .service(
                resource("/banks/{bank}/{what:consents|journeys}.{format:csv|ndjson}")
                    .route(get().to(files::show)),
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

/// Longest form about a partner's record, in bytes: 50 recipients of 200 letters, and 10 keys.
const RECORD_FORM_BYTES_MAX: usize = 256 * 1024;

/// What is the same at every bank.
fn of_the_platform(config: &mut ServiceConfig) {
    let at = |rest: &str| {
        let forms = web::FormConfig::default().limit(RECORD_FORM_BYTES_MAX);
        resource(format!("/platform/partners{rest}")).app_data(forms)
    };
    config
        .service(at("").route(get().to(platform::list)))
        .service(
            at("/new")
                .route(get().to(platform::show_new))
                .route(post().to(platform::submit_new)),
        )
        .service(at("/{partner}").route(get().to(platform::show)))
        .service(
            at("/{partner}/{act}")
                .route(get().to(platform::show_act))
                .route(post().to(platform::submit_act)),
        );
}
