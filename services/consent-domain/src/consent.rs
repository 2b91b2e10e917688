//! The consent (linkage, grant): what a contract allows one partner's service to read.
//!
//! It begins with 許可, is live, perhaps suspended for causes that are lifted one by one, and ends once:
//! expired, revoked or superseded. An end is final. `ends`, `pauses` and `renewal` below hold the acts of
//! its life, `reasons` their codes.

mod ends;
mod pauses;
mod reasons;
mod reconsent;
mod renewal;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub use reasons::{RemovalReason, RevocationReason, RevokedBy};
pub use reconsent::{GivenUnder, ReconsentReason, Today, reconsent_needed};
pub use renewal::{Renewal, RenewalShown, WARNING_DAYS};

use crate::{
    AccountId, ClientId, ContractId, DomainEvent, GrantId, Instant, JourneyId, Outcome, PartnerId,
    Stream, UserId,
    scope::Scope,
    suspension::{SuspensionCause, Suspensions},
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
        /// Why.
        reason: RevocationReason,
    },
    /// An account left the scope, with all of its tasks, from now on.
    AccountRemoved {
        /// The account.
        account: AccountId,
        /// Who took it out.
        by: RevokedBy,
        /// Why.
        reason: RemovalReason,
    },
    /// A new period began; the scope stayed as it was.
    AccessRenewed {
        /// The journey, where a partner's request led to it.
        journey: Option<JourneyId>,
        /// The user who renewed, and answers for it from now on.
        user: UserId,
        /// When the period begins.
        valid_from: Instant,
        /// When it ends (the first instant at which it no longer holds).
        valid_until: Instant,
        /// Per account the day from which the partner goes on, where it has been served before.
        continue_from: BTreeMap<AccountId, NaiveDate>,
        /// What the user was shown, where no journey's `AccessAuthorized` says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shown: Option<RenewalShown>,
    },
    /// Access is suspended for one more cause.
    AccessSuspended {
        /// The cause.
        cause: SuspensionCause,
    },
    /// One cause no longer stands.
    AccessRestored {
        /// The cause.
        cause: SuspensionCause,
    },
    /// The customer is warned that the period ends.
    ExpiryWarned {
        /// One of [`WARNING_DAYS`]: at most so many days are left.
        days_left: u32,
        /// Which end is meant.
        valid_until: Instant,
    },
    /// Another grant took its place.
    AccessSuperseded {
        /// That grant.
        by: GrantId,
        /// Its service: another company's is not told of that grant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by_client: Option<ClientId>,
    },
    /// Another user of the contract answers for it.
    HandedOver {
        /// Who did before.
        from_user: UserId,
        /// Who does from now on.
        to_user: UserId,
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
            Self::AccountRemoved { .. } => "AccountRemoved",
            Self::AccessRenewed { .. } => "AccessRenewed",
            Self::AccessSuspended { .. } => "AccessSuspended",
            Self::AccessRestored { .. } => "AccessRestored",
            Self::ExpiryWarned { .. } => "ExpiryWarned",
            Self::AccessSuperseded { .. } => "AccessSuperseded",
            Self::HandedOver { .. } => "HandedOver",
        }
    }

    fn effective_at(&self) -> Option<Instant> {
        match self {
            Self::AccessExpired { effective_at, .. } => Some(*effective_at),
            _ => None,
        }
    }
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
    /// What the customer had before them, at 許可 or at a later renewal on the bank's own page; none of
    /// consents older than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_under: Option<GivenUnder>,
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
        /// The causes for which it is suspended; nothing may be read while there is one.
        #[serde(default, skip_serializing_if = "Suspensions::is_empty")]
        suspended: Suspensions,
        /// The last warning that was given in this period, in days.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        warned: Option<u32>,
        /// When the next warning is due.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        warn_at: Option<Instant>,
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
        /// Why.
        reason: RevocationReason,
    },
    /// Another grant took its place. Final.
    Superseded {
        /// What it said last.
        terms: GrantTerms,
        /// That grant.
        by: GrantId,
    },
}

/// How 許可 on a grant that exists treats what it said before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amendment {
    /// Only what is allowed now holds.
    Replace,
    /// What was allowed before holds as well.
    Merge,
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
    /// A renewal would not end later than the period that runs.
    #[error("the period would not be longer")]
    PeriodNotLonger,
    /// The user who would answer for it has left the contract.
    #[error("the user has left the contract")]
    UserRemoved,
}

