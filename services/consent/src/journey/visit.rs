//! One request to a page of a journey: what it names, what the browser proves, what the database
//! says, read at one moment.

mod error_pages;
mod frame;
mod reading;
mod under_way;

use std::sync::Arc;

use actix_web::{HttpRequest, http::Method, web};
use consent_domain::{
    BankCode, ContractId, Instant, JourneyId, PartnerId,
    bank::BankRecord,
    journey::{Journey, Step},
    partner::PartnerRecord,
};

use super::{
    cookie::BrowserCookie,
    form_key::FormOwner,
    hindrance::Hindrance,
    login_guess::LoginPlace,
    message::Message,
    page_address::PageAddress,
    path_of,
    respond::{Known, PageError},
    session::BankSession,
};
use crate::{
    app::App,
    bank_pages::BankPages,
    bank_port::{PlannedMaintenance, Subject},
    pages::{ErrorKind, Locale, Texts},
    protocol::received_parameters::ReceivedParameters,
    request_context::RequestContext,
    store::{Actor, CommandContext, CommandKey},
};

pub(super) use error_pages::failed_page;

/// A request to a page of a journey.
pub(super) struct Visit {
    pub app: web::Data<App>,
    /// What the visitor reads.
    pub locale: Locale,
    /// The bank's names and texts.
    pub pages: Arc<BankPages>,
    address: PageAddress,
    pub bank: BankCode,
    pub record: BankRecord,
    pub id: JourneyId,
    pub journey: Journey,
    pub partner_id: PartnerId,
    pub partner: PartnerRecord,
    pub partner_version: u32,
    /// Whether the bank lets its customers link to the partner now.
    partner_enabled: bool,
    /// What stands against going on.
    hindrance: Option<Hindrance>,
    /// Since which version of the partner's record those who get the data are as they are.
    pub recipients_since: u32,
    /// The pushed request's parameters, for the way back to the partner.
    pub parameters: ReceivedParameters,
    pub cookie: Option<BrowserCookie>,
    pub session: Option<BankSession>,
    /// How many logins the journey has seen.
    pub generation: i32,
    /// Maintenance of the bank that begins soon.
    maintenance: Option<PlannedMaintenance>,
    /// The database's time.
    pub now: Instant,
    pub context: RequestContext,
}

/// What a browser brings along.
struct Browser {
    cookie: Option<BrowserCookie>,
    /// The language that it read on another host of ours.
    wish: Option<Locale>,
}

/// What the path of every page names.
type PagePath = web::Path<(String, String)>;

impl Visit {
    /// Reads everything that a page needs, in one statement.
    ///
    /// # Errors
    /// The error page for an unknown bank or journey (the same for one that is another browser's), or
    /// for a database that is down.
    pub(super) async fn begin(
        app: web::Data<App>,
        request: &HttpRequest,
        path: &PagePath,
    ) -> Result<Self, PageError> {
        Self::named(app, request, path, |app, id| Browser {
            cookie: BrowserCookie::find(app, request, id),
            wish: None,
        })
        .await
    }

    /// The same on the certificate login's host: no cookie counts there, even where it is sent
    /// (another port of one host name shares them).
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub(super) async fn on_certificate_host(
        app: web::Data<App>,
        request: &HttpRequest,
        path: &PagePath,
        wish: Option<Locale>,
    ) -> Result<Self, PageError> {
        Self::named(app, request, path, |_, _| Browser { cookie: None, wish }).await
    }

    async fn named(
        app: web::Data<App>,
        request: &HttpRequest,
        path: &PagePath,
        browser: impl FnOnce(&App, &JourneyId) -> Browser,
    ) -> Result<Self, PageError> {
        let context = RequestContext::of(request);
        let known = Known::of(&app, request, &context);
        let (Ok(bank), Ok(id)) = (
            BankCode::parse(path.0.as_str()),
            JourneyId::parse(path.1.as_str()),
        ) else {
            return Err(known.error(&app, ErrorKind::NotFound));
        };
        let browser = browser(&app, &id);
        let visit = Self::read(&app, request, (bank, id), browser, context).await;
        match visit {
            Ok(Some(mut visit)) => {
                visit.hear_of_maintenance(request.method()).await;
                Ok(visit)
            }
            Ok(None) => Err(known.error(&app, ErrorKind::JourneyNotFound)),
            Err(error) => Err(known.error(&app, error.into())),
        }
    }

    /// A form's answer does not wait for announcements.
    async fn hear_of_maintenance(&mut self, method: &Method) {
        let port = &self.app.bank_port;
        self.maintenance = match *method {
            Method::GET => port.maintenance_ahead(&self.bank, self.now).await,
            _ => port.maintenance_heard_of(&self.bank, self.now),
        };
    }

    /// The address of a page of this journey.
    pub(super) fn url(&self, path: &str) -> String {
        format!("/{}/journeys/{}/{path}", self.bank, self.id)
    }

    /// The address of a step's page with a message.
    pub(super) fn step_url(&self, step: Step, message: Option<Message>) -> String {
        let url = self.url(path_of(step));
        match message {
            None => url,
            Some(message) => format!("{url}?m={}", message.as_str()),
        }
    }

    /// The stream of this journey.
    pub(super) fn stream(&self) -> String {
        stream_id(&self.bank, self.id.as_str())
    }

    /// The stream of a contract of this bank.
    pub(super) fn contract_stream(&self, contract: &ContractId) -> String {
        stream_id(&self.bank, contract.as_str())
    }

    /// The texts of the pages, as this bank words them, in the visitor's language.
    pub(super) fn texts(&self) -> &Texts {
        self.pages.texts(self.locale)
    }

    /// The forms of this browser's journey.
    pub(super) fn forms<'a>(&'a self, cookie: &'a BrowserCookie) -> FormOwner<'a> {
        FormOwner {
            app: &self.app,
            bank: &self.bank,
            journey: &self.id,
            cookie,
        }
    }

    /// Where a login of this journey is tried.
    pub(super) fn login_place(&self) -> LoginPlace<'_> {
        LoginPlace {
            app: &self.app,
            bank: &self.bank,
            settings: &self.record.settings,
            context: self.command(None, None),
        }
    }

    /// The context of a command by the customer.
    pub(super) fn command(
        &self,
        subject: Option<&Subject>,
        key: Option<CommandKey>,
    ) -> CommandContext {
        CommandContext {
            bank: Some(self.bank.to_string()),
            partner: Some(self.partner_id.to_string()),
            contract: subject.map(|subject| subject.contract.to_string()),
            actor: Actor::Customer(subject.map(|subject| subject.user.to_string())),
            causation_id: None,
            request_id: Some(self.context.request_id.clone()),
            traceparent: self.context.traceparent.clone(),
            key,
        }
    }
}

/// The id of a stream of a bank.
pub(crate) fn stream_id(bank: &BankCode, id: &str) -> String {
    format!("{bank}:{id}")
}
