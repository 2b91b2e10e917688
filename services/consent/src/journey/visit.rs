//! One request to a page of a journey: what it names, what the browser proves, what the database
//! says, read at one moment.

use crate::store::sql_span;
use std::{collections::BTreeSet, sync::Arc};
use tracing::Instrument as _;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode},
    web,
};
use chrono::TimeDelta;
use consent_domain::{
    BankCode, ContractId, Instant, JourneyId, PartnerId,
    bank::{Bank, BankRecord, BankStream},
    contract::{Contract, ContractStream},
    journey::{
        EndJourney, FailureCode, InProgress, Journey, JourneyEnd, JourneyRefusal, JourneyStream,
        Login, SessionAtTimeOut, Step,
    },
    partner::{Partner, PartnerRecord, PartnerStream},
    scope::Task,
};
use sqlx::{Row as _, postgres::PgRow, types::Json};

use super::{
    cookie::BrowserCookie,
    end,
    form_key::{FormName, FormOwner},
    hindrance::Hindrance,
    language, linkages,
    login_guess::LoginPlace,
    page_address::PageAddress,
    path_of,
    present::task_view,
    respond::{Known, PageError, page, partner_name, see_other},
    session::{self, BankSession, Latest, SessionColumns, SessionEnd},
};
use crate::{
    app::App,
    bank_pages::BankPages,
    bank_port::{PlannedMaintenance, Subject},
    pages::{
        AccessInView, Customer, Deadline, DeadlineKind, ErrorKind, ErrorPlace, Extension,
        FormTarget, Locale, Notice, Shell, Texts, WARN_SECONDS,
    },
    protocol::{
        authorization_response::{AuthorizationError, error_url},
        received_parameters::ReceivedParameters,
    },
    request_context::RequestContext,
    store::{Actor, CommandContext, CommandKey, StoreError, state_of, state_of_row},
};

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

