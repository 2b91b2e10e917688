//! The ticket that a browser takes to the certificate login's host, which has an origin and a cookie jar
//! of its own: it says what the login is for, and whose browser may come back with the result.

use chrono::{DateTime, TimeDelta};
use consent_domain::Instant;
use subtle::ConstantTimeEq as _;

use super::home::LoginFor;
use crate::{
    app::App,
    journey::BrowserCookie,
    pages::Locale,
    protocol::{digest::sha256_hex, shared_key::KeyPurpose},
};

/// How long a customer may take from the link to the password, wrong tries included.
const LIFETIME: TimeDelta = TimeDelta::minutes(5);

/// Proven to be ours, and perhaps too old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CertificateTicket {
    /// Digest of the browser's cookie on the home's host.
    pub browser: String,
    /// What the visitor read there.
    pub locale: Locale,
    pub expires_at: Instant,
}

/// What the certificate login's host knows a browser by: the cookie itself stays on its own host.
pub(super) fn browser_digest(cookie: &BrowserCookie) -> String {
    sha256_hex(format!("certificate login\n{}", cookie.as_str()).as_bytes())
}

impl CertificateTicket {
    /// For a browser that is about to leave for the other host.
    pub(super) fn new(cookie: &BrowserCookie, locale: Locale, now: Instant) -> Self {
        Self {
            browser: browser_digest(cookie),
            locale,
            expires_at: now + LIFETIME,
        }
    }

    /// `expires.locale.browser.mac`
    pub(super) fn write(&self, app: &App, login_for: &LoginFor) -> String {
        let expires = self.expires_at.timestamp();
        let (locale, browser) = (self.locale.tag(), &self.browser);
        let mac = mac(app, login_for, [&expires.to_string(), locale, browser]);
        format!("{expires}.{locale}.{browser}.{mac}")
    }

    /// A ticket of ours for that.
    pub(super) fn find(app: &App, login_for: &LoginFor, text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (expires, locale) = (parts.next()?, parts.next()?);
        let (browser, sent) = (parts.next()?, parts.next()?);
        let ours = mac(app, login_for, [expires, locale, browser]);
        let genuine = bool::from(ours.as_bytes().ct_eq(sent.as_bytes()));
        if !genuine || parts.next().is_some() {
            return None;
        }
        Some(Self {
            browser: browser.to_owned(),
            locale: Locale::find(locale)?,
            expires_at: DateTime::from_timestamp(expires.parse().ok()?, 0)?,
        })
    }
}

fn mac(app: &App, login_for: &LoginFor, parts: [&str; 3]) -> String {
    let [expires, locale, browser] = parts;
    let (bank, what) = (login_for.bank.as_str(), login_for.what());
    app.keys.mac_text(
        KeyPurpose::Form,
        &["certificate ticket", bank, what, expires, locale, browser],
    )
}
