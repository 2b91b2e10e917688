//! The bank's customers, read from TOML and checked once.

mod file;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use chrono::NaiveDate;
use renkei_proto::bank::v1 as port;

use crate::ledger::{Ledger, Posting};
use crate::secret::Secret;
use crate::switches::CustomerFlag;

/// A bank's four digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BankCode(u16);

/// Not four digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a bank code is four digits")]
pub(crate) struct NotABankCode;

impl FromStr for BankCode {
    type Err = NotABankCode;

    fn from_str(text: &str) -> Result<Self, NotABankCode> {
        if !crate::secret::is_four_digits(text) {
            return Err(NotABankCode);
        }
        text.parse().map(Self).map_err(|_| NotABankCode)
    }
}

impl fmt::Display for BankCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.0)
    }
}

/// What the bank starts with: banks, contracts with their users, accounts and PINs, and what is
/// posted to the accounts. `seed/demo.toml` is the example of the format.
#[derive(Debug, Clone)]
pub struct Seed {
    banks: HashSet<BankCode>,
    contracts: HashMap<(BankCode, String), Arc<Contract>>,
    logins: HashMap<(BankCode, String), (Arc<Contract>, Arc<User>)>,
}

/// Why a seed can't be used. Names identifiers and lines, never a password or a PIN.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// Not TOML, or not of the seed's shape.
    #[error("the seed can't be read: line {line}")]
    Syntax {
        /// Counted from one.
        line: usize,
    },
    /// A bank code that is not four digits.
    #[error("malformed bank code {0:?}")]
    BankCode(String),
    /// An identifier or a login id that is there already.
    #[error("{0:?} is there twice")]
    Duplicate(String),
    /// A reference to a bank, account, PIN scope or profile that the seed does not have.
    #[error("{0:?} is not in the seed")]
    Unknown(String),
    /// A day that is not written YYYY-MM-DD.
    #[error("malformed day {0:?}")]
    Day(String),
    /// A PIN that is not four digits.
    #[error("the PIN of {0:?} is not four digits")]
    Pin(String),
    /// An account that a user may see, but with no PIN scope of its own or the user's.
    #[error("no PIN scope for account {account:?} of user {user:?}")]
    NoPinScope {
        /// The account's id.
        account: String,
        /// The user's id.
        user: String,
    },
}

#[derive(Debug)]
pub(crate) struct Contract {
    pub(crate) bank: BankCode,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) login_method: LoginMethod,
    /// In the bank's display order.
    pub(crate) accounts: Vec<Account>,
    pub(crate) users: Vec<Arc<User>>,
    pub(crate) pins: HashMap<String, Secret>,
}

/// A contract uses one method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LoginMethod {
    Password,
    Certificate,
}

#[derive(Debug)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) login_id: String,
    pub(crate) password: Secret,
    pub(crate) role: port::UserRole,
    pub(crate) flags: BTreeSet<CustomerFlag>,
    /// The accounts that the master lets this user see.
    pub(crate) accounts: HashSet<String>,
    /// Present where a contract's PINs belong to its users.
    pub(crate) pin_scope: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) branch_code: String,
    pub(crate) branch_name: String,
    pub(crate) kind: port::AccountType,
    pub(crate) number: String,
    pub(crate) memo: String,
    pub(crate) pin_scope: Option<String>,
    pub(crate) tasks: BTreeSet<Task>,
    pub(crate) history: History,
    pub(crate) ledger: Ledger,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Task {
    Balance,
    Transactions,
}

/// How far back statements can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum History {
    /// From the same day this many months ago.
    Months(u32),
    /// From the first day of the month this many months ago.
    FirstDayOfMonth(u32),
}

impl Seed {
    /// Reads and checks a seed.
    ///
    /// # Errors
    ///
    /// [`SeedError`] for text of another shape and for references that lead nowhere.
    pub fn parse(toml: &str) -> Result<Self, SeedError> {
        file::parse(toml)
    }

    /// The seed in `seed/demo.toml`.
    #[expect(
        clippy::expect_used,
        reason = "the text is part of the build, and a test reads it"
    )]
    #[must_use]
    pub fn demo() -> Self {
        Self::parse(include_str!("../seed/demo.toml")).expect("seed/demo.toml is a seed")
    }

    pub(crate) fn has_bank(&self, bank: BankCode) -> bool {
        self.banks.contains(&bank)
    }

    pub(crate) fn login(
        &self,
        bank: BankCode,
        login_id: &str,
    ) -> Option<&(Arc<Contract>, Arc<User>)> {
        self.logins.get(&(bank, login_id.to_owned()))
    }

    pub(crate) fn contract(&self, bank: BankCode, contract_id: &str) -> Option<&Arc<Contract>> {
        self.contracts.get(&(bank, contract_id.to_owned()))
    }

    /// Who a request speaks of.
    pub(crate) fn subject(
        &self,
        bank: BankCode,
        subject: Option<&port::Subject>,
    ) -> Option<(&Arc<Contract>, &Arc<User>)> {
        let subject = subject?;
        let contract = self.contract(bank, &subject.contract_id)?;
        Some((contract, contract.user(&subject.user_id)?))
    }

    pub(crate) fn has_pin_scope(&self, bank: BankCode, scope: &str) -> bool {
        self.contracts
            .values()
            .any(|contract| contract.bank == bank && contract.pins.contains_key(scope))
    }
}

impl Contract {
    pub(crate) fn user(&self, user_id: &str) -> Option<&Arc<User>> {
        self.users.iter().find(|user| user.id == user_id)
    }

    pub(crate) fn account(&self, account_id: &str) -> Option<&Account> {
        self.accounts
            .iter()
            .find(|account| account.id == account_id)
    }

    pub(crate) fn subject(&self, user: &User) -> port::Subject {
        port::Subject {
            contract_id: self.id.clone(),
            user_id: user.id.clone(),
        }
    }
}

impl Account {
    /// The PIN scope that counts when `user` asks for this account.
    pub(crate) fn pin_scope_for<'a>(&'a self, user: &'a User) -> Option<&'a str> {
        user.pin_scope.as_deref().or(self.pin_scope.as_deref())
    }

    /// The first day for which statements can be had, `today` being the day in Japan.
    pub(crate) fn statements_from(&self, today: NaiveDate) -> NaiveDate {
        use crate::calendar::{first_of_month, months_before};
        let depth = match self.history {
            History::Months(months) => months_before(today, months),
            History::FirstDayOfMonth(months) => months_before(first_of_month(today), months),
        };
        depth.max(self.ledger.opened_on())
    }
}

type Profiles = HashMap<String, Arc<[Posting]>>;
