//! Headers of every answer.

use std::collections::BTreeSet;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::middleware::DefaultHeaders;

use crate::settings::{PublicScheme, Settings};

/// Strict headers; a handler that sets one of them itself keeps its own.
pub(crate) fn security_headers(settings: &Settings) -> DefaultHeaders {
    let headers = DefaultHeaders::new()
        .add((CONTENT_SECURITY_POLICY, content_security_policy(settings)))
        .add((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((X_FRAME_OPTIONS, "DENY"))
        // The redirect's address holds a code.
        .add((REFERRER_POLICY, "no-referrer"))
        .add((CACHE_CONTROL, "no-store"));
    match settings.public_url.scheme() {
        PublicScheme::Http => headers,
        // It would bind every other program of this machine.
        PublicScheme::Https if settings.public_url.is_localhost() => headers,
        PublicScheme::Https => headers.add((STRICT_TRANSPORT_SECURITY, "max-age=31536000")),
    }
}

/// `form-action` also governs the redirects that follow a form (CSP 3, 6.4.1), so that the banks'
/// origins stand there too: the form of the bank list is answered by a redirect to one of them.
fn content_security_policy(settings: &Settings) -> String {
    let origins: BTreeSet<String> = settings
        .banks
        .iter()
        .map(|bank| bank.issuer.url().origin().ascii_serialization())
        .collect();
    let form_action = origins.into_iter().collect::<Vec<_>>().join(" ");
    format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {form_action}; \
         frame-ancestors 'none'; base-uri 'none'"
    )
}
