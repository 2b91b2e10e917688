//! One request to these pages: the bank, the browser's session if it has one, read at one moment.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use chrono::TimeDelta;
use consent_domain::{
    BankCode, Instant,
    bank::{BankRecord, BankStream},
    suspension::Suspensions,
};
use sqlx::Row as _;
use tracing::Instrument as _;

use super::{
    address::Destination,
    form::{Forms, LinkagesForm},
    message::Message,
    session::{self, COLUMNS, Life, Session},
};
use crate::{
    app::App,
    bank_pages::BankPages,
    journey::{BrowserCookie, Known, LoginPlace, PageAddress, PageError, language_of, see_other},
    pages::{
        self, Deadline, DeadlineKind, ErrorKind, ErrorPlace, Extension, FormTarget, LinkagesFrame,
        LinkagesNotice, Locale, RenderError, Texts,
    },
    request_context::RequestContext,
    store::{Actor, CommandContext, StoreError, sql_span, state_of_row},
};

/// A request to these pages.
pub(super) struct Visit {
    pub app: web::Data<App>,
    pub locale: Locale,
    /// The bank's names and texts.
    pub pages: Arc<BankPages>,
    pub bank: BankCode,
    pub record: BankRecord,
    /// The causes for which the whole bank is suspended.
    pub bank_suspended: Suspensions,
    pub cookie: Option<BrowserCookie>,
    pub session: Option<Session>,
    /// The database's time.
    pub now: Instant,
    pub context: RequestContext,
    address: PageAddress,
    known: Known,
}

/// What a browser brings along.
struct Browser {
    cookie: Option<BrowserCookie>,
    /// The language that it read on another host of ours.
    wish: Option<Locale>,
}

/// A page that is looked at again within this time does not write that down each time.
const TOUCH_AFTER: TimeDelta = TimeDelta::seconds(10);

impl Visit {
    /// Reads bank and session, in one statement.
    ///
    /// # Errors
    /// The error page for an unknown bank, or for a database that is down.
    pub(super) async fn begin(
        app: web::Data<App>,
        request: &HttpRequest,
        bank: &str,
    ) -> Result<Self, PageError> {
        Self::named(app, request, bank, |app, bank| Browser {
            cookie: BrowserCookie::find_at_linkages(app, request, bank),
            wish: None,
        })
        .await
    }

    /// The same on the certificate login's host: no cookie counts there.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub(super) async fn on_certificate_host(
        app: web::Data<App>,
        request: &HttpRequest,
        bank: &str,
        wish: Option<Locale>,
    ) -> Result<Self, PageError> {
        Self::named(app, request, bank, |_, _| Browser { cookie: None, wish }).await
    }

    async fn named(
        app: web::Data<App>,
        request: &HttpRequest,
        bank: &str,
        browser: impl FnOnce(&App, &BankCode) -> Browser,
    ) -> Result<Self, PageError> {
        let context = RequestContext::of(request);
        let known = Known::of(&app, request, &context);
        let Ok(bank) = BankCode::parse(bank) else {
            return Err(known.error(&app, ErrorKind::NotFound));
        };
        let browser = browser(&app, &bank);
        match Self::read(&app, request, (bank, browser), (context, known.clone())).await {
            Ok(Some(visit)) => Ok(visit),
            Ok(None) => Err(known.error(&app, ErrorKind::NotFound)),
            Err(error) => Err(known.error(&app, error.into())),
        }
    }

    async fn read(
        app: &web::Data<App>,
        request: &HttpRequest,
        (bank, browser): (BankCode, Browser),
        (context, known): (RequestContext, Known),
    ) -> Result<Option<Self>, StoreError> {
        let Browser { cookie, wish } = browser;
        let sql = format!(
            "SELECT now() AS now, b.version AS bank_version, b.state_version AS bank_state_version,
                b.state AS bank_state, {COLUMNS}
             FROM bank_current b
             LEFT JOIN customer_sessions s ON s.session_hash = $2 AND s.bank = $1
             WHERE b.stream_id = $1"
        );
        let row = sqlx::query(&sql)
            .bind(bank.as_str())
            .bind(cookie.as_ref().map(|cookie| cookie.hash().to_vec()))
            .fetch_optional(&app.pool)
            .instrument(sql_span("load customer visit"))
            .await?;
        let Some(row) = row else { return Ok(None) };
        let now: Instant = row.try_get("now")?;
        let (state, _) = state_of_row::<BankStream>(&app.pool, &row, "bank", bank.as_str()).await?;
        let Some(record) = state.record().cloned() else {
            return Ok(None);
        };
        let session = match &cookie {
            None => None,
            Some(cookie) => Session::read(&row, cookie, now)?,
        };
        let locale = language_of(app, request, wish.map(Locale::tag));
        let pages = app.pages.of(&bank, &record);
        Ok(Some(Self {
            app: app.clone(),
            locale,
            known: Known {
                locale,
                bank: Some(pages.clone()),
                ..known
            },
            pages,
            bank_suspended: state.suspensions().cloned().unwrap_or_default(),
            bank,
            record,
            cookie,
            session,
            now,
            context,
            address: PageAddress::of(request),
        }))
    }

    /// The texts as this bank words them, in the visitor's language.
    pub(super) fn texts(&self) -> &Texts {
        self.pages.texts(self.locale)
    }

    /// The address of a page of these.
    pub(super) fn url(&self, page: &str) -> String {
        format!("{}/{page}", super::path(&self.bank))
    }

    /// The error page.
    pub(super) fn error(&self, kind: impl Into<ErrorKind>) -> PageError {
        self.known.clone().error(&self.app, kind.into())
    }

    /// The error page with a way to the login.
    pub(super) fn error_at(&self, kind: ErrorKind, login_url: String) -> PageError {
        let known = Known {
            place: ErrorPlace::Linkages(login_url),
            ..self.known.clone()
        };
        known.error(&self.app, kind)
    }

    /// Where a login is tried.
    pub(super) fn login_place(&self) -> LoginPlace<'_> {
        LoginPlace {
            app: &self.app,
            bank: &self.bank,
            settings: &self.record.settings,
            context: self.context(Actor::System),
        }
    }

    /// The context of a command, as far as it is known without a login.
    fn context(&self, actor: Actor) -> CommandContext {
        CommandContext {
            bank: Some(self.bank.to_string()),
            request_id: Some(self.context.request_id.clone()),
            traceparent: self.context.traceparent.clone(),
            ..CommandContext::of(actor)
        }
    }

    /// The session, while it goes on.
    pub(super) fn alive(&self) -> Option<(&Session, &BrowserCookie)> {
        match (&self.session, &self.cookie) {
            (Some(session), Some(cookie)) if session.life == Life::Alive => Some((session, cookie)),
            _ => None,
        }
    }

    /// Who is logged in. Notes that they look.
    ///
    /// # Errors
    /// The way to the login, which leads back to `wanted`; an error page for a database that is down.
    pub(super) async fn customer(self, wanted: Destination) -> Result<AtPage, Elsewhere> {
        let Some((session, cookie)) = self.alive() else {
            let over = matches!(&self.session, Some(session) if session.life == Life::Over);
            let message = over.then_some(Message::Idle);
            return Err(see_other(&wanted.login_url(&self.bank, message)).into());
        };
        if self.now - session.last_seen_at > TOUCH_AFTER {
            session::touch(&self.app.pool, cookie)
                .await
                .map_err(|error| self.error(error))?;
        }
        Ok(AtPage {
            session: session.clone(),
            cookie: cookie.clone(),
            here: wanted,
            visit: self,
        })
    }

    /// The frame of a page before the login.
    pub(super) fn frame(&self, notice: Option<LinkagesNotice>) -> LinkagesFrame {
        LinkagesFrame {
            bank: self.pages.contact(self.locale),
            customer: None,
            deadline: None,
            logout: None,
            notices: notice.into_iter().collect(),
            inquiry_number: self.context.inquiry_number(),
            address: self.address.as_str().to_owned(),
        }
    }

    /// A page that was written.
    pub(super) fn page(
        &self,
        status: StatusCode,
        html: Result<String, RenderError>,
    ) -> Result<HttpResponse, PageError> {
        let html = html.map_err(|error| self.error(error))?;
        Ok(crate::journey::page(status, html))
    }
}

