//! What a bank tells of a contract's users and accounts, and what becomes of it: a fact of the contract,
//! and per consent what the bank's settings say.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    AccountId, GrantId, Instant, Outcome, PinScopeId, UserId,
    consent::{Consent, ConsentEvent, RemovalReason, RevocationReason, RevokedBy},
    contract::{Contract, ContractEvent, ContractRefusal},
    suspension::SuspensionCause,
};

/// One thing that a bank tells of a contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BankNotice {
    /// A user has another password.
    PasswordChanged {
        /// The user.
        user: UserId,
    },
    /// A user has another electronic certificate.
    CertificateChanged {
        /// The user.
        user: UserId,
    },
    /// A user has left.
    UserRemoved {
        /// The user.
        user: UserId,
    },
    /// A user may no longer inquire an account.
    RightRemoved {
        /// The user.
        user: UserId,
        /// The account.
        account: AccountId,
    },
    /// An account is closed.
    AccountClosed {
        /// The account.
        account: AccountId,
    },
    /// An account has another number, under the same id.
    AccountRenumbered {
        /// The account.
        account: AccountId,
    },
    /// Accounts belong to another branch, under the same ids.
    BranchMerged {
        /// The accounts.
        accounts: BTreeSet<AccountId>,
    },
    /// There is another PIN.
    PinReset {
        /// The PIN scope.
        pin_scope: PinScopeId,
    },
    /// The bank suspended the contract.
    ContractSuspended {
        /// Why.
        cause: SuspensionCause,
    },
    /// That cause no longer stands.
    ContractRestored {
        /// The cause.
        cause: SuspensionCause,
    },
    /// The contract is closed.
    ContractClosed,
}

/// What a bank wants to become of consents; each default is visible here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NoticeEffects {
    /// When the user who allowed it has another password.
    pub on_password_change: OnLoginChange,
    /// When that user has another electronic certificate.
    pub on_certificate_change: OnLoginChange,
    /// When that user has left the contract.
    pub on_user_removed: OnUserRemoved,
    /// When that user may no longer inquire an account of it.
    pub on_right_removed: OnRightRemoved,
    /// When an account of it has another number or branch.
    pub on_account_moved: OnAccountMoved,
}

impl NoticeEffects {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What follows from another password or certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnLoginChange {
    /// Nothing: the consent is the contract's, and rests on the login at its time.
    #[default]
    Nothing,
    /// It is suspended until 許可, a renewal or a handover.
    Suspend,
    /// It ends.
    Revoke,
}

/// What follows from a user's leaving.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUserRemoved {
    /// It is suspended until another user takes over: by 許可, a renewal or a handover.
    #[default]
    SuspendUntilHandover,
    /// It ends.
    Revoke,
    /// Nothing: the consent is the contract's.
    Nothing,
}

/// What follows from the loss of the right to an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnRightRemoved {
    /// The account leaves it.
    #[default]
    RemoveAccount,
    /// It is suspended until 許可.
    Suspend,
    /// Nothing: the consent is the contract's.
    Nothing,
}

/// What follows from another number or branch of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnAccountMoved {
    /// Nothing: the bank's id of it is the same.
    #[default]
    Nothing,
    /// It is suspended until 許可.
    Suspend,
    /// The account leaves it.
    RemoveAccount,
}

/// What becomes of one consent.
enum Effect {
    Nothing,
    Suspend(SuspensionCause),
    Remove(BTreeSet<AccountId>, RemovalReason),
    Revoke(RevocationReason),
}

/// Which facts a notice leads to, on which streams.
#[derive(Debug, Clone, PartialEq)]
pub struct Effects {
    /// On the contract's.
    pub contract: Vec<ContractEvent>,
    /// On those consents' that it touches.
    pub consents: BTreeMap<GrantId, Vec<ConsentEvent>>,
}