impl Stream for ConsentStream {
    const TYPE: &'static str = "consent";
    const STATE_VERSION: i32 = 4;
    type State = Consent;
    type Event = ConsentEvent;

    fn evolve(state: &mut Consent, event: &ConsentEvent) {
        match (&mut *state, event) {
            (Consent::Absent, ConsentEvent::AccessGranted { terms, place, .. }) => {
                *state = Consent::Live {
                    terms: terms.clone(),
                    place: *place,
                    connected: false,
                    suspended: Suspensions::default(),
                    warned: None,
                    warn_at: renewal::next_warning(terms, None),
                };
            }
            (Consent::Live { .. }, event) => state.live_on(event),
            // Nothing precedes the beginning, and an end is final.
            _ => {}
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
            | Self::Revoked { terms, .. }
            | Self::Superseded { terms, .. } => Some(terms),
        }
    }

    /// The terms of a consent that has begun and not ended.
    fn live(&self, now: Instant) -> Result<&GrantTerms, ConsentRefusal> {
        match self {
            Self::Absent => Err(ConsentRefusal::Unknown),
            _ => self.live_terms(now).ok_or(ConsentRefusal::AlreadyEnded),
        }
    }

    /// The terms, where it is live by the clock, suspended or not.
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
        let current = self.live(now)?;
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

    /// What it would say after 許可 for these terms. A merge adds to the scope and keeps the longer
    /// history; its period stays, because nobody chose anew what was there before.
    pub fn amended_terms(&self, how: Amendment, asked: GrantTerms) -> GrantTerms {
        let (Amendment::Merge, Some(current)) = (how, self.terms()) else {
            return asked;
        };
        GrantTerms {
            scope: current.scope.union(&asked.scope),
            // No first day is the longest history; `None` is also the least of two options.
            history_from: current.history_from.min(asked.history_from),
            valid_from: current.valid_from,
            valid_until: current.valid_until,
            given_under: current.given_under.clone(),
            ..asked
        }
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

    /// Folds a fact into a consent that is live.
    fn live_on(&mut self, event: &ConsentEvent) {
        let Self::Live {
            terms,
            connected,
            suspended,
            warned,
            warn_at,
            ..
        } = self
        else {
            return;
        };
        match event {
            // A consent begins once.
            ConsentEvent::AccessGranted { .. } => {}
            ConsentEvent::AccessAmended { terms: new, .. } => {
                *terms = new.clone();
                // The change has a code of its own, whose first token is a fact again.
                *connected = false;
                *warned = None;
                *warn_at = renewal::next_warning(terms, None);
            }
            ConsentEvent::PartnerConnected { .. } => *connected = true,
            ConsentEvent::AccountRemoved { account, .. } => {
                terms.scope = terms.scope.without(account);
            }
            ConsentEvent::AccessRenewed {
                user,
                valid_from,
                valid_until,
                shown,
                ..
            } => {
                terms.user = user.clone();
                terms.valid_from = *valid_from;
                terms.valid_until = *valid_until;
                if let Some(shown) = shown {
                    terms.given_under = Some(shown.given_under());
                }
                *warned = None;
                *warn_at = renewal::next_warning(terms, None);
            }
            ConsentEvent::AccessSuspended { cause } => suspended.add(*cause),
            ConsentEvent::AccessRestored { cause } => suspended.lift(*cause),
            ConsentEvent::ExpiryWarned { days_left, .. } => {
                *warned = Some(*days_left);
                *warn_at = renewal::next_warning(terms, *warned);
            }
            ConsentEvent::HandedOver { to_user, .. } => terms.user = to_user.clone(),
            ConsentEvent::AccessExpired { effective_at } => {
                *self = Self::Expired {
                    terms: terms.clone(),
                    effective_at: *effective_at,
                };
            }
            ConsentEvent::AccessRevoked { by, reason } => {
                *self = Self::Revoked {
                    terms: terms.clone(),
                    by: *by,
                    reason: *reason,
                };
            }
            ConsentEvent::AccessSuperseded { by, .. } => {
                *self = Self::Superseded {
                    terms: terms.clone(),
                    by: by.clone(),
                };
            }
        }
    }
}
