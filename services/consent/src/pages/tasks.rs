//! Step 3: API連携認証（認可業務選択）.

use askama::Template;

use super::layout::{Layout, Problem, RenderError, Step};
use super::phrase::Slot;
use super::shell::{FormTarget, Shell, Tick};
use super::texts::{TaskNames, TasksTexts, Texts};

/// A 認可対象業務.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// 残高照会
    Balance,
    /// 入出金明細照会
    Transactions,
}

impl Task {
    /// The value of the form's `task` field.
    pub fn form_value(self) -> &'static str {
        match self {
            Self::Balance => "balance",
            Self::Transactions => "transactions",
        }
    }
}

/// The choice of tasks.
#[derive(Debug, Clone)]
pub struct TasksView {
    /// The page around it.
    pub shell: Shell,
    /// Where the form posts to.
    pub form: FormTarget,
    /// The tasks that the partner asked for, in the order to show.
    pub choices: Vec<TaskChoice>,
    /// Why the last try did not succeed.
    pub problem: Option<TasksProblem>,
}

/// One task to tick.
#[derive(Debug, Clone, Copy)]
pub struct TaskChoice {
    /// Which.
    pub task: Task,
    /// Ticked as the customer left it, or as asked for.
    pub tick: Tick,
}

/// Why a choice of tasks can't be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TasksProblem {
    /// Nothing was ticked.
    NoneSelected,
}

#[derive(Template)]
#[template(path = "tasks.html")]
struct TasksPage<'a> {
    layout: Layout<'a>,
    texts: &'a TasksTexts,
    names: &'a TaskNames,
    view: &'a TasksView,
    lead: String,
}

impl TasksPage<'_> {
    fn note(&self, task: Task) -> &str {
        match task {
            Task::Balance => self.texts.balance_note.as_str(),
            Task::Transactions => self.texts.transactions_note.as_str(),
        }
    }
}

impl TasksView {
    /// Writes the page out.
    ///
    /// # Errors
    /// [`RenderError`] when the template can't be written.
    pub fn render(&self, texts: &Texts) -> Result<String, RenderError> {
        let page = &texts.catalogue.tasks;
        let problems = self.problem.iter().map(|problem| match problem {
            TasksProblem::NoneSelected => {
                let first = self
                    .choices
                    .first()
                    .map_or("form", |choice| choice.task.form_value());
                Problem::new(
                    format!("#task-{first}"),
                    page.problem_none_selected.as_str(),
                )
            }
        });
        let layout = Layout::step(
            texts,
            &self.shell,
            page.title.as_str(),
            Step::Tasks,
            problems.collect(),
        );
        let lead = page
            .lead
            .fill(&[(Slot::LegalName, &self.shell.partner.legal_name)]);
        let names = &texts.catalogue.task_names;
        Ok(TasksPage {
            layout,
            texts: page,
            names,
            view: self,
            lead,
        }
        .render()?)
    }
}
