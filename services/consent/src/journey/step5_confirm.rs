//! Step 5: API連携認証（登録口座確認）.

use crate::store::sql_span;
use actix_web::{HttpRequest, HttpResponse, web};
use consent_domain::{
    Stream as _,
    journey::{
        ConfirmRegistration, Draft, InProgress, Journey, JourneyEvent, JourneyRefusal,
        JourneyStream, Revision, Step,
    },
    registration_status::RegistrationStatus,
};
use sqlx::Row as _;
use tracing::Instrument as _;

use super::{
    at_step::AtStep,
    form::{Submission, refused_step},
    form_key::FormName,
    message::Message,
    present::{hints, rejection_view, status_view},
    respond::{PageError, command_failed, see_other},
    step4_accounts::other_linkages,
    visit::Visit,
};
use crate::{
    app::App,
    pages::{ConfirmView, ConfirmedAccount, ErrorKind, PinShown, RowChange},
    store::{CommandError, Companion, StoreError},
};

type Path = web::Path<(String, String)>;

/// Shows what came of step 4.
pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
) -> Result<HttpResponse, PageError> {
    let visit = Visit::begin(app, &request, &path).await?;
    let at = match visit.at_step(Step::Confirm).await {
        Ok(at) => at,
        Err(elsewhere) => return elsewhere.into_answer(),
    };
    let Some(draft) = at.journey.stage.draft() else {
        return Ok(see_other(&visit.step_url(at.journey.stage.step(), None)));
    };
    let message = Message::of(&request);
    let before = match (message, revision_before(&request)) {
        (Some(Message::Changed), Some(revision)) => journey_at(&visit, revision)
            .await
            .map_err(|error| visit.error(error))?,
        _ => None,
    };
    confirm_page(&at, draft, message, before.as_ref()).await
}

/// The revision that the customer had confirmed, where another was current.
fn revision_before(request: &HttpRequest) -> Option<Revision> {
    let pairs = actix_web::web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let pairs = pairs.ok()?.into_inner();
    let (_, revision) = pairs.iter().find(|(name, _)| name == "from")?;
    revision.parse().ok().map(Revision)
}

/// The journey as it was at an earlier revision, folded from its events.
async fn journey_at(visit: &Visit, revision: Revision) -> Result<Option<InProgress>, StoreError> {
    let rows = sqlx::query(
        "SELECT payload FROM events WHERE aggregate_type = $1 AND aggregate_id = $2
         ORDER BY sequence",
    )
    .bind(JourneyStream::TYPE)
    .bind(visit.stream())
    .fetch_all(&visit.app.pool)
    .instrument(sql_span("journey at"))
    .await?;
    let mut journey = Journey::default();
    let mut then = None;
    for row in rows {
        let event: sqlx::types::Json<JourneyEvent> = row.try_get("payload")?;
        JourneyStream::evolve(&mut journey, &event.0);
        match &journey {
            Journey::InProgress(state) if state.revision == revision => {
                then = Some(InProgress::clone(state));
            }
            _ => {}
        }
    }
    Ok(then)
}

async fn confirm_page(
    at: &AtStep<'_>,
    draft: &Draft,
    message: Option<Message>,
    before: Option<&InProgress>,
) -> Result<HttpResponse, PageError> {
    let visit = at.visit;
    let accounts = at.accounts().await?;
    let contract = at.contract().await?;
    let others = other_linkages(at).await?;
    let linkage = at.journey.linkage_scope();
    let tasks = at.journey.stage.tasks().cloned().unwrap_or_default();
    let rows = accounts
        .iter()
        // An account that came up at the bank since step 4 was not part of the choice.
        .filter(|account| draft.seen.contains(&account.id))
        .map(|account| ConfirmedAccount {
            reference: account.id.to_string(),
            status: status_view(RegistrationStatus::of(&account.id, &contract, &linkage)),
            account: account.label.clone(),
            memo: account.memo.clone(),
            rejection: draft
                .rejected
                .get(&account.id)
                .map(|reason| rejection_view(*reason)),
            pin: if draft.registered.contains_key(&account.id)
                && !draft.without_pin.contains(&account.id)
            {
                PinShown::Typed
            } else {
                PinShown::NotTyped
            },
            change: match before {
                Some(before)
                    if before.linkage_scope().tasks_of(&account.id)
                        != linkage.tasks_of(&account.id) =>
                {
                    RowChange::Changed
                }
                _ => RowChange::Unchanged,
            },
            hints: hints(
                account,
                &tasks,
                &contract,
                &others,
                &at.journey.request.accounts,
            ),
        })
        .collect();
    let view = ConfirmView {
        shell: at.shell(Step::Confirm, message),
        form: (!draft.registered.is_empty()).then(|| at.form(FormName::Confirm, "confirm")),
        revision: u64::from(at.journey.revision.0),
        rows,
        accounts_url: visit.step_url(Step::Accounts, None),
    };
    at.page(view.render(visit.texts()))
}

/// 「API連携認可へ」
pub(super) async fn submit(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
    body: web::Bytes,
) -> Result<HttpResponse, PageError> {
    let visit = Visit::begin(app, &request, &path).await?;
    let which = (Step::Confirm, FormName::Confirm);
    let Submission { at, form, key } = match Submission::read(&visit, which, &request, &body).await
    {
        Ok(submission) => submission,
        Err(elsewhere) => return elsewhere.into_answer(),
    };
    let outcome = visit.step_url(Step::Authorize, None);
    let context = visit.command(
        Some(&at.session.subject),
        Some(form.command_key(&key, outcome.clone())),
    );
    let session_hash = at.cookie.hash().to_vec();
    let shown = key.shown;
    let executed = visit
        .app
        .bus
        .execute::<JourneyStream, JourneyRefusal>(
            visit.stream(),
            context,
            move |state, now| {
                let command = ConfirmRegistration { shown };
                state
                    .confirm_registration(command, now)
                    .map(|outcome| outcome.into_events())
            },
            move |_, _, _| {
                vec![Companion::TouchSession {
                    session_hash: session_hash.clone(),
                }]
            },
        )
        .await;
    match executed {
        Ok(executed) => Ok(form.answer(&visit, &executed, &outcome)),
        Err(CommandError::Refused(JourneyRefusal::RevisionMoved { .. })) => {
            Ok(changed_since(&visit, shown))
        }
        Err(CommandError::Refused(refusal)) => refused_step(&visit, &refusal).await,
        Err(CommandError::Violates(constraint)) => {
            tracing::error!(constraint, "a confirmation violates a constraint");
            Err(visit.error(ErrorKind::Internal))
        }
        Err(error) => Err(visit.error(command_failed(&error))),
    }
}

/// Step 5 again, with the differences to what the page had shown.
pub(super) fn changed_since(visit: &Visit, shown: Revision) -> HttpResponse {
    let url = visit.step_url(Step::Confirm, Some(Message::Changed));
    see_other(&format!("{url}&from={}", shown.0))
}
