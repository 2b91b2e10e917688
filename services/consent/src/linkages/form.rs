//! The forms of these pages: strictly read, each with a key that is bound to browser, form and what it is
//! about, and spent by its first recorded outcome.

use actix_web::{HttpRequest, HttpResponse, web};
use consent_domain::BankCode;
use subtle::ConstantTimeEq as _;

use super::{
    address::Destination,
    linkage::Linkage,
    message::Message,
    visit::{AtPage, Visit},
};
use crate::{
    app::App,
    entropy,
    journey::{BrowserCookie, PageError, see_other},
    pages::ErrorKind,
    protocol::{form::Fields, shared_key::KeyPurpose},
};

/// Which form: a key of one form opens no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LinkagesForm {
    Login,
    Logout,
    End,
    Remove,
    Renew,
    TakeOver,
}

impl LinkagesForm {
    fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Logout => "logout",
            Self::End => "end",
            Self::Remove => "remove",
            Self::Renew => "renew",
            Self::TakeOver => "take_over",
        }
    }
}

/// The forms of a browser.
pub(super) struct Forms<'a> {
    pub app: &'a App,
    pub bank: &'a BankCode,
    pub cookie: &'a BrowserCookie,
}

/// A key that came back and is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FormKey {
    /// Unique; the command's key.
    pub nonce: String,
    /// Digest of what the page stated; empty where it stated nothing that has to hold.
    pub statement: String,
}

impl Forms<'_> {
    /// `nonce.statement.mac`; `about` is what the form acts on.
    pub(super) fn mint(&self, form: LinkagesForm, about: &str, statement: &str) -> String {
        let nonce = entropy::random_token();
        let nonce = nonce.expose();
        let mac = self.mac(form, about, (nonce, statement));
        format!("{nonce}.{statement}.{mac}")
    }

    /// The key, if this service minted it for this form of this browser.
    pub(super) fn find(&self, form: LinkagesForm, about: &str, text: &str) -> Option<FormKey> {
        let mut parts = text.split('.');
        let (nonce, statement, mac) = (parts.next()?, parts.next()?, parts.next()?);
        let ours = self.mac(form, about, (nonce, statement));
        let genuine = bool::from(ours.as_bytes().ct_eq(mac.as_bytes()));
        (genuine && parts.next().is_none()).then(|| FormKey {
            nonce: nonce.to_owned(),
            statement: statement.to_owned(),
        })
    }

    fn mac(&self, form: LinkagesForm, about: &str, (nonce, statement): (&str, &str)) -> String {
        self.app.keys.mac_text(
            KeyPurpose::Form,
            &[
                "linkages form",
                form.as_str(),
                self.bank.as_str(),
                about,
                self.cookie.as_str(),
                nonce,
                statement,
            ],
        )
    }
}

/// A form as it came.
pub(super) struct ReceivedForm {
    pub fields: Fields,
    /// Keyed digest of everything that was sent.
    pub content_mac: Vec<u8>,
    /// What was sent as the form's key, ours or not.
    pub sent_key: Option<String>,
}

impl ReceivedForm {
    /// Reads a form strictly: type, size, encoding.
    ///
    /// # Errors
    /// The error page.
    pub(super) fn read(
        visit: &Visit,
        request: &HttpRequest,
        body: &web::Bytes,
    ) -> Result<Self, PageError> {
        let mut fields = Fields::of_page(request.headers(), body)
            .ok_or_else(|| visit.error(ErrorKind::FormNotAccepted))?;
        let content_key = visit.app.keys.shared(KeyPurpose::Content);
        let sent_key = fields.take_one("form_key").ok();
        Ok(Self {
            fields,
            content_mac: content_key.mac(&[body]).to_vec(),
            sent_key: sent_key.as_deref().cloned(),
        })
    }

    /// The form's key, where it is this browser's for this form.
    pub(super) fn key(
        &self,
        forms: &Forms<'_>,
        form: LinkagesForm,
        about: &str,
    ) -> Option<FormKey> {
        forms.find(form, about, self.sent_key.as_deref()?)
    }
}

/// On to a linkage's page, with a word where there is one to say.
pub(super) fn leads_to(
    at: &AtPage,
    linkage: &Linkage,
    message: impl Into<Option<Message>>,
) -> HttpResponse {
    let page = Destination::Linkage(linkage.grant.clone());
    see_other(&page.url(&at.visit.bank, message.into()))
}
