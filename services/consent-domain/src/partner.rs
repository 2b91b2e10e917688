//! Partners (API連携事業者): one legal record each, enabled per bank.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    ClientId, DomainEvent, Instant, Outcome, PartnerId, Stream,
    standing::Standing,
    suspension::{SuspensionCause, Suspensions},
};

/// The stream `partner`, one per partner, the same at every bank.
pub struct PartnerStream;
/// The stream `partner_at_bank`, one per partner and bank.
pub struct PartnerAtBankStream;

/// Facts of a partner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum PartnerEvent {
    /// The partner joined the platform.
    PartnerRegistered {
        /// Its id.
        partner: PartnerId,
        /// Its record.
        record: PartnerRecord,
    },
    /// Its record changed.
    PartnerChanged {
        /// The record from now on.
        record: PartnerRecord,
    },
}

impl DomainEvent for PartnerEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::PartnerRegistered { .. } => "PartnerRegistered",
            Self::PartnerChanged { .. } => "PartnerChanged",
        }
    }
}

/// A partner's legal record and its service, as customers see them and as OAuth knows them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartnerRecord {
    /// Registered company name.
    pub legal_name: String,
    /// The service's name.
    pub service_name: String,
    /// Registration number as an electronic payment service provider (電子決済等代行業者).
    pub registration_number: String,
    /// Where customers may complain.
    pub complaint_contact: String,
    /// To whom the partner passes data on.
    pub onward_recipients: Vec<String>,
    /// OAuth client id.
    pub client_id: ClientId,
    /// Registered redirect URIs, compared byte for byte.
    pub redirect_uris: Vec<String>,
    /// The client's public keys by key id, each a JWK as JSON text.
    pub keys: BTreeMap<String, String>,
}

impl PartnerRecord {
    /// Whether data go to the same company and on to the same others.
    fn has_recipients_of(&self, other: &Self) -> bool {
        self.legal_name == other.legal_name
            && self.registration_number == other.registration_number
            && self.onward_recipients == other.onward_recipients
    }
}

/// The state of a partner.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Partner {
    /// Not on the platform.
    #[default]
    Absent,
    /// On the platform.
    Registered {
        /// Its id.
        partner: PartnerId,
        /// Its record.
        record: PartnerRecord,
        /// Counts the record's versions, from 1.
        record_version: u32,
        /// The version since which the company, and those to whom it passes data on, are as they are.
        recipients_since: u32,
    },
}

/// Why a partner's record can't be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartnerRefusal {
    /// A name or contact that customers must see is empty.
    #[error("{0} must not be empty")]
    Empty(&'static str),
    /// A client id is a name for life: grants and tokens carry it.
    #[error("a partner's client_id can't be changed")]
    ClientIdChanged,
}

impl Stream for PartnerStream {
    const TYPE: &'static str = "partner";
    const STATE_VERSION: i32 = 2;
    type State = Partner;
    type Event = PartnerEvent;

    fn evolve(state: &mut Partner, event: &PartnerEvent) {
        match event {
            PartnerEvent::PartnerRegistered { partner, record } => {
                *state = Partner::Registered {
                    partner: partner.clone(),
                    record: record.clone(),
                    record_version: 1,
                    recipients_since: 1,
                };
            }
            PartnerEvent::PartnerChanged { record } => {
                if let Partner::Registered {
                    record: current,
                    record_version,
                    recipients_since,
                    ..
                } = state
                {
                    *record_version += 1;
                    if !current.has_recipients_of(record) {
                        *recipients_since = *record_version;
                    }
                    *current = record.clone();
                }
            }
        }
    }
}

impl Partner {
    /// Registers the partner, or changes its record.
    ///
    /// # Errors
    /// [`PartnerRefusal`] where something that customers must see is missing, or the client id changed.
    pub fn register(
        &self,
        partner: &PartnerId,
        record: &PartnerRecord,
    ) -> Result<Outcome<PartnerEvent>, PartnerRefusal> {
        let shown = [
            ("legal_name", record.legal_name.is_empty()),
            ("service_name", record.service_name.is_empty()),
            ("registration_number", record.registration_number.is_empty()),
            ("complaint_contact", record.complaint_contact.is_empty()),
            ("redirect_uris", record.redirect_uris.is_empty()),
            ("keys", record.keys.is_empty()),
        ];
        if let Some((field, _)) = shown.into_iter().find(|(_, empty)| *empty) {
            return Err(PartnerRefusal::Empty(field));
        }
        match self {
            Self::Absent => Ok(Outcome::fact(PartnerEvent::PartnerRegistered {
                partner: partner.clone(),
                record: record.clone(),
            })),
            Self::Registered {
                record: current, ..
            } if current == record => Ok(Outcome::AlreadyDone),
            Self::Registered {
                record: current, ..
            } if current.client_id != record.client_id => Err(PartnerRefusal::ClientIdChanged),
            Self::Registered { .. } => Ok(Outcome::fact(PartnerEvent::PartnerChanged {
                record: record.clone(),
            })),
        }
    }
}

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
