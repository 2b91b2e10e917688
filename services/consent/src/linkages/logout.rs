//! 「ログアウト」.

use actix_web::{HttpRequest, HttpResponse, web};

use super::{
    address::Destination,
    form::{LinkagesForm, ReceivedForm},
    message::Message,
    session,
    visit::Visit,
};
use crate::{
    app::App,
    journey::{PageError, see_other},
};

/// Ends the session; a repeat finds it ended.
///
/// # Errors
/// An error page.
pub(super) async fn submit(
    app: web::Data<App>,
    request: HttpRequest,
    bank: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse, PageError> {
    let visit = Visit::begin(app, &request, &bank).await?;
    let out = see_other(&Destination::List.login_url(&visit.bank, Some(Message::LoggedOut)));
    let at = match visit.customer(Destination::List).await {
        Ok(at) => at,
        Err(_) => return Ok(out),
    };
    let visit = &at.visit;
    let form = ReceivedForm::read(visit, &request, &body)?;
    if form.key(&at.forms(), LinkagesForm::Logout, "").is_none() {
        let list = Destination::List.url(&visit.bank, Some(Message::SendAgain));
        return Ok(see_other(&list));
    }
    session::end(&visit.app.pool, &at.cookie)
        .await
        .map_err(|error| visit.error(error))?;
    Ok(out)
}
