//! Step 2: API連携認証（利用登録）.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use consent_domain::journey::{Journey, LoginMethod, Step};
use renkei_proto::bank::v1::LoginRefusal;

use super::{
    cookie::BrowserCookie,
    form::ReceivedForm,
    form_key::{FormKey, FormName},
    login_guess::{LoginTry, TypedLogin, try_login},
    login_record::{Authenticated, Sent, record},
    message::Message,
    respond::{HttpResponseOrError, PageError, bank_failed, page, see_other},
    session::{Names, SessionEnd},
    visit::Visit,
};
use crate::{
    app::App,
    bank_port::LoginOutcome,
    pages::{ErrorKind, LoginProblem, LoginView, Notice, Shell},
};

type Path = web::Path<(String, String)>;

/// Shows the login, to the browser that came from the partner or to the one that logged in before.
pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
) -> Result<HttpResponse, PageError> {
    let visit = Visit::begin(app, &request, &path).await?;
    let message = Message::of(&request);
    match at_login(&visit).await {
        Ok(cookie) => login_page(
            &visit,
            cookie,
            message.and_then(|message| problem(&visit, message)),
            message,
            StatusCode::OK,
        ),
        Err(elsewhere) => elsewhere.into_answer(),
    }
}

/// The browser's cookie, where a login is what comes next.
pub(super) async fn at_login(visit: &Visit) -> Result<&BrowserCookie, HttpResponseOrError> {
    if let Some(end) = visit.to_own_end() {
        return Err(end.into());
    }
    let journey = visit.under_way().await?;
    let cookie = visit.cookie.as_ref();
    match (journey.stage.login(), &visit.session) {
        (None, _) => cookie.ok_or_else(|| visit.error(ErrorKind::CookiesRequired).into()),
        (Some(_), Some(session)) => match session.ended {
            None => Err(see_other(&visit.step_url(journey.stage.step(), None)).into()),
            Some(SessionEnd::Idle) => {
                cookie.ok_or_else(|| visit.error(ErrorKind::JourneyNotFound).into())
            }
            Some(SessionEnd::Replaced | SessionEnd::Journey) => {
                Err(visit.error(ErrorKind::JourneyNotFound).into())
            }
        },
        // The first login bound the journey to another browser.
        (Some(_), None) => Err(visit.error(ErrorKind::JourneyNotFound).into()),
    }
}

fn login_page(
    visit: &Visit,
    cookie: &BrowserCookie,
    problem: Option<LoginProblem>,
    message: Option<Message>,
    status: StatusCode,
) -> Result<HttpResponse, PageError> {
    let (deadline, near) = match &visit.journey {
        Journey::InProgress(journey) => (
            Some(visit.journey_deadline(journey)),
            visit.deadline_near(journey),
        ),
        Journey::Absent | Journey::Ended(_) => (None, None),
    };
    let said = match message {
        Some(Message::Idle) => Some(Notice::SessionEnded),
        Some(Message::AlreadySent) => Some(Notice::AlreadySent),
        _ => None,
    };
    let view = LoginView {
        shell: Shell {
            deadline,
            cancel: Some(visit.form(cookie, FormName::Cancel, "cancel")),
            notices: said
                .into_iter()
                .chain(near)
                .chain(visit.maintenance_near())
                .collect(),
            ..visit.shell()
        },
        form: visit.form(cookie, FormName::Login, "login"),
        certificate_login_url: visit.url("certificate-login"),
        problems: problem.into_iter().collect(),
    };
    let html = view
        .render(visit.texts())
        .map_err(|error| visit.error(error))?;
    Ok(page(status, html))
}

fn problem(visit: &Visit, message: Message) -> Option<LoginProblem> {
    match message {
        Message::Rejected => Some(LoginProblem::Rejected),
        Message::Locked => Some(LoginProblem::Locked {
            minutes: visit.record.settings.login_lock_seconds.div_ceil(60),
        }),
        Message::LockedAtBank => Some(LoginProblem::LockedAtBank),
        Message::PasswordChangeDue => Some(LoginProblem::PasswordChangeDue),
        Message::Stopped => Some(LoginProblem::Stopped),
        Message::CertificateRequired => Some(LoginProblem::CertificateRequired),
        Message::Unavailable => Some(LoginProblem::BankUnavailable),
        Message::AnotherUser => Some(LoginProblem::AnotherUser),
        Message::AlreadySent | Message::Resumed | Message::Changed | Message::Idle => None,
    }
}

/// 「API連携」
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
    let key = match form.key(&visit, cookie, FormName::Login) {
        Ok(key) => key,
        Err(elsewhere) if visit.session.is_some() => {
            return match form.repeated_since_the_cookie_changed(&visit).await? {
                Some(outcome) => Ok(see_other(&outcome)),
                None => elsewhere.into_answer(),
            };
        }
        Err(elsewhere) => return elsewhere.into_answer(),
    };
    // A repeat gets the first answer, and with it the cookie that the first answer set.
    if let Some(outcome) = form.repeated(&visit, &key).await? {
        return Ok(sent(&form, &key, cookie).answer(&visit, &outcome));
    }
    if let Err(elsewhere) = at_login(&visit).await {
        return elsewhere.into_answer();
    }
    let read = TypedLogin::of_form(&mut form.fields)
        .map_err(|_| visit.error(ErrorKind::FormNotAccepted))?;
    let typed = match read {
        Ok(typed) => typed,
        Err(missing) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return login_page(&visit, cookie, Some(missing), None, status);
        }
    };
    let judged = try_login(&visit.login_place(), &key.nonce, &typed)
        .await
        .map_err(|kind| visit.error(kind))?;
    let message = match judged {
        LoginTry::Judged(
            LoginOutcome::Authenticated {
                subject,
                role,
                login_name,
                contract_name,
            },
            attempt,
        ) => {
            let login = Authenticated {
                subject,
                role,
                names: Names {
                    login_name,
                    contract_name,
                },
                method: LoginMethod::Password,
                attempt,
            };
            return record(&visit, &sent(&form, &key, cookie), login).await;
        }
        LoginTry::Judged(LoginOutcome::Rejected(_), _) => Message::Rejected,
        LoginTry::Judged(LoginOutcome::Refused(refusal), _) => match refusal {
            LoginRefusal::Locked => Message::LockedAtBank,
            LoginRefusal::PasswordChangeDue => Message::PasswordChangeDue,
            LoginRefusal::CertificateRequired => Message::CertificateRequired,
            LoginRefusal::Stopped
            | LoginRefusal::CertificateNotAllowed
            | LoginRefusal::Unspecified => Message::Stopped,
        },
        // No certificate was sent.
        LoginTry::Judged(LoginOutcome::CertificateRefused, _) => Message::Unavailable,
        LoginTry::Locked => Message::Locked,
        LoginTry::Undecided => Message::Unavailable,
        LoginTry::KeyReused => Message::AlreadySent,
        LoginTry::NoOutcome(failure) => return Err(visit.error(bank_failed(&failure))),
    };
    Ok(see_other(&visit.step_url(Step::Login, Some(message))))
}

fn sent<'a>(form: &'a ReceivedForm, key: &'a FormKey, before: &'a BrowserCookie) -> Sent<'a> {
    Sent {
        nonce: &key.nonce,
        content_mac: &form.content_mac,
        before,
    }
}
