//! The state of a consent at any moment: only the facts that held then are folded, its own and those of the
//! levels above. A fact holds from its effective time where it has one, else from when it was recorded; what
//! was recorded after the moment could not be known then, and is named.

use consent_domain::{
    Instant, Stream,
    access::{Denial, Evidence, SuspendedAt},
    bank::{BankEvent, BankSettings, BankStream},
    consent::{Consent, ConsentEvent, ConsentStream},
    contract::{ContractEvent, ContractStream},
    partner::{PartnerAtBankEvent, PartnerAtBankStream},
    suspension::SuspensionCause,
};
use uuid::Uuid;

use super::{Life, Told};

/// What held at a moment.
#[derive(Debug, Clone)]
pub struct AsOf {
    /// The moment.
    pub at: Instant,
    /// The consent; a live one past its time is still `Live` here, as a fold leaves it.
    pub consent: Consent,
    /// Whether its client could read then, and if not, the first reason.
    pub readable: Result<(), Denial>,
    /// The fact that allowed what it said then: the last beginning, change or renewal.
    pub allowed_by: Option<Told>,
    /// What stood against reads, at which level.
    pub obstacles: Vec<Obstacle>,
    /// The bank's settings.
    pub settings: Option<BankSettings>,
    /// Facts that held then and were recorded later.
    pub known_later: Vec<Uuid>,
}

/// What stands against reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Obstacle {
    /// Where.
    pub level: SuspendedAt,
    /// What.
    pub what: Standstill,
    /// Since when it holds.
    pub since: Instant,
    /// The fact.
    pub event_id: Uuid,
}

/// Why nothing may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standstill {
    /// Suspended for a cause.
    Suspended(SuspensionCause),
    /// The bank closed the contract.
    ContractClosed,
    /// The bank does not let the partner in.
    PartnerDisabled,
}

/// Facts that hold at a moment, in their stream's order.
fn held<E>(facts: &[Told<E>], at: Instant) -> impl Iterator<Item = &Told<E>> {
    facts.iter().filter(move |fact| fact.holds_since() <= at)
}

fn fold<S: Stream>(facts: &[Told<S::Event>], at: Instant) -> S::State {
    S::replay(held(facts, at).map(|fact| &fact.event))
}

/// The state at a moment; none where the consent had not begun.
pub fn as_of(life: &Life, at: Instant) -> AsOf {
    let consent = fold::<ConsentStream>(&life.consent, at);
    let bank = fold::<BankStream>(&life.bank, at);
    let evidence = Evidence {
        consent: &consent,
        contract: fold::<ContractStream>(&life.contract, at).standing(),
        partner_at_bank: fold::<PartnerAtBankStream>(&life.partner, at).standing(),
        bank: bank.standing(),
        now: at,
    };
    let readable = match consent.terms() {
        None => Err(Denial::UnknownGrant),
        Some(terms) => evidence.live_for(&terms.client).map(|_| ()),
    };
    AsOf {
        at,
        readable,
        allowed_by: held(&life.consent, at)
            .filter(|fact| {
                matches!(
                    fact.event,
                    ConsentEvent::AccessGranted { .. }
                        | ConsentEvent::AccessAmended { .. }
                        | ConsentEvent::AccessRenewed { .. }
                )
            })
            .last()
            .cloned(),
        obstacles: obstacles(life, at),
        settings: bank.record().map(|record| record.settings.clone()),
        known_later: known_later(life, at),
        consent,
    }
}

fn known_later(life: &Life, at: Instant) -> Vec<Uuid> {
    fn of<E>(facts: &[Told<E>], at: Instant) -> impl Iterator<Item = Uuid> {
        held(facts, at)
            .filter(move |fact| fact.recorded_at > at)
            .map(|fact| fact.event_id)
    }
    of(&life.consent, at)
        .chain(of(&life.contract, at))
        .chain(of(&life.partner, at))
        .chain(of(&life.bank, at))
        .collect()
}

