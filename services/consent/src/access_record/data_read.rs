use std::fmt;

use chrono::{DateTime, NaiveDate};
use consent_domain::{AccountId, BankCode, ClientId, GrantId, Instant};
use uuid::Uuid;

/// The id of a record: a UUIDv7 that the account API made for the read, whose own time (milliseconds)
/// is when the data were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId {
    id: Uuid,
    occurred_at: Instant,
}

/// It is no UUID of version 7.
#[derive(Debug, thiserror::Error)]
#[error("a record's id is a UUID of version 7")]
pub struct NotARecordId;

impl RecordId {
    /// Reads an id.
    ///
    /// # Errors
    /// [`NotARecordId`].
    pub fn parse(text: &str) -> Result<Self, NotARecordId> {
        Uuid::parse_str(text)
            .map_err(|_| NotARecordId)
            .and_then(Self::of)
    }

    /// # Errors
    /// [`NotARecordId`].
    pub(super) fn of(id: Uuid) -> Result<Self, NotARecordId> {
        if id.get_version_num() != 7 {
            return Err(NotARecordId);
        }
        let (seconds, nanos) = id.get_timestamp().ok_or(NotARecordId)?.to_unix();
        let occurred_at = i64::try_from(seconds)
            .ok()
            .and_then(|seconds| DateTime::from_timestamp(seconds, nanos))
            .ok_or(NotARecordId)?;
        Ok(Self { id, occurred_at })
    }

    /// The id itself.
    pub fn as_uuid(self) -> Uuid {
        self.id
    }

    /// When the data were read.
    pub fn occurred_at(self) -> Instant {
        self.occurred_at
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(formatter)
    }
}

/// What kind of data a read gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReadKind {
    /// The list of the grant's accounts, with their branches and numbers. It belongs to no one account
    /// and to no task.
    Accounts,
    /// 残高照会
    Balance,
    /// 入出金明細照会
    Transactions,
}

impl ReadKind {
    const ALL: [Self; 3] = [Self::Accounts, Self::Balance, Self::Transactions];

    /// The word in tables and answers: a task's name, or `accounts`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Balance => "balance",
            Self::Transactions => "transactions",
        }
    }

    /// The kind of that word, if there is one.
    pub fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Calendar days in Japan, both ends inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// The first.
    pub from: NaiveDate,
    /// The last; not before the first.
    pub to: NaiveDate,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The list of accounts.
    Accounts,
    /// One account's balance.
    Balance(AccountId),
    /// One account's transactions, or a page of them.
    Transactions {
        /// The account.
        account: AccountId,
        /// The range that was read; none where none of the days asked for may be read.
        days: Option<Days>,
        /// The last day that is over and of which, with the pages before, every transaction was served.
        last_served_on: Option<NaiveDate>,
    },
}

impl What {
    /// Its kind.
    pub fn kind(&self) -> ReadKind {
        match self {
            Self::Accounts => ReadKind::Accounts,
            Self::Balance(_) => ReadKind::Balance,
            Self::Transactions { .. } => ReadKind::Transactions,
        }
    }

    pub(crate) fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Accounts => None,
            Self::Balance(account) | Self::Transactions { account, .. } => Some(account),
        }
    }

    pub(crate) fn days(&self) -> Option<Days> {
        match self {
            Self::Transactions { days, .. } => *days,
            Self::Accounts | Self::Balance(_) => None,
        }
    }

    pub(super) fn last_served_on(&self) -> Option<NaiveDate> {
        match self {
            Self::Transactions { last_served_on, .. } => *last_served_on,
            Self::Accounts | Self::Balance(_) => None,
        }
    }
}

/// One read of data, as the account API reports it.
#[derive(Debug, Clone)]
pub struct DataRead {
    /// A repeat with the same id is the same read.
    pub id: RecordId,
    /// At which bank.
    pub bank: BankCode,
    /// Under which grant.
    pub grant: GrantId,
    /// By whom.
    pub client: ClientId,
    /// With which access token: its id.
    pub jti: Uuid,
    /// What.
    pub what: What,
    /// How many accounts, balances or transactions.
    pub rows: i32,
    /// The account API's id of the request.
    pub request_id: String,
    /// W3C trace context.
    pub traceparent: Option<String>,
}
