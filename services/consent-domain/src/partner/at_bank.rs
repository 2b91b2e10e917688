//! A partner at one bank: enabled, suspended, under contract.

use serde::{Deserialize, Serialize};

use crate::{
    ClientId, DomainEvent, Instant, Outcome, PartnerId, Stream,
    standing::Standing,
    suspension::{SuspensionCause, Suspensions},
};

/// The stream `partner_at_bank`, one per partner and bank.
pub struct PartnerAtBankStream;

/// Facts of a partner at one bank.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum PartnerAtBankEvent {
    /// The bank lets its customers link to this partner.
    PartnerEnabled {
        /// The partner.
        partner: PartnerId,
        /// Its OAuth client.
        client: ClientId,
    },
    /// The bank no longer does.
    PartnerDisabled {
        /// The partner.
        partner: PartnerId,
        /// When the contract ended, where the clock decided.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        effective_at: Option<Instant>,
    },
    /// The bank wrote down since when and until when its contract with the partner runs.
    PartnerContractSet {
        /// The partner.
        partner: PartnerId,
        /// The contract from now on.
        contract: PartnerContract,
    },
    /// The partner may read nothing of this bank, for one more cause.
    PartnerSuspended {
        /// The partner.
        partner: PartnerId,
        /// The cause.
        cause: SuspensionCause,
    },
    /// One cause no longer stands.
    PartnerRestored {
        /// The partner.
        partner: PartnerId,
        /// The cause.
        cause: SuspensionCause,
    },
}

impl DomainEvent for PartnerAtBankEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::PartnerEnabled { .. } => "PartnerEnabled",
            Self::PartnerDisabled { .. } => "PartnerDisabled",
            Self::PartnerContractSet { .. } => "PartnerContractSet",
            Self::PartnerSuspended { .. } => "PartnerSuspended",
            Self::PartnerRestored { .. } => "PartnerRestored",
        }
    }

    fn effective_at(&self) -> Option<Instant> {
        match self {
            Self::PartnerDisabled { effective_at, .. } => *effective_at,
            _ => None,
        }
    }
}

/// The contract between a bank and a partner (電子決済等代行業者との契約).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerContract {
    /// Since when it runs.
    pub starts_at: Instant,
    /// The first instant at which it no longer does; none: no end is planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Instant>,
}

impl PartnerContract {
    /// Whether its planned end has come.
    pub fn has_ended(&self, now: Instant) -> bool {
        self.ends_at.is_some_and(|end| end <= now)
    }
}

/// The state of a partner at one bank. Causes of suspension outlast a time in which it was disabled:
/// each is lifted by itself only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum PartnerAtBank {
    /// Never enabled.
    #[default]
    Absent,
    /// Customers may link to it, and unless it is suspended it may read.
    Enabled {
        /// The causes for which it is suspended.
        #[serde(default, skip_serializing_if = "Suspensions::is_empty")]
        suspended: Suspensions,
        /// The contract, where it was written down.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contract: Option<PartnerContract>,
    },
    /// Neither.
    Disabled {
        /// The causes for which it is suspended.
        #[serde(default, skip_serializing_if = "Suspensions::is_empty")]
        suspended: Suspensions,
        /// The contract, where it was written down.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contract: Option<PartnerContract>,
    },
}

/// Why a command on a partner at a bank was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartnerAtBankRefusal {
    /// The bank never enabled it.
    #[error("the bank has never enabled this partner")]
    Unknown,
    /// Its contract with the bank has ended.
    #[error("the partner's contract with the bank has ended")]
    ContractEnded,
    /// A contract ends after it starts.
    #[error("a contract ends after it starts")]
    EndsBeforeStart,
}

impl Stream for PartnerAtBankStream {
    const TYPE: &'static str = "partner_at_bank";
    const STATE_VERSION: i32 = 3;
    type State = PartnerAtBank;
    type Event = PartnerAtBankEvent;

    fn evolve(state: &mut PartnerAtBank, event: &PartnerAtBankEvent) {
        let mut suspended = state.suspensions();
        let mut contract = state.contract();
        let enabled = state.is_enabled();
        let enabled = match event {
            PartnerAtBankEvent::PartnerEnabled { .. } => true,
            PartnerAtBankEvent::PartnerDisabled { .. } => false,
            PartnerAtBankEvent::PartnerContractSet { contract: new, .. } => {
                contract = Some(*new);
                enabled
            }
            PartnerAtBankEvent::PartnerSuspended { cause, .. } => {
                suspended.add(*cause);
                enabled
            }
            PartnerAtBankEvent::PartnerRestored { cause, .. } => {
                suspended.lift(*cause);
                enabled
            }
        };
        *state = if enabled {
            PartnerAtBank::Enabled {
                suspended,
                contract,
            }
        } else {
            PartnerAtBank::Disabled {
                suspended,
                contract,
            }
        };
    }
}

impl PartnerAtBank {
    /// Whether the bank lets its customers link to it, suspended or not.
    pub fn is_enabled(&self) -> bool {
        matches!(self, Self::Enabled { .. })
    }