const SQL: &str = "
    SELECT now() AS now,
        b.version AS bank_version, b.state_version AS bank_state_version, b.state AS bank_state,
        j.version AS journey_version, j.state_version AS journey_state_version,
        j.state AS journey_state,
        (j.stream_id IS NULL AND EXISTS (SELECT FROM events e WHERE e.aggregate_type = 'journey'
            AND e.aggregate_id = $2 AND e.sequence = 1)) AS journey_left,
        p.stream_id AS partner_stream, p.version AS partner_version,
        p.state_version AS partner_state_version, p.state AS partner_state,
        a.status = 'enabled' AS partner_enabled, r.parameters,
        a.standing AS partner_standing, b.standing AS bank_standing, t.standing AS contract_standing,
        coalesce(t.state -> 'removed_users' ? (j.state #>> '{stage,login,user}'), false)
            AS user_removed,
        s.contract, s.bank_user, s.names_sealed, s.last_seen_at, s.end_reason,
        s.last_seen_at + make_interval(secs => s.idle_seconds) AS idle_at, s.generation,
        (SELECT max(generation) FROM bank_sessions g
         WHERE g.bank = $1 AND g.journey_id = $3) AS generations
    FROM bank_current b
    LEFT JOIN journey_current j ON j.stream_id = $2
    LEFT JOIN pushed_requests r ON r.bank = $1 AND r.journey_id = $3
    LEFT JOIN partner_current p ON p.client = coalesce(j.state #>> '{request,client}', r.client_id)
    LEFT JOIN partner_at_bank_current a ON a.stream_id = $1 || ':' || p.stream_id
    LEFT JOIN contract_current t ON t.stream_id = $1 || ':' || (j.state #>> '{stage,login,contract}')
    LEFT JOIN bank_sessions s ON s.session_hash = $4 AND s.bank = $1 AND s.journey_id = $3
    WHERE b.stream_id = $1";

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

    async fn read(
        app: &web::Data<App>,
        request: &HttpRequest,
        (bank, id): (BankCode, JourneyId),
        browser: Browser,
        context: RequestContext,
    ) -> Result<Option<Self>, StoreError> {
        let Browser { cookie, wish } = browser;
        let stream = stream_id(&bank, id.as_str());
        let row = sqlx::query(SQL)
            .bind(bank.as_str())
            .bind(&stream)
            .bind(id.as_str())
            .bind(cookie.as_ref().map(|cookie| cookie.hash().to_vec()))
            .fetch_optional(&app.pool)
            .instrument(sql_span("load visit"))
            .await?;
        let Some(row) = row else { return Ok(None) };
        let now: Instant = row.try_get("now")?;
        let (bank_state, _) =
            state_of_row::<BankStream>(&app.pool, &row, "bank", bank.as_str()).await?;
        let (journey, _) =
            state_of_row::<JourneyStream>(&app.pool, &row, "journey", &stream).await?;
        let partner_stream: Option<String> = row.try_get("partner_stream")?;
        let (partner, _) = state_of_row::<PartnerStream>(
            &app.pool,
            &row,
            "partner",
            partner_stream.as_deref().unwrap_or_default(),
        )
        .await?;
        let parameters: Option<Json<ReceivedParameters>> = row.try_get("parameters")?;
        let (
            Bank::Registered { record, .. },
            Partner::Registered {
                partner: partner_id,
                record: partner,
                record_version,
                recipients_since,
            },
            Some(Json(parameters)),
        ) = (bank_state, partner, parameters)
        else {
            return Ok(None);
        };
        let session = match &cookie {
            None => None,
            Some(cookie) => read_session(&row, cookie, now)?,
        };
        Ok(Some(Self {
            app: app.clone(),
            locale: language::of_request(
                app,
                request,
                wish.map(Locale::tag).or(parameters.find("ui_locales")),
            ),
            pages: app.pages.of(&bank, &record),
            address: PageAddress::of(request),
            bank,
            record,
            id,
            journey,
            partner_id,
            partner,
            partner_version: record_version,
            hindrance: Hindrance::of_row(&row)?,
            recipients_since,
            partner_enabled: row
                .try_get::<Option<bool>, _>("partner_enabled")?
                .unwrap_or(false),
            parameters,
            cookie,
            session,
            generation: row.try_get::<Option<i32>, _>("generations")?.unwrap_or(0),
            maintenance: None,
            now,
            context,
        }))
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

    pub(super) fn known(&self) -> Known {
        Known {
            locale: self.locale,
            bank: Some(self.pages.clone()),
            address: self.address.clone(),
            partner: Some(partner_name(&self.partner)),
            inquiry_number: self.context.inquiry_number(),
            partner_url: None,
            login_url: None,
            place: ErrorPlace::Journey,
        }
    }

    /// The error page, with everything that is proven of this visit.
    pub(super) fn error(&self, kind: impl Into<ErrorKind>) -> PageError {
        let kind = kind.into();
        let mut known = self.known();
        known.partner_url = match kind {
            ErrorKind::BankClosed { .. }
            | ErrorKind::BankMaintenance { .. }
            | ErrorKind::BankUnavailable
            | ErrorKind::LinkingPaused => {
                self.partner_error_url(AuthorizationError::TemporarilyUnavailable)
            }
            ErrorKind::JourneyTimedOut | ErrorKind::NoAccount | ErrorKind::LoginNotEntitled => {
                self.partner_error_url(AuthorizationError::AccessDenied)
            }
            ErrorKind::LinkageNotAvailable => {
                self.partner_error_url(AuthorizationError::InvalidGrantId)
            }
            _ => None,
        };
        known.error(&self.app, kind)
    }

    /// The error page with a way back to step 2.
    pub(super) fn error_with_login(&self, kind: ErrorKind, login_url: String) -> PageError {
        let mut known = self.known();
        known.login_url = Some(login_url);
        known.error(&self.app, kind)
    }

    /// The registered redirect URI with an error.
    pub(super) fn partner_error_url(&self, error: AuthorizationError) -> Option<String> {
        let description = match error {
            AuthorizationError::AccessDenied => "the customer did not allow access",
            AuthorizationError::TemporarilyUnavailable => "the bank is closed or unavailable",
            AuthorizationError::InvalidGrantId => "the customer has no such grant",
            _ => "the journey could not go on",
        };
        let uri = self.parameters.find("redirect_uri")?;
        let issuer = self.app.issuer(&self.bank);
        Some(error_url(
            uri,
            error,
            description,
            self.parameters.find("state"),
            &issuer,
        ))
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

    /// The journey while it can go on. One whose time is over is ended here and now.
    ///
    /// # Errors
    /// The error page of its end.
    pub(super) async fn open(&self) -> Result<&InProgress, PageError> {
        match self.journey.in_time(self.now) {
            Ok(_) if !self.partner_enabled => {
                self.fail(FailureCode::PartnerDisabled).await?;
                Err(self.error(ErrorKind::PartnerNotAvailable))
            }
            Ok(journey) => match self.hindrance {
                Some(Hindrance::Ends(code)) => {
                    self.fail(code).await?;
                    Err(self.error(failed_page(code)))
                }
                Some(Hindrance::Pauses) | None => Ok(journey),
            },
            Err(JourneyRefusal::OutOfTime) => {
                self.time_out().await.map_err(|kind| self.error(kind))?;
                Err(self.error(ErrorKind::JourneyTimedOut))
            }
            Err(JourneyRefusal::AlreadyEnded(JourneyEnd::TimedOut { .. })) => {
                Err(self.error(ErrorKind::JourneyTimedOut))
            }
            Err(JourneyRefusal::AlreadyEnded(JourneyEnd::Failed { code, .. })) => {
                Err(self.error(failed_page(code)))
            }
            Err(JourneyRefusal::AlreadyEnded(_)) => Err(self.error(ErrorKind::JourneyEnded)),
            Err(_) => Err(self.error(ErrorKind::JourneyNotFound)),
        }
    }

    /// The journey while a step of it can be done: nothing that it needs is suspended. Leaving it is
    /// possible all the same.
    ///
    /// # Errors
    /// As [`Self::open`]; the page that says so.
    pub(super) async fn under_way(&self) -> Result<&InProgress, PageError> {
        let journey = self.open().await?;
        match self.hindrance {
            Some(Hindrance::Pauses) => Err(self.error(ErrorKind::LinkingPaused)),
            Some(Hindrance::Ends(_)) | None => Ok(journey),
        }
    }

    /// Ends a journey that can't go on.
    pub(super) async fn fail(&self, code: FailureCode) -> Result<(), PageError> {
        let ended = end::execute(self, EndJourney::ByFailure(code), None).await;
        ended.map(drop).map_err(|kind| self.error(kind))
    }

    async fn time_out(&self) -> Result<(), ErrorKind> {
        let at = match &self.journey {
            Journey::InProgress(journey) => journey.request.ends_at,
            Journey::Absent | Journey::Ended(_) => return Ok(()),
        };
        let alive = session::was_alive(&self.app.pool, &self.bank, &self.id, at).await?;
        let session = if alive {
            SessionAtTimeOut::Alive
        } else {
            SessionAtTimeOut::None
        };
        end::execute(self, EndJourney::ByTime(session), None)
            .await
            .map(drop)
    }

    /// Whether the browser holds the cookie that allows this journey's end page.
    pub(super) fn is_at_end(&self) -> bool {
        self.cookie.as_ref() == Some(&BrowserCookie::of_end(&self.app, &self.bank, &self.id))
    }

    /// The way to the end page, for the browser whose journey it was: with that page's cookie, or
    /// still with its bank session's, in a tab that sent something at the moment of the end.
    pub(super) fn to_own_end(&self) -> Option<HttpResponse> {
        if self.is_at_end() {
            return Some(see_other(&self.url("done")));
        }
        let Journey::Ended(ended) = &self.journey else {
            return None;
        };
        let by_the_customer = matches!(
            ended.end,
            JourneyEnd::Authorized { .. } | JourneyEnd::Cancelled { .. } | JourneyEnd::Declined
        );
        (by_the_customer && self.session.is_some())
            .then(|| end::to_end_page(self, &self.url("done")))
    }

    /// The customer's bank session and the journey, for a step after the login.
    ///
    /// # Errors
    /// Where to go instead: the login, after an idle session; an error page for a foreign browser.
    pub(super) async fn at_step(&self, step: Step) -> Result<AtStep<'_>, HttpResponseOrError> {
        // Back, after the end: the end page says how it ended.
        if let Some(end) = self.to_own_end() {
            return Err(end.into());
        }
        let journey = self.under_way().await?;
        let (Some(cookie), Some(session)) = (&self.cookie, &self.session) else {
            return Err(match (journey.stage.login(), &self.cookie) {
                (None, Some(_)) => see_other(&self.step_url(Step::Login, None)).into(),
                _ => self.error(ErrorKind::JourneyNotFound).into(),
            });
        };
        match session.ended {
            None => {}
            Some(SessionEnd::Idle) => {
                return Err(see_other(&self.step_url(Step::Login, Some(Message::Idle))).into());
            }
            Some(SessionEnd::Replaced | SessionEnd::Journey) => {
                return Err(self.error(ErrorKind::JourneyNotFound).into());
            }
        }
        let login = journey
            .login()
            .map_err(|_| self.error(ErrorKind::JourneyNotFound))?;
        let current = journey.stage.step();
        if step > current {
            return Err(see_other(&self.step_url(current, None)).into());
        }
        if self.now - session.last_seen_at > TOUCH_AFTER {
            session::touch(&self.app.pool, cookie)
                .await
                .map_err(|error| self.error(error))?;
        }
        Ok(AtStep {
            visit: self,
            journey,
            login,
            session,
            cookie,
        })
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

    /// The frame of a page.
    pub(super) fn shell(&self) -> Shell {
        Shell {
            bank: self.pages.contact(self.locale),
            partner: partner_name(&self.partner),
            access: None,
            customer: None,
            deadline: None,
            cancel: None,
            notices: Vec::new(),
            inquiry_number: self.context.inquiry_number(),
            address: self.address.as_str().to_owned(),
        }
    }

    /// The end of the journey's time, which can't be put off.
    pub(super) fn journey_deadline(&self, journey: &InProgress) -> Deadline {
        let at = journey.request.ends_at;
        Deadline {
            kind: DeadlineKind::Journey,
            at,
            seconds_left: u32::try_from((at - self.now).num_seconds()).unwrap_or(0),
            extension: None,
            after_url: self.step_url(Step::Login, None),
        }
    }

    /// What is said where the end of the journey's time is near.
    pub(super) fn deadline_near(&self, journey: &InProgress) -> Option<Notice> {
        let seconds = self.journey_deadline(journey).seconds_left;
        (seconds < WARN_SECONDS).then(|| Notice::DeadlineNear {
            minutes: seconds.div_ceil(60).max(1),
        })
    }

    /// What is said where the bank's maintenance is near.
    pub(super) fn maintenance_near(&self) -> Option<Notice> {
        self.maintenance.map(|planned| Notice::MaintenanceAhead {
            from: planned.from,
            until: planned.until,
        })
    }

    /// A form of this browser's journey.
    pub(super) fn form(&self, cookie: &BrowserCookie, form: FormName, path: &str) -> FormTarget {
        let shown = match &self.journey {
            Journey::InProgress(journey) => journey.revision,
            Journey::Absent | Journey::Ended(_) => consent_domain::journey::Revision(0),
        };
        FormTarget {
            action: self.url(path),
            form_key: self.forms(cookie).mint(form, shown, ""),
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

/// The page of a journey that could not go on, however often it is opened again.
pub(super) fn failed_page(code: FailureCode) -> ErrorKind {
    match code {
        FailureCode::GrantUnavailable => ErrorKind::LinkageNotAvailable,
        FailureCode::PartnerDisabled => ErrorKind::PartnerNotAvailable,
        FailureCode::ContractClosed | FailureCode::UserRemoved => ErrorKind::LoginNotEntitled,
        FailureCode::LoginRefused
        | FailureCode::BankClosed
        | FailureCode::BankUnavailable
        | FailureCode::TooManyRevisions => ErrorKind::JourneyEnded,
    }
}

/// A page that is looked at again within this time does not write that down each time.
const TOUCH_AFTER: TimeDelta = TimeDelta::seconds(10);

fn read_session(
    row: &PgRow,
    cookie: &BrowserCookie,
    now: Instant,
) -> Result<Option<BankSession>, sqlx::Error> {
    let Some(contract) = row.try_get::<Option<String>, _>("contract")? else {
        return Ok(None);
    };
    let (generation, latest): (i32, i32) =
        (row.try_get("generation")?, row.try_get("generations")?);
    let columns = SessionColumns {
        contract,
        user: row.try_get("bank_user")?,
        names_sealed: row.try_get("names_sealed")?,
        idle_at: row.try_get("idle_at")?,
        last_seen_at: row.try_get("last_seen_at")?,
        end_reason: row.try_get("end_reason")?,
        latest: if generation == latest {
            Latest::Yes
        } else {
            Latest::No
        },
    };
    Ok(BankSession::read(columns, cookie, now))
}

/// The id of a stream of a bank.
pub(crate) fn stream_id(bank: &BankCode, id: &str) -> String {
    format!("{bank}:{id}")
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

/// A customer at a step after the login.
pub(super) struct AtStep<'v> {
    pub visit: &'v Visit,
    pub journey: &'v InProgress,
    pub login: &'v Login,
    pub session: &'v BankSession,
    pub cookie: &'v BrowserCookie,
}

impl AtStep<'_> {
    /// The frame of this step's page, with the customer's name, the deadline and the way out.
    pub(super) fn shell(&self, step: Step, message: Option<Message>) -> Shell {
        let visit = self.visit;
        let views = |tasks: &BTreeSet<Task>| tasks.iter().copied().map(task_view).collect();
        let said = message.and_then(Message::notice);
        Shell {
            access: Some(match self.journey.stage.tasks() {
                None => AccessInView::Asked(views(&self.journey.request.tasks)),
                Some(chosen) => AccessInView::Chosen(views(chosen)),
            }),
            customer: Some(Customer {
                login_name: self.session.names.login_name.clone(),
                contract_name: self.session.names.contract_name.clone(),
            }),
            deadline: Some(self.deadline(step)),
            cancel: (step != Step::Authorize)
                .then(|| visit.form(self.cookie, FormName::Cancel, "cancel")),
            notices: said
                .into_iter()
                .chain(visit.deadline_near(self.journey))
                .chain(visit.maintenance_near())
                .collect(),
            ..visit.shell()
        }
    }

    /// Until when the customer may take their time from now on: to the end of the bank session, or of
    /// the journey where that comes first.
    pub(super) fn deadline(&self, step: Step) -> Deadline {
        let visit = self.visit;
        let idle_seconds = self.journey.request.limits.idle_seconds;
        let at = visit.now + TimeDelta::seconds(i64::from(idle_seconds));
        if at >= self.journey.request.ends_at {
            return visit.journey_deadline(self.journey);
        }
        Deadline {
            kind: DeadlineKind::Session,
            at,
            seconds_left: idle_seconds,
            extension: Some(Extension {
                page_url: visit.url(path_of(step)),
                script_url: visit.url("extend"),
            }),
            after_url: visit.step_url(Step::Login, Some(Message::Idle)),
        }
    }

    pub(super) fn form(&self, form: FormName, path: &str) -> FormTarget {
        self.visit.form(self.cookie, form, path)
    }

    /// The contract as the projection has it.
    pub(super) async fn contract(&self) -> Result<Contract, PageError> {
        let stream = self.visit.contract_stream(&self.login.contract);
        state_of::<ContractStream>(&self.visit.app.pool, &stream)
            .await
            .map_err(|error| self.visit.error(error))
    }

    /// The contract's live linkages.
    pub(super) async fn linkages(&self) -> Result<Vec<linkages::LiveLinkage>, PageError> {
        linkages::live_linkages(&self.visit.app.pool, &self.visit.bank, &self.login.contract)
            .await
            .map_err(|error| self.visit.error(error))
    }

    /// The accounts as the bank has them now.
    pub(super) async fn accounts(&self) -> Result<Vec<crate::bank_port::BankAccount>, PageError> {
        let accounts = self
            .visit
            .app
            .bank_port
            .accounts(&self.visit.bank, &self.session.subject)
            .await
            .map_err(|failure| self.visit.error(failure))?;
        if accounts.is_empty() {
            return Err(self.visit.error(ErrorKind::NoAccount));
        }
        Ok(accounts)
    }

    pub(super) fn page(
        &self,
        html: Result<String, crate::pages::RenderError>,
    ) -> Result<HttpResponse, PageError> {
        self.page_with(StatusCode::OK, html)
    }

    pub(super) fn page_with(
        &self,
        status: StatusCode,
        html: Result<String, crate::pages::RenderError>,
    ) -> Result<HttpResponse, PageError> {
        html.map(|html| page(status, html))
            .map_err(|error| self.visit.error(error))
    }
}

/// What a page says first, as the query parameter `m` of a redirect of ours. Anything else there is
/// ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message {
    AlreadySent,
    Resumed,
    Changed,
    Idle,
    AnotherUser,
    Rejected,
    Locked,
    LockedAtBank,
    PasswordChangeDue,
    Stopped,
    CertificateRequired,
    Unavailable,
}

impl Message {
    const ALL: [Self; 12] = [
        Self::AlreadySent,
        Self::Resumed,
        Self::Changed,
        Self::Idle,
        Self::AnotherUser,
        Self::Rejected,
        Self::Locked,
        Self::LockedAtBank,
        Self::PasswordChangeDue,
        Self::Stopped,
        Self::CertificateRequired,
        Self::Unavailable,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::AlreadySent => "already_sent",
            Self::Resumed => "resumed",
            Self::Changed => "changed",
            Self::Idle => "idle",
            Self::AnotherUser => "another_user",
            Self::Rejected => "rejected",
            Self::Locked => "locked",
            Self::LockedAtBank => "locked_at_bank",
            Self::PasswordChangeDue => "password_change_due",
            Self::Stopped => "stopped",
            Self::CertificateRequired => "certificate_required",
            Self::Unavailable => "unavailable",
        }
    }

    /// The message of a request, if it has one of ours.
    pub(super) fn of(request: &HttpRequest) -> Option<Self> {
        Self::in_query(request.query_string())
    }

    /// The message of a query, if it has one of ours.
    pub(super) fn in_query(query: &str) -> Option<Self> {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let name = pairs.into_iter().find(|(key, _)| key == "m")?.1;
        Self::ALL
            .into_iter()
            .find(|message| message.as_str() == name)
    }

    fn notice(self) -> Option<Notice> {
        match self {
            Self::AlreadySent => Some(Notice::AlreadySent),
            Self::Resumed => Some(Notice::Resumed),
            Self::Changed => Some(Notice::SelectionChanged),
            _ => None,
        }
    }
}
