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
pub(crate) struct BrowserCookie(String);

/// The length of every cookie value of ours: 32 bytes in base64url.
const VALUE_LENGTH: usize = 43;

/// One cookie per journey, so that two journeys may run side by side in one browser.
fn name(app: &App, journey: &JourneyId) -> String {
    format!("{}renkei-{journey}", app.cookies.prefix())
}

/// One per bank for the page on which a customer checks and ends linkages.
fn name_at_linkages(app: &App, bank: &BankCode) -> String {
    format!("{}renkei-linkages-{bank}", app.cookies.prefix())
}

impl BrowserCookie {
    pub(crate) fn mint() -> Self {
        Self(crate::entropy::random_token().expose().to_owned())
    }

    pub(super) fn find(app: &App, request: &HttpRequest, journey: &JourneyId) -> Option<Self> {
        Self::named(request, &name(app, journey))
    }

    /// The one of the customer's own page at that bank.
    pub(crate) fn find_at_linkages(
        app: &App,
        request: &HttpRequest,
        bank: &BankCode,
    ) -> Option<Self> {
        Self::named(request, &name_at_linkages(app, bank))
    }

    fn named(request: &HttpRequest, name: &str) -> Option<Self> {
        let value = request.cookie(name)?.value().to_owned();
        let fits = value.len() == VALUE_LENGTH
            && value
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        fits.then_some(Self(value))
    }

    /// The bank session's cookie that this login form, from this browser, opens: the same however
    /// often the form is repeated.
    pub(crate) fn of_session(app: &App, form_key: &str, before: &Self) -> Self {
        Self(
            app.keys
                .mac_text(KeyPurpose::Form, &["session", form_key, &before.0]),
        )
    }

    /// The cookie that allows the end page of a journey, and nothing else.
    pub(super) fn of_end(app: &App, bank: &BankCode, journey: &JourneyId) -> Self {
        Self(
            app.keys
                .mac_text(KeyPurpose::Form, &["end", bank.as_str(), journey.as_str()]),
        )
    }

    /// What the database knows it by.
    pub(crate) fn hash(&self) -> [u8; 32] {
        sha256(self.0.as_bytes())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The `Set-Cookie` of it, for the rest of the journey.
    pub(super) fn set(&self, app: &App, journey: &JourneyId) -> Cookie<'static> {
        self.set_as(app, name(app, journey))
    }

    /// The `Set-Cookie` of it for the customer's own page at that bank.
    pub(crate) fn set_at_linkages(&self, app: &App, bank: &BankCode) -> Cookie<'static> {
        self.set_as(app, name_at_linkages(app, bank))
    }

    fn set_as(&self, app: &App, name: String) -> Cookie<'static> {
        Cookie::build(name, self.0.clone())
            .path("/")
            .http_only(true)
            // Lax: the browser comes from the partner's page, by a link or a redirect.
            .same_site(SameSite::Lax)
            .secure(app.cookies == CookiePolicy::HostOnly)
            .max_age(Duration::hours(2))
            .finish()
    }
}
