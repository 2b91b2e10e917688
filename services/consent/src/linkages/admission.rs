//! What a login leaves behind, whatever way it came: a session, and the cookie that opens it.

use actix_web::HttpResponse;

use super::{
    address::Destination,
    message::Message,
    session::{self, Opened},
    visit::Visit,
};
use crate::{
    journey::{PageError, Sent, find_spent, see_other},
    pages::ErrorKind,
    store::CommandKey,
};

/// The answer that was given before to what is sent again, and with it the cookie that it set.
///
/// # Errors
/// The error page for a database that is down.
pub(super) async fn repeated(
    visit: &Visit,
    sent: &Sent<'_>,
    to: &Destination,
) -> Result<Option<HttpResponse>, PageError> {
    let spent = find_spent(&visit.app.pool, &visit.bank, sent.nonce)
        .await
        .map_err(|error| visit.error(error))?;
    Ok(spent.map(|spent| {
        if spent.content_mac == sent.content_mac {
            admitted(visit, sent, &spent.outcome)
        } else {
            see_other(&to.login_url(&visit.bank, Some(Message::AlreadySent)))
        }
    }))
}

/// Opens the session, and leads to the page that was asked for.
///
/// # Errors
/// The error page.
pub(super) async fn open(
    visit: &Visit,
    sent: &Sent<'_>,
    login: &Opened,
    to: &Destination,
) -> Result<HttpResponse, PageError> {
    let cookie = sent.session(&visit.app);
    let sealed = login
        .names
        .seal(&cookie)
        .ok_or_else(|| visit.error(ErrorKind::Internal))?;
    let outcome = to.url(&visit.bank, None);
    let command_key = CommandKey {
        key: sent.nonce.to_owned(),
        content_mac: sent.content_mac.to_vec(),
        outcome: outcome.clone(),
        if_unchanged: None,
    };
    session::open(
        &visit.app.pool,
        (visit.bank.as_str(), visit.record.settings.idle_seconds),
        (&cookie, sealed),
        login,
        &command_key,
    )
    .await
    .map_err(|error| visit.error(error))?;
    Ok(admitted(visit, sent, &outcome))
}

/// 303, with the session's cookie: the same however often it is repeated.
fn admitted(visit: &Visit, sent: &Sent<'_>, outcome: &str) -> HttpResponse {
    let cookie = sent.session(&visit.app);
    let mut response = see_other(outcome);
    // A cookie of printable ASCII: it can't fail.
    let _ = response.add_cookie(&cookie.set_at_linkages(&visit.app, &visit.bank));
    response
}
