//! The funnel: how far journeys come, and where and why they end, for a bank, a period and perhaps one partner.
//!
//! `counts` turns the log's facts into counts by day; `read` sums them. Nothing here reads every journey.

mod counts;
mod read;

pub use counts::count_ended;
pub use read::{Funnel, OfPartner, Period, PeriodError, Week, read};

use consent_domain::journey::Step;

/// The seven steps of the procedure, with the two that are the partner's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FunnelStep {
    /// 1: the partner's request, which begins a journey.
    Request,
    /// 2: 利用登録.
    Login,
    /// 3: 認可業務選択.
    Tasks,
    /// 4: 口座選択.
    Accounts,
    /// 5: 登録口座確認.
    Confirm,
    /// 6: 情報アクセス認可.
    Authorize,
    /// 7: the partner fetched its first token.
    Connect,
}

impl FunnelStep {
    /// In order.
    pub const ALL: [Self; 7] = [
        Self::Request,
        Self::Login,
        Self::Tasks,
        Self::Accounts,
        Self::Confirm,
        Self::Authorize,
        Self::Connect,
    ];

    /// Its number, 1 to 7.
    pub fn number(self) -> u8 {
        match self {
            Self::Request => 1,
            Self::Login => 2,
            Self::Tasks => 3,
            Self::Accounts => 4,
            Self::Confirm => 5,
            Self::Authorize => 6,
            Self::Connect => 7,
        }
    }

    /// Its name for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Login => "login",
            Self::Tasks => "tasks",
            Self::Accounts => "accounts",
            Self::Confirm => "confirm",
            Self::Authorize => "authorize",
            Self::Connect => "connect",
        }
    }

    fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == name)
    }
}

impl From<Step> for FunnelStep {
    fn from(step: Step) -> Self {
        match step {
            Step::Login => Self::Login,
            Step::Tasks => Self::Tasks,
            Step::Accounts => Self::Accounts,
            Step::Confirm => Self::Confirm,
            Step::Authorize => Self::Authorize,
        }
    }
}

/// Why a journey did not come further than a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Leaving {
    /// The customer left.
    Cancelled,
    /// The customer declined at step 6.
    Declined,
    /// The time passed with nobody there.
    Idle,
    /// The time passed while the customer was still at it.
    OutOfTime,
    /// The journey could not go on.
    Failed,
    /// 許可 was given, and the partner has not fetched a token.
    NotConnected,
    /// It has not ended.
    Open,
}

impl Leaving {
    /// In the order in which they are drawn.
    pub const ALL: [Self; 7] = [
        Self::Cancelled,
        Self::Declined,
        Self::Idle,
        Self::OutOfTime,
        Self::Failed,
        Self::NotConnected,
        Self::Open,
    ];

    /// Its name for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Declined => "declined",
            Self::Idle => "idle",
            Self::OutOfTime => "out_of_time",
            Self::Failed => "failed",
            Self::NotConnected => "not_connected",
            Self::Open => "open",
        }
    }

    fn of_fact(fact: &str, reason: &str) -> Option<Self> {
        match (fact, reason) {
            ("cancelled", _) => Some(Self::Cancelled),
            ("declined", _) => Some(Self::Declined),
            ("timed_out", "idle") => Some(Self::Idle),
            ("timed_out", _) => Some(Self::OutOfTime),
            ("failed", _) => Some(Self::Failed),
            _ => None,
        }
    }
}
