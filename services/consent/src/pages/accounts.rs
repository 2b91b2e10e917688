//! Step 4: API連携認証（口座選択）.

use askama::Template;

use super::account_table::{AccountHint, RegistrationStatus, RejectionReason, Remark, memo_text};
use super::layout::{Layout, Problem, RenderError, Step};
use super::phrase::Slot;
use super::shell::{FormTarget, Shell, Tick};
use super::texts::{AccountTableTexts, AccountsTexts, Texts};

/// The choice of accounts. No 照会用暗証番号 ever comes back with it.
#[derive(Debug, Clone)]
pub struct AccountsView {
    /// The page around it.
    pub shell: Shell,
    /// Where the form posts to.
    pub form: FormTarget,
    /// The accounts that the user may see, in the bank's order.
    pub rows: Vec<AccountChoice>,
    /// What this choice can't do, if there is something.
    pub limit: ChoiceLimit,
    /// Why the form as a whole can't be taken; a row's own trouble stands in the row.
    pub problem: Option<AccountsProblem>,
    /// Back to step 3.
    pub tasks_url: String,
}

/// One account to tick.
#[derive(Debug, Clone)]
pub struct AccountChoice {
    /// The row's name in the form: ASCII letters, digits, `-` and `_` only (it becomes part of ids).
    pub reference: String,
    /// 登録状況.
    pub status: RegistrationStatus,
    /// E.g. インターネット支店(000) 普通 5000000.
    pub account: String,
    /// 口座メモ, if there is one.
    pub memo: Option<String>,
    /// Ticked as the customer left it; at first exactly the 登録済み* rows.
    pub tick: Tick,
    /// Whether the row can be ticked.
    pub availability: Availability,
    /// Whether its PIN is asked.
    pub pin: PinField,
    /// What to know of the account.
    pub hints: Vec<AccountHint>,
    /// What was wrong with the row when it was sent.
    pub problem: Option<PinProblem>,
}

impl AccountChoice {
    fn says(&self, hint: &AccountHint) -> bool {
        *hint == AccountHint::PinLocked
            && self.problem == Some(PinProblem::Rejected(RejectionReason::PinLocked))
    }
}

/// What a choice of accounts can't do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChoiceLimit {
    /// It can do everything.
    None,
    /// It only adds: rows of the linkage stay in it.
    OnlyAdds,
}

/// Which note about PINs stands below the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PinNote {
    /// Every ticked row needs its PIN.
    Every,
    /// Those that are new do.
    New,
}

/// Whether a row can be ticked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// It can.
    Selectable,
    /// It can't; a hint says why.
    Unavailable,
    /// It is in the linkage and stays in it: ticked, and can't be unticked.
    Kept,
}

/// Whether a row's PIN is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinField {
    /// Where the row is ticked.
    Asked,
    /// For more tasks than the row has; without it the row stays as it is.
    ForMore,
    /// Never: the row stays as it is.
    NotAsked,
}

/// Why the choice as a whole can't be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountsProblem {
    /// Nothing was ticked.
    NoneSelected,
}

/// What was wrong with a ticked row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinProblem {
    /// No PIN was typed.
    Missing,
    /// What was typed is not four ASCII digits.
    Malformed,
    /// The PIN was judged, or could not be.
    Rejected(RejectionReason),
}

impl PinProblem {
    fn text<'a>(self, page: &'a AccountsTexts, table: &'a AccountTableTexts) -> &'a str {
        match self {
            Self::Missing => page.problem_pin_missing.as_str(),
            Self::Malformed => page.problem_pin_malformed.as_str(),
            Self::Rejected(reason) => reason.text(table),
        }
    }
}

struct Row<'a> {
    reference: &'a str,
    status: &'a str,
    account: &'a str,
    memo: &'a str,
    choice: &'a AccountChoice,
    pin_label: String,
    described: bool,
}