/// Everything that a notice leads to.
///
/// # Errors
/// [`ContractRefusal`] where the contract does not take it; then nothing follows.
pub fn effects(
    of: &BankNotice,
    occurred_at: Instant,
    settings: &NoticeEffects,
    contract: &Contract,
    consents: &BTreeMap<GrantId, Consent>,
    now: Instant,
) -> Result<Effects, ContractRefusal> {
    Ok(Effects {
        contract: of.on_contract(occurred_at, contract)?.into_events(),
        consents: consents
            .iter()
            .map(|(grant, consent)| {
                let facts = of.on_consent(settings, consent, now).into_events();
                (grant.clone(), facts)
            })
            .filter(|(_, facts)| !facts.is_empty())
            .collect(),
    })
}

impl BankNotice {
    /// The contract's fact. What the bank tells again of an end that is known is no fact again.
    ///
    /// # Errors
    /// [`ContractRefusal`].
    pub fn on_contract(
        &self,
        occurred_at: Instant,
        contract: &Contract,
    ) -> Result<Outcome<ContractEvent>, ContractRefusal> {
        let known = match self {
            Self::UserRemoved { user } => contract.is_user_removed(user),
            Self::AccountClosed { account } => contract.is_account_closed(account),
            Self::ContractClosed => contract.is_closed(),
            Self::ContractSuspended { cause } => return contract.suspend(*cause),
            Self::ContractRestored { cause } => return contract.restore(*cause),
            Self::PasswordChanged { .. }
            | Self::CertificateChanged { .. }
            | Self::RightRemoved { .. }
            | Self::AccountRenumbered { .. }
            | Self::BranchMerged { .. }
            | Self::PinReset { .. } => false,
        };
        Ok(if known {
            Outcome::AlreadyDone
        } else {
            self.fact(occurred_at)
                .map_or(Outcome::AlreadyDone, Outcome::fact)
        })
    }

    /// The fact as the bank told it; none for a suspension, which is a command.
    fn fact(&self, occurred_at: Instant) -> Option<ContractEvent> {
        Some(match self.clone() {
            Self::PasswordChanged { user } => ContractEvent::PasswordChanged { user, occurred_at },
            Self::CertificateChanged { user } => {
                ContractEvent::CertificateChanged { user, occurred_at }
            }
            Self::UserRemoved { user } => ContractEvent::UserRemoved { user, occurred_at },
            Self::RightRemoved { user, account } => ContractEvent::RightRemoved {
                user,
                account,
                occurred_at,
            },
            Self::AccountClosed { account } => ContractEvent::AccountClosed {
                account,
                occurred_at,
            },
            Self::AccountRenumbered { account } => ContractEvent::AccountRenumbered {
                account,
                occurred_at,
            },
            Self::BranchMerged { accounts } => ContractEvent::BranchMerged {
                accounts,
                occurred_at,
            },
            Self::PinReset { pin_scope } => ContractEvent::PinReset {
                pin_scope,
                occurred_at,
            },
            Self::ContractClosed => ContractEvent::ContractClosed { occurred_at },
            Self::ContractSuspended { .. } | Self::ContractRestored { .. } => return None,
        })
    }

    /// What becomes of one consent of the contract, by the bank's settings. A consent that is not live
    /// stays as it is.
    pub fn on_consent(
        &self,
        settings: &NoticeEffects,
        consent: &Consent,
        now: Instant,
    ) -> Outcome<ConsentEvent> {
        let Some(terms) = consent.live_terms(now) else {
            return Outcome::AlreadyDone;
        };
        let concerns_user = match self {
            Self::PasswordChanged { user }
            | Self::CertificateChanged { user }
            | Self::UserRemoved { user }
            | Self::RightRemoved { user, .. } => *user == terms.user,
            _ => true,
        };
        let concerned: BTreeSet<AccountId> = self
            .accounts()
            .into_iter()
            .filter(|account| terms.scope.has_account(account))
            .collect();
        if !concerns_user || (self.names_accounts() && concerned.is_empty()) {
            return Outcome::AlreadyDone;
        }
        match self.effect(settings, concerned) {
            Effect::Nothing => Outcome::AlreadyDone,
            Effect::Suspend(cause) => consent.suspend(cause, now).unwrap_or(Outcome::AlreadyDone),
            Effect::Revoke(reason) => consent
                .revoke(RevokedBy::Bank, reason, now)
                .unwrap_or(Outcome::AlreadyDone),
            Effect::Remove(accounts, reason) => remove_all(consent, &accounts, reason, now),
        }
    }

