//! The error page: what happened, what to do, whom to call.

use askama::Template;
use chrono::{DateTime, Utc};

use super::japan_time;
use super::layout::{Around, Layout, RenderError};
use super::phrase::{Label, Slot};
use super::shell::{BankContact, PartnerName};
use super::texts::{ErrorPageTexts, ErrorTexts, Texts};

/// An error as the customer reads it. Nothing of the request is repeated on it.
#[derive(Debug, Clone)]
pub struct ErrorView {
    /// What went wrong.
    pub kind: ErrorKind,
    /// Whose page it is; `None` when the address names no bank.
    pub bank: Option<BankContact>,
    /// The partner, once the request is proven to be its own.
    pub partner: Option<PartnerName>,
    /// The number to quote to the bank.
    pub inquiry_number: String,
    /// Back to the partner: its registered redirect URI with the error, never anything unproven.
    pub partner_url: Option<String>,
    /// Back to step 2, where another try helps.
    pub login_url: Option<String>,
    /// Which pages it stands among.
    pub place: ErrorPlace,
    /// Where the language switch leads back to, as a path on our origin.
    pub address: String,
}

/// Which pages an error stands among; it says what to do next there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorPlace {
    /// A journey's, or none.
    Journey,
    /// The customer's own, with the address of their beginning.
    Linkages(String),
}

impl ErrorPlace {
    /// Of a request's path; `origin` is that of the pages, which the certificate login's host is not.
    pub fn of(origin: &str, path: &str) -> Self {
        match path.split('/').collect::<Vec<_>>()[..] {
            ["", bank, "linkages", ..] => Self::Linkages(format!("{origin}/{bank}/linkages")),
            _ => Self::Journey,
        }
    }
}

/// The errors that have a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The partner's request can't be used.
    InvalidRequest,
    /// The `request_uri` is unknown, too old, or used.
    RequestExpired,
    /// The partner may not link at this bank now.
    PartnerNotAvailable,
    /// The linkage that the partner wants changed is not the contract's, or has ended.
    LinkageNotAvailable,
    /// The partner at the bank, or the bank, is suspended for now.
    LinkingPaused,
    /// The bank ended the contract, or the user has left it.
    LoginNotEntitled,
    /// No such journey, or not this browser's.
    JourneyNotFound,
    /// The journey's time has passed.
    JourneyTimedOut,
    /// The journey has ended in another way.
    JourneyEnded,
    /// The form is malformed, too large, or not from our page.
    FormNotAccepted,
    /// The browser keeps no cookie.
    CookiesRequired,
    /// No certificate, none that the bank's authority issued, or none that the bank takes.
    CertificateNotConfirmed,
    /// The way to the certificate login's host or back from it took too long, or was not ours.
    CertificateLoginExpired,
    /// No such linkage, or not this contract's.
    LinkageNotFound,
    /// This user may not do that to this linkage.
    ActNotAllowed,
    /// The user has no account that could be linked.
    NoAccount,
    /// Too many requests.
    TooManyRequests,
    /// Outside the bank's hours.
    BankClosed {
        /// When it opens, if known.
        reopens_at: Option<DateTime<Utc>>,
    },
    /// The bank's maintenance.
    BankMaintenance {
        /// When it opens, if known.
        reopens_at: Option<DateTime<Utc>>,
    },
    /// The bank's system does not answer.
    BankUnavailable,
    /// A part of this service is down.
    ServiceUnavailable,
    /// A defect.
    Internal,
    /// No such page.
    NotFound,
}

impl ErrorKind {
    /// The code in `main[data-error]` and on the page, stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::RequestExpired => "request_expired",
            Self::PartnerNotAvailable => "partner_not_available",
            Self::LinkageNotAvailable => "linkage_not_available",
            Self::LinkingPaused => "linking_paused",
            Self::LoginNotEntitled => "login_not_entitled",
            Self::JourneyNotFound => "journey_not_found",
            Self::JourneyTimedOut => "journey_timed_out",
            Self::JourneyEnded => "journey_ended",
            Self::FormNotAccepted => "form_not_accepted",
            Self::CookiesRequired => "cookies_required",
            Self::CertificateNotConfirmed => "certificate_not_confirmed",
            Self::CertificateLoginExpired => "certificate_login_expired",
            Self::LinkageNotFound => "linkage_not_found",
            Self::ActNotAllowed => "act_not_allowed",
            Self::NoAccount => "no_account",
            Self::TooManyRequests => "too_many_requests",
            Self::BankClosed { .. } => "bank_closed",
            Self::BankMaintenance { .. } => "bank_maintenance",
            Self::BankUnavailable => "bank_unavailable",
            Self::ServiceUnavailable => "service_unavailable",
            Self::Internal => "internal",
            Self::NotFound => "not_found",
        }
    }

    /// What to do where there is no partner's page to go back to.
    fn next_at_linkages<'a>(&self, page: &'a ErrorPageTexts, error: &'a ErrorTexts) -> &'a Label {
        match self {
            Self::FormNotAccepted
            | Self::LinkageNotFound
            | Self::ActNotAllowed
            | Self::TooManyRequests
            | Self::ServiceUnavailable
            | Self::Internal => &error.next,
            Self::CookiesRequired => &page.cookies_at_linkages,
            Self::CertificateNotConfirmed => &page.certificate_at_linkages,
            Self::CertificateLoginExpired => &page.expired_at_linkages,
            _ => &page.next_at_linkages,
        }
    }

    /// When the bank opens again, where that is known.
    pub fn reopens_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::BankClosed { reopens_at } | Self::BankMaintenance { reopens_at } => *reopens_at,
            _ => None,
        }
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    layout: Layout<'a>,
    page: &'a ErrorPageTexts,
    texts: &'a ErrorTexts,
    next: &'a str,
    linkages_url: Option<&'a str>,
    view: &'a ErrorView,
    reopens: Option<String>,
    back: String,
}

impl ErrorView {
    /// Writes the page out.
    ///
    /// # Errors
    /// [`RenderError`] when the template can't be written.
    pub fn render(&self, texts: &Texts) -> Result<String, RenderError> {
        let page = &texts.catalogue.error_page;
        let error = texts.catalogue.errors.of(&self.kind);
        let around = Around {
            bank: self.bank.as_ref(),
            inquiry_number: &self.inquiry_number,
            address: &self.address,
        };
        let bare = Layout::bare(texts, error.title.as_str(), around);
        let layout = Layout {
            partner: self.partner.as_ref(),
            error_code: Some(self.kind.code()),
            ..bare
        };
        let service = self
            .partner
            .as_ref()
            .map_or(page.unnamed_service.as_str(), |partner| {
                partner.service_name.as_str()
            });
        let reopens = self.kind.reopens_at().map(|at| {
            page.reopens
                .fill(&[(Slot::Time, &japan_time::day_and_clock(at, texts.locale()))])
        });
        let (next, linkages_url) = match &self.place {
            ErrorPlace::Journey => (&error.next, None),
            ErrorPlace::Linkages(url) => (self.kind.next_at_linkages(page, error), Some(url)),
        };
        let back = page.back.fill(&[(Slot::Service, service)]);
        Ok(ErrorPage {
            layout,
            page,
            texts: error,
            next: next.as_str(),
            linkages_url: linkages_url.map(String::as_str),
            view: self,
            reopens,
            back,
        }
        .render()?)
    }
}
