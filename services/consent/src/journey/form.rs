//! What a page's form becomes: fields strictly read, a key that is ours, and the outcome of an
//! earlier sending, if there was one.

use crate::store::sql_span;
use actix_web::{HttpRequest, HttpResponse, web};
use consent_domain::{
    BankCode,
    journey::{FailureCode, Journey, Step},
};
use sqlx::{PgPool, Row as _};
use tracing::Instrument as _;

use super::{
    at_step::AtStep,
    cookie::BrowserCookie,
    end::to_end_page,
    form_key::{FormKey, FormName},
    message::Message,
    respond::{HttpResponseOrError, PageError, see_other},
    visit::Visit,
};
use crate::{
    pages::ErrorKind,
    protocol::{form::Fields, shared_key::KeyPurpose},
    store::{CommandKey, Executed, Spent},
};
use consent_domain::Stream;

/// A form as it came.
pub(super) struct ReceivedForm {
    pub fields: Fields,
    /// Keyed digest of everything that was sent.
    pub content_mac: Vec<u8>,
    /// What was sent as the form's key, ours or not.
    sent_key: Option<String>,
}

impl ReceivedForm {
    /// Reads a form strictly: type, size, encoding.
    ///
    /// # Errors
    /// The error page.
    pub(super) fn read(
        visit: &Visit,
        request: &HttpRequest,
        body: &web::Bytes,
    ) -> Result<Self, PageError> {
        let fields = Fields::of_page(request.headers(), body)
            .ok_or_else(|| visit.error(ErrorKind::FormNotAccepted))?;
        let content_mac = visit
            .app
            .keys
            .shared(KeyPurpose::Content)
            .mac(&[body])
            .to_vec();
        Ok(Self {
            fields,
            content_mac,
            sent_key: None,
        })
    }

    /// The form's key, where it is this browser's for this journey and form.
    ///
    /// # Errors
    /// For a foreign or missing key: the current step where the browser has a session, the end page
    /// where it saw the end, else an error page.
    pub(super) fn key(
        &mut self,
        visit: &Visit,
        cookie: &BrowserCookie,
        form: FormName,
    ) -> Result<FormKey, HttpResponseOrError> {
        let sent = self.fields.take_one("form_key").ok();
        self.sent_key = sent.as_deref().cloned();
        let key = sent.and_then(|text| visit.forms(cookie).find(form, &text));
        key.ok_or_else(|| match (&visit.session, &visit.journey) {
            (Some(session), Journey::InProgress(journey)) if session.ended.is_none() => {
                see_other(&visit.step_url(journey.stage.step(), Some(Message::AlreadySent))).into()
            }
            _ if visit.is_at_end() => see_other(&visit.url("done")).into(),
            _ => visit.error(ErrorKind::FormNotAccepted).into(),
        })
    }

    /// The command's key, with where its answer leads.
    pub(super) fn command_key(&self, key: &FormKey, outcome: String) -> CommandKey {
        CommandKey {
            key: key.nonce.clone(),
            content_mac: self.content_mac.clone(),
            outcome,
            if_unchanged: None,
        }
    }

    /// Where the answer to an earlier sending of this form led, if it was sent before: the same
    /// content gets the same answer, other content the current step and a word about it.
    ///
    /// # Errors
    /// The error page for a database that is down.
    pub(super) async fn repeated(
        &self,
        visit: &Visit,
        key: &FormKey,
    ) -> Result<Option<String>, PageError> {
        let spent = find_spent(&visit.app.pool, &visit.bank, &key.nonce)
            .await
            .map_err(|error| visit.error(error))?;
        Ok(spent.map(|spent| self.outcome_of(visit, &spent)))
    }

    /// Where the answer to an earlier sending of this form led, by its content alone: a form that
    /// gave the browser another cookie comes back with a key that is bound to the cookie before.
    /// The key is part of the content, so that only what was accepted once is found.
    ///
    /// # Errors
    /// The error page for a database that is down.
    pub(super) async fn repeated_since_the_cookie_changed(
        &self,
        visit: &Visit,
    ) -> Result<Option<String>, PageError> {
        let nonce = self
            .sent_key
            .as_deref()
            .and_then(|key| key.split('.').nth(1));
        let Some(nonce) = nonce else { return Ok(None) };
        let spent = find_spent(&visit.app.pool, &visit.bank, nonce)
            .await
            .map_err(|error| visit.error(error))?;
        Ok(spent
            .filter(|spent| spent.content_mac == self.content_mac)
            .map(|spent| spent.outcome))
    }

    pub(super) fn outcome_of(&self, visit: &Visit, spent: &Spent) -> String {
        outcome_of(visit, &self.content_mac, spent)
    }

