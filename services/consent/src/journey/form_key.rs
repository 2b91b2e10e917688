//! The key of a form: minted with each page, bound to browser, journey, step and revision, spent by
//! the form's first recorded outcome.

use consent_domain::{BankCode, JourneyId, journey::Revision};
use subtle::ConstantTimeEq as _;

use super::cookie::BrowserCookie;
use crate::{app::App, entropy, protocol::shared_key::KeyPurpose};

/// Which form: a key of one form opens no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FormName {
    Login,
    Tasks,
    Accounts,
    Confirm,
    Authorize,
    Cancel,
}

impl FormName {
    fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Tasks => "tasks",
            Self::Accounts => "accounts",
            Self::Confirm => "confirm",
            Self::Authorize => "authorize",
            Self::Cancel => "cancel",
        }
    }
}

/// To whom a form belongs.
pub(super) struct FormOwner<'a> {
    pub app: &'a App,
    pub bank: &'a BankCode,
    pub journey: &'a JourneyId,
    pub cookie: &'a BrowserCookie,
}

/// A key that came back and is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FormKey {
    /// Unique; the command's key.
    pub nonce: String,
    /// The revision that the page showed.
    pub shown: Revision,
    /// Digest of the statement that the page showed; empty where it showed none.
    pub statement: String,
}

impl FormOwner<'_> {
    /// `revision.nonce.statement.mac`; `statement` is a digest in hex of what the page stated, empty
    /// where it stated nothing.
    pub(super) fn mint(&self, form: FormName, shown: Revision, statement: &str) -> String {
        let nonce = entropy::random_token();
        let nonce = nonce.expose();
        let mac = self.mac(form, shown, nonce, statement);
        format!("{}.{nonce}.{statement}.{mac}", shown.0)
    }

    /// The key, if this service minted it for this form of this browser's journey.
    pub(super) fn find(&self, form: FormName, text: &str) -> Option<FormKey> {
        let mut parts = text.split('.');
        let (revision, nonce) = (parts.next()?, parts.next()?);
        let (statement, mac) = (parts.next()?, parts.next()?);
        let shown = Revision(revision.parse().ok()?);
        let ours = self.mac(form, shown, nonce, statement);
        let genuine = bool::from(ours.as_bytes().ct_eq(mac.as_bytes()));
        (genuine && parts.next().is_none()).then(|| FormKey {
            nonce: nonce.to_owned(),
            shown,
            statement: statement.to_owned(),
        })
    }

    fn mac(&self, form: FormName, shown: Revision, nonce: &str, statement: &str) -> String {
        self.app.keys.mac_text(
            KeyPurpose::Form,
            &[
                "form",
                form.as_str(),
                self.bank.as_str(),
                self.journey.as_str(),
                self.cookie.as_str(),
                &shown.0.to_string(),
                nonce,
                statement,
            ],
        )
    }
}
