use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{
    FailureCode, GrantAction, JourneyRefusal, LinkageBasis, LoginMethod, MAX_REVISIONS,
    RejectionReason, TimeLimits, TimeOutCause, UserRole,
};
use crate::{
    AccountId, BankCode, ClientId, ContractId, GrantId, Instant, JourneyId, PartnerId, UserId,
    consent::Amendment,
    scope::{Scope, ScopePair, Task},
};

/// Counts what the customer changed: each redo of a step is a new revision.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Revision(pub u32);

impl Revision {
    /// The one after.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// The bank's steps, 2 to 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// 2: 利用登録
    Login,
    /// 3: 認可業務選択
    Tasks,
    /// 4: 口座選択
    Accounts,
    /// 5: 登録口座確認
    Confirm,
    /// 6: 情報アクセス認可
    Authorize,
}

/// The state of a journey.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Journey {
    /// Not begun.
    #[default]
    Absent,
    /// Between the pushed request and an end.
    InProgress(Box<InProgress>),
    /// Over. Final.
    Ended(Ended),
}

/// A journey that can go on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InProgress {
    /// What the partner asked for.
    pub request: Request,
    /// The current revision.
    pub revision: Revision,
    /// How far it got, with exactly what exists there.
    pub stage: Stage,
}

/// What the partner asked for, and the limits that apply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The journey's id.
    pub journey: JourneyId,
    /// At which bank.
    pub bank: BankCode,
    /// For which service.
    pub client: ClientId,
    /// Of which partner.
    pub partner: PartnerId,
    /// The tasks asked for.
    pub tasks: BTreeSet<Task>,
    /// Accounts asked for by name.
    pub accounts: BTreeSet<AccountId>,
    /// First day of statements asked for.
    pub history_from: Option<NaiveDate>,
    /// What to do with an existing linkage.
    pub grant_action: GrantAction,
    /// SHA-256 of the request as received, lower-case hex.
    pub request_sha256: String,
    /// The limits.
    pub limits: TimeLimits,
    /// When it was pushed.
    pub requested_at: Instant,
    /// When the journey's total time is over (exclusive).
    pub ends_at: Instant,
}

/// Who logged in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Login {
    /// The contract.
    pub contract: ContractId,
    /// The user.
    pub user: UserId,
    /// Master or general user.
    pub role: UserRole,
    /// How.
    pub method: LoginMethod,
    /// When, last.
    pub at: Instant,
    /// What 許可 would do to the contract's linkages.
    pub basis: LinkageBasis,
}

/// How far a journey got.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Stage {
    /// Nobody has logged in.
    AwaitingLogin,
    /// Step 3 is next.
    ChoosingTasks {
        /// Who logged in.
        login: Login,
    },
    /// Step 4 is next.
    ChoosingAccounts {
        /// Who logged in.
        login: Login,
        /// What was chosen in step 3.
        tasks: BTreeSet<Task>,
        /// What an earlier round of step 4 gave.
        draft: Option<Draft>,
    },
    /// Step 5 is next.
    Confirming {
        /// Who logged in.
        login: Login,
        /// What was chosen in step 3.
        tasks: BTreeSet<Task>,
        /// What step 4 gave.
        draft: Draft,
    },
    /// Step 6 is next.
    Authorizing {
        /// Who logged in.
        login: Login,
        /// What was chosen in step 3.
        tasks: BTreeSet<Task>,
        /// What step 4 gave.
        draft: Draft,
    },
}

/// What a round of step 4 gave.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// Every account that the page showed.
    pub seen: BTreeSet<AccountId>,
    /// Those that were ticked.
    pub ticked: BTreeSet<AccountId>,
    /// What may be read of those whose PIN was right.
    pub registered: BTreeMap<AccountId, BTreeSet<Task>>,
    /// Those of them whose PIN was not asked.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub without_pin: BTreeSet<AccountId>,
    /// Why the others failed.
    pub rejected: BTreeMap<AccountId, RejectionReason>,
}

/// A journey that is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// What the partner had asked for.
    pub request: Request,
    /// The contract, where somebody had logged in.
    pub contract: Option<ContractId>,
    /// How it ended.
    pub end: JourneyEnd,
}

/// How a journey ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum JourneyEnd {
    /// With 許可.
    Authorized {
        /// The grant that it made or changed.
        grant: GrantId,
    },
    /// The customer left before step 6.
    Cancelled {
        /// Where.
        step: Step,
    },
    /// The customer declined at step 6.
    Declined,
    /// Its time passed.
    TimedOut {
        /// Where.
        step: Step,
        /// What ran out.
        cause: TimeOutCause,
    },
    /// It could not go on.
    Failed {
        /// Where.
        step: Step,
        /// Why.
        code: FailureCode,
    },
}

