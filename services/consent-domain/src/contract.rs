//! The contract (団体): which accounts are registered for API use, which PINs and logins are locked.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{AccountId, DomainEvent, Instant, JourneyId, Outcome, PinScopeId, Stream, UserId};

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
        }
    }
}

/// The state of a contract.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Contract {
    /// Per account, the journeys on whose word it is registered; an account without one is not.
    registrations: BTreeMap<AccountId, BTreeSet<JourneyId>>,
    locked_pins: BTreeSet<PinScopeId>,
    login_locks: BTreeMap<UserId, Instant>,
}

impl Stream for ContractStream {
    const TYPE: &'static str = "contract";
    const STATE_VERSION: i32 = 1;
    type State = Contract;
    type Event = ContractEvent;

    fn evolve(state: &mut Contract, event: &ContractEvent) {
        match event {
            ContractEvent::AccountRegistered {
                account, journey, ..
            } => {
                state
                    .registrations
                    .entry(account.clone())
                    .or_default()
                    .insert(journey.clone());
            }
            ContractEvent::AccountRegistrationsWithdrawn { journey, accounts } => {
                for account in accounts {
                    if let Some(journeys) = state.registrations.get_mut(account) {
                        journeys.remove(journey);
                    }
                }
                state
                    .registrations
                    .retain(|_, journeys| !journeys.is_empty());
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
        }
    }
}

impl Contract {
    /// Whether the account's PIN was proven for API use and that still stands.
    pub fn is_registered(&self, account: &AccountId) -> bool {
        self.registrations.contains_key(account)
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
                    .is_some_and(|held| held.contains(journey))
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
            .filter(|(_, journeys)| journeys.contains(journey))
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
