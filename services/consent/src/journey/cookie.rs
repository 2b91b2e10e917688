//! The browser's cookie: a random id and nothing else, one per journey, a new one at login.

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time::Duration},
};
use consent_domain::{BankCode, JourneyId};

use crate::{
    app::{App, CookiePolicy},
    protocol::{digest::sha256, shared_key::KeyPurpose},
};

/// What the browser holds for a journey: before login any random id, then the bank session's, at
/// the end one that is good for nothing but the end page.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct BrowserCookie(String);

/// The length of every cookie value of ours: 32 bytes in base64url.
const VALUE_LENGTH: usize = 43;

fn name(app: &App, journey: &JourneyId) -> String {
    let prefix = app.cookies.prefix();
    // One cookie per journey, so that two journeys may run side by side in one browser.
    format!("{prefix}renkei-{journey}")
}

impl BrowserCookie {
    pub(super) fn mint() -> Self {
        Self(crate::entropy::random_token().expose().to_owned())
    }

    pub(super) fn find(app: &App, request: &HttpRequest, journey: &JourneyId) -> Option<Self> {
        let value = request.cookie(&name(app, journey))?.value().to_owned();
        let fits = value.len() == VALUE_LENGTH
            && value
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        fits.then_some(Self(value))
    }

    /// The bank session's cookie that this login form, from this browser, opens: the same however
    /// often the form is repeated.
    pub(super) fn of_session(app: &App, form_key: &str, before: &Self) -> Self {
        Self(
            app.keys
                .mac_text(KeyPurpose::Form, &["session", form_key, &before.0]),
        )
    }

    /// What stands for a cookie on the certificate login's host, where none is set: who may come back,
    /// and the certificate.
    pub(super) fn of_certificate_host(app: &App, browser: &str, fingerprint: &str) -> Self {
        let parts = ["certificate host", browser, fingerprint];
        Self(app.keys.mac_text(KeyPurpose::Form, &parts))
    }

    /// The cookie that allows the end page of a journey, and nothing else.
    pub(super) fn of_end(app: &App, bank: &BankCode, journey: &JourneyId) -> Self {
        Self(
            app.keys
                .mac_text(KeyPurpose::Form, &["end", bank.as_str(), journey.as_str()]),
        )
    }

    /// What the database knows it by.
    pub(super) fn hash(&self) -> [u8; 32] {
        sha256(self.0.as_bytes())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The `Set-Cookie` of it, for the rest of the journey.
    pub(super) fn set(&self, app: &App, journey: &JourneyId) -> Cookie<'static> {
        Cookie::build(name(app, journey), self.0.clone())
            .path("/")
            .http_only(true)
            // Lax: the browser comes from the partner's page, by a link or a redirect.
            .same_site(SameSite::Lax)
            .secure(app.cookies == CookiePolicy::HostOnly)
            .max_age(Duration::hours(2))
            .finish()
    }
}
