//! What asks for a login by certificate.

use actix_web::{HttpRequest, web};
use consent_domain::{BankCode, Instant, JourneyId};
use serde::de::DeserializeOwned;

use crate::{
    app::App,
    journey::{BrowserCookie, LoginPlace, PageError},
    pages::{AroundPassword, ErrorKind, Locale, Texts},
};

/// What a ticket, a form and a handover are for; none is good for anything else.
pub(crate) struct LoginFor {
    pub bank: BankCode,
    what: String,
}

impl LoginFor {
    /// Step 2 of a journey.
    pub(crate) fn journey(bank: BankCode, journey: &JourneyId) -> Self {
        let what = format!("journey {journey}");
        Self { bank, what }
    }

    /// The customer's own page at the bank.
    pub(crate) fn linkages(bank: BankCode) -> Self {
        let what = "linkages".to_owned();
        Self { bank, what }
    }

    /// What of the bank it is for.
    pub(super) fn what(&self) -> &str {
        &self.what
    }
}

/// A request of a login that begins at an address of its own and leads back there.
pub(crate) trait Home: Sized {
    /// What the path of its pages names.
    type Path: DeserializeOwned + 'static;

    /// What such a path would be for; none for what can't be one of ours.
    fn named(path: &Self::Path) -> Option<LoginFor>;

    /// A request on the certificate login's host: no cookie counts there, even where it is sent (another
    /// port of one host name shares them). `wish` is what was read before.
    ///
    /// # Errors
    /// The error page for what there is not, or for a database that is down.
    async fn on_certificate_host(
        app: web::Data<App>,
        request: &HttpRequest,
        path: &web::Path<Self::Path>,
        wish: Option<Locale>,
    ) -> Result<Self, PageError>;

    /// That a login can still lead anywhere.
    ///
    /// # Errors
    /// The page that says why not.
    async fn open(&self) -> Result<(), PageError>;

    /// The service's parts.
    fn app(&self) -> &web::Data<App>;

    /// What the login is for.
    fn login_for(&self) -> LoginFor;

    /// The browser's cookie on the home's host.
    fn cookie(&self) -> Option<&BrowserCookie>;

    /// What the visitor reads.
    fn locale(&self) -> Locale;

    /// The database's time.
    fn now(&self) -> Instant;

    /// Where the login is tried.
    fn login_place(&self) -> LoginPlace<'_>;

    /// The path of one of its pages, perhaps with a query.
    fn url(&self, page: &str) -> String;

    /// Where the login begins, with the home's origin.
    fn login_url(&self) -> String;

    /// The texts as the bank words them, in the visitor's language.
    fn texts(&self) -> &Texts;

    /// What stands around the password's form.
    fn around(&self) -> AroundPassword;

    /// The error page.
    fn error(&self, kind: ErrorKind) -> PageError;

    /// The error page with a way back to where the login begins.
    fn error_at_login(&self, kind: ErrorKind) -> PageError;

    /// The error page for a browser that did not begin this login.
    fn foreign(&self) -> PageError;
}
