//! The key of the password's form: bound to ticket and certificate, so that nobody else's page can mint or
//! send the form, and a form of another certificate is refused.

use subtle::ConstantTimeEq as _;

use super::{home::LoginFor, ticket::CertificateTicket};
use crate::{
    app::App, client_certificate::CertificateIdentity, entropy, protocol::shared_key::KeyPurpose,
};

/// To whom a form belongs.
pub(super) struct FormOwner<'a> {
    pub app: &'a App,
    pub login_for: LoginFor,
    pub ticket: &'a CertificateTicket,
    pub certificate: &'a CertificateIdentity,
}

impl FormOwner<'_> {
    /// `nonce.mac`
    pub(super) fn mint(&self) -> String {
        let nonce = entropy::random_token();
        let nonce = nonce.expose();
        format!("{nonce}.{}", self.mac(nonce))
    }

    /// The unique part of a key that this service minted for this owner.
    pub(super) fn find(&self, text: &str) -> Option<String> {
        let (nonce, sent) = text.split_once('.')?;
        let ours = self.mac(nonce);
        let genuine = bool::from(ours.as_bytes().ct_eq(sent.as_bytes()));
        genuine.then(|| nonce.to_owned())
    }

    fn mac(&self, nonce: &str) -> String {
        let (bank, what) = (self.login_for.bank.as_str(), self.login_for.what());
        let (browser, shown) = (&self.ticket.browser, self.certificate.fingerprint());
        self.app.keys.mac_text(
            KeyPurpose::Form,
            &["certificate form", bank, what, browser, &shown, nonce],
        )
    }
}
