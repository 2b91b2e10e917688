//! What a test may change about the bank while it runs.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use tokio::sync::watch;

use crate::seed::BankCode;

/// The longest time that an answer is held back, asked for or hanging: nothing waits for ever.
pub(crate) const HELD_BACK_AT_MOST: Duration = Duration::from_secs(600);

/// One rpc of the bank port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rpc {
    /// `ResolveCertificate`
    ResolveCertificate,
    /// `Authenticate`
    Authenticate,
    /// `ListAccounts`
    ListAccounts,
    /// `VerifyInquiryPin`
    VerifyInquiryPin,
    /// `GetVerdict`
    GetVerdict,
    /// `GetBalance`
    GetBalance,
    /// `ListTransactions`
    ListTransactions,
    /// `SendNotice`
    SendNotice,
    /// `ListPlannedMaintenance`
    ListPlannedMaintenance,
}

impl Rpc {
    /// Every rpc of the port, in the order of the contract.
    pub const ALL: [Self; 9] = [
        Self::ResolveCertificate,
        Self::Authenticate,
        Self::ListAccounts,
        Self::VerifyInquiryPin,
        Self::GetVerdict,
        Self::GetBalance,
        Self::ListTransactions,
        Self::SendNotice,
        Self::ListPlannedMaintenance,
    ];
}

/// How an rpc fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// UNAVAILABLE before anything is done or counted.
    Unavailable,
    /// The act is done and counted, but no answer comes: the caller is left with an unknown
    /// verdict. When the fault is lifted, on shutdown, or after 10 minutes the call ends with
    /// DEADLINE_EXCEEDED.
    HangAfterActing,
}

/// How the answers of an rpc lie. What is counted and remembered at the bank is the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// They say that another bank was asked about.
    AboutAnotherBank,
    /// They say that another attempt was asked about.
    AboutAnotherAttempt,
    /// They say that another contract was asked about.
    AboutAnotherContract,
    /// They say that another account, or another PIN scope, was asked about.
    AboutAnotherAccount,
    /// They do not say what was asked about.
    AboutNothing,
    /// Enum values that the contract of the port does not have.
    UnknownValues,
    /// Fields that the contract demands are missing.
    MissingFields,
    /// A verdict is the opposite of the true one.
    Contradiction,
    /// Texts for showing are markup, with control characters.
    Markup,
    /// Texts for showing are of 10,000 characters.
    OverlongTexts,
    /// An account is listed twice.
    DuplicateAccount,
    /// 5,000 accounts more.
    TooManyAccounts,
    /// Accounts that the contract does not have, in place of its own.
    OtherAccounts,
}

impl Lie {
    /// Every lie, in the order of the control service.
    pub const ALL: [Self; 13] = [
        Self::AboutAnotherBank,
        Self::AboutAnotherAttempt,
        Self::AboutAnotherContract,
        Self::AboutAnotherAccount,
        Self::AboutNothing,
        Self::UnknownValues,
        Self::MissingFields,
        Self::Contradiction,
        Self::Markup,
        Self::OverlongTexts,
        Self::DuplicateAccount,
        Self::TooManyAccounts,
        Self::OtherAccounts,
    ];
}

/// Maintenance that a bank has announced. It closes nothing by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedMaintenance {
    /// When it begins.
    pub from: DateTime<Utc>,
    /// When it ends. `None`: not known.
    pub until: Option<DateTime<Utc>>,
}

/// Why a bank does not answer business, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closure {
    /// What callers are told.
    pub reason: ClosureReason,
    /// What callers are told; the bank does not open by itself. `None`: not known.
    pub reopens_at: Option<DateTime<Utc>>,
}

/// Why a bank is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosureReason {
    /// サービス時間外
    Hours,
    /// メンテナンス
    Maintenance,
}

/// What keeps a customer with the right password from logging in. Where several hold, the first
/// in this order is the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerFlag {
    /// Locked at the bank, apart from the lock by failures in a row.
    Locked,
    /// Use of the service is stopped.
    Stopped,
    /// Logs in by certificate only, whatever the seed says of the contract.
    CertificateRequired,
    /// The password must be changed in 団体IB first.
    PasswordChangeDue,
}

/// The bank's clock: which day is today, and the instant of a balance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Clock {
    /// The system's.
    #[default]
    System,
    /// Stopped at this instant.
    StoppedAt(DateTime<Utc>),
}

impl Clock {
    pub(crate) fn now(self) -> DateTime<Utc> {
        match self {
            Self::System => Utc::now(),
            Self::StoppedAt(at) => at,
        }
    }
}

/// The behaviour of one rpc, and the signal that lets go of the calls it holds back.
#[derive(Debug, Default)]
pub(crate) struct RpcSwitch {
    pub(crate) fault: Option<Fault>,
    pub(crate) lie: Option<Lie>,
    pub(crate) delay: Duration,
    pub(crate) release: watch::Sender<()>,
}

/// All switches, as they are after a start unless a test moved them.
#[derive(Debug)]
pub(crate) struct Switches {
    rpcs: HashMap<Rpc, RpcSwitch>,
    pub(crate) closures: HashMap<BankCode, Closure>,
    pub(crate) planned: HashMap<BankCode, Vec<PlannedMaintenance>>,
    /// Failures in a row until the bank locks a login id.
    pub(crate) login_limit: u32,
    /// Mismatches in a row until the bank locks a PIN scope.
    pub(crate) pin_limit: u32,
    pub(crate) clock: Clock,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            rpcs: HashMap::new(),
            closures: HashMap::new(),
            planned: HashMap::new(),
            login_limit: 10,
            pin_limit: 10,
            clock: Clock::System,
        }
    }
}

impl Switches {
    pub(crate) fn rpc(&mut self, rpc: Rpc) -> &mut RpcSwitch {
        self.rpcs.entry(rpc).or_default()
    }

    /// Lets every call go that is held back now.
    pub(crate) fn release_all(&self) {
        for switch in self.rpcs.values() {
            switch.release.send_replace(());
        }
    }
}