impl Row<'_> {
    fn is_ticked(&self) -> bool {
        self.choice.tick.is_ticked()
    }

    fn is_disabled(&self) -> bool {
        self.choice.availability != Availability::Selectable
    }

    fn is_unavailable(&self) -> bool {
        self.choice.availability == Availability::Unavailable
    }

    fn asks_for_pin(&self) -> bool {
        self.choice.pin != PinField::NotAsked
    }

    fn is_invalid(&self) -> bool {
        self.choice.problem.is_some()
    }

    fn has_no_memo(&self) -> bool {
        self.choice
            .memo
            .as_deref()
            .is_none_or(|memo| memo.trim().is_empty())
    }
}

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage<'a> {
    layout: Layout<'a>,
    texts: &'a AccountsTexts,
    table: &'a AccountTableTexts,
    view: &'a AccountsView,
    rows: Vec<Row<'a>>,
    remarks: Vec<Remark<'a>>,
}

impl AccountsView {
    fn only_new_need_pins(&self) -> bool {
        self.pin_note() == PinNote::New
    }

    fn pin_note(&self) -> PinNote {
        let keepable = |row: &AccountChoice| row.hints.contains(&AccountHint::Keepable);
        if self.only_adds() || self.rows.iter().any(keepable) {
            PinNote::New
        } else {
            PinNote::Every
        }
    }

    fn only_adds(&self) -> bool {
        self.limit == ChoiceLimit::OnlyAdds
    }

    /// Writes the page out.
    ///
    /// # Errors
    /// [`RenderError`] when the template can't be written.
    pub fn render(&self, texts: &Texts) -> Result<String, RenderError> {
        let page = &texts.catalogue.accounts;
        let table = &texts.catalogue.account_table;
        let layout = Layout::step(
            texts,
            &self.shell,
            page.title.as_str(),
            Step::Accounts,
            self.problems(page, table),
        );
        let remarks = self.remarks(texts);
        let rows = self
            .rows
            .iter()
            .map(|choice| Row {
                reference: &choice.reference,
                status: choice.status.text(table),
                account: &choice.account,
                memo: memo_text(choice.memo.as_deref(), table),
                choice,
                pin_label: page.pin_label.fill(&[(Slot::Account, &choice.account)]),
                described: remarks
                    .iter()
                    .any(|remark| remark.reference == choice.reference),
            })
            .collect();
        Ok(AccountsPage {
            layout,
            texts: page,
            table,
            view: self,
            rows,
            remarks,
        }
        .render()?)
    }

    fn problems(&self, page: &AccountsTexts, table: &AccountTableTexts) -> Vec<Problem> {
        let whole = self.problem.iter().map(|problem| match problem {
            AccountsProblem::NoneSelected => {
                let first = self
                    .rows
                    .iter()
                    .find(|row| row.availability == Availability::Selectable)
                    .map_or_else(
                        || "#accounts".to_owned(),
                        |row| format!("#tick-{}", row.reference),
                    );
                Problem::new(first, page.problem_none_selected.as_str())
            }
        });
        let rows = self.rows.iter().filter_map(|row| {
            let problem = row.problem?;
            let text = page.row_problem.fill(&[
                (Slot::Account, &row.account),
                (Slot::Reason, problem.text(page, table)),
            ]);
            Some(Problem::new(format!("#pin-{}", row.reference), text))
        });
        whole.chain(rows).collect()
    }

    fn remarks<'a>(&'a self, texts: &Texts) -> Vec<Remark<'a>> {
        let page = &texts.catalogue.accounts;
        let table = &texts.catalogue.account_table;
        let names = &texts.catalogue.task_names;
        self.rows
            .iter()
            .map(|row| Remark {
                reference: &row.reference,
                account: &row.account,
                lines: row
                    .problem
                    .iter()
                    .map(|problem| problem.text(page, table).to_owned())
                    // What the problem says already.
                    .chain(
                        row.hints
                            .iter()
                            .filter(|hint| !row.says(hint))
                            .map(|hint| hint.text(table, names)),
                    )
                    .collect(),
            })
            .filter(|remark| !remark.lines.is_empty())
            .collect()
    }
}
