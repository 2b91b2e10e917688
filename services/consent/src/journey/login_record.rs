//! What a login leaves behind, whatever way it came: `LoginSucceeded`, the bank session, and the
//! request bound to this browser, in one commit.

use actix_web::HttpResponse;
use consent_domain::{
    contract::ContractStream,
    journey::{
        JourneyEvent, JourneyRefusal, JourneyStream, LinkageBasis, LoginMethod, RecordLogin, Step,
        UserRole,
    },
};

use super::{
    cookie::BrowserCookie,
    form::{outcome_of, refused_step},
    hindrance,
    linkages::{basis, live_linkages},
    message::Message,
    respond::{PageError, command_failed, see_other},
    session::Names,
    visit::{Visit, failed_page, stream_id},
};
use crate::{
    app::App,
    bank_port::Subject,
    pages::ErrorKind,
    store::{CommandContext, CommandError, CommandKey, Companion, Executed, state_of},
};

/// A login that the bank let in.
pub(super) struct Authenticated {
    pub subject: Subject,
    pub role: UserRole,
    pub names: Names,
    pub method: LoginMethod,
    /// The bank's attempt that this login is.
    pub attempt: uuid::Uuid,
}

/// What was sent to log in, as its repeat is told by.
pub(crate) struct Sent<'a> {
    /// The form's unique part; the command's key.
    pub nonce: &'a str,
    pub content_mac: &'a [u8],
    /// What the browser had before the login.
    pub before: &'a BrowserCookie,
}

impl Sent<'_> {
    /// The session's cookie, the same however often the form is repeated.
    pub(crate) fn session(&self, app: &App) -> BrowserCookie {
        BrowserCookie::of_session(app, self.nonce, self.before)
    }

    /// 303, with the session's cookie.
    pub(super) fn answer(&self, visit: &Visit, outcome: &str) -> HttpResponse {
        let mut response = see_other(outcome);
        // A cookie of printable ASCII: it can't fail.
        let _ = response.add_cookie(&self.session(&visit.app).set(&visit.app, &visit.id));
        response
    }
}

/// Appends `LoginSucceeded`, opens the bank session and binds the request to this browser, at once.
pub(super) async fn record(
    visit: &Visit,
    sent: &Sent<'_>,
    login: Authenticated,
) -> Result<HttpResponse, PageError> {
    let journey = visit.under_way().await?;
    let contract = stream_id(&visit.bank, login.subject.contract.as_str());
    let contract = state_of::<ContractStream>(&visit.app.pool, &contract)
        .await
        .map_err(|error| visit.error(error))?;
    // The bank let in whom it had told us to be gone: nothing may rest on that login.
    if let Some(code) = hindrance::of_contract(&contract, &login.subject.user) {
        visit.fail(code).await?;
        return Err(visit.error(failed_page(code)));
    }
    let linkages = live_linkages(&visit.app.pool, &visit.bank, &login.subject.contract)
        .await
        .map_err(|error| visit.error(error))?;
    let basis: LinkageBasis = basis(
        &linkages,
        &journey.request.client,
        &journey.request.grant_action,
    );
    let session = sent.session(&visit.app);
    let names_sealed = login
        .names
        .seal(&session)
        .ok_or_else(|| visit.error(ErrorKind::Internal))?;
    let resumed = journey.stage.login().is_some();
    let outcome = if resumed {
        visit.step_url(journey.stage.step(), Some(Message::Resumed))
    } else {
        visit.step_url(Step::Tasks, None)
    };
    let companions = vec![
        Companion::OpenSession {
            session_hash: session.hash().to_vec(),
            bank: visit.bank.to_string(),
            journey: visit.id.to_string(),
            generation: visit.generation + 1,
            contract: login.subject.contract.to_string(),
            user: login.subject.user.to_string(),
            names_sealed,
            idle_seconds: i32::try_from(journey.request.limits.idle_seconds).unwrap_or(i32::MAX),
        },
        Companion::BindPushedRequest {
            bank: visit.bank.to_string(),
            journey: visit.id.clone(),
            session_hash: session.hash().to_vec(),
        },
    ];
    let command_key = CommandKey {
        key: sent.nonce.to_owned(),
        content_mac: sent.content_mac.to_vec(),
        outcome: outcome.clone(),
        if_unchanged: None,
    };
    let context = CommandContext {
        causation_id: Some(login.attempt),
        ..visit.command(Some(&login.subject), Some(command_key))
    };
    let command = RecordLogin {
        contract: login.subject.contract.clone(),
        user: login.subject.user.clone(),
        role: login.role,
        method: login.method,
        basis,
    };
    let executed = visit
        .app
        .bus
        .execute::<JourneyStream, JourneyRefusal>(
            visit.stream(),
            context,
            move |state, now| {
                state
                    .record_login(command.clone(), now)
                    .map(|o| o.into_events())
            },
            move |_: &[JourneyEvent], _, _| companions.clone(),
        )
        .await;
    match executed {
        Ok(Executed::Committed(_)) => Ok(sent.answer(visit, &outcome)),
        Ok(Executed::Repeated(spent)) => {
            Ok(sent.answer(visit, &outcome_of(visit, sent.content_mac, &spent)))
        }
        Err(CommandError::Refused(refusal)) => refused_step(visit, &refusal).await,
        // Another browser's login was the first.
        Err(CommandError::Violates(_)) => Err(visit.error(ErrorKind::JourneyNotFound)),
        Err(error) => Err(visit.error(command_failed(&error))),
    }
}