/// Everything that stands against reads at a moment, nearest to the customer first. Of a consent that has
/// ended its own suspensions are over.
pub fn obstacles(life: &Life, at: Instant) -> Vec<Obstacle> {
    let mut standing = Standstills::default();
    for fact in held(&life.consent, at) {
        match &fact.event {
            ConsentEvent::AccessSuspended { cause } => {
                standing.begin(SuspendedAt::Consent, Standstill::Suspended(*cause), fact);
            }
            ConsentEvent::AccessRestored { cause } => {
                standing.end(SuspendedAt::Consent, Standstill::Suspended(*cause));
            }
            ConsentEvent::AccessExpired { .. }
            | ConsentEvent::AccessRevoked { .. }
            | ConsentEvent::AccessSuperseded { .. } => standing.0.clear(),
            _ => {}
        }
    }
    for fact in held(&life.contract, at) {
        match &fact.event {
            ContractEvent::ContractSuspended { cause } => {
                standing.begin(SuspendedAt::Contract, Standstill::Suspended(*cause), fact);
            }
            ContractEvent::ContractRestored { cause } => {
                standing.end(SuspendedAt::Contract, Standstill::Suspended(*cause));
            }
            ContractEvent::ContractClosed { .. } => {
                standing.begin(SuspendedAt::Contract, Standstill::ContractClosed, fact);
            }
            _ => {}
        }
    }
    for fact in held(&life.partner, at) {
        let level = SuspendedAt::PartnerAtBank;
        match &fact.event {
            PartnerAtBankEvent::PartnerSuspended { cause, .. } => {
                standing.begin(level, Standstill::Suspended(*cause), fact);
            }
            PartnerAtBankEvent::PartnerRestored { cause, .. } => {
                standing.end(level, Standstill::Suspended(*cause));
            }
            PartnerAtBankEvent::PartnerDisabled { .. } => {
                standing.begin(level, Standstill::PartnerDisabled, fact);
            }
            PartnerAtBankEvent::PartnerEnabled { .. } => {
                standing.end(level, Standstill::PartnerDisabled);
            }
            // Its end is a fact of its own: the partner is disabled.
            PartnerAtBankEvent::PartnerContractSet { .. } => {}
        }
    }
    for fact in held(&life.bank, at) {
        match &fact.event {
            BankEvent::BankSuspended { cause } => {
                standing.begin(SuspendedAt::Bank, Standstill::Suspended(*cause), fact);
            }
            BankEvent::BankRestored { cause } => {
                standing.end(SuspendedAt::Bank, Standstill::Suspended(*cause));
            }
            BankEvent::BankRegistered { .. } | BankEvent::BankChanged { .. } => {}
        }
    }
    standing.0
}

#[derive(Default)]
struct Standstills(Vec<Obstacle>);

impl Standstills {
    fn begin<E>(&mut self, level: SuspendedAt, what: Standstill, fact: &Told<E>) {
        let stands = self.0.iter().any(|o| o.level == level && o.what == what);
        if !stands {
            self.0.push(Obstacle {
                level,
                what,
                since: fact.holds_since(),
                event_id: fact.event_id,
            });
        }
    }

    fn end(&mut self, level: SuspendedAt, what: Standstill) {
        self.0.retain(|o| o.level != level || o.what != what);
    }
}

/// The word for a level.
pub fn level_name(level: SuspendedAt) -> &'static str {
    match level {
        SuspendedAt::Consent => "consent",
        SuspendedAt::Contract => "contract",
        SuspendedAt::PartnerAtBank => "partner_at_bank",
        SuspendedAt::Bank => "bank",
    }
}

impl Standstill {
    /// Its code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Suspended(cause) => cause.as_str(),
            Self::ContractClosed => "contract_closed",
            Self::PartnerDisabled => "partner_disabled",
        }
    }
}

/// The status's word at a moment, by the clock of that moment.
pub fn status_at(consent: &Consent, at: Instant) -> &'static str {
    match consent {
        Consent::Absent => "absent",
        Consent::Live { terms, .. } if terms.valid_until <= at => "expired",
        Consent::Live { .. } if !consent.suspensions().is_empty() => "suspended",
        Consent::Live { .. } => "live",
        Consent::Expired { .. } => "expired",
        Consent::Revoked { .. } => "revoked",
        Consent::Superseded { .. } => "superseded",
    }
}
