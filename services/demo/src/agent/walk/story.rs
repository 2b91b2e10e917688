//! What a walk saw.

use std::fmt;

use serde_json::Value;

use crate::agent::browser::{Page, Tick};
use crate::agent::partner::Tokens;

/// A step of the procedure; the bank's end page stands between the sixth and the seventh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Step 1, at the partner.
    PickBank,
    /// Step 2, 利用登録.
    LogIn,
    /// Step 3, 認可業務選択.
    ChooseTasks,
    /// Step 4, 口座選択.
    ChooseAccounts,
    /// Step 5, 登録口座確認.
    CheckRegistration,
    /// Step 6, 情報アクセス認可.
    Authorize,
    /// The bank's last page.
    End,
    /// Step 7, at the partner.
    Receive,
}

impl Step {
    /// The number in the bank's procedure; the end page belongs to step 6.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::PickBank => 1,
            Self::LogIn => 2,
            Self::ChooseTasks => 3,
            Self::ChooseAccounts => 4,
            Self::CheckRegistration => 5,
            Self::Authorize | Self::End => 6,
            Self::Receive => 7,
        }
    }

    /// The element by which the step's page is known.
    #[must_use]
    pub fn landmark(self) -> &'static str {
        match self {
            Self::PickBank => "[data-bank] form",
            Self::LogIn => "form#login-form",
            Self::ChooseTasks => "form#tasks-form",
            Self::ChooseAccounts => "form#accounts-form",
            // Without a single account in this linkage the page has no form, only the way back.
            Self::CheckRegistration => "form#confirm-form, a#retry",
            Self::Authorize => "form#authorize-form",
            Self::End => "a#continue",
            Self::Receive => "form#import-form",
        }
    }

    /// The form that leads to the next step.
    pub(crate) fn form(self) -> &'static str {
        match self {
            Self::CheckRegistration => "form#confirm-form",
            _ => self.landmark(),
        }
    }

    /// The id of the button that sends the step's form on the bank's pages.
    pub(crate) fn button(self) -> Option<&'static str> {
        match self {
            Self::LogIn => Some("login-submit"),
            Self::ChooseTasks => Some("tasks-submit"),
            Self::ChooseAccounts => Some("accounts-submit"),
            Self::CheckRegistration => Some("confirm-submit"),
            Self::Authorize => Some("authorize-submit"),
            Self::PickBank | Self::End | Self::Receive => None,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::PickBank => "at the partner",
            Self::LogIn => "利用登録",
            Self::ChooseTasks => "認可業務選択",
            Self::ChooseAccounts => "口座選択",
            Self::CheckRegistration => "登録口座確認",
            Self::Authorize => "情報アクセス認可",
            Self::End => "end of the bank's pages",
            Self::Receive => "back at the partner",
        };
        write!(formatter, "step {} ({name})", self.number())
    }
}

/// A screen that the customer saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screen {
    /// The step.
    pub step: Step,
    /// The text of `h1#title`; empty where the page has none.
    pub title: String,
}

impl Screen {
    pub(crate) fn of(step: Step, page: &Page) -> Self {
        let title = page.title().or_else(|| page.text("h1")).unwrap_or_default();
        Self { step, title }
    }
}

/// A row of the tables of steps 4 and 5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// The box in the cell 登録状況; absent in step 5.
    pub tick: Tick,
    /// 登録状況.
    pub status: String,
    /// 照会口座.
    pub account: String,
    /// 口座メモ.
    pub memo: String,
    /// 照会用暗証番号: what the cell reads, or a dot for each digit typed into it.
    pub pin: String,
}

impl AccountRow {
    pub(crate) fn from_cells(cells: Vec<String>, tick: Tick) -> Option<Self> {
        let [status, account, memo, pin] = <[String; 4]>::try_from(cells).ok()?;
        Some(Self {
            tick,
            status,
            account,
            memo,
            pin,
        })
    }
}

/// A whole walk.
#[derive(Clone, Debug)]
pub struct Story {
    /// Every screen, in order.
    pub screens: Vec<Screen>,
    /// The table of step 4 before the customer touches it.
    pub offered: Vec<AccountRow>,
    /// The table of step 4 as the customer sends it.
    pub selection: Vec<AccountRow>,
    /// The table of step 5.
    pub confirmation: Vec<AccountRow>,
    /// What the partner has in the end.
    pub received: Received,
}

impl Story {
    /// The tokens of a walk with a client of one's own.
    #[must_use]
    pub fn tokens(&self) -> Option<&Tokens> {
        match &self.received {
            Received::Tokens { tokens, .. } => Some(tokens),
            Received::PartnerApp(_) => None,
        }
    }

    /// The `authorization_details` granted, in a walk with a client of one's own.
    #[must_use]
    pub fn granted(&self) -> Option<&Value> {
        self.tokens().map(|tokens| &tokens.authorization_details)
    }
}

/// What the partner has in the end.
#[derive(Clone, Debug)]
pub enum Received {
    /// A client of one's own: its tokens, and what it read with them.
    Tokens {
        /// The token response.
        tokens: Box<Tokens>,
        /// What was read, where an address of account-api was given.
        reading: Option<Reading>,
    },
    /// The sample partner: what its pages show.
    PartnerApp(PartnerAppView),
}

/// What a client read from account-api.
#[derive(Clone, Debug)]
pub struct Reading {
    /// `GET /v1/accounts`.
    pub accounts: Value,
    /// Each granted account.
    pub each: Vec<AccountReading>,
}

/// What a client read of one account; `None` for a task that was not granted.
#[derive(Clone, Debug)]
pub struct AccountReading {
    /// The partner's id of the account.
    pub account_id: String,
    /// `GET .../balance`.
    pub balance: Option<Value>,
    /// The first page of `GET .../transactions`.
    pub transactions: Option<Value>,
}

/// What the sample partner's pages show after step 7.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerAppView {
    /// The table of linked accounts.
    pub accounts: Statement,
    /// Each account's table of transactions, under its cell 口座.
    pub transactions: Vec<(String, Statement)>,
}

/// A table of the sample partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The column titles.
    pub head: Vec<String>,
    /// The rows' cells.
    pub rows: Vec<Vec<String>>,
}
