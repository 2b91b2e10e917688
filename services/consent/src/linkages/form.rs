//! The forms of these pages: strictly read, each with a key that is bound to browser, form and what it is
//! about, and spent by its first recorded outcome.

use actix_web::{HttpRequest, HttpResponse, web};
use consent_domain::BankCode;
use subtle::ConstantTimeEq as _;
use tracing::Instrument as _;

use super::{
    address::Destination,
    linkage::Linkage,
    message::Message,
    visit::{AtPage, Elsewhere, Visit},
};
use crate::{
    app::App,
    entropy,
    journey::{BrowserCookie, PageError, see_other},
    lifecycle::{Order, act_key},
    pages::ErrorKind,
    protocol::{
        form::{Fields, Limits, is_form},
        shared_key::KeyPurpose,
    },
    store::{Actor, sql_span},
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
        let not_accepted = || visit.error(ErrorKind::FormNotAccepted);
        if !is_form(request.headers()) {
            return Err(not_accepted());
        }
        let mut fields = Fields::parse(body, Limits::PAGE).map_err(|error| {
            tracing::info!(%error, "a form was refused");
            not_accepted()
        })?;
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

/// A form by which a logged-in customer acts on a linkage.
pub(super) struct Submission {
    pub linkage: Linkage,
    pub key: FormKey,
}

impl Submission {
    /// Reads it: the linkage is the contract's own, the key is this session's for this act on it.
    ///
    /// # Errors
    /// Where to go instead: for a key of another session the linkage's page, where the act can be begun
    /// anew.
    pub(super) async fn read(
        at: &AtPage<'_>,
        (grant, about): (&str, &str),
        form: LinkagesForm,
        (request, body): (&HttpRequest, &web::Bytes),
    ) -> Result<Self, Elsewhere> {
        let received = ReceivedForm::read(at.visit, request, body)?;
        let linkage = Linkage::find(at, grant).await?;
        match received.key(&at.forms(), form, about) {
            Some(key) => Ok(Self { linkage, key }),
            None => Err(leads_to(at, &linkage, Message::SendAgain).into()),
        }
    }

    /// Whether this very form did its act before.
    ///
    /// # Errors
    /// The error page for a database that is down.
    pub(super) async fn is_done(&self, at: &AtPage<'_>) -> Result<bool, PageError> {
        let visit = at.visit;
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM command_keys WHERE bank = $1 AND command_key = $2)",
        )
        .bind(visit.bank.as_str())
        .bind(act_key(&self.key.nonce))
        .fetch_one(&visit.app.pool)
        .instrument(sql_span("find spent"))
        .await
        .map_err(|error| visit.error(error))
    }

    /// Who wants the act, and how a repeat of it is known.
    pub(super) fn order(&self, at: &AtPage<'_>) -> Order {
        Order {
            actor: Actor::Customer(Some(at.session.subject.user.to_string())),
            key: Some(self.key.nonce.clone()),
            causation_id: Some(at.session.attempt),
            request: Some(at.visit.context.clone()),
        }
    }
}

/// On to a linkage's page, with a word where there is one to say.
pub(super) fn leads_to(
    at: &AtPage<'_>,
    linkage: &Linkage,
    message: impl Into<Option<Message>>,
) -> HttpResponse {
    let page = Destination::Linkage(linkage.grant.clone());
    see_other(&page.url(&at.visit.bank, message.into()))
}
