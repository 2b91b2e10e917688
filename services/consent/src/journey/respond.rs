//! Answers of the pages: a page, a redirect, or an error page.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use consent_domain::{BankCode, partner::PartnerRecord};

use super::{language, page_address::PageAddress};
use crate::{
    app::App,
    bank_pages::BankPages,
    bank_port::{BankFailure, ClosedCause},
    pages::{ErrorKind, ErrorPlace, ErrorView, Locale, PartnerName, RenderError},
    request_context::RequestContext,
    store::{CommandError, StoreError},
};

/// An error page, already written out.
#[derive(Debug)]
pub struct PageError {
    status: StatusCode,
    html: String,
    retry_after_seconds: Option<u32>,
}

impl std::fmt::Display for PageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "error page with status {}", self.status)
    }
}

impl ResponseError for PageError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if let Some(seconds) = self.retry_after_seconds {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        response
            .content_type("text/html; charset=utf-8")
            .body(self.html.clone())
    }
}

impl PageError {
    /// The same page under a status that tells more than its kind does.
    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }
}

/// What an error page may tell: as much as was proven when the error came up.
#[derive(Clone)]
pub(crate) struct Known {
    pub locale: Locale,
    pub bank: Option<Arc<BankPages>>,
    pub partner: Option<PartnerName>,
    pub inquiry_number: String,
    pub partner_url: Option<String>,
    /// Back to step 2, where that helps.
    pub login_url: Option<String>,
    /// Which pages it stands among.
    pub place: ErrorPlace,
    /// Where the language switch leads back to.
    pub address: PageAddress,
}