    fn effect(&self, settings: &NoticeEffects, accounts: BTreeSet<AccountId>) -> Effect {
        let login_changed = |effect, cause, reason| match effect {
            OnLoginChange::Nothing => Effect::Nothing,
            OnLoginChange::Suspend => Effect::Suspend(cause),
            OnLoginChange::Revoke => Effect::Revoke(reason),
        };
        match self {
            Self::PasswordChanged { .. } => login_changed(
                settings.on_password_change,
                SuspensionCause::PasswordChanged,
                RevocationReason::PasswordChanged,
            ),
            Self::CertificateChanged { .. } => login_changed(
                settings.on_certificate_change,
                SuspensionCause::CertificateChanged,
                RevocationReason::CertificateChanged,
            ),
            Self::UserRemoved { .. } => match settings.on_user_removed {
                OnUserRemoved::Nothing => Effect::Nothing,
                OnUserRemoved::SuspendUntilHandover => {
                    Effect::Suspend(SuspensionCause::UserRemoved)
                }
                OnUserRemoved::Revoke => Effect::Revoke(RevocationReason::UserRemoved),
            },
            Self::RightRemoved { .. } => match settings.on_right_removed {
                OnRightRemoved::Nothing => Effect::Nothing,
                OnRightRemoved::Suspend => Effect::Suspend(SuspensionCause::RightRemoved),
                OnRightRemoved::RemoveAccount => {
                    Effect::Remove(accounts, RemovalReason::RightRemoved)
                }
            },
            Self::AccountRenumbered { .. } | Self::BranchMerged { .. } => {
                match settings.on_account_moved {
                    OnAccountMoved::Nothing => Effect::Nothing,
                    OnAccountMoved::Suspend => Effect::Suspend(SuspensionCause::AccountMoved),
                    OnAccountMoved::RemoveAccount => {
                        Effect::Remove(accounts, RemovalReason::AccountMoved)
                    }
                }
            }
            // Nothing of a closed account can be read, whatever a bank would set.
            Self::AccountClosed { .. } => Effect::Remove(accounts, RemovalReason::AccountClosed),
            Self::ContractClosed => Effect::Revoke(RevocationReason::ContractClosed),
            // What a PIN proved when access was allowed stays proven for the linkage. A suspension is
            // one fact at its level.
            Self::PinReset { .. }
            | Self::ContractSuspended { .. }
            | Self::ContractRestored { .. } => Effect::Nothing,
        }
    }

    fn names_accounts(&self) -> bool {
        matches!(
            self,
            Self::RightRemoved { .. }
                | Self::AccountClosed { .. }
                | Self::AccountRenumbered { .. }
                | Self::BranchMerged { .. }
        )
    }

    fn accounts(&self) -> BTreeSet<AccountId> {
        match self {
            Self::RightRemoved { account, .. }
            | Self::AccountClosed { account }
            | Self::AccountRenumbered { account } => BTreeSet::from([account.clone()]),
            Self::BranchMerged { accounts } => accounts.clone(),
            _ => BTreeSet::new(),
        }
    }
}

/// Takes out several accounts, one fact each; the last one of the scope ends the consent.
fn remove_all(
    consent: &Consent,
    accounts: &BTreeSet<AccountId>,
    reason: RemovalReason,
    now: Instant,
) -> Outcome<ConsentEvent> {
    use crate::{Stream as _, consent::ConsentStream};
    let mut state = consent.clone();
    let mut facts = Vec::new();
    for account in accounts {
        let removed = state.remove_account(account, RevokedBy::Bank, reason, now);
        for fact in removed.map(Outcome::into_events).unwrap_or_default() {
            ConsentStream::evolve(&mut state, &fact);
            facts.push(fact);
        }
    }
    Outcome::facts(facts)
}
