//! The account table of steps 4 and 5, and what is said about its rows outside it.
//!
//! The four cells of a row hold exactly what the printed procedure shows; reasons and hints stand
//! in a list below, each with a link to its row.

use super::phrase::Slot;
use super::tasks::Task;
use super::texts::{AccountTableTexts, TaskNames};

/// 登録状況 of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationStatus {
    /// 未登録
    Unregistered,
    /// 登録済み: registered for API use, outside the linkage of this journey.
    Registered,
    /// 登録済み*: registered, and in the linkage of this journey.
    InThisLinkage,
}

impl RegistrationStatus {
    pub(super) fn text(self, texts: &AccountTableTexts) -> &str {
        match self {
            Self::Unregistered => texts.unregistered.as_str(),
            Self::Registered => texts.registered.as_str(),
            Self::InThisLinkage => texts.in_this_linkage.as_str(),
        }
    }
}

/// Why a ticked account was not registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionReason {
    /// The 照会用暗証番号 is not the account's.
    PinMismatch,
    /// No more guesses for this PIN.
    PinLocked,
    /// The account can't be used for the chosen tasks.
    NotEligible,
    /// The bank gave no verdict.
    VerifierUnavailable,
}

impl RejectionReason {
    pub(super) fn text(self, texts: &AccountTableTexts) -> &str {
        match self {
            Self::PinMismatch => texts.reason_pin_mismatch.as_str(),
            Self::PinLocked => texts.reason_pin_locked.as_str(),
            Self::NotEligible => texts.reason_not_eligible.as_str(),
            Self::VerifierUnavailable => texts.reason_verifier_unavailable.as_str(),
        }
    }
}

/// What a customer may want to know of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountHint {
    /// Another linkage uses it.
    LinkedElsewhere,
    /// Of the chosen tasks these can't be had for it.
    TasksUnavailable(Vec<Task>),
    /// It can't be linked at all.
    NotEligible,
    /// Its PIN is locked.
    PinLocked,
    /// The partner asked for it by name.
    AskedFor,
    /// It is in the linkage, and needs no PIN to stay as it is.
    Keepable,
    /// It is in the linkage, and this procedure can't take it out.
    Kept,
    /// It is in the linkage and stays; these tasks come in where its PIN is typed.
    KeptAddable(Vec<Task>),
}

impl AccountHint {
    pub(super) fn text(&self, texts: &AccountTableTexts, names: &TaskNames) -> String {
        match self {
            Self::LinkedElsewhere => texts.hint_linked_elsewhere.to_string(),
            Self::TasksUnavailable(tasks) => texts
                .hint_task_unavailable
                .fill(&[(Slot::Tasks, &names.join(tasks))]),
            Self::NotEligible => texts.hint_not_eligible.to_string(),
            Self::PinLocked => texts.hint_pin_locked.to_string(),
            Self::AskedFor => texts.hint_asked_for.to_string(),
            Self::Keepable => texts.hint_keepable.to_string(),
            Self::Kept => texts.hint_kept.to_string(),
            Self::KeptAddable(tasks) => texts
                .hint_kept_addable
                .fill(&[(Slot::Tasks, &names.join(tasks))]),
        }
    }
}

/// What is said about one row, below the table.
pub(super) struct Remark<'a> {
    pub(super) reference: &'a str,
    pub(super) account: &'a str,
    pub(super) lines: Vec<String>,
}

/// A memo as its cell shows it; a blank one counts as missing.
pub(super) fn memo_text<'a>(memo: Option<&'a str>, texts: &'a AccountTableTexts) -> &'a str {
    match memo {
        Some(memo) if !memo.trim().is_empty() => memo,
        _ => texts.none.as_str(),
    }
}
