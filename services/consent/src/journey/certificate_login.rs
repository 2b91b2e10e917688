//! 電子証明書ログイン on the journey's host: the way to the certificate login's host, and back from it.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use consent_domain::journey::{LoginMethod, Step};

use super::{
    certificate_handover::CertificateHandover,
    certificate_ticket::{CertificateTicket, browser_digest},
    cookie::BrowserCookie,
    form::{find_spent, outcome_of},
    form_key::FormName,
    language,
    login_record::{Authenticated, Sent, record},
    respond::{PageError, page, see_other},
    step2_login::at_login,
    visit::Visit,
};
use crate::{
    app::App,
    pages::{CertificateLoginView, ErrorKind, Shell},
};

type Path = web::Path<(String, String)>;

/// 「電子証明書ログイン」: on to the host that asks for the certificate; where the bank has none here, a
/// page that says so.
pub(super) async fn lead(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
) -> Result<HttpResponse, PageError> {
    let visit = Visit::begin(app, &request, &path).await?;
    let cookie = match at_login(&visit).await {
        Ok(cookie) => cookie,
        Err(elsewhere) => return elsewhere.into_answer(),
    };
    let offered = visit.app.certificate_login.as_ref();
    let Some(host) = offered.filter(|login| login.is_offered_by(&visit.bank)) else {
        return not_offered(&visit, cookie);
    };
    let ticket = CertificateTicket::new(cookie, visit.locale, visit.now).write(
        &visit.app,
        &visit.bank,
        &visit.id,
    );
    let page = visit.url("certificate");
    Ok(see_other(&format!("{}{page}?ticket={ticket}", host.origin)))
}

fn not_offered(visit: &Visit, cookie: &BrowserCookie) -> Result<HttpResponse, PageError> {
    let view = CertificateLoginView {
        shell: Shell {
            cancel: Some(visit.form(cookie, FormName::Cancel, "cancel")),
            ..visit.shell()
        },
        login_url: visit.step_url(Step::Login, None),
    };
    let html = view
        .render(visit.texts())
        .map_err(|error| visit.error(error))?;
    Ok(page(StatusCode::OK, html))
}

/// Takes the result over, once: only here do the proof of the certificate and the browser that began
/// the journey meet, so only here is the login a fact.
pub(super) async fn take_over(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
) -> Result<HttpResponse, PageError> {
    let visit = Visit::begin(app, &request, &path).await?;
    if let Some(end) = visit.to_own_end() {
        return Ok(end);
    }
    let alive = visit
        .session
        .as_ref()
        .is_some_and(|session| session.ended.is_none());
    if alive {
        // It was taken over already, or this browser is further.
        let journey = visit.open().await?;
        return Ok(see_other(&visit.step_url(journey.stage.step(), None)));
    }
    let found = handover(&visit, &request).filter(|handover| !handover.is_over(visit.now));
    let Some(handover) = found else {
        let login = visit.step_url(Step::Login, None);
        return Err(visit.error_with_login(ErrorKind::CertificateLoginExpired, login));
    };
    let Some(cookie) = &visit.cookie else {
        return Err(visit.error(ErrorKind::CookiesRequired));
    };
    // Somebody else's login, perhaps sent by a link.
    if handover.browser != browser_digest(cookie) {
        return Err(visit.error(ErrorKind::JourneyNotFound));
    }
    let content_mac = handover.content_mac(&visit.app);
    let sent = Sent {
        nonce: &handover.nonce,
        content_mac: &content_mac,
        before: cookie,
    };
    let spent = find_spent(&visit, sent.nonce)
        .await
        .map_err(|error| visit.error(error))?;
    let mut response = if let Some(spent) = spent {
        // The first answer was lost on its way: the same one again, with the same session.
        sent.answer(&visit, &outcome_of(&visit, &content_mac, &spent))
    } else {
        if let Err(elsewhere) = at_login(&visit).await {
            return elsewhere.into_answer();
        }
        let subject = handover
            .subject()
            .ok_or_else(|| visit.error(ErrorKind::Internal))?;
        let login = Authenticated {
            subject,
            role: handover.role,
            names: handover.names.clone(),
            method: LoginMethod::Certificate,
            attempt: handover.attempt,
        };
        record(&visit, &sent, login).await?
    };
    if let Some(read_there) = handover.locale().filter(|locale| *locale != visit.locale) {
        // A cookie of printable ASCII: it can't fail.
        let _ = response.add_cookie(&language::remembered(&visit.app, read_there));
    }
    Ok(response)
}

fn handover(visit: &Visit, request: &HttpRequest) -> Option<CertificateHandover> {
    let pairs = url::form_urlencoded::parse(request.query_string().as_bytes());
    let text = pairs.into_iter().find(|(name, _)| name == "handover")?.1;
    CertificateHandover::open(&visit.app, &visit.bank, &visit.id, &text)
}
