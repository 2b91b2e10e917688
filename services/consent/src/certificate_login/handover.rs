//! The result of a certificate login on its way back to where it began: sealed, for one browser, for a
//! minute, once. Nothing of it is stored before it arrives.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta};
use consent_domain::{ContractId, Instant, UserId, journey::UserRole};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::home::LoginFor;
use crate::{
    app::App, bank_port::Subject, journey::Names, pages::Locale, protocol::shared_key::KeyPurpose,
    sealed,
};

const LIFETIME: TimeDelta = TimeDelta::seconds(60);
/// A sealed handover is some 600 characters; far longer ones are not ours.
const LONGEST: usize = 4096;

/// A certificate login that the bank let in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CertificateHandover {
    /// Of the form; the command's key, so that one handover wins.
    pub nonce: String,
    /// The only browser that may bring it, by the digest of its cookie.
    pub(super) browser: String,
    contract: String,
    user: String,
    pub role: UserRole,
    pub names: Names,
    /// The bank's attempt that the login is.
    pub attempt: Uuid,
    locale: String,
    /// In seconds since 1970.
    expires: i64,
}

/// What was proven on the certificate login's host.
pub(super) struct Proven {
    pub nonce: String,
    pub browser: String,
    pub subject: Subject,
    pub role: UserRole,
    pub names: Names,
    pub attempt: Uuid,
    pub locale: Locale,
}

impl CertificateHandover {
    pub(super) fn new(proven: Proven, now: Instant) -> Self {
        Self {
            nonce: proven.nonce,
            browser: proven.browser,
            contract: proven.subject.contract.to_string(),
            user: proven.subject.user.to_string(),
            role: proven.role,
            names: proven.names,
            attempt: proven.attempt,
            locale: proven.locale.tag().to_owned(),
            expires: (now + LIFETIME).timestamp(),
        }
    }

    /// Encrypted: it travels in an address.
    pub(super) fn seal(&self, app: &App, login_for: &LoginFor) -> Option<String> {
        let plain = serde_json::to_vec(self).ok()?;
        let sealed = sealed::seal(&key(app), &name(login_for), &plain)?;
        Some(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// One of ours for that.
    pub(super) fn open(app: &App, login_for: &LoginFor, text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let plain = sealed::open(&key(app), &name(login_for), &sealed)?;
        serde_json::from_slice(&plain).ok()
    }

    /// Who logged in.
    pub(crate) fn subject(&self) -> Option<Subject> {
        Some(Subject {
            contract: ContractId::parse(self.contract.as_str()).ok()?,
            user: UserId::parse(self.user.as_str()).ok()?,
        })
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        DateTime::from_timestamp(self.expires, 0).is_none_or(|at| at <= now)
    }

    /// What the visitor read last.
    pub(super) fn locale(&self) -> Option<Locale> {
        Locale::find(&self.locale)
    }

    /// What tells one handover's use from another's under the same key.
    pub(crate) fn content_mac(&self, app: &App) -> Vec<u8> {
        let attempt = self.attempt.to_string();
        let parts = ["certificate handover", &self.nonce, &attempt];
        app.keys.shared(KeyPurpose::Content).mac(&parts).to_vec()
    }
}

/// A key of its own, from the forms' key, which the replicas share.
fn key(app: &App) -> [u8; 32] {
    app.keys
        .shared(KeyPurpose::Form)
        .mac(&["key of certificate handovers"])
}

fn name(login_for: &LoginFor) -> String {
    let (bank, what) = (&login_for.bank, login_for.what());
    format!("certificate handover of {bank} {what}")
}
