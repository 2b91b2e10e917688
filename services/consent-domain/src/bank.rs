//! The bank as a tenant: its names and its settings, as facts, so that "as of" tells the truth.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    BankCode, DomainEvent, Outcome, Stream,
    bank_notice::NoticeEffects,
    linkage_rules::LinkageRules,
    operator_rules::OperatorRules,
    standing::Standing,
    suspension::{SuspensionCause, Suspensions},
};

/// The stream `bank`, one per bank.
pub struct BankStream;

/// Facts of a bank.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum BankEvent {
    /// The bank joined the platform.
    BankRegistered {
        /// Its code.
        code: BankCode,
        /// Its record.
        record: BankRecord,
    },
    /// Its names or settings changed.
    BankChanged {
        /// The record from now on.
        record: BankRecord,
    },
    /// Nothing of the bank may be read, for one more cause.
    BankSuspended {
        /// The cause.
        cause: SuspensionCause,
    },
    /// One cause no longer stands.
    BankRestored {
        /// The cause.
        cause: SuspensionCause,
    },
}

impl DomainEvent for BankEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::BankRegistered { .. } => "BankRegistered",
            Self::BankChanged { .. } => "BankChanged",
            Self::BankSuspended { .. } => "BankSuspended",
            Self::BankRestored { .. } => "BankRestored",
        }
    }
}

/// A bank's names, contact and settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BankRecord {
    /// E.g. 中央労働金庫.
    pub name: String,
    /// As customers see it, e.g. 中央労働金庫（法人）.
    pub display_name: String,
    /// Telephone for customers.
    pub phone: String,
    /// When that telephone is answered, in words.
    pub hours: String,
    /// As customers see it on English pages; `None`: as on Japanese ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name_en: Option<String>,
    /// The hours in English; `None`: as on Japanese pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours_en: Option<String>,
    /// Texts of the pages that this bank words in its own way: by locale (`ja`, `en`), then by the
    /// text's place in the catalogue, e.g. `login.lead`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: BTreeMap<String, BTreeMap<String, String>>,
    /// What a bank may set.
    #[serde(default)]
    pub settings: BankSettings,
}

/// What a bank may set; each default is visible here. Stored whole in events: a setting that a later
/// release adds reads as its default from older ones, and an older release passes over it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BankSettings {
    /// Idle time that ends a bank session, in seconds.
    pub idle_seconds: u32,
    /// Time that a journey may take in all, in seconds.
    pub journey_seconds: u32,
    /// Days that a consent is valid; it ends at the end of the last day, Japan time.
    pub consent_validity_days: u32,
    /// Wrong PINs in a row that lock a PIN scope; below the bank's own limit.
    pub pin_limit: u32,
    /// Wrong passwords in a row that lock a login id; below the bank's own limit.
    pub login_limit: u32,
    /// How long a login lock lasts, in seconds.
    pub login_lock_seconds: u32,
    /// Years that the record of what was shown at step 6 is kept.
    pub evidence_years: u32,
    /// Version of the terms that the customer allows access under.
    pub terms_version: String,
    /// How a consent may be renewed before it ends.
    #[serde(skip_serializing_if = "RenewalRule::is_default")]
    pub renewal: RenewalRule,
    /// What becomes of consents when the bank tells of a change.
    #[serde(skip_serializing_if = "NoticeEffects::is_default")]
    pub notice_effects: NoticeEffects,
    /// Rules about the linkages of one contract.
    #[serde(skip_serializing_if = "LinkageRules::is_default")]
    pub linkage_rules: LinkageRules,
    /// What it asks of its operators' acts on many consents.
    #[serde(skip_serializing_if = "OperatorRules::is_default")]
    pub operator_rules: OperatorRules,
}

impl Default for BankSettings {
    fn default() -> Self {
        Self {
            idle_seconds: 600,
            journey_seconds: 3600,
            consent_validity_days: 365,
            pin_limit: 5,
            login_limit: 5,
            login_lock_seconds: 900,
            evidence_years: 10,
            terms_version: "2026-04".to_owned(),
            renewal: RenewalRule::default(),
            notice_effects: NoticeEffects::default(),
            linkage_rules: LinkageRules::default(),
            operator_rules: OperatorRules::default(),
        }
    }
}

/// How a consent may be renewed before it ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenewalRule {
    /// On one screen after a login at the bank, with every choice kept and without a 照会用暗証番号.
    #[default]
    ByLogin,
    /// By a request of the partner's and every step.
    ByJourney,
}