/// A logged-in customer at a page.
pub(super) struct AtPage {
    pub visit: Visit,
    pub session: Session,
    pub cookie: BrowserCookie,
    /// Where a login after the session's end leads.
    here: Destination,
}

impl AtPage {
    /// Opens a page for whoever is logged in, which is noted.
    ///
    /// # Errors
    /// The way to the login, which leads back to `wanted`; the error page for an unknown bank, or for a
    /// database that is down.
    pub(super) async fn opened(
        app: web::Data<App>,
        request: &HttpRequest,
        bank: &str,
        wanted: Destination,
    ) -> Result<Self, Elsewhere> {
        let visit = Visit::begin(app, request, bank).await?;
        visit.customer(wanted).await
    }

    /// The frame of a page, with the customer's name, the deadline and the way out.
    pub(super) fn frame(&self, message: Option<Message>) -> LinkagesFrame {
        LinkagesFrame {
            customer: Some(pages::Customer {
                login_name: self.session.names.login_name.clone(),
                contract_name: self.session.names.contract_name.clone(),
            }),
            deadline: Some(self.deadline()),
            logout: Some(FormTarget {
                action: self.visit.url("logout"),
                form_key: self.forms().mint(LinkagesForm::Logout, "", ""),
            }),
            ..self.visit.frame(message.and_then(Message::notice))
        }
    }

    /// The forms of this session.
    pub(super) fn forms(&self) -> Forms<'_> {
        Forms {
            app: &self.visit.app,
            bank: &self.visit.bank,
            cookie: &self.cookie,
        }
    }

    /// Until when nothing need be done: the idle time from now on, or the session's end where that comes
    /// first, which can't be put off.
    pub(super) fn deadline(&self) -> Deadline {
        let visit = &self.visit;
        let idle = TimeDelta::seconds(self.session.idle_seconds.into());
        let idle_at = visit.now + idle;
        let at = idle_at.min(self.session.ends_at);
        Deadline {
            kind: DeadlineKind::Session,
            at,
            seconds_left: u32::try_from((at - visit.now).num_seconds()).unwrap_or(0),
            extension: (at == idle_at).then(|| Extension {
                page_url: visit.address.as_str().to_owned(),
                script_url: visit.url("extend"),
            }),
            after_url: self.here.login_url(&visit.bank, Some(Message::Idle)),
        }
    }
}

/// A redirect, or an error page.
pub(super) enum Elsewhere {
    Response(Box<HttpResponse>),
    Error(PageError),
}

impl From<HttpResponse> for Elsewhere {
    fn from(response: HttpResponse) -> Self {
        Self::Response(Box::new(response))
    }
}

impl From<PageError> for Elsewhere {
    fn from(error: PageError) -> Self {
        Self::Error(error)
    }
}

impl Elsewhere {
    /// Both are an answer.
    pub(super) fn into_answer(self) -> Result<HttpResponse, PageError> {
        match self {
            Self::Response(response) => Ok(*response),
            Self::Error(error) => Err(error),
        }
    }
}
