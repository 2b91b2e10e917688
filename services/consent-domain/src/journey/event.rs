use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Revision, Step};
use crate::{
    AccountId, BankCode, ClientId, ContractId, DomainEvent, GrantId, Instant, JourneyId, PartnerId,
    UserId,
    consent::Amendment,
    scope::{Scope, Task},
};

/// Facts of a journey.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum JourneyEvent {
    /// Step 1: the partner pushed an authorization request.
    ConsentRequested {
        /// The journey's own id.
        journey: JourneyId,
        /// At which bank.
        bank: BankCode,
        /// For which service.
        client: ClientId,
        /// Of which partner.
        partner: PartnerId,
        /// The tasks asked for.
        tasks: BTreeSet<Task>,
        /// The accounts asked for, where the partner named some; the page says so beside them.
        accounts: BTreeSet<AccountId>,
        /// First day of statements asked for, Japan time.
        history_from: Option<NaiveDate>,
        /// What the partner wants done with an existing linkage.
        grant_action: GrantAction,
        /// SHA-256 of the request as received, in lower-case hex.
        request_sha256: String,
        /// The limits that apply, copied from the bank's settings.
        limits: TimeLimits,
        /// When the journey began.
        requested_at: Instant,
    },
    /// Step 2: the bank authenticated the customer.
    LoginSucceeded {
        /// The contract.
        contract: ContractId,
        /// The user.
        user: UserId,
        /// Master or general user.
        role: UserRole,
        /// How the user logged in.
        method: LoginMethod,
        /// When.
        at: Instant,
        /// The linkage that this journey would change, or that it would make a new one.
        basis: LinkageBasis,
    },
    /// The linkage that the journey would change was changed or ended by somebody else.
    LinkageBasisChanged {
        /// The revision that this makes.
        revision: Revision,
        /// What the journey would change now.
        basis: LinkageBasis,
    },
    /// Step 3: the customer chose what the partner may do.
    TasksSelected {
        /// The revision that this makes.
        revision: Revision,
        /// The tasks.
        tasks: BTreeSet<Task>,
    },
    /// Step 4: the customer ticked accounts.
    AccountsSelected {
        /// The revision that this makes.
        revision: Revision,
        /// Every account that the page showed.
        seen: BTreeSet<AccountId>,
        /// Those that were ticked.
        ticked: BTreeSet<AccountId>,
    },
    /// Step 4: the PINs of these accounts were right, or were not asked.
    AccountsRegistered {
        /// The revision of the choice.
        revision: Revision,
        /// What may be read of each.
        tasks: BTreeMap<AccountId, BTreeSet<Task>>,
        /// Those of them that stay as the linkage has them, and whose PIN was not asked for that.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        without_pin: BTreeSet<AccountId>,
    },
    /// Step 4: one ticked account could not be registered.
    AccountRegistrationRejected {
        /// The revision of the choice.
        revision: Revision,
        /// The account.
        account: AccountId,
        /// Why.
        reason: RejectionReason,
    },
    /// Step 5: the customer confirmed what came of it.
    RegistrationConfirmed {
        /// The revision that was shown.
        revision: Revision,
    },
    /// Step 6: the customer allowed access. Self-contained: who, what, since when, until when, on
    /// the strength of which text.
    AccessAuthorized {
        /// The journey's own id.
        journey: JourneyId,
        /// The grant that it makes or changes.
        grant: GrantId,
        /// The revision that was shown.
        revision: Revision,
        /// What may be read.
        scope: Scope,
        /// First day of statements that may be read, Japan time.
        history_from: Option<NaiveDate>,
        /// When access begins.
        valid_from: Instant,
        /// The first instant at which it no longer holds.
        valid_until: Instant,
        /// The contract.
        contract: ContractId,
        /// The user who acted.
        user: UserId,
        /// Master or general user.
        role: UserRole,
        /// How the user had logged in.
        login_method: LoginMethod,
        /// When the user had logged in.
        login_at: Instant,
        /// The partner's service.
        client: ClientId,
        /// The partner.
        partner: PartnerId,
        /// Which version of the partner's record was shown.
        partner_record_version: u32,
        /// The text that was shown.
        text: ShownText,
        /// The terms' version.
        terms_version: String,
        /// SHA-256 of the request as received, in lower-case hex.
        request_sha256: String,
        /// The grant whose former scope and validity this replaces.
        amends: Option<GrantId>,
        /// Grants that this ends.
        supersedes: Vec<GrantId>,
    },
    /// The customer left before step 6.
    JourneyCancelled {
        /// Where.
        step: Step,
    },
    /// The customer declined at step 6.
    AccessDeclined {
        /// Where.
        step: Step,
    },
    /// The journey's total time passed.
    JourneyTimedOut {
        /// Where.
        step: Step,
        /// Whether a bank session was alive then.
        cause: TimeOutCause,
        /// When the time was over.
        effective_at: Instant,
    },
    /// The journey could not go on.
    JourneyFailed {
        /// Where.
        step: Step,
        /// Why.
        code: FailureCode,
    },
}

