//! 電子証明書ログイン of a journey: from step 2 on to the certificate login's host, and back from it.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use consent_domain::{
    BankCode, Instant, JourneyId,
    journey::{Journey, LoginMethod, Step},
};

use super::{
    cookie::BrowserCookie,
    form::{find_spent, outcome_of},
    form_key::FormName,
    login_guess::LoginPlace,
    login_record::{Authenticated, Sent, record},
    respond::{PageError, page, see_other},
    step2_login::at_login,
    visit::Visit,
};
use crate::{
    app::App,
    certificate_login::{Home, LoginFor, brought_back, keep_language, way_there},
    pages::{AroundPassword, CertificateLoginView, ErrorKind, Locale, Shell, Texts},
};

type Path = web::Path<(String, String)>;

impl Home for Visit {
    type Path = (String, String);

    fn named((bank, journey): &Self::Path) -> Option<LoginFor> {
        let bank = BankCode::parse(bank.as_str()).ok()?;
        let journey = JourneyId::parse(journey.as_str()).ok()?;
        Some(LoginFor::journey(bank, &journey))
    }

    async fn on_certificate_host(
        app: web::Data<App>,
        request: &HttpRequest,
        path: &web::Path<Self::Path>,
        wish: Option<Locale>,
    ) -> Result<Self, PageError> {
        Self::on_certificate_host(app, request, path, wish).await
    }

    async fn open(&self) -> Result<(), PageError> {
        self.open().await.map(drop)
    }

    fn app(&self) -> &web::Data<App> {
        &self.app
    }

    fn login_for(&self) -> LoginFor {
        LoginFor::journey(self.bank.clone(), &self.id)
    }

    fn cookie(&self) -> Option<&BrowserCookie> {
        self.cookie.as_ref()
    }

    fn locale(&self) -> Locale {
        self.locale
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn login_place(&self) -> LoginPlace<'_> {
        self.login_place()
    }

    fn url(&self, page: &str) -> String {
        self.url(page)
    }

    /// Step 2.
    fn login_url(&self) -> String {
        format!("{}{}", self.app.origin, self.step_url(Step::Login, None))
    }

    fn texts(&self) -> &Texts {
        self.texts()
    }

    fn around(&self) -> AroundPassword {
        let near = match &self.journey {
            Journey::InProgress(journey) => self.deadline_near(journey),
            Journey::Absent | Journey::Ended(_) => None,
        };
        AroundPassword::Journey(Shell {
            notices: near.into_iter().collect(),
            ..self.shell()
        })
    }

    fn error(&self, kind: ErrorKind) -> PageError {
        self.error(kind)
    }

    fn error_at_login(&self, kind: ErrorKind) -> PageError {
        self.error_with_login(kind, Home::login_url(self))
    }

    fn foreign(&self) -> PageError {
        self.error(match self.cookie {
            None => ErrorKind::CookiesRequired,
            Some(_) => ErrorKind::JourneyNotFound,
        })
    }
}

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
    match way_there(&visit, cookie) {
        Some(address) => Ok(see_other(&address)),
        None => not_offered(&visit, cookie),
    }
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
    let (handover, cookie) = brought_back(&visit, &request)?;
    let content_mac = handover.content_mac(&visit.app);
    let sent = Sent {
        nonce: &handover.nonce,
        content_mac: &content_mac,
        before: cookie,
    };
    let spent = find_spent(&visit.app.pool, &visit.bank, sent.nonce)
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
    keep_language(&visit, &handover, &mut response);
    Ok(response)
}
