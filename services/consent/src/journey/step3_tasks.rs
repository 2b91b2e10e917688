//! Step 3: API連携認証（認可業務選択）.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use consent_domain::{
    journey::{JourneyRefusal, JourneyStream, SelectTasks, Step},
    scope::Task,
};

use super::{
    at_step::AtStep,
    form::{Submission, refused_step},
    form_key::FormName,
    message::Message,
    present::task_view,
    respond::{PageError, command_failed, see_other},
    visit::Visit,
};
use crate::{
    app::App,
    pages::{ErrorKind, TaskChoice, TasksProblem, TasksView, Tick},
    store::{CommandError, Companion},
};

type Path = web::Path<(String, String)>;

/// Shows the tasks that the partner asks for.
pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
) -> Result<HttpResponse, PageError> {
    let visit = Visit::begin(app, &request, &path).await?;
    match visit.at_step(Step::Tasks).await {
        Ok(at) => tasks_page(&at, Message::of(&request), None),
        Err(elsewhere) => elsewhere.into_answer(),
    }
}

fn tasks_page(
    at: &AtStep<'_>,
    message: Option<Message>,
    problem: Option<TasksProblem>,
) -> Result<HttpResponse, PageError> {
    let asked = &at.journey.request.tasks;
    let chosen = match problem {
        Some(_) => &BTreeSet::new(),
        None => at.journey.stage.tasks().unwrap_or(asked),
    };
    let choices = asked
        .iter()
        .map(|task| TaskChoice {
            task: task_view(*task),
            tick: if chosen.contains(task) {
                Tick::Ticked
            } else {
                Tick::Unticked
            },
        })
        .collect();
    let view = TasksView {
        shell: at.shell(Step::Tasks, message),
        form: at.form(FormName::Tasks, "tasks"),
        choices,
        problem,
    };
    let status = match problem {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    at.page_with(status, view.render(at.visit.texts()))
}

/// 「次へ」
pub(super) async fn submit(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
    body: web::Bytes,
) -> Result<HttpResponse, PageError> {
    let visit = Visit::begin(app, &request, &path).await?;
    let which = (Step::Tasks, FormName::Tasks);
    let Submission { at, mut form, key } =
        match Submission::read(&visit, which, &request, &body).await {
            Ok(submission) => submission,
            Err(elsewhere) => return elsewhere.into_answer(),
        };
    // A page of an older revision: in a second tab, say, while the first went on.
    if key.shown != at.journey.revision {
        let step = at.journey.stage.step();
        return Ok(see_other(&visit.step_url(step, Some(Message::Changed))));
    }
    let mut tasks = BTreeSet::new();
    for name in form.fields.take_all("task") {
        let task = Task::find(&name).ok_or_else(|| visit.error(ErrorKind::FormNotAccepted))?;
        tasks.insert(task);
    }
    if tasks.is_empty() {
        return tasks_page(&at, None, Some(TasksProblem::NoneSelected));
    }
    let outcome = visit.step_url(Step::Accounts, None);
    let context = visit.command(
        Some(&at.session.subject),
        Some(form.command_key(&key, outcome.clone())),
    );
    let session_hash = at.cookie.hash().to_vec();
    let executed = visit
        .app
        .bus
        .execute::<JourneyStream, JourneyRefusal>(
            visit.stream(),
            context,
            move |state, now| {
                let command = SelectTasks {
                    tasks: tasks.clone(),
                };
                state
                    .select_tasks(command, now)
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
        Err(CommandError::Refused(refusal)) => refused_step(&visit, &refusal).await,
        Err(error) => Err(visit.error(command_failed(&error))),
    }
}
