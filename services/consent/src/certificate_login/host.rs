//! The certificate login's own host: the connection shows the certificate, the page whom it names, and
//! asks for the password. No cookie of the home is read or set here.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{self, ServiceConfig, get, post, resource},
};
use url::form_urlencoded::parse;
use zeroize::Zeroizing;

use super::{
    form_key::FormOwner,
    handover::{CertificateHandover, Proven},
    home::Home,
    said,
    ticket::CertificateTicket,
};
use crate::{
    app::App,
    bank_port::{CertificateHolder, LoginOutcome, LoginProof},
    client_certificate::CertificateIdentity,
    journey::{
        LOGIN_LONGEST, LoginTry, Names, PageError, TypedLogin, bank_failed, find_spent,
        login_limit, page, see_other, try_login,
    },
    pages::{
        CertificatePasswordProblem as Problem, CertificatePasswordView, ErrorKind, FormTarget,
    },
    protocol::form::Fields,
};

/// The page of a home on that host.
pub(crate) fn host_routes<H: Home + 'static>(config: &mut ServiceConfig, path: &str) {
    let certificate = resource(path.to_owned());
    config.service(
        certificate
            .route(get().to(show::<H>))
            .route(post().to(submit::<H>)),
    );
}

/// Time, language, two digests; no ticket is longer.
const TICKET_LENGTH_MAX: usize = 160;

/// The address of the page with a ticket, and with a word on the last try where there is one.
pub(super) fn with_ticket(page: &str, ticket: &str, said: Option<Problem>) -> String {
    let said = said.map_or_else(String::new, |said| format!("&m={}", said::word(said)));
    with_query(page, &format!("ticket={ticket}{said}"))
}

/// A path that may have a query, with more of it.
fn with_query(path: &str, query: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}{query}")
}