impl DomainEvent for JourneyEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::ConsentRequested { .. } => "ConsentRequested",
            Self::LoginSucceeded { .. } => "LoginSucceeded",
            Self::LinkageBasisChanged { .. } => "LinkageBasisChanged",
            Self::TasksSelected { .. } => "TasksSelected",
            Self::AccountsSelected { .. } => "AccountsSelected",
            Self::AccountsRegistered { .. } => "AccountsRegistered",
            Self::AccountRegistrationRejected { .. } => "AccountRegistrationRejected",
            Self::RegistrationConfirmed { .. } => "RegistrationConfirmed",
            Self::AccessAuthorized { .. } => "AccessAuthorized",
            Self::JourneyCancelled { .. } => "JourneyCancelled",
            Self::AccessDeclined { .. } => "AccessDeclined",
            Self::JourneyTimedOut { .. } => "JourneyTimedOut",
            Self::JourneyFailed { .. } => "JourneyFailed",
        }
    }

    fn effective_at(&self) -> Option<Instant> {
        match self {
            Self::JourneyTimedOut { effective_at, .. } => Some(*effective_at),
            _ => None,
        }
    }
}

/// What the partner asks to be done with an existing linkage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantAction {
    /// Nothing said: change the pair's one live linkage, or make the first.
    Unspecified,
    /// Make another beside it.
    Create,
    /// Let what is allowed now stand in the place of what this one says.
    Replace {
        /// The grant.
        grant: GrantId,
    },
    /// Add what is allowed now to what this one says.
    Merge {
        /// The grant.
        grant: GrantId,
    },
}

impl GrantAction {
    /// The grant that the request names, if it names one.
    pub fn named(&self) -> Option<&GrantId> {
        match self {
            Self::Unspecified | Self::Create => None,
            Self::Replace { grant } | Self::Merge { grant } => Some(grant),
        }
    }

    /// What becomes of what a linkage to be changed said before.
    pub fn amendment(&self) -> Amendment {
        match self {
            Self::Merge { .. } => Amendment::Merge,
            Self::Unspecified | Self::Create | Self::Replace { .. } => Amendment::Replace,
        }
    }
}

/// A journey's limits, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeLimits {
    /// Idle time that ends a bank session.
    pub idle_seconds: u32,
    /// Time that the journey may take in all.
    pub total_seconds: u32,
}

/// The rank of a user within the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserRole {
    /// マスターユーザー
    Master,
    /// 一般ユーザー
    General,
}

/// How a user logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginMethod {
    /// ログインID and password.
    Password,
    /// 電子証明書 and password.
    Certificate,
}

/// What 許可 would do to the contract's linkages with this client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkageBasis {
    /// Make the pair's one linkage.
    New,
    /// Make another beside what there is.
    Beside,
    /// Replace the scope of this one.
    Amends {
        /// The grant.
        grant: GrantId,
        /// Its scope when the journey looked.
        scope: Scope,
    },
}

/// Why one row of step 4 failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectionReason {
    /// The PIN is wrong.
    PinMismatch,
    /// The PIN is locked.
    PinLocked,
    /// No chosen task can be had for this account.
    NotEligible,
    /// The bank could not say.
    VerifierUnavailable,
}

/// Which text the customer saw when allowing access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownText {
    /// Version of the text catalogue.
    pub version: String,
    /// `ja` or `en`.
    pub locale: String,
    /// SHA-256 of the evidence record that holds the text as shown, in lower-case hex.
    pub sha256: String,
}

/// What ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeOutCause {
    /// No bank session was alive when the total time passed.
    Idle,
    /// The customer was still at it.
    Total,
}

/// Why a journey could not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// The bank does not let this user log in for this.
    LoginRefused,
    /// The bank is closed.
    BankClosed,
    /// The bank is down.
    BankUnavailable,
    /// Steps were redone too often.
    TooManyRevisions,
    /// The partner is no longer enabled at the bank.
    PartnerDisabled,
    /// The linkage that the request names is not of the contract that logged in, or has ended.
    GrantUnavailable,
    /// The bank closed the contract.
    ContractClosed,
    /// The user has left the contract.
    UserRemoved,
}
