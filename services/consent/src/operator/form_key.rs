//! The key of a console's form: bound to the browser's session and to the form, so that no other site can
//! send it. Its nonce is unique, and may be the key of the command that follows.

use subtle::ConstantTimeEq as _;

use super::session::SessionCookie;
use crate::{app::App, entropy, protocol::shared_key::KeyPurpose};

/// A key for a form of that name, shown to that browser: `nonce.mac`.
pub fn mint(app: &App, cookie: &SessionCookie, form: &str) -> String {
    let nonce = entropy::random_token();
    let nonce = nonce.expose();
    format!("{nonce}.{}", mac(app, cookie, form, nonce))
}

/// The nonce, if this service minted the key for this form of this browser.
pub fn find(app: &App, cookie: &SessionCookie, form: &str, key: &str) -> Option<String> {
    let (nonce, sent) = key.split_once('.')?;
    let ours = mac(app, cookie, form, nonce);
    bool::from(ours.as_bytes().ct_eq(sent.as_bytes())).then(|| nonce.to_owned())
}

fn mac(app: &App, cookie: &SessionCookie, form: &str, nonce: &str) -> String {
    let parts = ["operator form", form, cookie.as_str(), nonce];
    app.keys.mac_text(KeyPurpose::Form, &parts)
}
