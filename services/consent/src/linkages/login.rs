//! The login of these pages, by ログインID and password; the same limits and locks as step 2's.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use renkei_proto::bank::v1::LoginRefusal;
use sqlx::Row as _;
use tracing::Instrument as _;
use zeroize::Zeroizing;

use super::{
    address::Destination,
    form::{FormKey, Forms, LinkagesForm, ReceivedForm},
    message::Message,
    session::{self, Opened},
    visit::Visit,
};
use crate::{
    app::App,
    bank_port::{LoginOutcome, LoginProof},
    journey::{
        BrowserCookie, LoginPlace, LoginTry, Names, PageError, TypedLogin, bank_failed, see_other,
        try_login,
    },
    pages::{ErrorKind, FormTarget, LinkagesLoginView, LoginProblem},
    store::{Actor, CommandKey, sql_span},
};

/// Login ids and passwords have 6 to 12 characters; anything far beyond reaches no bank.
const LONGEST: usize = 64;

/// Shows the login; on to the pages where somebody is logged in.
///
/// # Errors
/// An error page.
pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    bank: web::Path<String>,
) -> Result<HttpResponse, PageError> {
    let visit = Visit::begin(app, &request, &bank).await?;
    let to = Destination::of_query(request.query_string());
    if visit.alive().is_some() {
        return Ok(see_other(&to.url(&visit.bank, None)));
    }
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
    let problem = message.and_then(|message| message.problem(lock_minutes(&visit)));
    let mut response = login_page(&visit, (&cookie, &to), message, problem)?;
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
    visit: &Visit,
    (cookie, to): (&BrowserCookie, &Destination),
    message: Option<Message>,
    problem: Option<LoginProblem>,
) -> Result<HttpResponse, PageError> {
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
    let visit = Visit::begin(app, &request, &bank).await?;
    let to = Destination::of_query(request.query_string());
    let mut form = ReceivedForm::read(&visit, &request, &body)?;
    let Some(cookie) = &visit.cookie else {
        return Err(visit.error(ErrorKind::CookiesRequired));
    };
    let Some(key) = form.key(&forms(&visit, cookie), LinkagesForm::Login, "") else {
        // Another tab logged in meanwhile, or this very form did, whose answer was not waited for.
        return match visit.alive() {
            Some(_) => Ok(see_other(&to.url(&visit.bank, None))),
            None => Ok(see_other(
                &to.login_url(&visit.bank, Some(Message::SendAgain)),
            )),
        };
    };
    // A repeat gets the first answer, and with it the cookie that the first answer set.
    if let Some(spent) = spent(&visit, &key).await? {
        let same = spent.content_mac == form.content_mac;
        return Ok(if same {
            admitted(&visit, cookie, &key, &spent.outcome)
        } else {
            see_other(&to.login_url(&visit.bank, Some(Message::AlreadySent)))
        });
    }
    let typed = match read_login(&visit, &mut form)? {
        Ok(typed) => typed,
        Err(problem) => return login_page(&visit, (cookie, &to), None, Some(problem)),
    };
    let place = LoginPlace {
        app: &visit.app,
        bank: &visit.bank,
        settings: &visit.record.settings,
        context: visit.context(Actor::System),
    };
    let judged = try_login(&place, &key.nonce, &typed)
        .await
        .map_err(|kind| visit.error(kind))?;
    let (opened, attempt) = match judged {
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
            ((subject, role, names), attempt)
        }
        LoginTry::NoOutcome(failure) => return Err(visit.error(bank_failed(&failure))),
        refused => {
            let message = refusal(&refused);
            return Ok(see_other(&to.login_url(&visit.bank, Some(message))));
        }
    };
    let (subject, role, names) = opened;
    let login = Opened {
        subject,
        role,
        names,
        attempt,
        idle_seconds: visit.record.settings.idle_seconds,
    };
    let outcome = to.url(&visit.bank, None);
    open(&visit, cookie, &key, (&login, &form, &outcome)).await
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

async fn open(
    visit: &Visit,
    before: &BrowserCookie,
    key: &FormKey,
    (login, form, outcome): (&Opened, &ReceivedForm, &str),
) -> Result<HttpResponse, PageError> {
    let cookie = BrowserCookie::of_session(&visit.app, &key.nonce, before);
    let sealed = login
        .names
        .seal(&cookie)
        .ok_or_else(|| visit.error(ErrorKind::Internal))?;
    let command_key = CommandKey {
        key: key.nonce.clone(),
        content_mac: form.content_mac.clone(),
        outcome: outcome.to_owned(),
        if_unchanged: None,
    };
    let bank = visit.bank.as_str();
    session::open(
        &visit.app.pool,
        bank,
        (&cookie, sealed),
        login,
        &command_key,
    )
    .await
    .map_err(|error| visit.error(error))?;
    Ok(admitted(visit, before, key, outcome))
}

/// 303, with the session's cookie: the same however often the form is repeated.
fn admitted(visit: &Visit, before: &BrowserCookie, key: &FormKey, outcome: &str) -> HttpResponse {
    let cookie = BrowserCookie::of_session(&visit.app, &key.nonce, before);
    let mut response = see_other(outcome);
    // A cookie of printable ASCII: it can't fail.
    let _ = response.add_cookie(&cookie.set_at_linkages(&visit.app, &visit.bank));
    response
}

struct Spent {
    content_mac: Vec<u8>,
    outcome: String,
}

async fn spent(visit: &Visit, key: &FormKey) -> Result<Option<Spent>, PageError> {
    let row = sqlx::query(
        "SELECT content_mac, outcome FROM command_keys WHERE bank = $1 AND command_key = $2",
    )
    .bind(visit.bank.as_str())
    .bind(&key.nonce)
    .fetch_optional(&visit.app.pool)
    .instrument(sql_span("find spent"))
    .await
    .map_err(|error| visit.error(error))?;
    row.map(|row| {
        Ok(Spent {
            content_mac: row.try_get("content_mac")?,
            outcome: row.try_get("outcome")?,
        })
    })
    .transpose()
    .map_err(|error: sqlx::Error| visit.error(error))
}

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
    Ok(Ok(TypedLogin {
        login_id: Zeroizing::new(login_id.trim().to_owned()),
        password,
        proof: LoginProof::LoginId,
    }))
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
    let visit = Visit::begin(app, &request, &bank).await?;
    let at = match visit.customer(Destination::List).await {
        Ok(at) => at,
        Err(elsewhere) => return elsewhere.into_answer(),
    };
    session::touch(&visit.app.pool, at.cookie)
        .await
        .map_err(|error| visit.error(error))?;
    Ok(HttpResponse::Ok().json(at.deadline().words(visit.texts())))
}
