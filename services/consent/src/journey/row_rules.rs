//! What a row of step 4 lets the customer do, by what the linkage to be changed holds of its account.

use std::collections::BTreeSet;

use consent_domain::{journey::InProgress, scope::Task};

use super::present::{eligible, task_view};
use crate::{
    bank_port::BankAccount,
    pages::{AccountHint, Availability, PinField},
};

/// What can be done with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RowRule {
    /// Ticked with its PIN, or left out.
    Free,
    /// No chosen task can be had for it.
    Unavailable,
    /// It is in the linkage and stays as it is.
    Kept,
    /// It is in the linkage and stays; with its PIN these tasks are added.
    KeptAddable(BTreeSet<Task>),
}

impl RowRule {
    pub(super) fn of(journey: &InProgress, account: &BankAccount, tasks: &BTreeSet<Task>) -> Self {
        let eligible = eligible(account, tasks);
        let kept = journey.kept().tasks_of(&account.id);
        if kept.is_empty() {
            return if eligible.is_empty() {
                Self::Unavailable
            } else {
                Self::Free
            };
        }
        let more: BTreeSet<Task> = eligible.difference(&kept).copied().collect();
        if more.is_empty() {
            Self::Kept
        } else {
            Self::KeptAddable(more)
        }
    }

    pub(super) fn is_kept(&self) -> bool {
        matches!(self, Self::Kept | Self::KeptAddable(_))
    }

    pub(super) fn availability(&self) -> Availability {
        match self {
            Self::Free => Availability::Selectable,
            Self::Unavailable => Availability::Unavailable,
            Self::Kept | Self::KeptAddable(_) => Availability::Kept,
        }
    }

    pub(super) fn pin(&self) -> PinField {
        match self {
            Self::Free | Self::Unavailable => PinField::Asked,
            Self::Kept => PinField::NotAsked,
            Self::KeptAddable(_) => PinField::ForMore,
        }
    }

    /// What is said of the row.
    pub(super) fn hint(&self) -> Option<AccountHint> {
        match self {
            Self::Free | Self::Unavailable => None,
            Self::Kept => Some(AccountHint::Kept),
            Self::KeptAddable(more) => Some(AccountHint::KeptAddable(
                more.iter().copied().map(task_view).collect(),
            )),
        }
    }
}