fn status(kind: &ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::InvalidRequest | ErrorKind::CookiesRequired | ErrorKind::FormNotAccepted => {
            StatusCode::BAD_REQUEST
        }
        ErrorKind::PartnerNotAvailable
        | ErrorKind::LinkageNotAvailable
        | ErrorKind::LoginNotEntitled
        | ErrorKind::NoAccount
        | ErrorKind::ActNotAllowed
        | ErrorKind::CertificateNotConfirmed => StatusCode::FORBIDDEN,
        ErrorKind::JourneyNotFound | ErrorKind::LinkageNotFound | ErrorKind::NotFound => {
            StatusCode::NOT_FOUND
        }
        ErrorKind::RequestExpired
        | ErrorKind::JourneyTimedOut
        | ErrorKind::JourneyEnded
        | ErrorKind::CertificateLoginExpired => StatusCode::GONE,
        ErrorKind::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::BankClosed { .. }
        | ErrorKind::BankMaintenance { .. }
        | ErrorKind::BankUnavailable
        | ErrorKind::LinkingPaused
        | ErrorKind::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// After how many seconds an unavailable part may be tried again.
const RETRY_AFTER_SECONDS: u32 = 30;

/// A day: a bank that names a later moment may be asked again before.
const RETRY_AFTER_AT_MOST: i64 = 24 * 3600;

/// Until the bank reopens, where it said when.
fn retry_after_seconds(kind: &ErrorKind) -> u32 {
    let left = kind
        .reopens_at()
        .map(|at| (at - chrono::Utc::now()).num_seconds());
    left.map_or(RETRY_AFTER_SECONDS, |seconds| {
        u32::try_from(seconds.clamp(1, RETRY_AFTER_AT_MOST)).unwrap_or(RETRY_AFTER_SECONDS)
    })
}

impl Known {
    /// What a request tells by itself: its number, its language, and the bank that its path names.
    pub(crate) fn of(app: &App, request: &HttpRequest, context: &RequestContext) -> Self {
        let code = request
            .path()
            .split('/')
            .nth(1)
            .and_then(|code| BankCode::parse(code).ok());
        Self {
            locale: language::of_request(app, request, None),
            bank: code.and_then(|code| app.pages.find(&code)),
            partner: None,
            inquiry_number: context.inquiry_number(),
            partner_url: None,
            login_url: None,
            place: ErrorPlace::of(&app.origin, request.path()),
            address: PageAddress::of(request),
        }
    }

    pub(crate) fn error(self, app: &App, kind: ErrorKind) -> PageError {
        let status = status(&kind);
        let texts = match &self.bank {
            Some(bank) => bank.texts(self.locale),
            None => app.pages.common(self.locale),
        };
        let view = ErrorView {
            kind,
            bank: self.bank.as_ref().map(|bank| bank.contact(self.locale)),
            partner: self.partner,
            inquiry_number: self.inquiry_number,
            partner_url: self.partner_url,
            login_url: self.login_url,
            place: self.place,
            address: self.address.as_str().to_owned(),
        };
        PageError {
            status,
            html: view.render(texts).unwrap_or_default(),
            retry_after_seconds: (status == StatusCode::SERVICE_UNAVAILABLE)
                .then(|| retry_after_seconds(&kind)),
        }
    }
}

/// The error page for a store that failed; the cause goes to the log.
pub(super) fn store_failed(error: &dyn std::error::Error) -> ErrorKind {
    tracing::error!(%error, "the event store failed");
    ErrorKind::ServiceUnavailable
}

/// The error page for a command that neither happened nor was refused.
pub(super) fn command_failed<R: std::error::Error>(error: &CommandError<R>) -> ErrorKind {
    match error {
        CommandError::Busy => ErrorKind::ServiceUnavailable,
        CommandError::Store(cause) => store_failed(cause.as_ref()),
        CommandError::Refused(refusal) => {
            tracing::error!(error = %refusal, "a refusal without a page");
            ErrorKind::Internal
        }
        CommandError::Violates(constraint) => {
            tracing::error!(constraint, "a constraint without a page");
            ErrorKind::Internal
        }
    }
}

/// The error page for a bank that gave no outcome.
pub(crate) fn bank_failed(failure: &BankFailure) -> ErrorKind {
    tracing::warn!(error = %failure, "the bank gave no outcome");
    match failure {
        BankFailure::Closed {
            cause: ClosedCause::Hours,
            reopens_at,
        } => ErrorKind::BankClosed {
            reopens_at: *reopens_at,
        },
        BankFailure::Closed {
            cause: ClosedCause::Maintenance,
            reopens_at,
        } => ErrorKind::BankMaintenance {
            reopens_at: *reopens_at,
        },
        BankFailure::Unavailable
        | BankFailure::Unknown
        | BankFailure::NotFound
        | BankFailure::Malformed(_) => ErrorKind::BankUnavailable,
    }
}

/// The error page for a page that can't be written.
pub(super) fn not_written(error: &RenderError) -> ErrorKind {
    tracing::error!(%error, "a page could not be written");
    ErrorKind::Internal
}

impl From<StoreError> for ErrorKind {
    fn from(error: StoreError) -> Self {
        store_failed(&error)
    }
}

impl From<sqlx::Error> for ErrorKind {
    fn from(error: sqlx::Error) -> Self {
        store_failed(&error)
    }
}

impl From<RenderError> for ErrorKind {
    fn from(error: RenderError) -> Self {
        not_written(&error)
    }
}

impl From<BankFailure> for ErrorKind {
    fn from(failure: BankFailure) -> Self {
        bank_failed(&failure)
    }
}

pub(super) fn partner_name(record: &PartnerRecord) -> PartnerName {
    PartnerName {
        service_name: record.service_name.clone(),
        legal_name: record.legal_name.clone(),
    }
}

/// A page.
pub(crate) fn page(status: StatusCode, html: String) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .body(html)
}

/// 303: a form's answer is a page of its own (RFC 9700 4.12: never 307).
pub(crate) fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, location.to_owned()))
        .finish()
}

/// A redirect, or an error page.
pub(super) enum HttpResponseOrError {
    Response(Box<HttpResponse>),
    Error(PageError),
}

impl From<HttpResponse> for HttpResponseOrError {
    fn from(response: HttpResponse) -> Self {
        Self::Response(Box::new(response))
    }
}

impl From<PageError> for HttpResponseOrError {
    fn from(error: PageError) -> Self {
        Self::Error(error)
    }
}

impl HttpResponseOrError {
    /// Both are an answer.
    pub(super) fn into_answer(self) -> Result<HttpResponse, PageError> {
        match self {
            Self::Response(response) => Ok(*response),
            Self::Error(error) => Err(error),
        }
    }
}