/// The page with the ticket of a query, as far as it could be one of ours.
pub(crate) fn address(page: &str, query: &str) -> String {
    let could_be_ours = |ticket: &str| {
        ticket.len() <= TICKET_LENGTH_MAX
            && ticket
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    let ticket = ticket_in(query);
    if ticket.is_empty() || !could_be_ours(&ticket) {
        return page.to_owned();
    }
    with_ticket(page, &ticket, said::in_query(query, 0))
}

fn ticket_in(query: &str) -> String {
    let ticket = parse(query.as_bytes()).find(|(name, _)| name == "ticket");
    ticket.map_or_else(String::new, |(_, ticket)| ticket.into_owned())
}

/// A visitor with a valid ticket and a certificate that the bank's authority issued.
struct Arrived<H> {
    home: H,
    ticket: CertificateTicket,
    /// As it came.
    ticket_text: String,
    certificate: CertificateIdentity,
}

/// Shows whom the certificate names, and the form.
async fn show<H: Home>(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<H::Path>,
) -> Result<HttpResponse, PageError> {
    let arrived = arrive::<H>(app, &request, &path).await?;
    // Told before a password is typed.
    arrived.login_id().await?;
    let problem = said::in_query(request.query_string(), arrived.lock_minutes());
    arrived.page(problem, StatusCode::OK)
}

/// 「API連携」, or 「ログイン」 at the customer's own page.
async fn submit<H: Home>(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<H::Path>,
    body: web::Bytes,
) -> Result<HttpResponse, PageError> {
    let arrived = arrive::<H>(app, &request, &path).await?;
    let home = &arrived.home;
    let not_accepted = || home.error(ErrorKind::FormNotAccepted);
    let mut fields = Fields::of_page(request.headers(), &body).ok_or_else(not_accepted)?;
    let nonce = fields
        .take_one("form_key")
        .ok()
        .and_then(|key| arrived.owner().find(&key))
        .ok_or_else(not_accepted)?;
    let spent = find_spent(&home.app().pool, &home.login_for().bank, &nonce).await;
    // Taken over already: where the login began is known where it stands.
    if spent.map_err(|error| home.error(error.into()))?.is_some() {
        return Ok(see_other(&home.login_url()));
    }
    let password = fields.take_one("password").map_err(|_| not_accepted())?;
    if password.is_empty() {
        let missing = Problem::PasswordMissing;
        return arrived.page(Some(missing), StatusCode::UNPROCESSABLE_ENTITY);
    }
    let problem = if password.len() > LOGIN_LONGEST {
        Problem::Rejected
    } else {
        match arrived.log_in(nonce, password).await? {
            Ok(handover) => return Ok(see_other(&handover)),
            Err(problem) => problem,
        }
    };
    Ok(see_other(&arrived.url(Some(problem))))
}

/// Reads ticket and certificate.
///
/// # Errors
/// The page for a ticket that is foreign or over, for a login that can't lead anywhere, and for a
/// certificate that is missing or not of the bank's authority: one page for all of the last.
async fn arrive<H: Home>(
    app: web::Data<App>,
    request: &HttpRequest,
    path: &web::Path<H::Path>,
) -> Result<Arrived<H>, PageError> {
    let ticket_text = ticket_in(request.query_string());
    let ticket = H::named(path)
        .and_then(|login_for| CertificateTicket::find(&app, &login_for, &ticket_text));
    let wish = ticket.as_ref().map(|ticket| ticket.locale);
    let home = H::on_certificate_host(app, request, path, wish).await?;
    let Some(ticket) = ticket else {
        return Err(home.error(ErrorKind::CertificateLoginExpired));
    };
    if ticket.expires_at <= home.now() {
        return Err(home.error_at_login(ErrorKind::CertificateLoginExpired));
    }
    home.open().await?;
    let bank = home.login_for().bank;
    let login = home.app().certificate_login.as_ref();
    let shown = login.map(|login| login.certificate_of(request, &bank));
    match shown {
        Some(Ok(certificate)) => Ok(Arrived {
            home,
            ticket,
            ticket_text,
            certificate,
        }),
        Some(Err(reason)) => {
            tracing::info!(%reason, "a certificate login without a good certificate");
            Err(not_confirmed(&home))
        }
        None => Err(home.error(ErrorKind::NotFound)),
    }
}

fn not_confirmed<H: Home>(home: &H) -> PageError {
    home.error_at_login(ErrorKind::CertificateNotConfirmed)
}

impl<H: Home> Arrived<H> {
    /// What stands for the browser here: the ticket and the certificate.
    fn owner(&self) -> FormOwner<'_> {
        FormOwner {
            app: self.home.app(),
            login_for: self.home.login_for(),
            ticket: &self.ticket,
            certificate: &self.certificate,
        }
    }

    fn url(&self, said: Option<Problem>) -> String {
        with_ticket(&self.home.url("certificate"), &self.ticket_text, said)
    }

    fn lock_minutes(&self) -> u32 {
        let limit = login_limit(self.home.login_place().settings);
        limit.lock_seconds.unwrap_or_default().div_ceil(60)
    }

    /// The login id that the certificate stands for.
    async fn login_id(&self) -> Result<Zeroizing<String>, PageError> {
        let home = &self.home;
        let holder = home
            .app()
            .bank_port
            .resolve_certificate(&home.login_for().bank, &self.certificate)
            .await
            .map_err(|failure| home.error(failure.into()))?;
        match holder {
            CertificateHolder::LoginId(login_id) => Ok(login_id),
            CertificateHolder::Refused(reason) => {
                tracing::info!(?reason, "the bank takes no login with this certificate");
                Err(not_confirmed(home))
            }
        }
    }

    /// Tries the login; guesses count by the login id, together with those of the other form. Gives the
    /// way back to where it began, or what to say.
    async fn log_in(
        &self,
        nonce: String,
        password: Zeroizing<String>,
    ) -> Result<Result<String, Problem>, PageError> {
        let home = &self.home;
        let typed = TypedLogin {
            login_id: self.login_id().await?,
            password,
            proof: LoginProof::Certificate(self.certificate.clone()),
        };
        let judged = try_login(&home.login_place(), &nonce, &typed)
            .await
            .map_err(|kind| home.error(kind))?;
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
                    nonce,
                    browser: self.ticket.browser.clone(),
                    subject,
                    role,
                    names: Names {
                        login_name,
                        contract_name,
                    },
                    attempt,
                    locale: home.locale(),
                };
                return self.hand_over(proven).map(Ok);
            }
            LoginTry::Judged(LoginOutcome::Rejected(_), _) => Problem::Rejected,
            LoginTry::Judged(LoginOutcome::CertificateRefused, _) => {
                return Err(not_confirmed(home));
            }
            LoginTry::Judged(LoginOutcome::Refused(refusal), _) => said::refusal(refusal),
            LoginTry::Locked => Problem::Locked {
                minutes: self.lock_minutes(),
            },
            LoginTry::Undecided => Problem::BankUnavailable,
            LoginTry::KeyReused => Problem::AlreadySent,
            LoginTry::NoOutcome(failure) => return Err(home.error(bank_failed(&failure))),
        }))
    }

    fn hand_over(&self, proven: Proven) -> Result<String, PageError> {
        let home = &self.home;
        let sealed = CertificateHandover::new(proven, home.now())
            .seal(home.app(), &home.login_for())
            .ok_or_else(|| home.error(ErrorKind::Internal))?;
        let page = with_query(
            &home.url("certificate-handover"),
            &format!("handover={sealed}"),
        );
        Ok(format!("{}{page}", home.app().origin))
    }

    fn page(
        &self,
        problem: Option<Problem>,
        status: StatusCode,
    ) -> Result<HttpResponse, PageError> {
        let home = &self.home;
        let view = CertificatePasswordView {
            around: home.around(),
            holder: self.certificate.holder.clone(),
            form: FormTarget {
                action: self.url(None),
                form_key: self.owner().mint(),
            },
            login_url: home.login_url(),
            problem,
        };
        let html = view
            .render(home.texts())
            .map_err(|error| home.error(error.into()))?;
        Ok(page(status, html))
    }
}
