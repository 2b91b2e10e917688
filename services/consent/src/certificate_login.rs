//! 電子証明書ログイン, for whatever asks for a login ([`Home`]): step 2 of a journey, and the customer's own
//! page. The way to the host that asks the browser for a certificate, the page there, and the way back.
//!
//! | | where | what |
//! |---|---|---|
//! | [`way_there`] | the home's host | a [`ticket`]: for what, and whose browser may come back |
//! | [`host_routes`] | the host of this login | certificate, password, one guess |
//! | [`brought_back`] | the home's host | a [`handover`]: the result, sealed, for that browser only |
//!
//! Why it is made so: `docs/decisions/0021-certificate-login.md`.

mod form_key;
mod handover;
mod home;
mod host;
mod said;
mod ticket;

use actix_web::{HttpRequest, HttpResponse};

use crate::{
    client_certificate::CertificateLogin,
    journey::{BrowserCookie, PageError, remembered_language},
    pages::ErrorKind,
};
use handover::CertificateHandover;
use ticket::{CertificateTicket, browser_digest};

pub(crate) use home::{Home, LoginFor};
pub(crate) use host::{address, host_routes};

/// The certificate login's host, where the home's bank has its customers log in there.
pub(crate) fn offered<H: Home>(home: &H) -> Option<&CertificateLogin> {
    let login = home.app().certificate_login.as_ref()?;
    login.is_offered_by(&home.login_for().bank).then_some(login)
}

/// Where a browser finds the page of the certificate login, with a ticket that only it can come back on;
/// none where the bank has none here.
pub(crate) fn way_there<H: Home>(home: &H, cookie: &BrowserCookie) -> Option<String> {
    let host = offered(home)?;
    let ticket = CertificateTicket::new(cookie, home.locale(), home.now());
    let ticket = ticket.write(home.app(), &home.login_for());
    let page = host::with_ticket(&home.url("certificate"), &ticket, None);
    Some(format!("{}{page}", host.origin))
}

/// The result of a login that this very browser began here.
///
/// # Errors
/// The page for a result that is too old or not of this login, and for another browser's.
pub(crate) fn brought_back<'h, H: Home>(
    home: &'h H,
    request: &HttpRequest,
) -> Result<(CertificateHandover, &'h BrowserCookie), PageError> {
    let pairs = url::form_urlencoded::parse(request.query_string().as_bytes());
    let handover = pairs
        .into_iter()
        .find(|(name, _)| name == "handover")
        .and_then(|(_, text)| CertificateHandover::open(home.app(), &home.login_for(), &text))
        .filter(|handover| !handover.is_over(home.now()))
        .ok_or_else(|| home.error_at_login(ErrorKind::CertificateLoginExpired))?;
    // Somebody else's login, perhaps sent by a link.
    let own = home
        .cookie()
        .filter(|cookie| handover.browser == browser_digest(cookie));
    match own {
        Some(cookie) => Ok((handover, cookie)),
        None => Err(home.foreign()),
    }
}

/// Goes on in the language that was read on the other host.
pub(crate) fn keep_language<H: Home>(
    home: &H,
    handover: &CertificateHandover,
    response: &mut HttpResponse,
) {
    let read_there = handover.locale().filter(|locale| *locale != home.locale());
    if let Some(locale) = read_there {
        // A cookie of printable ASCII: it can't fail.
        let _ = response.add_cookie(&remembered_language(home.app(), locale));
    }
}
