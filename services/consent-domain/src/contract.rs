//! The contract (団体): which accounts are registered for API use, which PINs and logins are locked,
//! whether it is suspended or closed, and what its bank said of its users and accounts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    AccountId, DomainEvent, Instant, JourneyId, Outcome, PinScopeId, Stream, UserId,
    standing::Standing,
    suspension::{SuspensionCause, Suspensions},
};

/// The stream `contract`, one per contract of a bank.
pub struct ContractStream;

/// Facts of a contract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ContractEvent {
    /// A journey proved an account's 照会用暗証番号; the account is registered on that journey's word.
    AccountRegistered {
        /// The account.
        account: AccountId,
        /// Whose PIN was proven.
        pin_scope: PinScopeId,
        /// On whose word.
        journey: JourneyId,
    },
    /// A journey that had registered accounts ended without 許可, and takes its word back. An account
    /// stays registered where another journey registered it as well.
    AccountRegistrationsWithdrawn {
        /// The journey that ended.
        journey: JourneyId,
        /// Every account that it had registered.
        accounts: BTreeSet<AccountId>,
    },
    /// The limit of wrong PINs was reached.
    PinLocked {
        /// The PIN scope.
        pin_scope: PinScopeId,
        /// Wrong PINs in a row when it was locked.
        limit: u32,
    },
    /// The bank or an operator reset the PIN scope.
    PinUnlocked {
        /// The PIN scope.
        pin_scope: PinScopeId,
        /// Who did.
        by: ResetBy,
    },
    /// The limit of wrong passwords was reached.
    LoginLocked {
        /// The user whose login is locked.
        user: UserId,
        /// When the lock ends by itself.
        until: Instant,
    },
    /// Nothing of the contract may be read, for one more cause.
    ContractSuspended {
        /// The cause.
        cause: SuspensionCause,
    },
    /// One cause no longer stands.
    ContractRestored {
        /// The cause.
        cause: SuspensionCause,
    },
    /// The bank closed the contract. Final.
    ContractClosed {
        /// When, as the bank says.
        occurred_at: Instant,
    },
    /// The bank said: a user has another password.
    PasswordChanged {
        /// The user.
        user: UserId,
        /// When, as the bank says.
        occurred_at: Instant,
    },
    /// The bank said: a user has another electronic certificate.
    CertificateChanged {
        /// The user.
        user: UserId,
        /// When, as the bank says.
        occurred_at: Instant,
    },
    /// The bank said: a user has left the contract.
    UserRemoved {
        /// The user.
        user: UserId,
        /// When, as the bank says.
        occurred_at: Instant,
    },
    /// The bank said: a user may no longer inquire an account. Its registration ends, because nobody
    /// knows on which user's proof it rests.
    RightRemoved {
        /// The user.
        user: UserId,
        /// The account.
        account: AccountId,
        /// When, as the bank says.
        occurred_at: Instant,
    },
    /// The bank said: an account is closed. Its registration ends.
    AccountClosed {
        /// The account.
        account: AccountId,
        /// When, as the bank says.
        occurred_at: Instant,
    },
    /// The bank said: an account has another number. The bank's id of it stays the same.
    AccountRenumbered {
        /// The account.
        account: AccountId,
        /// When, as the bank says.
        occurred_at: Instant,
    },
    /// The bank said: accounts belong to another branch. The bank's ids of them stay the same.
    BranchMerged {
        /// The accounts.
        accounts: BTreeSet<AccountId>,
        /// When, as the bank says.
        occurred_at: Instant,
    },
    /// The bank said: there is another PIN. A lock ends, and so does what the PIN before had proven.
    PinReset {
        /// The PIN scope.
        pin_scope: PinScopeId,
        /// When, as the bank says.
        occurred_at: Instant,
    },
}

/// Who reset a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetBy {
    /// The bank told us.
    Bank,
    /// An operator did.
    Operator,
}

