//! Terms of a grant in a partner's words.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use consent_domain::{AccountId, BankCode, consent::GrantTerms, scope::Task};
use renkei_proto::consent::v1 as proto;

use crate::Names;

/// What the terms allow, with the account ids of their own partner.
pub(crate) fn access(terms: &GrantTerms, bank: &BankCode, names: &Names) -> proto::Access {
    let mut accounts: Vec<_> = terms
        .scope
        .accounts()
        .iter()
        .map(|account| proto::AccountAccess {
            account_id: names.account(&terms.partner, bank, account),
            tasks: numbers(terms, account, None),
        })
        .collect();
    // By the partner's ids: the order of the bank's own would tell something of them.
    accounts.sort_by(|one, other| one.account_id.cmp(&other.account_id));
    proto::Access {
        subject: names.subject(&terms.partner, bank, &terms.contract),
        accounts,
        history_from: terms
            .history_from
            .map_or_else(String::new, |day| day.to_string()),
        valid_from: Some(timestamp(terms.valid_from)),
        valid_until: Some(timestamp(terms.valid_until)),
    }
}

/// What is new and what is gone, for each account of which anything is.
pub(crate) fn changes(
    before: &GrantTerms,
    now: &GrantTerms,
    reason: proto::AccountChangeReason,
    bank: &BankCode,
    names: &Names,
) -> Vec<proto::AccountChange> {
    let mut accounts = before.scope.accounts();
    accounts.extend(now.scope.accounts());
    let by_id: BTreeMap<String, AccountId> = accounts
        .into_iter()
        .map(|account| (names.account(&now.partner, bank, &account), account))
        .collect();
    by_id
        .into_iter()
        .map(|(account_id, account)| proto::AccountChange {
            account_id,
            tasks_added: numbers(now, &account, Some(before)),
            tasks_removed: numbers(before, &account, Some(now)),
            reason: reason.into(),
        })
        .filter(|change| !change.tasks_added.is_empty() || !change.tasks_removed.is_empty())
        .collect()
}

/// The tasks of an account, without those that the other terms allow too.
fn numbers(terms: &GrantTerms, account: &AccountId, but: Option<&GrantTerms>) -> Vec<i32> {
    let mut numbers: Vec<i32> = terms
        .scope
        .tasks_of(account)
        .into_iter()
        .filter(|task| !but.is_some_and(|other| other.scope.covers(account, *task)))
        .map(|task| task_of(task).into())
        .collect();
    numbers.sort_unstable();
    numbers
}

fn task_of(task: Task) -> proto::Task {
    match task {
        Task::Balance => proto::Task::Balance,
        Task::Transactions => proto::Task::Transactions,
    }
}

/// Chrono's years fit into 64 bits of seconds, and its nanoseconds (a leap second aside, which
/// PostgreSQL does not know) into the 999,999,999 of a `Timestamp`.
pub(crate) fn timestamp(at: DateTime<Utc>) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: at.timestamp(),
        nanos: i32::try_from(at.timestamp_subsec_nanos().min(999_999_999)).unwrap_or_default(),
    }
}
