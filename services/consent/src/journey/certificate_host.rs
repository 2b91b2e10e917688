//! The certificate login's own host: the connection shows the certificate, the page whom it names, and
//! asks for the password. No cookie of the journey is read or set here.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{self, ServiceConfig, get, post, resource},
};
use consent_domain::{
    BankCode, JourneyId,
    journey::{Journey, Step},
};
use renkei_proto::bank::v1::LoginRefusal;
use zeroize::Zeroizing;

use super::{
    certificate_handover::{CertificateHandover, Proven},
    certificate_ticket::CertificateTicket,
    cookie::BrowserCookie,
    form::ReceivedForm,
    form_key::{FormKey, FormName},
    language,
    login_guess::{LoginTry, TypedLogin, login_limit, try_login},
    message::Message,
    respond::{PageError, bank_failed, page, see_other},
    session::Names,
    step2_login::LONGEST,
    visit::Visit,
};
use crate::{
    app::App,
    bank_port::{CertificateHolder, LoginOutcome, LoginProof},
    client_certificate::CertificateIdentity,
    pages::{
        CertificatePasswordProblem, CertificatePasswordView, ErrorKind, FormTarget, LANGUAGE_PATH,
        Shell,
    },
};

type Path = web::Path<(String, String)>;

/// The routes of that host.
pub fn routes(config: &mut ServiceConfig) {
    let certificate = resource("/{bank}/journeys/{journey}/certificate");
    config
        .service(certificate.route(get().to(show)).route(post().to(submit)))
        .service(resource(format!("{LANGUAGE_PATH}/{{locale}}")).route(get().to(language::switch)));
}

/// A visitor with a valid ticket and a certificate that the bank's authority issued.
struct Arrived {
    visit: Visit,
    ticket: CertificateTicket,
    /// As it came.
    ticket_text: String,
    certificate: CertificateIdentity,
}

/// Shows whom the certificate names, and the form.
async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
) -> Result<HttpResponse, PageError> {
    let arrived = arrive(app, &request, &path).await?;
    // Told before a password is typed.
    arrived.login_id().await?;
    let problem = Message::of(&request).and_then(|message| arrived.problem(message));
    arrived.page(problem, StatusCode::OK)
}

/// 「API連携」
async fn submit(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
    body: web::Bytes,
) -> Result<HttpResponse, PageError> {
    let arrived = arrive(app, &request, &path).await?;
    let visit = &arrived.visit;
    let mut form = ReceivedForm::read(visit, &request, &body)?;
    let key = match form.key(visit, &arrived.browser(), FormName::CertificateLogin) {
        Ok(key) => key,
        Err(elsewhere) => return elsewhere.into_answer(),
    };
    // Taken over already: the journey's host knows where it stands.
    if form.repeated(visit, &key).await?.is_some() {
        return Ok(see_other(&arrived.login_url()));
    }
    let password = form
        .fields
        .take_one("password")
        .map_err(|_| visit.error(ErrorKind::FormNotAccepted))?;
    if password.is_empty() {
        let missing = CertificatePasswordProblem::PasswordMissing;
        return arrived.page(Some(missing), StatusCode::UNPROCESSABLE_ENTITY);
    }
    let message = if password.len() > LONGEST {
        Message::Rejected
    } else {
        match arrived.log_in(&key, password).await? {
            Ok(handover) => return Ok(see_other(&handover)),
            Err(message) => message,
        }
    };
    Ok(see_other(&arrived.url(Some(message))))
}

