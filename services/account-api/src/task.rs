//! The tasks (認可対象業務) that a grant may cover, and the account ids that partners know.

use renkei_proto::{bank::v1 as bank, decision::v1 as decision};

/// 認可対象業務: what may be read of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// 残高照会
    Balance,
    /// 入出金明細照会
    Transactions,
}

impl Task {
    /// The name in scopes, `authorization_details` and answers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Balance => "balance",
            Self::Transactions => "transactions",
        }
    }

    /// Reads a name; `None` for a task that this version does not know.
    pub(crate) fn find(name: &str) -> Option<Self> {
        match name {
            "balance" => Some(Self::Balance),
            "transactions" => Some(Self::Transactions),
            _ => None,
        }
    }

    /// The decision port's word for it.
    pub(crate) fn to_decision(self) -> decision::Task {
        match self {
            Self::Balance => decision::Task::Balance,
            Self::Transactions => decision::Task::Transactions,
        }
    }

    /// Reads the decision port's word; `None` for one that this version does not know.
    pub(crate) fn from_decision(task: i32) -> Option<Self> {
        match decision::Task::try_from(task).ok()? {
            decision::Task::Unspecified => None,
            decision::Task::Balance => Some(Self::Balance),
            decision::Task::Transactions => Some(Self::Transactions),
        }
    }

    /// Reads the bank port's word; `None` for one that this version does not know.
    pub(crate) fn from_bank(task: i32) -> Option<Self> {
        match bank::Task::try_from(task).ok()? {
            bank::Task::Unspecified => None,
            bank::Task::Balance => Some(Self::Balance),
            bank::Task::Transactions => Some(Self::Transactions),
        }
    }
}

/// The partner's own id of an account (pairwise), as a path segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccountId(String);

impl AccountId {
    /// Longest id that is passed on, in bytes.
    const MAX_BYTES: usize = 128;

    /// Takes 1 to 128 unreserved characters (RFC 3986 2.3); `None` otherwise.
    pub(crate) fn find(text: &str) -> Option<Self> {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let fits = (1..=Self::MAX_BYTES).contains(&text.len());
        (fits && text.bytes().all(unreserved)).then(|| Self(text.to_owned()))
    }

    /// The id as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}
