//! Step 5: API連携認証（登録口座確認）.

use askama::Template;

use super::account_table::{AccountHint, RegistrationStatus, RejectionReason, Remark, memo_text};
use super::layout::{Layout, RenderError, Step};
use super::phrase::Slot;
use super::shell::{FormTarget, Shell};
use super::texts::{AccountTableTexts, ConfirmTexts, Texts};

/// What came of step 4.
#[derive(Debug, Clone)]
pub struct ConfirmView {
    /// The page around it.
    pub shell: Shell,
    /// Where the form posts to; `None` when no account is in the linkage, so that there is nothing
    /// to go on with.
    pub form: Option<FormTarget>,
    /// The revision of the choice that the page shows (the hidden field `revision`).
    pub revision: u64,
    /// The accounts of step 4, in the same order.
    pub rows: Vec<ConfirmedAccount>,
    /// Back to step 4.
    pub accounts_url: String,
}

/// One account and what came of it.
#[derive(Debug, Clone)]
pub struct ConfirmedAccount {
    /// As in step 4.
    pub reference: String,
    /// 登録状況.
    pub status: RegistrationStatus,
    /// Whether its PIN was typed and right: then it reads 「●●●●」, else 「-」.
    pub pin: PinShown,
    /// E.g. インターネット支店(000) 普通 5000000.
    pub account: String,
    /// 口座メモ, if there is one.
    pub memo: Option<String>,
    /// Why it was not registered, though ticked.
    pub rejection: Option<RejectionReason>,
    /// Whether it differs from what the customer was about to confirm.
    pub change: RowChange,
    /// What to know of the account.
    pub hints: Vec<AccountHint>,
}

/// What the cell of the PIN shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinShown {
    /// It was typed and right.
    Typed,
    /// It was not, or not asked.
    NotTyped,
}

/// Whether a row differs from the page that the customer saw before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowChange {
    /// It does not, or nothing was shown before.
    Unchanged,
    /// It does, and is marked.
    Changed,
}

struct Row<'a> {
    reference: &'a str,
    status: &'a str,
    account: &'a str,
    memo: &'a str,
    confirmed: &'a ConfirmedAccount,
    described: bool,
}

impl Row<'_> {
    fn is_linked(&self) -> bool {
        self.confirmed.status == RegistrationStatus::InThisLinkage
    }

    fn has_pin(&self) -> bool {
        self.confirmed.pin == PinShown::Typed
    }

    fn is_rejected(&self) -> bool {
        self.confirmed.rejection.is_some()
    }

    fn is_changed(&self) -> bool {
        self.confirmed.change == RowChange::Changed
    }

    fn has_no_memo(&self) -> bool {
        self.confirmed
            .memo
            .as_deref()
            .is_none_or(|memo| memo.trim().is_empty())
    }
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage<'a> {
    layout: Layout<'a>,
    texts: &'a ConfirmTexts,
    table: &'a AccountTableTexts,
    view: &'a ConfirmView,
    rows: Vec<Row<'a>>,
    failures: Vec<Remark<'a>>,
    remarks: Vec<Remark<'a>>,
    failed_link: String,
}

impl ConfirmView {
    /// Writes the page out.
    ///
    /// # Errors
    /// [`RenderError`] when the template can't be written.
    pub fn render(&self, texts: &Texts) -> Result<String, RenderError> {
        let page = &texts.catalogue.confirm;
        let table = &texts.catalogue.account_table;
        let layout = Layout::step(
            texts,
            &self.shell,
            page.title.as_str(),
            Step::Confirm,
            Vec::new(),
        );
        let failures = self.failures(table);
        let remarks = self.remarks(texts);
        let rows = self
            .rows
            .iter()
            .map(|confirmed| Row {
                reference: &confirmed.reference,
                status: confirmed.status.text(table),
                account: &confirmed.account,
                memo: memo_text(confirmed.memo.as_deref(), table),
                confirmed,
                described: remarks
                    .iter()
                    .any(|remark| remark.reference == confirmed.reference),
            })
            .collect();
        let failed_link = page
            .failed_link
            .fill(&[(Slot::Count, &failures.len().to_string())]);
        let page = ConfirmPage {
            layout,
            texts: page,
            table,
            view: self,
            rows,
            failures,
            remarks,
            failed_link,
        };
        Ok(page.render()?)
    }

    fn failures<'a>(&'a self, table: &AccountTableTexts) -> Vec<Remark<'a>> {
        self.rows
            .iter()
            .filter_map(|row| {
                let reason = row.rejection?;
                Some(Remark {
                    reference: &row.reference,
                    account: &row.account,
                    lines: vec![reason.text(table).to_owned()],
                })
            })
            .collect()
    }

    fn remarks<'a>(&'a self, texts: &Texts) -> Vec<Remark<'a>> {
        let table = &texts.catalogue.account_table;
        let names = &texts.catalogue.task_names;
        self.rows
            .iter()
            .map(|row| {
                let changed = match row.change {
                    RowChange::Unchanged => None,
                    RowChange::Changed => Some(table.changed.to_string()),
                };
                let hints = row.hints.iter().map(|hint| hint.text(table, names));
                Remark {
                    reference: &row.reference,
                    account: &row.account,
                    lines: changed.into_iter().chain(hints).collect(),
                }
            })
            .filter(|remark| !remark.lines.is_empty())
            .collect()
    }
}