impl RenewalRule {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The state of a bank.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Bank {
    /// Not on the platform.
    #[default]
    Absent,
    /// On the platform.
    Registered {
        /// Its code.
        code: BankCode,
        /// Its record.
        record: BankRecord,
        /// The causes for which it is suspended.
        #[serde(default, skip_serializing_if = "Suspensions::is_empty")]
        suspended: Suspensions,
    },
}

/// Why a bank's command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BankRefusal {
    /// It is not on the platform.
    #[error("no such bank")]
    Unknown,
    /// A time, a count or a number of days is zero.
    #[error("a bank's times, limits and days are at least 1")]
    ZeroSetting,
    /// A number of its operators' rules can't be used.
    #[error("bulk_revocations_per_second is 1 to 1000, partner_end_notice_days at least 1")]
    OperatorRules,
}

impl Stream for BankStream {
    const TYPE: &'static str = "bank";
    const STATE_VERSION: i32 = 2;
    type State = Bank;
    type Event = BankEvent;

    fn evolve(state: &mut Bank, event: &BankEvent) {
        match event {
            BankEvent::BankRegistered { code, record } => {
                *state = Bank::Registered {
                    code: code.clone(),
                    record: record.clone(),
                    suspended: Suspensions::default(),
                };
            }
            BankEvent::BankChanged { record } => {
                if let Bank::Registered {
                    record: current, ..
                } = state
                {
                    *current = record.clone();
                }
            }
            BankEvent::BankSuspended { cause } => {
                if let Bank::Registered { suspended, .. } = state {
                    suspended.add(*cause);
                }
            }
            BankEvent::BankRestored { cause } => {
                if let Bank::Registered { suspended, .. } = state {
                    suspended.lift(*cause);
                }
            }
        }
    }
}

impl Bank {
    /// Registers the bank, or changes its record.
    ///
    /// # Errors
    /// [`BankRefusal::ZeroSetting`], [`BankRefusal::OperatorRules`].
    pub fn register(
        &self,
        code: &BankCode,
        record: &BankRecord,
    ) -> Result<Outcome<BankEvent>, BankRefusal> {
        let s = &record.settings;
        let numbers = [
            s.idle_seconds,
            s.journey_seconds,
            s.consent_validity_days,
            s.pin_limit,
            s.login_limit,
            s.login_lock_seconds,
            s.evidence_years,
        ];
        if numbers.contains(&0) {
            return Err(BankRefusal::ZeroSetting);
        }
        if !s.operator_rules.fits() {
            return Err(BankRefusal::OperatorRules);
        }
        Ok(match self {
            Self::Absent => Outcome::fact(BankEvent::BankRegistered {
                code: code.clone(),
                record: record.clone(),
            }),
            Self::Registered {
                record: current, ..
            } if current == record => Outcome::AlreadyDone,
            Self::Registered { .. } => Outcome::fact(BankEvent::BankChanged {
                record: record.clone(),
            }),
        })
    }

    /// Suspends every consent at it at once, for one more cause: one fact here, none on the consents.
    ///
    /// # Errors
    /// [`BankRefusal::Unknown`].
    pub fn suspend(&self, cause: SuspensionCause) -> Result<Outcome<BankEvent>, BankRefusal> {
        let standing = self.suspensions().ok_or(BankRefusal::Unknown)?;
        Ok(if standing.contains(cause) {
            Outcome::AlreadyDone
        } else {
            Outcome::fact(BankEvent::BankSuspended { cause })
        })
    }

    /// Lifts one cause.
    ///
    /// # Errors
    /// [`BankRefusal::Unknown`].
    pub fn restore(&self, cause: SuspensionCause) -> Result<Outcome<BankEvent>, BankRefusal> {
        let standing = self.suspensions().ok_or(BankRefusal::Unknown)?;
        Ok(if standing.contains(cause) {
            Outcome::fact(BankEvent::BankRestored { cause })
        } else {
            Outcome::AlreadyDone
        })
    }

    /// The causes for which it is suspended, if it is on the platform.
    pub fn suspensions(&self) -> Option<&Suspensions> {
        match self {
            Self::Absent => None,
            Self::Registered { suspended, .. } => Some(suspended),
        }
    }

    /// What it says to reads.
    pub fn standing(&self) -> Standing {
        if self.suspensions().is_some_and(Suspensions::is_empty) {
            Standing::Clear
        } else {
            Standing::Suspended
        }
    }

    /// The bank's record, if it is on the platform.
    pub fn record(&self) -> Option<&BankRecord> {
        match self {
            Self::Absent => None,
            Self::Registered { record, .. } => Some(record),
        }
    }
}