impl DomainEvent for ContractEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::AccountRegistered { .. } => "AccountRegistered",
            Self::AccountRegistrationsWithdrawn { .. } => "AccountRegistrationsWithdrawn",
            Self::PinLocked { .. } => "PinLocked",
            Self::PinUnlocked { .. } => "PinUnlocked",
            Self::LoginLocked { .. } => "LoginLocked",
            Self::ContractSuspended { .. } => "ContractSuspended",
            Self::ContractRestored { .. } => "ContractRestored",
            Self::ContractClosed { .. } => "ContractClosed",
            Self::PasswordChanged { .. } => "PasswordChanged",
            Self::CertificateChanged { .. } => "CertificateChanged",
            Self::UserRemoved { .. } => "UserRemoved",
            Self::RightRemoved { .. } => "RightRemoved",
            Self::AccountClosed { .. } => "AccountClosed",
            Self::AccountRenumbered { .. } => "AccountRenumbered",
            Self::BranchMerged { .. } => "BranchMerged",
            Self::PinReset { .. } => "PinReset",
        }
    }

    fn effective_at(&self) -> Option<Instant> {
        match self {
            Self::ContractClosed { occurred_at }
            | Self::PasswordChanged { occurred_at, .. }
            | Self::CertificateChanged { occurred_at, .. }
            | Self::UserRemoved { occurred_at, .. }
            | Self::RightRemoved { occurred_at, .. }
            | Self::AccountClosed { occurred_at, .. }
            | Self::AccountRenumbered { occurred_at, .. }
            | Self::BranchMerged { occurred_at, .. }
            | Self::PinReset { occurred_at, .. } => Some(*occurred_at),
            Self::AccountRegistered { .. }
            | Self::AccountRegistrationsWithdrawn { .. }
            | Self::PinLocked { .. }
            | Self::PinUnlocked { .. }
            | Self::LoginLocked { .. }
            | Self::ContractSuspended { .. }
            | Self::ContractRestored { .. } => None,
        }
    }
}

/// What an account's registration rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Registration {
    /// The journeys on whose word it is registered; never empty.
    journeys: BTreeSet<JourneyId>,
    /// Whose PIN was proven last.
    pin_scope: PinScopeId,
}

/// Why a contract's command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContractRefusal {
    /// The bank closed it.
    #[error("the contract is closed")]
    Closed,
}

/// The state of a contract.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Contract {
    /// The accounts that are registered.
    #[serde(default)]
    registrations: BTreeMap<AccountId, Registration>,
    #[serde(default)]
    locked_pins: BTreeSet<PinScopeId>,
    #[serde(default)]
    login_locks: BTreeMap<UserId, Instant>,
    #[serde(default, skip_serializing_if = "Suspensions::is_empty")]
    suspended: Suspensions,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    closed_at: Option<Instant>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    removed_users: BTreeSet<UserId>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    closed_accounts: BTreeSet<AccountId>,
}

impl Stream for ContractStream {
    const TYPE: &'static str = "contract";
    const STATE_VERSION: i32 = 2;
    type State = Contract;
    type Event = ContractEvent;

    fn evolve(state: &mut Contract, event: &ContractEvent) {
        match event {
            ContractEvent::AccountRegistered {
                account,
                journey,
                pin_scope,
            } => {
                let registration =
                    state
                        .registrations
                        .entry(account.clone())
                        .or_insert_with(|| Registration {
                            journeys: BTreeSet::new(),
                            pin_scope: pin_scope.clone(),
                        });
                registration.journeys.insert(journey.clone());
                registration.pin_scope = pin_scope.clone();
            }
            ContractEvent::AccountRegistrationsWithdrawn { journey, accounts } => {
                for account in accounts {
                    if let Some(registration) = state.registrations.get_mut(account) {
                        registration.journeys.remove(journey);
                    }
                }
                state
                    .registrations
                    .retain(|_, registration| !registration.journeys.is_empty());
            }
            ContractEvent::PinLocked { pin_scope, .. } => {
                state.locked_pins.insert(pin_scope.clone());
            }
            ContractEvent::PinUnlocked { pin_scope, .. } => {
                state.locked_pins.remove(pin_scope);
            }
            ContractEvent::LoginLocked { user, until } => {
                state.login_locks.insert(user.clone(), *until);
            }
            ContractEvent::ContractSuspended { cause } => state.suspended.add(*cause),
            ContractEvent::ContractRestored { cause } => state.suspended.lift(*cause),
            ContractEvent::ContractClosed { occurred_at } => {
                state.closed_at.get_or_insert(*occurred_at);
            }
            ContractEvent::UserRemoved { user, .. } => {
                state.removed_users.insert(user.clone());
            }
            ContractEvent::RightRemoved { account, .. } => {
                state.registrations.remove(account);
            }
            ContractEvent::AccountClosed { account, .. } => {
                state.registrations.remove(account);
                state.closed_accounts.insert(account.clone());
            }
            ContractEvent::PinReset { pin_scope, .. } => {
                state.locked_pins.remove(pin_scope);
                state
                    .registrations
                    .retain(|_, registration| registration.pin_scope != *pin_scope);
            }
            // The bank's ids stay, so nothing that rests on them changes.
            ContractEvent::PasswordChanged { .. }
            | ContractEvent::CertificateChanged { .. }
            | ContractEvent::AccountRenumbered { .. }
            | ContractEvent::BranchMerged { .. } => {}
        }
    }
}

impl Contract {
    /// Whether the account's PIN was proven for API use and that still stands.
    pub fn is_registered(&self, account: &AccountId) -> bool {
        self.registrations.contains_key(account)
    }

