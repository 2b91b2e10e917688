//! The consent (linkage, grant): what a contract allows one partner's service to read.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{
    ClientId, ContractId, DomainEvent, Instant, JourneyId, Outcome, PartnerId, Stream, UserId,
    scope::Scope,
};

/// The stream `consent`, one per grant.
pub struct ConsentStream;

/// Facts of a consent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ConsentEvent {
    /// The customer allowed access; the consent begins.
    AccessGranted {
        /// The journey that led to it.
        journey: JourneyId,
        /// Who may read what.
        terms: GrantTerms,
        /// Whether this is the pair's one linkage or one beside it.
        place: Place,
    },
    /// The customer allowed access anew; scope and validity are replaced.
    AccessAmended {
        /// The journey that led to it.
        journey: JourneyId,
        /// Who may read what from now on.
        terms: GrantTerms,
    },
    /// The partner fetched the first token of a code of this consent.
    PartnerConnected {
        /// The journey whose code it was.
        journey: JourneyId,
    },
    /// The validity passed; the clock decided, the sweeper recorded.
    AccessExpired {
        /// When it ended.
        effective_at: Instant,
    },
    /// Somebody ended it.
    AccessRevoked {
        /// Who.
        by: RevokedBy,
        /// Why, as a code.
        reason: String,
    },
}

impl DomainEvent for ConsentEvent {
    fn event_type(&self) -> &'static str {
        match self {
            Self::AccessGranted { .. } => "AccessGranted",
            Self::AccessAmended { .. } => "AccessAmended",
            Self::PartnerConnected { .. } => "PartnerConnected",
            Self::AccessExpired { .. } => "AccessExpired",
            Self::AccessRevoked { .. } => "AccessRevoked",
        }
    }

    fn effective_at(&self) -> Option<Instant> {
        match self {
            Self::AccessExpired { effective_at, .. } => Some(*effective_at),
            _ => None,
        }
    }
}

/// Who ended a consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokedBy {
    /// The customer.
    Customer,
    /// The partner.
    Partner,
    /// The bank.
    Bank,
    /// This service, by a rule.
    System,
}

/// Whether a linkage is the one of its contract and client, or another beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The pair's one linkage; at most one is live at a time.
    Default,
    /// Asked for with `grant_management_action=create`.
    Beside,
}

/// What a consent says: who may read what, since when, until when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GrantTerms {
    /// The contract to whom the consent belongs.
    pub contract: ContractId,
    /// The user who acted.
    pub user: UserId,
    /// The partner's service.
    pub client: ClientId,
    /// The partner.
    pub partner: PartnerId,
    /// What may be read.
    pub scope: Scope,
    /// First day of statements that may be read, Japan time; none: as far as the bank goes.
    pub history_from: Option<NaiveDate>,
    /// When it begins.
    pub valid_from: Instant,
    /// When it ends (the first instant at which it no longer holds).
    pub valid_until: Instant,
}

/// The state of a consent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Consent {
    /// Not granted.
    #[default]
    Absent,
    /// Granted; the clock may have ended it without anybody having recorded that yet.
    Live {
        /// What it says.
        terms: GrantTerms,
        /// Which of the pair's linkages it is.
        place: Place,
        /// Whether the partner has fetched a token since access was last allowed.
        connected: bool,
    },
    /// Its time passed. Final.
    Expired {
        /// What it said last.
        terms: GrantTerms,
        /// When it ended.
        effective_at: Instant,
    },
    /// Somebody ended it. Final.
    Revoked {
        /// What it said last.
        terms: GrantTerms,
        /// Who ended it.
        by: RevokedBy,
        /// Why, as a code.
        reason: String,
    },
}

/// Why a consent can't be changed as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConsentRefusal {
    /// There is no such consent.
    #[error("no such consent")]
    Unknown,
    /// It has ended; an end is final.
    #[error("the consent has ended")]
    AlreadyEnded,
    /// It belongs to another contract or client.
    #[error("the consent belongs to another contract or client")]
    Foreign,
    /// It is not what the journey started from: somebody changed it in between.
    #[error("the consent was changed in the meantime")]
    ChangedMeanwhile,
}

impl Stream for ConsentStream {
    const TYPE: &'static str = "consent";
    const STATE_VERSION: i32 = 1;
    type State = Consent;
    type Event = ConsentEvent;

