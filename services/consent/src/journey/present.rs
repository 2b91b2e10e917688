//! From the domain's words to the pages'.

use std::collections::BTreeSet;

use consent_domain::{
    AccountId,
    contract::Contract,
    journey::RejectionReason as Rejected,
    registration_status::RegistrationStatus as Derived,
    scope::{Scope, Task},
};

use super::linkages::LiveLinkage;
use crate::{
    bank_port::BankAccount,
    pages::{self, AccountHint, RegistrationStatus, RejectionReason},
};

pub(super) fn task_view(task: Task) -> pages::Task {
    match task {
        Task::Balance => pages::Task::Balance,
        Task::Transactions => pages::Task::Transactions,
    }
}

pub(super) fn status_view(status: Derived) -> RegistrationStatus {
    match status {
        Derived::NotRegistered => RegistrationStatus::Unregistered,
        Derived::Registered => RegistrationStatus::Registered,
        Derived::RegisteredInThisLinkage => RegistrationStatus::InThisLinkage,
    }
}

pub(super) fn rejection_view(reason: Rejected) -> RejectionReason {
    match reason {
        Rejected::PinMismatch => RejectionReason::PinMismatch,
        Rejected::PinLocked => RejectionReason::PinLocked,
        Rejected::NotEligible => RejectionReason::NotEligible,
        Rejected::VerifierUnavailable => RejectionReason::VerifierUnavailable,
    }
}

/// The tasks of the choice that can be had for an account.
pub(super) fn eligible(account: &BankAccount, tasks: &BTreeSet<Task>) -> BTreeSet<Task> {
    tasks
        .iter()
        .filter(|task| account.tasks.contains_key(task))
        .copied()
        .collect()
}

/// What to know of an account before ticking it.
pub(super) fn hints(
    account: &BankAccount,
    tasks: &BTreeSet<Task>,
    contract: &Contract,
    others: &[LiveLinkage],
    asked_for: &BTreeSet<AccountId>,
) -> Vec<AccountHint> {
    let mut hints = Vec::new();
    if asked_for.contains(&account.id) {
        hints.push(AccountHint::AskedFor);
    }
    let missing: Vec<pages::Task> = tasks
        .iter()
        .filter(|task| !account.tasks.contains_key(task))
        .map(|task| task_view(*task))
        .collect();
    if eligible(account, tasks).is_empty() {
        hints.push(AccountHint::NotEligible);
    } else if !missing.is_empty() {
        hints.push(AccountHint::TasksUnavailable(missing));
    }
    if contract.is_pin_locked(&account.pin_scope) {
        hints.push(AccountHint::PinLocked);
    }
    if others
        .iter()
        .any(|linkage| linkage.scope.has_account(&account.id))
    {
        hints.push(AccountHint::LinkedElsewhere);
    }
    hints
}

/// The accounts' labels that are in one scope and not in the other.
pub(super) fn labels_only_in(
    scope: &Scope,
    not_in: &Scope,
    label: impl Fn(&AccountId) -> String,
) -> Vec<String> {
    scope
        .accounts()
        .difference(&not_in.accounts())
        .map(label)
        .collect()
}
