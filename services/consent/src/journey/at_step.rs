//! A customer at a step after the login: the bank session that allows it, and what its page needs.

use std::collections::BTreeSet;

use actix_web::{HttpResponse, http::StatusCode};
use chrono::TimeDelta;
use consent_domain::{
    contract::{Contract, ContractStream},
    journey::{InProgress, Login, Step},
    scope::Task,
};

use super::{
    cookie::BrowserCookie,
    form_key::FormName,
    linkages,
    message::Message,
    path_of,
    present::task_view,
    respond::{HttpResponseOrError, PageError, page, see_other},
    session::{self, BankSession, SessionEnd},
    visit::Visit,
};
use crate::{
    bank_port::BankAccount,
    pages::{
        AccessInView, Customer, Deadline, DeadlineKind, ErrorKind, Extension, FormTarget,
        RenderError, Shell,
    },
    store::state_of,
};

/// A page that is looked at again within this time does not write that down each time.
const TOUCH_AFTER: TimeDelta = TimeDelta::seconds(10);

/// A customer at a step after the login.
pub(super) struct AtStep<'v> {
    pub visit: &'v Visit,
    pub journey: &'v InProgress,
    pub login: &'v Login,
    pub session: &'v BankSession,
    pub cookie: &'v BrowserCookie,
}

impl Visit {
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
    pub(super) async fn accounts(&self) -> Result<Vec<BankAccount>, PageError> {
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
        html: Result<String, RenderError>,
    ) -> Result<HttpResponse, PageError> {
        self.page_with(StatusCode::OK, html)
    }

    pub(super) fn page_with(
        &self,
        status: StatusCode,
        html: Result<String, RenderError>,
    ) -> Result<HttpResponse, PageError> {
        html.map(|html| page(status, html))
            .map_err(|error| self.visit.error(error))
    }
}