impl LinkageBasis {
    /// What the linkage to be changed said when the journey looked; nothing where one is made.
    pub fn scope(&self) -> Scope {
        match self {
            Self::Amends { scope, .. } => scope.clone(),
            Self::New | Self::Beside => Scope::default(),
        }
    }
}

impl Draft {
    /// The scope that 許可 would give: what was registered, and what a linkage to be changed holds
    /// of accounts that this user could not see.
    pub fn scope(&self, basis: &LinkageBasis) -> Scope {
        let registered = self.registered.iter().flat_map(|(account, tasks)| {
            tasks.iter().map(|task| ScopePair {
                account: account.clone(),
                task: *task,
            })
        });
        let before = basis.scope();
        let unseen = before
            .iter()
            .filter(|pair| !self.seen.contains(&pair.account))
            .cloned();
        registered.chain(unseen).collect()
    }
}

impl Stage {
    /// The step that is next.
    pub fn step(&self) -> Step {
        match self {
            Self::AwaitingLogin => Step::Login,
            Self::ChoosingTasks { .. } => Step::Tasks,
            Self::ChoosingAccounts { .. } => Step::Accounts,
            Self::Confirming { .. } => Step::Confirm,
            Self::Authorizing { .. } => Step::Authorize,
        }
    }

    /// Who logged in.
    pub fn login(&self) -> Option<&Login> {
        match self {
            Self::AwaitingLogin => None,
            Self::ChoosingTasks { login }
            | Self::ChoosingAccounts { login, .. }
            | Self::Confirming { login, .. }
            | Self::Authorizing { login, .. } => Some(login),
        }
    }

    /// What was chosen in step 3.
    pub fn tasks(&self) -> Option<&BTreeSet<Task>> {
        match self {
            Self::AwaitingLogin | Self::ChoosingTasks { .. } => None,
            Self::ChoosingAccounts { tasks, .. }
            | Self::Confirming { tasks, .. }
            | Self::Authorizing { tasks, .. } => Some(tasks),
        }
    }

    /// What the last round of step 4 gave.
    pub fn draft(&self) -> Option<&Draft> {
        match self {
            Self::AwaitingLogin | Self::ChoosingTasks { .. } => None,
            Self::ChoosingAccounts { draft, .. } => draft.as_ref(),
            Self::Confirming { draft, .. } | Self::Authorizing { draft, .. } => Some(draft),
        }
    }

    pub(super) fn login_mut(&mut self) -> Option<&mut Login> {
        match self {
            Self::AwaitingLogin => None,
            Self::ChoosingTasks { login }
            | Self::ChoosingAccounts { login, .. }
            | Self::Confirming { login, .. }
            | Self::Authorizing { login, .. } => Some(login),
        }
    }

    pub(super) fn draft_mut(&mut self) -> Option<&mut Draft> {
        match self {
            Self::AwaitingLogin | Self::ChoosingTasks { .. } => None,
            Self::ChoosingAccounts { draft, .. } => draft.as_mut(),
            Self::Confirming { draft, .. } | Self::Authorizing { draft, .. } => Some(draft),
        }
    }
}

impl InProgress {
    /// Who logged in.
    ///
    /// # Errors
    /// [`JourneyRefusal::StepNotReached`] where nobody has.
    pub fn login(&self) -> Result<&Login, JourneyRefusal> {
        self.stage
            .login()
            .ok_or(JourneyRefusal::StepNotReached(Step::Login))
    }

    /// The scope of the linkage that this journey would make or change: the draft's, else that of
    /// the live linkage that it would change.
    pub fn linkage_scope(&self) -> Scope {
        match (self.stage.login(), self.stage.draft()) {
            (Some(login), Some(draft)) => self.kept().union(&draft.scope(&login.basis)),
            (Some(login), None) => login.basis.scope(),
            (None, _) => Scope::default(),
        }
    }

    /// What of the linkage to be changed stays whatever the customer chooses: all of it where the
    /// partner asked to add to it, else nothing.
    pub fn kept(&self) -> Scope {
        match (self.request.grant_action.amendment(), self.stage.login()) {
            (Amendment::Merge, Some(login)) => login.basis.scope(),
            _ => Scope::default(),
        }
    }

    /// Refuses a page that showed another revision than the current one.
    pub(super) fn shown(&self, revision: Revision) -> Result<(), JourneyRefusal> {
        if revision == self.revision {
            Ok(())
        } else {
            Err(JourneyRefusal::RevisionMoved {
                current: self.revision,
            })
        }
    }

    /// The revision that a redo makes.
    pub(super) fn next_revision(&self) -> Result<Revision, JourneyRefusal> {
        if self.revision.0 >= MAX_REVISIONS {
            return Err(JourneyRefusal::TooManyRevisions);
        }
        Ok(self.revision.next())
    }
}