/// Reads ticket and certificate.
///
/// # Errors
/// The page for a ticket that is foreign or over, for a journey that can't go on, and for a certificate
/// that is missing or not of the bank's authority: one page for all of the last.
async fn arrive(
    app: web::Data<App>,
    request: &HttpRequest,
    path: &Path,
) -> Result<Arrived, PageError> {
    let ticket_text = ticket_text(request);
    let ticket = find_ticket(&app, path, &ticket_text);
    let wish = ticket.as_ref().map(|ticket| ticket.locale);
    let visit = Visit::on_certificate_host(app, request, path, wish).await?;
    let Some(ticket) = ticket else {
        return Err(visit.error(ErrorKind::CertificateLoginExpired));
    };
    if ticket.expires_at <= visit.now {
        let login = visit.login_on_journey_host();
        return Err(visit.error_with_login(ErrorKind::CertificateLoginExpired, login));
    }
    visit.open().await?;
    let shown = visit
        .app
        .certificate_login
        .as_ref()
        .map(|login| login.certificate_of(request, &visit.bank));
    match shown {
        Some(Ok(certificate)) => Ok(Arrived {
            visit,
            ticket,
            ticket_text,
            certificate,
        }),
        Some(Err(reason)) => {
            tracing::info!(%reason, "a certificate login without a good certificate");
            Err(not_confirmed(&visit))
        }
        None => Err(visit.error(ErrorKind::NotFound)),
    }
}

fn not_confirmed(visit: &Visit) -> PageError {
    let login = visit.login_on_journey_host();
    visit.error_with_login(ErrorKind::CertificateNotConfirmed, login)
}

fn ticket_text(request: &HttpRequest) -> String {
    let pairs = url::form_urlencoded::parse(request.query_string().as_bytes());
    let ticket = pairs.into_iter().find(|(name, _)| name == "ticket");
    ticket.map_or_else(String::new, |(_, ticket)| ticket.into_owned())
}

fn find_ticket(app: &App, path: &Path, text: &str) -> Option<CertificateTicket> {
    let bank = BankCode::parse(path.0.as_str()).ok()?;
    let journey = JourneyId::parse(path.1.as_str()).ok()?;
    CertificateTicket::find(app, &bank, &journey, text)
}

impl Arrived {
    /// What stands for the browser here: the ticket and the certificate, so that nobody else's page
    /// can mint or send this form, and a form of another certificate is refused.
    fn browser(&self) -> BrowserCookie {
        let (browser, fingerprint) = (&self.ticket.browser, self.certificate.fingerprint());
        BrowserCookie::of_certificate_host(&self.visit.app, browser, &fingerprint)
    }

    fn url(&self, message: Option<Message>) -> String {
        let page = self.visit.url("certificate");
        let message =
            message.map_or_else(String::new, |message| format!("&m={}", message.as_str()));
        format!("{page}?ticket={}{message}", self.ticket_text)
    }

    fn login_url(&self) -> String {
        self.visit.login_on_journey_host()
    }

    /// The login id that the certificate stands for.
    async fn login_id(&self) -> Result<Zeroizing<String>, PageError> {
        let visit = &self.visit;
        let holder = visit
            .app
            .bank_port
            .resolve_certificate(&visit.bank, &self.certificate)
            .await
            .map_err(|failure| visit.error(failure))?;
        match holder {
            CertificateHolder::LoginId(login_id) => Ok(login_id),
            CertificateHolder::Refused(reason) => {
                tracing::info!(?reason, "the bank takes no login with this certificate");
                Err(not_confirmed(visit))
            }
        }
    }

