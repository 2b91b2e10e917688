//! 電子証明書ログイン of these pages: from their login on to the certificate login's host, and back from it.

use actix_web::{HttpRequest, HttpResponse, web};
use consent_domain::{BankCode, Instant, journey::LoginMethod};

use super::{
    address::Destination,
    admission::{open, repeated},
    session::Opened,
    visit::Visit,
};
use crate::{
    app::App,
    certificate_login::{Home, LoginFor, brought_back, keep_language, offered, way_there},
    journey::{BrowserCookie, LoginPlace, PageError, Sent, see_other},
    pages::{AroundPassword, ErrorKind, Locale, Texts},
};

/// A request on the way to a login, and to the page that it leads to.
pub(super) struct BeforeLogin {
    pub visit: Visit,
    pub to: Destination,
}

impl BeforeLogin {
    /// # Errors
    /// As [`Visit::begin`].
    pub(super) async fn begin(
        app: web::Data<App>,
        request: &HttpRequest,
        bank: &str,
    ) -> Result<Self, PageError> {
        Ok(Self {
            visit: Visit::begin(app, request, bank).await?,
            to: Destination::of_query(request.query_string()),
        })
    }

    /// Where 「電子証明書ログイン」 of the login leads, where the bank has it here.
    pub(super) fn certificate_login_url(&self) -> Option<String> {
        offered(self).map(|_| self.url("certificate-login"))
    }

    /// On to the page that was asked for, where somebody is logged in already.
    pub(super) fn onwards(&self) -> Option<HttpResponse> {
        self.visit.alive()?;
        Some(see_other(&self.to.url(&self.visit.bank, None)))
    }
}

impl Home for BeforeLogin {
    type Path = String;

    fn named(bank: &Self::Path) -> Option<LoginFor> {
        BankCode::parse(bank.as_str()).ok().map(LoginFor::linkages)
    }

    async fn on_certificate_host(
        app: web::Data<App>,
        request: &HttpRequest,
        bank: &web::Path<Self::Path>,
        wish: Option<Locale>,
    ) -> Result<Self, PageError> {
        Ok(Self {
            visit: Visit::on_certificate_host(app, request, bank, wish).await?,
            to: Destination::of_query(request.query_string()),
        })
    }

    /// Whatever is suspended, linkages can be looked at and ended.
    async fn open(&self) -> Result<(), PageError> {
        Ok(())
    }

    fn app(&self) -> &web::Data<App> {
        &self.visit.app
    }

    fn login_for(&self) -> LoginFor {
        LoginFor::linkages(self.visit.bank.clone())
    }

    fn cookie(&self) -> Option<&BrowserCookie> {
        self.visit.cookie.as_ref()
    }

    fn locale(&self) -> Locale {
        self.visit.locale
    }

    fn now(&self) -> Instant {
        self.visit.now
    }

    fn login_place(&self) -> LoginPlace<'_> {
        self.visit.login_place()
    }

    fn url(&self, page: &str) -> String {
        self.to.url_before_login(&self.visit.bank, page)
    }

    fn login_url(&self) -> String {
        format!("{}{}", self.visit.app.origin, self.url("login"))
    }

    fn texts(&self) -> &Texts {
        self.visit.texts()
    }

    fn around(&self) -> AroundPassword {
        AroundPassword::Linkages(self.visit.frame(None))
    }

    fn error(&self, kind: ErrorKind) -> PageError {
        self.visit.error(kind)
    }

    fn error_at_login(&self, kind: ErrorKind) -> PageError {
        self.visit.error_at(kind, self.login_url())
    }

    /// Who began it can begin it again; nobody else learns more.
    fn foreign(&self) -> PageError {
        self.error_at_login(ErrorKind::CertificateLoginExpired)
    }
}

/// 「電子証明書ログイン」: on to the host that asks for the certificate.
///
/// # Errors
/// An error page; not found where the bank has none here, so that no link led to it.
pub(super) async fn lead(
    app: web::Data<App>,
    request: HttpRequest,
    bank: web::Path<String>,
) -> Result<HttpResponse, PageError> {
    let before = BeforeLogin::begin(app, &request, &bank).await?;
    if let Some(onwards) = before.onwards() {
        return Ok(onwards);
    }
    let visit = &before.visit;
    let Some(cookie) = &visit.cookie else {
        return Err(visit.error(ErrorKind::CookiesRequired));
    };
    // A cookie that was a session's is good for no other; the login gives a new one.
    if visit.session.is_some() {
        return Ok(see_other(&before.to.login_url(&visit.bank, None)));
    }
    match way_there(&before, cookie) {
        Some(address) => Ok(see_other(&address)),
        None => Err(visit.error(ErrorKind::NotFound)),
    }
}

/// Takes the result over, once: only here do the proof of the certificate and the browser that began the
/// login meet, so only here a session opens.
///
/// # Errors
/// An error page.
pub(super) async fn take_over(
    app: web::Data<App>,
    request: HttpRequest,
    bank: web::Path<String>,
) -> Result<HttpResponse, PageError> {
    let before = BeforeLogin::begin(app, &request, &bank).await?;
    if let Some(onwards) = before.onwards() {
        return Ok(onwards);
    }
    let (visit, to) = (&before.visit, &before.to);
    let (handover, cookie) = brought_back(&before, &request)?;
    let content_mac = handover.content_mac(&visit.app);
    let sent = Sent {
        nonce: &handover.nonce,
        content_mac: &content_mac,
        before: cookie,
    };
    let mut response = match repeated(visit, &sent, to).await? {
        Some(response) => response,
        None => {
            let subject = handover
                .subject()
                .ok_or_else(|| visit.error(ErrorKind::Internal))?;
            let login = Opened {
                subject,
                role: handover.role,
                names: handover.names.clone(),
                method: LoginMethod::Certificate,
                attempt: handover.attempt,
            };
            open(visit, &sent, &login, to).await?
        }
    };
    keep_language(&before, &handover, &mut response);
    Ok(response)
}
