//! Step 2: API連携認証（利用登録）.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use consent_domain::journey::{
    Journey, JourneyEvent, JourneyRefusal, JourneyStream, LinkageBasis, LoginMethod, RecordLogin,
    Step, UserRole,
};
use renkei_proto::bank::v1::LoginRefusal;

use super::{
    cookie::BrowserCookie,
    form::{ReceivedForm, refused_step},
    form_key::{FormKey, FormName},
    linkages::{basis, live_linkages},
    login_guess::{LoginTry, TypedLogin, try_login},
    respond::{PageError, bank_failed, command_failed, page, see_other},
    session::{Names, SessionEnd},
    visit::{HttpResponseOrError, Message, Visit},
};
use crate::{
    app::App,
    bank_port::{LoginOutcome, Subject},
    pages::{CertificateLoginView, ErrorKind, LoginProblem, LoginView, Notice, Shell},
    store::{CommandContext, CommandError, Companion, Executed},
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
async fn at_login(visit: &Visit) -> Result<&BrowserCookie, HttpResponseOrError> {
    if let Some(end) = visit.to_own_end() {
        return Err(end.into());
    }
    let journey = visit.open().await?;
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
        return Ok(with_session(&visit, &key, cookie, &outcome));
    }
    if let Err(elsewhere) = at_login(&visit).await {
        return elsewhere.into_answer();
    }
    let typed = match read_login(&visit, &mut form)? {
        Ok(typed) => typed,
        Err(missing) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return login_page(&visit, cookie, Some(missing), None, status);
        }
    };
    let judged = try_login(&visit, &key, &typed)
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
            let names = Names {
                login_name,
                contract_name,
            };
            let login = Authenticated {
                subject,
                role,
                names,
                attempt,
            };
            return record(&visit, &form, &key, cookie, login).await;
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
        LoginTry::Locked => Message::Locked,
        LoginTry::Undecided => Message::Unavailable,
        LoginTry::KeyReused => Message::AlreadySent,
        LoginTry::NoOutcome(failure) => return Err(visit.error(bank_failed(&failure))),
    };
    Ok(see_other(&visit.step_url(Step::Login, Some(message))))
}

/// Login ids and passwords have 6 to 12 characters; anything far beyond reaches no bank.
const LONGEST: usize = 64;

fn read_login(
    visit: &Visit,
    form: &mut ReceivedForm,
) -> Result<Result<TypedLogin, LoginProblem>, PageError> {
    let not_accepted = |_| visit.error(ErrorKind::FormNotAccepted);
    let login_id = form.fields.take_one("login_id").map_err(not_accepted)?;
    let password = form.fields.take_one("password").map_err(not_accepted)?;
    if login_id.trim().is_empty() {
        return Ok(Err(LoginProblem::LoginIdMissing));
    }
    if password.is_empty() {
        return Ok(Err(LoginProblem::PasswordMissing));
    }
    if login_id.len() > LONGEST || password.len() > LONGEST {
        return Ok(Err(LoginProblem::Rejected));
    }
    let login_id = zeroize::Zeroizing::new(login_id.trim().to_owned());
    Ok(Ok(TypedLogin { login_id, password }))
}

struct Authenticated {
    subject: Subject,
    role: UserRole,
    names: Names,
    /// The bank's attempt that this login is.
    attempt: uuid::Uuid,
}

/// Appends `LoginSucceeded`, opens the bank session and binds the request to this browser, at once.
async fn record(
    visit: &Visit,
    form: &ReceivedForm,
    key: &FormKey,
    before: &BrowserCookie,
    login: Authenticated,
) -> Result<HttpResponse, PageError> {
    let journey = visit.open().await?;
    let linkages = live_linkages(&visit.app.pool, &visit.bank, &login.subject.contract)
        .await
        .map_err(|error| visit.error(error))?;
    let basis: LinkageBasis = basis(
        &linkages,
        &journey.request.client,
        journey.request.grant_action,
    );
    let session = BrowserCookie::of_session(&visit.app, &key.nonce, before);
    let names_sealed = login
        .names
        .seal(&session)
        .ok_or_else(|| visit.error(ErrorKind::Internal))?;
    let resumed = journey.stage.login().is_some();
    let outcome = if resumed {
        visit.step_url(journey.stage.step(), Some(Message::Resumed))
    } else {
        visit.step_url(Step::Tasks, None)
    };
    let companions = vec![
        Companion::OpenSession {
            session_hash: session.hash().to_vec(),
            bank: visit.bank.to_string(),
            journey: visit.id.to_string(),
            generation: visit.generation + 1,
            contract: login.subject.contract.to_string(),
            user: login.subject.user.to_string(),
            names_sealed,
            idle_seconds: i32::try_from(journey.request.limits.idle_seconds).unwrap_or(i32::MAX),
        },
        Companion::BindPushedRequest {
            bank: visit.bank.to_string(),
            journey: visit.id.clone(),
            session_hash: session.hash().to_vec(),
        },
    ];
    let command_key = form.command_key(key, outcome.clone());
    let context = CommandContext {
        causation_id: Some(login.attempt),
        ..visit.command(Some(&login.subject), Some(command_key))
    };
    let command = RecordLogin {
        contract: login.subject.contract.clone(),
        user: login.subject.user.clone(),
        role: login.role,
        method: LoginMethod::Password,
        basis,
    };
    let executed = visit
        .app
        .bus
        .execute::<JourneyStream, JourneyRefusal>(
            visit.stream(),
            context,
            move |state, now| {
                state
                    .record_login(command.clone(), now)
                    .map(|o| o.into_events())
            },
            move |_: &[JourneyEvent], _, _| companions.clone(),
        )
        .await;
    match executed {
        Ok(Executed::Committed(_)) => Ok(with_session(visit, key, before, &outcome)),
        Ok(Executed::Repeated(spent)) => Ok(with_session(
            visit,
            key,
            before,
            &form.outcome_of(visit, &spent),
        )),
        Err(CommandError::Refused(refusal)) => refused_step(visit, &refusal).await,
        // Another browser's login was the first.
        Err(CommandError::Violates(_)) => Err(visit.error(ErrorKind::JourneyNotFound)),
        Err(error) => Err(visit.error(command_failed(&error))),
    }
}

fn with_session(
    visit: &Visit,
    key: &FormKey,
    before: &BrowserCookie,
    outcome: &str,
) -> HttpResponse {
    let session = BrowserCookie::of_session(&visit.app, &key.nonce, before);
    let mut response = see_other(outcome);
    // A cookie of printable ASCII: it can't fail.
    let _ = response.add_cookie(&session.set(&visit.app, &visit.id));
    response
}

/// 「電子証明書ログイン」
pub(super) async fn show_certificate_login(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
) -> Result<HttpResponse, PageError> {
    let visit = Visit::begin(app, &request, &path).await?;
    let cookie = match at_login(&visit).await {
        Ok(cookie) => cookie,
        Err(elsewhere) => return elsewhere.into_answer(),
    };
    let cancel = Some(visit.form(cookie, FormName::Cancel, "cancel"));
    let view = CertificateLoginView {
        shell: Shell {
            cancel,
            ..visit.shell()
        },
        login_url: visit.step_url(Step::Login, None),
    };
    let html = view
        .render(visit.texts())
        .map_err(|error| visit.error(error))?;
    Ok(page(StatusCode::OK, html))
}
