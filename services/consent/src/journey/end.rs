//! The ways out: cancel, decline, and the end page.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use consent_domain::journey::{EndJourney, Journey, JourneyEnd, JourneyRefusal, Step};

use super::{
    cookie::BrowserCookie,
    form::{ReceivedForm, refused_step},
    form_key::FormName,
    respond::{PageError, command_failed, page, see_other},
    visit::Visit,
};
use crate::{
    app::App,
    pages::{DoneView, ErrorKind, Forwarding, NoticeKind, NoticeView, Outcome},
    protocol::{
        authorization_response::{AuthorizationError, success_url},
        code,
        shared_key::KeyPurpose,
    },
    store::{CommandError, CommandKey, Spent},
};

type Path = web::Path<(String, String)>;

/// Cancel, on every page before step 6; decline, at step 6.
pub(super) async fn submit(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
    body: web::Bytes,
) -> Result<HttpResponse, PageError> {
    let visit = Visit::begin(app, &request, &path).await?;
    let mut form = ReceivedForm::read(&visit, &request, &body)?;
    let Some(cookie) = &visit.cookie else {
        return Err(visit.error(ErrorKind::CookiesRequired));
    };
    // Sent again after the end.
    if visit.is_at_end() {
        return Ok(see_other(&visit.url("done")));
    }
    let key = match form.key(&visit, cookie, FormName::Cancel) {
        Ok(key) => key,
        Err(elsewhere) => return elsewhere.into_answer(),
    };
    let outcome = visit.url("done");
    if let Some(outcome) = form.repeated(&visit, &key).await? {
        return Ok(to_end_page(&visit, &outcome));
    }
    if let Some(end) = visit.to_own_end() {
        return Ok(end);
    }
    let journey = visit.open().await?;
    // After a login only the browser that logged in may end the journey.
    if journey.stage.login().is_some() && visit.session.is_none() {
        return Err(visit.error(ErrorKind::JourneyNotFound));
    }
    let command_key = form.command_key(&key, outcome.clone());
    match execute(&visit, EndJourney::ByCustomer, Some(command_key)).await {
        Ok(EndedNow::Done) => Ok(to_end_page(&visit, &outcome)),
        Ok(EndedNow::Repeated(spent)) => Ok(to_end_page(&visit, &form.outcome_of(&visit, &spent))),
        Ok(EndedNow::Refused(refusal)) => refused_step(&visit, &refusal).await,
        Err(kind) => Err(visit.error(kind)),
    }
}

/// What ending a journey came to.
pub(super) enum EndedNow {
    Done,
    Repeated(Spent),
    Refused(JourneyRefusal),
}

/// Ends the journey, takes back the registrations that it made, and ends its bank sessions, at once.
pub(super) async fn execute(
    visit: &Visit,
    how: EndJourney,
    key: Option<CommandKey>,
) -> Result<EndedNow, ErrorKind> {
    let subject = visit.session.as_ref().map(|session| &session.subject);
    let context = visit.command(subject, key);
    let ended = crate::journey_end::end_journey(
        &visit.app.bus,
        &visit.bank,
        &visit.id,
        &visit.journey,
        how,
        context,
    )
    .await;
    match ended {
        Ok(None) => Ok(EndedNow::Done),
        Ok(Some(spent)) => Ok(EndedNow::Repeated(spent)),
        Err(CommandError::Refused(refusal)) => Ok(EndedNow::Refused(refusal)),
        Err(error) => Err(command_failed(&error)),
    }
}

/// 303 to the end page, with the cookie that lets it be seen and nothing else.
pub(super) fn to_end_page(visit: &Visit, outcome: &str) -> HttpResponse {
    let mut response = see_other(outcome);
    let end = BrowserCookie::of_end(&visit.app, &visit.bank, &visit.id);
    // A cookie of printable ASCII: it can't fail.
    let _ = response.add_cookie(&end.set(&visit.app, &visit.id));
    response
}

/// The end page: 「団体IBは終了しました」, and on to the partner.
pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
) -> Result<HttpResponse, PageError> {
    let visit = Visit::begin(app, &request, &path).await?;
    if !visit.is_at_end() {
        return Err(visit.error(ErrorKind::JourneyNotFound));
    }
    let Journey::Ended(ended) = &visit.journey else {
        return Err(visit.error(ErrorKind::JourneyNotFound));
    };
    match &ended.end {
        JourneyEnd::Authorized { .. } => authorized(&visit).await,
        JourneyEnd::Cancelled { step } => {
            let forwarding = match step {
                // Never an automatic redirect before a login.
                Step::Login => Forwarding::OnClick,
                _ => Forwarding::Immediate,
            };
            denied(&visit, Outcome::Cancelled, forwarding)
        }
        JourneyEnd::Declined => denied(&visit, Outcome::Declined, Forwarding::Immediate),
        JourneyEnd::TimedOut { .. } => denied(&visit, Outcome::TimedOut, Forwarding::OnClick),
        JourneyEnd::Failed { .. } => Err(visit.error(ErrorKind::JourneyEnded)),
    }
}

/// With the code, while it is unused and young; after that only a word that all is done.
async fn authorized(visit: &Visit) -> Result<HttpResponse, PageError> {
    let found = code::find_by_journey(&visit.app.pool, &visit.bank, &visit.id)
        .await
        .map_err(|error| visit.error(error))?;
    let live = found.filter(|row| row.used_at.is_none() && row.expires_at > visit.now);
    let Some(row) = live else {
        let view = NoticeView {
            shell: visit.shell(),
            kind: NoticeKind::Completed,
            link: None,
        };
        let html = view
            .render(visit.texts())
            .map_err(|error| visit.error(error))?;
        return Ok(page(StatusCode::OK, html));
    };
    let code = code::derive(
        visit.app.keys.shared(KeyPurpose::Code),
        &visit.bank,
        row.code_id,
    );
    let issuer = visit.app.issuer(&visit.bank);
    let url = success_url(
        &row.redirect_uri,
        &code,
        visit.parameters.find("state"),
        &issuer,
    );
    done_page(
        visit,
        Outcome::Authorized,
        url.expose().to_owned(),
        Forwarding::Immediate,
    )
}

fn denied(
    visit: &Visit,
    outcome: Outcome,
    forwarding: Forwarding,
) -> Result<HttpResponse, PageError> {
    let url = visit
        .partner_error_url(AuthorizationError::AccessDenied)
        .ok_or_else(|| visit.error(ErrorKind::Internal))?;
    done_page(visit, outcome, url, forwarding)
}

fn done_page(
    visit: &Visit,
    outcome: Outcome,
    continue_url: String,
    forwarding: Forwarding,
) -> Result<HttpResponse, PageError> {
    let view = DoneView {
        shell: visit.shell(),
        outcome,
        continue_url,
        linkages_url: (outcome == Outcome::Authorized).then(|| crate::linkages::path(&visit.bank)),
        forwarding,
    };
    let html = view
        .render(visit.texts())
        .map_err(|error| visit.error(error))?;
    Ok(page(StatusCode::OK, html))
}
