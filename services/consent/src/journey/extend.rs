//! More time for the page that is open: what its script asks for instead of loading the page anew.

use actix_web::{HttpRequest, HttpResponse, web};
use consent_domain::journey::Step;

use super::{respond::PageError, session, visit::Visit};
use crate::app::App;

/// Touches the bank session, and tells the deadline from now on as JSON
/// ([`crate::pages::DeadlineWords`]). Nothing of the journey changes.
///
/// # Errors
/// As a page of the journey: 303 to the login after the session's end, or an error page.
pub(super) async fn extend(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, PageError> {
    let visit = Visit::begin(app, &request, &path).await?;
    // The first step with a session: whichever step is the current one, it is not before it.
    let at = match visit.at_step(Step::Tasks).await {
        Ok(at) => at,
        Err(elsewhere) => return elsewhere.into_answer(),
    };
    session::touch(&visit.app.pool, at.cookie)
        .await
        .map_err(|error| visit.error(error))?;
    let deadline = at.deadline(at.journey.stage.step());
    Ok(HttpResponse::Ok().json(deadline.words(visit.texts())))
}
