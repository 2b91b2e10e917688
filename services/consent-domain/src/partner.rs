//! Partners (API連携事業者): one legal record each, enabled per bank.

mod at_bank;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ClientId, DomainEvent, Outcome, PartnerId, Stream};

pub use at_bank::{
    PartnerAtBank, PartnerAtBankEvent, PartnerAtBankRefusal, PartnerAtBankStream, PartnerContract,
};

/// The stream `partner`, one per partner, the same at every bank.
pub struct PartnerStream;

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
