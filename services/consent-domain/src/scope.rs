//! Scope: a set of (task, account) pairs, everywhere, because eligible tasks differ per account.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::AccountId;

/// 認可対象業務: what a partner may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// 残高照会
    Balance,
    /// 入出金明細照会
    Transactions,
}

impl Task {
    /// Every task, in the order in which screens show them.
    pub const ALL: [Self; 2] = [Self::Balance, Self::Transactions];

    /// The task's name in scopes, forms and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Balance => "balance",
            Self::Transactions => "transactions",
        }
    }

    /// The task of that name, if there is one.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|task| task.as_str() == name)
    }
}

/// One task on one account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ScopePair {
    /// The account.
    pub account: AccountId,
    /// The task.
    pub task: Task,
}

/// A set of (task, account) pairs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scope(BTreeSet<ScopePair>);

impl Scope {
    /// Whether the pair is in it.
    pub fn covers(&self, account: &AccountId, task: Task) -> bool {
        self.0.contains(&ScopePair {
            account: account.clone(),
            task,
        })
    }

    /// Whether any task of the account is in it.
    pub fn has_account(&self, account: &AccountId) -> bool {
        self.0.iter().any(|pair| &pair.account == account)
    }

    /// The accounts, each once.
    pub fn accounts(&self) -> BTreeSet<AccountId> {
        self.0.iter().map(|pair| pair.account.clone()).collect()
    }

    /// The tasks that it allows on that account.
    pub fn tasks_of(&self, account: &AccountId) -> BTreeSet<Task> {
        self.0
            .iter()
            .filter(|pair| &pair.account == account)
            .map(|pair| pair.task)
            .collect()
    }

    /// What is left without that account.
    #[must_use]
    pub fn without(&self, account: &AccountId) -> Self {
        self.iter()
            .filter(|pair| &pair.account != account)
            .cloned()
            .collect()
    }

    /// What either allows.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.0.union(&other.0).cloned().collect()
    }

    /// The pairs in order.
    pub fn iter(&self) -> impl Iterator<Item = &ScopePair> {
        self.0.iter()
    }

    /// Whether it allows nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<ScopePair> for Scope {
    fn from_iter<I: IntoIterator<Item = ScopePair>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}