    /// Tries the login; guesses count by the login id, together with those of the other form. Gives the
    /// way back to the journey's host, or what to say.
    async fn log_in(
        &self,
        key: &FormKey,
        password: Zeroizing<String>,
    ) -> Result<Result<String, Message>, PageError> {
        let visit = &self.visit;
        let typed = TypedLogin {
            login_id: self.login_id().await?,
            password,
            proof: LoginProof::Certificate(self.certificate.clone()),
        };
        let judged = try_login(&visit.login_place(), &key.nonce, &typed)
            .await
            .map_err(|kind| visit.error(kind))?;
        Ok(Err(match judged {
            LoginTry::Judged(
                LoginOutcome::Authenticated {
                    subject,
                    role,
                    login_name,
                    contract_name,
                },
                attempt,
            ) => {
                let proven = Proven {
                    nonce: key.nonce.clone(),
                    browser: self.ticket.browser.clone(),
                    subject,
                    role,
                    names: Names {
                        login_name,
                        contract_name,
                    },
                    attempt,
                    locale: visit.locale,
                };
                return self.hand_over(proven).map(Ok);
            }
            LoginTry::Judged(LoginOutcome::Rejected(_), _) => Message::Rejected,
            LoginTry::Judged(LoginOutcome::CertificateRefused, _) => {
                return Err(not_confirmed(visit));
            }
            LoginTry::Judged(LoginOutcome::Refused(refusal), _) => match refusal {
                LoginRefusal::Locked => Message::LockedAtBank,
                LoginRefusal::PasswordChangeDue => Message::PasswordChangeDue,
                LoginRefusal::CertificateNotAllowed => Message::CertificateNotAllowed,
                LoginRefusal::Stopped
                | LoginRefusal::CertificateRequired
                | LoginRefusal::Unspecified => Message::Stopped,
            },
            LoginTry::Locked => Message::Locked,
            LoginTry::Undecided => Message::Unavailable,
            LoginTry::KeyReused => Message::AlreadySent,
            LoginTry::NoOutcome(failure) => return Err(visit.error(bank_failed(&failure))),
        }))
    }

    fn hand_over(&self, proven: Proven) -> Result<String, PageError> {
        let visit = &self.visit;
        let sealed = CertificateHandover::new(proven, visit.now)
            .seal(&visit.app, &visit.bank, &visit.id)
            .ok_or_else(|| visit.error(ErrorKind::Internal))?;
        let path = visit.url("certificate-handover");
        Ok(format!("{}{path}?handover={sealed}", visit.app.origin))
    }

    fn problem(&self, message: Message) -> Option<CertificatePasswordProblem> {
        use CertificatePasswordProblem as Problem;
        match message {
            Message::Rejected => Some(Problem::Rejected),
            Message::Locked => {
                let limit = login_limit(&self.visit.record.settings);
                let minutes = limit.lock_seconds.unwrap_or_default().div_ceil(60);
                Some(Problem::Locked { minutes })
            }
            Message::LockedAtBank => Some(Problem::LockedAtBank),
            Message::PasswordChangeDue => Some(Problem::PasswordChangeDue),
            Message::Stopped => Some(Problem::Stopped),
            Message::CertificateNotAllowed => Some(Problem::CertificateNotAllowed),
            Message::Unavailable => Some(Problem::BankUnavailable),
            Message::AlreadySent => Some(Problem::AlreadySent),
            Message::Resumed
            | Message::Changed
            | Message::Idle
            | Message::AnotherUser
            | Message::CertificateRequired => None,
        }
    }

    fn page(
        &self,
        problem: Option<CertificatePasswordProblem>,
        status: StatusCode,
    ) -> Result<HttpResponse, PageError> {
        let visit = &self.visit;
        let form = visit.form(&self.browser(), FormName::CertificateLogin, "certificate");
        let near = match &visit.journey {
            Journey::InProgress(journey) => visit.deadline_near(journey),
            Journey::Absent | Journey::Ended(_) => None,
        };
        let view = CertificatePasswordView {
            shell: Shell {
                notices: near.into_iter().collect(),
                ..visit.shell()
            },
            holder: self.certificate.holder.clone(),
            form: FormTarget {
                action: self.url(None),
                ..form
            },
            login_url: visit.login_on_journey_host(),
            problem,
        };
        let html = view
            .render(visit.texts())
            .map_err(|error| visit.error(error))?;
        Ok(page(status, html))
    }
}

impl Visit {
    /// Step 2, as the certificate login's host names it.
    fn login_on_journey_host(&self) -> String {
        format!("{}{}", self.app.origin, self.step_url(Step::Login, None))
    }
}