    fn evolve(state: &mut Consent, event: &ConsentEvent) {
        match event {
            ConsentEvent::AccessGranted { terms, place, .. } => {
                // A consent begins once: an end is final.
                if matches!(state, Consent::Absent) {
                    *state = Consent::Live {
                        terms: terms.clone(),
                        place: *place,
                        connected: false,
                    };
                }
            }
            ConsentEvent::AccessAmended { terms, .. } => {
                if let Consent::Live {
                    terms: current,
                    connected,
                    ..
                } = state
                {
                    *current = terms.clone();
                    // The change has a code of its own, whose first token is a fact again.
                    *connected = false;
                }
            }
            ConsentEvent::PartnerConnected { .. } => {
                if let Consent::Live { connected, .. } = state {
                    *connected = true;
                }
            }
            ConsentEvent::AccessExpired { effective_at } => {
                if let Consent::Live { terms, .. } = state {
                    *state = Consent::Expired {
                        terms: terms.clone(),
                        effective_at: *effective_at,
                    };
                }
            }
            ConsentEvent::AccessRevoked { by, reason } => {
                if let Consent::Live { terms, .. } = state {
                    *state = Consent::Revoked {
                        terms: terms.clone(),
                        by: *by,
                        reason: reason.clone(),
                    };
                }
            }
        }
    }
}

impl Consent {
    /// What it says or said last; none before it was granted.
    pub fn terms(&self) -> Option<&GrantTerms> {
        match self {
            Self::Absent => None,
            Self::Live { terms, .. }
            | Self::Expired { terms, .. }
            | Self::Revoked { terms, .. } => Some(terms),
        }
    }

    /// The terms, where it is live by the clock.
    pub fn live_terms(&self, now: Instant) -> Option<&GrantTerms> {
        match self {
            Self::Live { terms, .. } if now < terms.valid_until => Some(terms),
            _ => None,
        }
    }

    /// Begins a consent.
    ///
    /// # Errors
    /// [`ConsentRefusal::ChangedMeanwhile`] where the id is taken.
    pub fn grant(
        &self,
        journey: &JourneyId,
        terms: GrantTerms,
        place: Place,
    ) -> Result<ConsentEvent, ConsentRefusal> {
        match self {
            Self::Absent => Ok(ConsentEvent::AccessGranted {
                journey: journey.clone(),
                terms,
                place,
            }),
            _ => Err(ConsentRefusal::ChangedMeanwhile),
        }
    }

    /// Replaces scope and validity; `basis` is the scope that the journey started from.
    ///
    /// # Errors
    /// [`ConsentRefusal`] where it is not live, belongs to somebody else, or is no longer as `basis`.
    pub fn amend(
        &self,
        journey: &JourneyId,
        terms: GrantTerms,
        basis: &Scope,
        now: Instant,
    ) -> Result<ConsentEvent, ConsentRefusal> {
        let current = match self {
            Self::Absent => return Err(ConsentRefusal::Unknown),
            _ => self.live_terms(now).ok_or(ConsentRefusal::AlreadyEnded)?,
        };
        if current.contract != terms.contract || current.client != terms.client {
            return Err(ConsentRefusal::Foreign);
        }
        if &current.scope != basis {
            return Err(ConsentRefusal::ChangedMeanwhile);
        }
        Ok(ConsentEvent::AccessAmended {
            journey: journey.clone(),
            terms,
        })
    }

    /// Records that the partner fetched a token with the code of the last 許可.
    ///
    /// # Errors
    /// [`ConsentRefusal`] where it is not live.
    pub fn connect(
        &self,
        journey: &JourneyId,
        now: Instant,
    ) -> Result<Outcome<ConsentEvent>, ConsentRefusal> {
        match self {
            Self::Absent => Err(ConsentRefusal::Unknown),
            Self::Live {
                terms, connected, ..
            } if now < terms.valid_until => Ok(if *connected {
                Outcome::AlreadyDone
            } else {
                Outcome::fact(ConsentEvent::PartnerConnected {
                    journey: journey.clone(),
                })
            }),
            _ => Err(ConsentRefusal::AlreadyEnded),
        }
    }

    /// Records an end that the clock has already decided.
    pub fn expire(&self, now: Instant) -> Outcome<ConsentEvent> {
        match self {
            Self::Live { terms, .. } if terms.valid_until <= now => {
                Outcome::fact(ConsentEvent::AccessExpired {
                    effective_at: terms.valid_until,
                })
            }
            _ => Outcome::AlreadyDone,
        }
    }

    /// Ends it.
    ///
    /// # Errors
    /// [`ConsentRefusal::Unknown`]; [`ConsentRefusal::AlreadyEnded`] where another end came first.
    pub fn revoke(
        &self,
        by: RevokedBy,
        reason: &str,
        now: Instant,
    ) -> Result<Outcome<ConsentEvent>, ConsentRefusal> {
        match self {
            Self::Absent => Err(ConsentRefusal::Unknown),
            Self::Live { terms, .. } if now < terms.valid_until => {
                Ok(Outcome::fact(ConsentEvent::AccessRevoked {
                    by,
                    reason: reason.to_owned(),
                }))
            }
            Self::Revoked {
                by: before,
                reason: why,
                ..
            } if *before == by && why == reason => Ok(Outcome::AlreadyDone),
            _ => Err(ConsentRefusal::AlreadyEnded),
        }
    }
}