    /// The answer to a command that was decided now or before.
    pub(super) fn answer<A: Stream, B: Stream>(
        &self,
        visit: &Visit,
        executed: &Executed<A, B>,
        outcome: &str,
    ) -> HttpResponse {
        match executed {
            Executed::Committed(_) => see_other(outcome),
            Executed::Repeated(spent) => see_other(&self.outcome_of(visit, spent)),
        }
    }
}

/// Where the answer to a spent key leads what came under it again.
pub(super) fn outcome_of(visit: &Visit, content_mac: &[u8], spent: &Spent) -> String {
    if spent.content_mac == content_mac {
        return spent.outcome.clone();
    }
    match &visit.journey {
        Journey::InProgress(journey) => {
            visit.step_url(journey.stage.step(), Some(Message::AlreadySent))
        }
        Journey::Absent | Journey::Ended(_) => visit.url("done"),
    }
}

/// What an earlier command under that key left.
///
/// # Errors
/// The database's.
pub(crate) async fn find_spent(
    pool: &PgPool,
    bank: &BankCode,
    nonce: &str,
) -> Result<Option<Spent>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT content_mac, outcome FROM command_keys WHERE bank = $1 AND command_key = $2",
    )
    .bind(bank.as_str())
    .bind(nonce)
    .fetch_optional(pool)
    .instrument(sql_span("find spent"))
    .await?;
    row.map(|row| {
        Ok(Spent {
            content_mac: row.try_get("content_mac")?,
            outcome: row.try_get("outcome")?,
        })
    })
    .transpose()
}

/// A form of a step after the login that was not sent before.
pub(super) struct Submission<'v> {
    pub at: AtStep<'v>,
    pub form: ReceivedForm,
    pub key: FormKey,
}

impl<'v> Submission<'v> {
    /// Reads the form of a step: the step can be done, the key is this browser's for this form.
    ///
    /// # Errors
    /// Where to go instead; for a form that was sent before, where its first answer led.
    pub(super) async fn read(
        visit: &'v Visit,
        (step, name): (Step, FormName),
        request: &HttpRequest,
        body: &web::Bytes,
    ) -> Result<Self, HttpResponseOrError> {
        let at = visit.at_step(step).await?;
        let mut form = ReceivedForm::read(visit, request, body)?;
        let key = form.key(visit, at.cookie, name)?;
        match form.repeated(visit, &key).await? {
            Some(outcome) => Err(see_other(&outcome).into()),
            None => Ok(Self { at, form, key }),
        }
    }
}

/// Where a refused step leads: the page of the step that can be done, with a word about why.
pub(super) async fn refused_step(
    visit: &Visit,
    refusal: &consent_domain::journey::JourneyRefusal,
) -> Result<HttpResponse, PageError> {
    use consent_domain::journey::{JourneyEnd, JourneyRefusal as Refusal};
    match refusal {
        Refusal::StepNotReached(step) => Ok(see_other(&visit.step_url(*step, None))),
        Refusal::RevisionMoved { .. } | Refusal::NothingRegistered => Ok(see_other(
            &visit.step_url(Step::Confirm, Some(Message::Changed)),
        )),
        // The bank reset a PIN while the form was filled in: the row is shown as it is now.
        Refusal::PinNeeded => Ok(see_other(
            &visit.step_url(Step::Accounts, Some(Message::Changed)),
        )),
        Refusal::OutOfTime | Refusal::AlreadyEnded(JourneyEnd::TimedOut { .. }) => {
            Err(visit.error(ErrorKind::JourneyTimedOut))
        }
        // In another tab, a moment ago: the end page's cookie may have gone to that one only.
        Refusal::AlreadyEnded(_) if visit.session.is_some() => {
            Ok(to_end_page(visit, &visit.url("done")))
        }
        Refusal::AlreadyEnded(_) => Ok(see_other(&visit.url("done"))),
        Refusal::GrantUnavailable => {
            visit.fail(FailureCode::GrantUnavailable).await?;
            Err(visit.error(ErrorKind::LinkageNotAvailable))
        }
        Refusal::TooManyRevisions => {
            visit.fail(FailureCode::TooManyRevisions).await?;
            Err(visit.error(ErrorKind::JourneyEnded))
        }
        Refusal::Unknown => Err(visit.error(ErrorKind::JourneyNotFound)),
        Refusal::AnotherUser => Ok(see_other(
            &visit.step_url(Step::Login, Some(Message::AnotherUser)),
        )),
        Refusal::NoTask
        | Refusal::TaskNotRequested
        | Refusal::NothingTicked
        | Refusal::AccountNotSeen
        | Refusal::TimeLeft
        | Refusal::LinkageMoved(_) => Err(visit.error(ErrorKind::FormNotAccepted)),
    }
}