    /// Whether it may read: enabled, and suspended for no cause.
    pub fn may_read(&self) -> bool {
        matches!(self, Self::Enabled { suspended, .. } if suspended.is_empty())
    }

    /// What it says to reads.
    pub fn standing(&self) -> Standing {
        if self.may_read() {
            Standing::Clear
        } else {
            Standing::Suspended
        }
    }

    /// The causes for which it is suspended.
    pub fn suspensions(&self) -> Suspensions {
        match self {
            Self::Absent => Suspensions::default(),
            Self::Enabled { suspended, .. } | Self::Disabled { suspended, .. } => suspended.clone(),
        }
    }

    /// The contract, where it was written down.
    pub fn contract(&self) -> Option<PartnerContract> {
        match self {
            Self::Absent => None,
            Self::Enabled { contract, .. } | Self::Disabled { contract, .. } => *contract,
        }
    }

    /// Writes the contract down, or changes what is written.
    ///
    /// # Errors
    /// [`PartnerAtBankRefusal::EndsBeforeStart`].
    pub fn set_contract(
        &self,
        partner: &PartnerId,
        contract: PartnerContract,
    ) -> Result<Outcome<PartnerAtBankEvent>, PartnerAtBankRefusal> {
        if contract
            .ends_at
            .is_some_and(|end| end <= contract.starts_at)
        {
            return Err(PartnerAtBankRefusal::EndsBeforeStart);
        }
        Ok(if self.contract() == Some(contract) {
            Outcome::AlreadyDone
        } else {
            Outcome::fact(PartnerAtBankEvent::PartnerContractSet {
                partner: partner.clone(),
                contract,
            })
        })
    }

    /// Lets customers link to the partner while its contract runs.
    ///
    /// # Errors
    /// [`PartnerAtBankRefusal::ContractEnded`].
    pub fn enable_by_contract(
        &self,
        partner: &PartnerId,
        client: &ClientId,
        now: Instant,
    ) -> Result<Outcome<PartnerAtBankEvent>, PartnerAtBankRefusal> {
        if self
            .contract()
            .is_some_and(|contract| contract.has_ended(now))
        {
            return Err(PartnerAtBankRefusal::ContractEnded);
        }
        Ok(self.enable(partner, client))
    }

    /// Records that the contract's planned end has disabled it.
    pub fn end_by_contract(
        &self,
        partner: &PartnerId,
        now: Instant,
    ) -> Outcome<PartnerAtBankEvent> {
        match self.contract() {
            Some(contract) if self.is_enabled() && contract.has_ended(now) => {
                Outcome::fact(PartnerAtBankEvent::PartnerDisabled {
                    partner: partner.clone(),
                    effective_at: contract.ends_at,
                })
            }
            _ => Outcome::AlreadyDone,
        }
    }

    /// Lets the bank's customers link to the partner.
    pub fn enable(&self, partner: &PartnerId, client: &ClientId) -> Outcome<PartnerAtBankEvent> {
        match self {
            Self::Enabled { .. } => Outcome::AlreadyDone,
            Self::Absent | Self::Disabled { .. } => {
                Outcome::fact(PartnerAtBankEvent::PartnerEnabled {
                    partner: partner.clone(),
                    client: client.clone(),
                })
            }
        }
    }

    /// Ends that.
    pub fn disable(&self, partner: &PartnerId) -> Outcome<PartnerAtBankEvent> {
        match self {
            Self::Absent | Self::Disabled { .. } => Outcome::AlreadyDone,
            Self::Enabled { .. } => Outcome::fact(PartnerAtBankEvent::PartnerDisabled {
                partner: partner.clone(),
                effective_at: None,
            }),
        }
    }

    /// Suspends every consent of the partner at this bank at once, for one more cause: one fact here,
    /// none on the consents.
    ///
    /// # Errors
    /// [`PartnerAtBankRefusal::Unknown`].
    pub fn suspend(
        &self,
        partner: &PartnerId,
        cause: SuspensionCause,
    ) -> Result<Outcome<PartnerAtBankEvent>, PartnerAtBankRefusal> {
        self.known()?;
        Ok(if self.suspensions().contains(cause) {
            Outcome::AlreadyDone
        } else {
            Outcome::fact(PartnerAtBankEvent::PartnerSuspended {
                partner: partner.clone(),
                cause,
            })
        })
    }

    /// Lifts one cause.
    ///
    /// # Errors
    /// [`PartnerAtBankRefusal::Unknown`].
    pub fn restore(
        &self,
        partner: &PartnerId,
        cause: SuspensionCause,
    ) -> Result<Outcome<PartnerAtBankEvent>, PartnerAtBankRefusal> {
        self.known()?;
        Ok(if self.suspensions().contains(cause) {
            Outcome::fact(PartnerAtBankEvent::PartnerRestored {
                partner: partner.clone(),
                cause,
            })
        } else {
            Outcome::AlreadyDone
        })
    }

    fn known(&self) -> Result<(), PartnerAtBankRefusal> {
        match self {
            Self::Absent => Err(PartnerAtBankRefusal::Unknown),
            Self::Enabled { .. } | Self::Disabled { .. } => Ok(()),
        }
    }
}
