//! The session of a request.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite};

use crate::application::Services;
use crate::secret::Secret;
use crate::settings::PublicScheme;
use crate::store::Session;

/// The browser ties a `__Host-` cookie to this host and TLS; without TLS it takes no such cookie.
fn cookie_name(services: &Services) -> &'static str {
    match services.settings.public_url.scheme() {
        PublicScheme::Http => "kaikei_session",
        PublicScheme::Https => "__Host-kaikei_session",
    }
}

/// The session whose cookie came with the request.
pub(super) fn find(request: &HttpRequest, services: &Services) -> Option<Arc<Session>> {
    let cookie = request.cookie(cookie_name(services))?;
    services
        .sessions
        .find(&Secret::new(cookie.value()), services.clock.now())
}

/// The session, and for a new one the cookie to set. `SameSite=Lax`: the way back from the bank is
/// a plain link or redirect, which carries it; forms of other sites don't.
pub(super) fn find_or_create(
    request: &HttpRequest,
    services: &Services,
) -> (Arc<Session>, Option<Cookie<'static>>) {
    if let Some(session) = find(request, services) {
        return (session, None);
    }
    let (id, session) = services.sessions.create(services.clock.now());
    let cookie = Cookie::build(cookie_name(services), id.reveal().to_owned())
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(services.settings.public_url.scheme() == PublicScheme::Https)
        .path("/")
        .finish();
    (session, Some(cookie))
}