    /// The causes for which it is suspended.
    pub fn suspensions(&self) -> &Suspensions {
        &self.suspended
    }

    /// Whether the bank closed it.
    pub fn is_closed(&self) -> bool {
        self.closed_at.is_some()
    }

    /// What it says to reads.
    pub fn standing(&self) -> Standing {
        if self.is_closed() {
            Standing::Ended
        } else if self.suspended.is_empty() {
            Standing::Clear
        } else {
            Standing::Suspended
        }
    }

    /// Whether the bank said that the user has left.
    pub fn is_user_removed(&self, user: &UserId) -> bool {
        self.removed_users.contains(user)
    }

    /// Whether the bank said that the account is closed.
    pub fn is_account_closed(&self, account: &AccountId) -> bool {
        self.closed_accounts.contains(account)
    }

    /// Suspends every consent of it at once, for one more cause: one fact here, none on the consents.
    ///
    /// # Errors
    /// [`ContractRefusal::Closed`].
    pub fn suspend(
        &self,
        cause: SuspensionCause,
    ) -> Result<Outcome<ContractEvent>, ContractRefusal> {
        self.open()?;
        Ok(if self.suspended.contains(cause) {
            Outcome::AlreadyDone
        } else {
            Outcome::fact(ContractEvent::ContractSuspended { cause })
        })
    }

    /// Lifts one cause.
    ///
    /// # Errors
    /// [`ContractRefusal::Closed`].
    pub fn restore(
        &self,
        cause: SuspensionCause,
    ) -> Result<Outcome<ContractEvent>, ContractRefusal> {
        self.open()?;
        Ok(if self.suspended.contains(cause) {
            Outcome::fact(ContractEvent::ContractRestored { cause })
        } else {
            Outcome::AlreadyDone
        })
    }

    fn open(&self) -> Result<(), ContractRefusal> {
        if self.is_closed() {
            Err(ContractRefusal::Closed)
        } else {
            Ok(())
        }
    }

    /// Whether the PIN scope is locked.
    pub fn is_pin_locked(&self, pin_scope: &PinScopeId) -> bool {
        self.locked_pins.contains(pin_scope)
    }

    /// Records that a journey proved the PINs of these accounts, each once; those that it had
    /// proven before are passed over.
    pub fn register(
        &self,
        journey: &JourneyId,
        accounts: impl IntoIterator<Item = (AccountId, PinScopeId)>,
    ) -> Vec<ContractEvent> {
        let accounts: BTreeMap<AccountId, PinScopeId> = accounts.into_iter().collect();
        accounts
            .into_iter()
            .filter(|(account, _)| {
                !self
                    .registrations
                    .get(account)
                    .is_some_and(|held| held.journeys.contains(journey))
            })
            .map(|(account, pin_scope)| ContractEvent::AccountRegistered {
                account,
                pin_scope,
                journey: journey.clone(),
            })
            .collect()
    }

    /// Takes back everything that a journey registered.
    pub fn withdraw(&self, journey: &JourneyId) -> Vec<ContractEvent> {
        let accounts: BTreeSet<AccountId> = self
            .registrations
            .iter()
            .filter(|(_, held)| held.journeys.contains(journey))
            .map(|(account, _)| account.clone())
            .collect();
        if accounts.is_empty() {
            return Vec::new();
        }
        vec![ContractEvent::AccountRegistrationsWithdrawn {
            journey: journey.clone(),
            accounts,
        }]
    }

    /// Records that the limit of wrong PINs was reached.
    pub fn lock_pin(&self, pin_scope: &PinScopeId, limit: u32) -> Outcome<ContractEvent> {
        if self.is_pin_locked(pin_scope) {
            return Outcome::AlreadyDone;
        }
        Outcome::fact(ContractEvent::PinLocked {
            pin_scope: pin_scope.clone(),
            limit,
        })
    }

    /// Records a reset by the bank or an operator.
    pub fn unlock_pin(&self, pin_scope: &PinScopeId, by: ResetBy) -> Outcome<ContractEvent> {
        if !self.is_pin_locked(pin_scope) {
            return Outcome::AlreadyDone;
        }
        Outcome::fact(ContractEvent::PinUnlocked {
            pin_scope: pin_scope.clone(),
            by,
        })
    }

    /// Records that the limit of wrong passwords was reached.
    pub fn lock_login(&self, user: &UserId, until: Instant) -> Outcome<ContractEvent> {
        if self
            .login_locks
            .get(user)
            .is_some_and(|locked| *locked >= until)
        {
            return Outcome::AlreadyDone;
        }
        Outcome::fact(ContractEvent::LoginLocked {
            user: user.clone(),
            until,
        })
    }
}
