//! The login of these pages, by ログインID and password; the same limits and locks as step 2's.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use consent_domain::journey::LoginMethod;
use renkei_proto::bank::v1::LoginRefusal;

use super::{
    address::Destination,
    admission::{open, repeated},
    certificate_login::BeforeLogin,
    form::{Forms, LinkagesForm, ReceivedForm},
    message::Message,
    session::{self, Opened},
    visit::{AtPage, Visit},
};
use crate::{
    app::App,
    bank_port::LoginOutcome,
    journey::{
        BrowserCookie, LoginTry, Names, PageError, Sent, TypedLogin, bank_failed, see_other,
        try_login,
    },
    pages::{ErrorKind, FormTarget, LinkagesLoginView, LoginProblem},
};

/// Shows the login; on to the pages where somebody is logged in.
///
/// # Errors
/// An error page.
pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    bank: web::Path<String>,
) -> Result<HttpResponse, PageError> {
    let before = BeforeLogin::begin(app, &request, &bank).await?;
    if let Some(onwards) = before.onwards() {
        return Ok(onwards);
    }
    let visit = &before.visit;
    let message = Message::of(&request);
    // A cookie that was a session's is good for no other.
    let (cookie, minted) = match (&visit.cookie, &visit.session) {
        (Some(cookie), None) => (cookie.clone(), None),
        _ => {
            let cookie = BrowserCookie::mint();
            let set = cookie.set_at_linkages(&visit.app, &visit.bank);
            (cookie, Some(set))
        }
    };
    let problem = message.and_then(|message| message.problem(lock_minutes(visit)));
    let mut response = login_page(&before, &cookie, message, problem)?;
    if let Some(set) = minted {
        // A cookie of printable ASCII: it can't fail.
        let _ = response.add_cookie(&set);
    }
    Ok(response)
}

fn lock_minutes(visit: &Visit) -> u32 {
    visit.record.settings.login_lock_seconds.div_ceil(60)
}

fn login_page(
    before: &BeforeLogin,
    cookie: &BrowserCookie,
    message: Option<Message>,
    problem: Option<LoginProblem>,
) -> Result<HttpResponse, PageError> {
    let BeforeLogin { visit, to } = before;
    let missing = matches!(
        problem,
        Some(LoginProblem::LoginIdMissing | LoginProblem::PasswordMissing)
    );
    let view = LinkagesLoginView {
        frame: visit.frame(message.and_then(Message::notice)),
        form: FormTarget {
            action: to.login_url(&visit.bank, None),
            form_key: forms(visit, cookie).mint(LinkagesForm::Login, "", ""),
        },
        certificate_login_url: before.certificate_login_url(),
        problems: problem.into_iter().collect(),
    };
    let status = if missing {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    visit.page(status, view.render(visit.texts()))
}

fn forms<'a>(visit: &'a Visit, cookie: &'a BrowserCookie) -> Forms<'a> {
    Forms {
        app: &visit.app,
        bank: &visit.bank,
        cookie,
    }
}

/// 「ログイン」
///
/// # Errors
/// An error page.
pub(super) async fn submit(
    app: web::Data<App>,
    request: HttpRequest,
    bank: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse, PageError> {
    let before = BeforeLogin::begin(app, &request, &bank).await?;
    let (visit, to) = (&before.visit, &before.to);
    let mut form = ReceivedForm::read(visit, &request, &body)?;
    let Some(cookie) = &visit.cookie else {
        return Err(visit.error(ErrorKind::CookiesRequired));
    };
    let Some(key) = form.key(&forms(visit, cookie), LinkagesForm::Login, "") else {
        // Another tab logged in meanwhile, or this very form did, whose answer was not waited for.
        let again = || see_other(&to.login_url(&visit.bank, Some(Message::SendAgain)));
        return Ok(before.onwards().unwrap_or_else(again));
    };
    let content_mac = std::mem::take(&mut form.content_mac);
    let sent = Sent {
        nonce: &key.nonce,
        content_mac: &content_mac,
        before: cookie,
    };
    if let Some(response) = repeated(visit, &sent, to).await? {
        return Ok(response);
    }
    let read = TypedLogin::of_form(&mut form.fields)
        .map_err(|_| visit.error(ErrorKind::FormNotAccepted))?;
    let typed = match read {
        Ok(typed) => typed,
        Err(problem) => return login_page(&before, cookie, None, Some(problem)),
    };
    match log_in(visit, &key.nonce, &typed).await? {
        Ok(login) => open(visit, &sent, &login, to).await,
        Err(message) => Ok(see_other(&to.login_url(&visit.bank, Some(message)))),
    }
}

/// Tries the login; gives what to say where it did not succeed.
async fn log_in(
    visit: &Visit,
    nonce: &str,
    typed: &TypedLogin,
) -> Result<Result<Opened, Message>, PageError> {
    let judged = try_login(&visit.login_place(), nonce, typed)
        .await
        .map_err(|kind| visit.error(kind))?;
    match judged {
        LoginTry::Judged(
            LoginOutcome::Authenticated {
                subject,
                role,
                login_name,
                contract_name,
            },
            attempt,
        ) => Ok(Ok(Opened {
            subject,
            role,
            names: Names {
                login_name,
                contract_name,
            },
            method: LoginMethod::Password,
            attempt,
        })),
        LoginTry::NoOutcome(failure) => Err(visit.error(bank_failed(&failure))),
        refused => Ok(Err(refusal(&refused))),
    }
}

fn refusal(judged: &LoginTry) -> Message {
    match judged {
        LoginTry::Judged(LoginOutcome::Rejected(_), _) => Message::Rejected,
        LoginTry::Judged(LoginOutcome::Refused(refusal), _) => match refusal {
            LoginRefusal::Locked => Message::LockedAtBank,
            LoginRefusal::PasswordChangeDue => Message::PasswordChangeDue,
            LoginRefusal::CertificateRequired => Message::CertificateRequired,
            LoginRefusal::Stopped
            | LoginRefusal::CertificateNotAllowed
            | LoginRefusal::Unspecified => Message::Stopped,
        },
        LoginTry::Locked => Message::Locked,
        LoginTry::KeyReused => Message::AlreadySent,
        LoginTry::Judged(
            LoginOutcome::CertificateRefused | LoginOutcome::Authenticated { .. },
            _,
        )
        | LoginTry::Undecided
        | LoginTry::NoOutcome(_) => Message::Unavailable,
    }
}

/// More time for the page that is open, as JSON ([`crate::pages::DeadlineWords`]).
///
/// # Errors
/// 303 to the login after the session's end; an error page.
pub(super) async fn extend(
    app: web::Data<App>,
    request: HttpRequest,
    bank: web::Path<String>,
) -> Result<HttpResponse, PageError> {
    let at = match AtPage::opened(app, &request, &bank, Destination::List).await {
        Ok(at) => at,
        Err(elsewhere) => return elsewhere.into_answer(),
    };
    let visit = &at.visit;
    session::touch(&visit.app.pool, &at.cookie)
        .await
        .map_err(|error| visit.error(error))?;
    Ok(HttpResponse::Ok().json(at.deadline().words(visit.texts())))
}
