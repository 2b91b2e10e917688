//! What becomes of a linkage after 許可: warnings, renewals, changes, suspensions, and its end.

use chrono::TimeDelta;
use consent::store::{Actor, CommandContext};
use consent_domain::{
    Instant, Outcome,
    consent::{
        Consent, ConsentEvent, ConsentRefusal, RemovalReason, Renewal, RevocationReason, RevokedBy,
    },
    contract::ResetBy,
    journey::GrantAction,
    suspension::SuspensionCause,
};

use super::{customer::Customer, platform::PlatformAct, simulation::Simulation, told::ToldKind};
use crate::error::BenchError;

/// Something that is planned.
pub enum Act {
    /// A customer hears of the service, and links.
    Arrive,
    /// A journey with that partner, by its position.
    Journey {
        /// The partner.
        partner: usize,
        /// What the partner asks for.
        action: GrantAction,
    },
    /// The clock has something to say of a linkage: a warning, or its end.
    Clock {
        /// Its place among the customer's.
        place: usize,
    },
    /// The customer renews.
    Renew {
        /// The linkage's place.
        place: usize,
    },
    /// Somebody ends it.
    Revoke {
        /// The linkage's place.
        place: usize,
    },
    /// An account leaves it.
    RemoveAccount {
        /// The linkage's place.
        place: usize,
    },
    /// It is suspended, and restored after some days.
    Suspend {
        /// The linkage's place.
        place: usize,
    },
    /// A cause of suspension is lifted.
    Restore {
        /// The linkage's place.
        place: usize,
        /// The cause.
        cause: SuspensionCause,
    },
    /// Another user takes over.
    HandOver {
        /// The linkage's place.
        place: usize,
    },
    /// The customer links once more with the same service, which takes the place of the first.
    Supersede {
        /// The linkage's place.
        place: usize,
    },
    /// An operator resets the PIN's lock.
    UnlockPin,
    /// The bank tells of something.
    Notice(ToldKind),
    /// Of banks and partners.
    Platform(PlatformAct),
}

/// Who ends a hundred linkages, and why.
const REVOCATIONS: [(u32, (RevokedBy, RevocationReason)); 13] = [
    (38, (RevokedBy::Customer, RevocationReason::NoLongerNeeded)),
    (18, (RevokedBy::Customer, RevocationReason::CustomerRequest)),
    (7, (RevokedBy::Customer, RevocationReason::LinkedByMistake)),
    (14, (RevokedBy::Partner, RevocationReason::ServiceEnded)),
    (4, (RevokedBy::Partner, RevocationReason::PartnerLeft)),
    (5, (RevokedBy::Bank, RevocationReason::CustomerRequest)),
    (3, (RevokedBy::Bank, RevocationReason::Fraud)),
    (2, (RevokedBy::Bank, RevocationReason::UserRemoved)),
    (2, (RevokedBy::Bank, RevocationReason::PasswordChanged)),
    (1, (RevokedBy::Bank, RevocationReason::CertificateChanged)),
    (1, (RevokedBy::Bank, RevocationReason::LegalOrder)),
    (3, (RevokedBy::Bank, RevocationReason::Other)),
    (2, (RevokedBy::System, RevocationReason::Other)),
];

const REMOVALS: [(u32, (RevokedBy, RemovalReason)); 4] = [
    (60, (RevokedBy::Customer, RemovalReason::NoLongerNeeded)),
    (20, (RevokedBy::Customer, RemovalReason::LinkedByMistake)),
    (5, (RevokedBy::Bank, RemovalReason::Other)),
    (15, (RevokedBy::Partner, RemovalReason::NoLongerNeeded)),
];

const SUSPENSIONS: [(u32, SuspensionCause); 7] = [
    (40, SuspensionCause::CustomerRequest),
    (20, SuspensionCause::SuspectedFraud),
    (10, SuspensionCause::SecurityIncident),
    (5, SuspensionCause::LegalOrder),
    (10, SuspensionCause::TermsChanged),
    (10, SuspensionCause::RecipientsChanged),
    (5, SuspensionCause::Other),
];

impl Simulation {
    /// Does what was planned for a customer.
    pub(super) fn act(
        &mut self,
        customer: &mut Customer,
        at: Instant,
        act: Act,
    ) -> Result<(), BenchError> {
        match act {
            Act::Arrive => self.arrive(customer, at),
            Act::Journey { partner, action } => self.walk(customer, partner, action, at),
            Act::Clock { place } => self.strike(customer, place, at),
            Act::Renew { place } => self.renew(customer, place, at),
            Act::Revoke { place } => {
                let (by, reason) = self.chance.weighted(&REVOCATIONS)?;
                self.on_consent(customer, place, at, by, |consent| {
                    consent.revoke(by, reason, at)
                })
            }
            Act::RemoveAccount { place } => self.remove_account(customer, place, at),
            Act::Suspend { place } => {
                let cause = self.chance.weighted(&SUSPENSIONS)?;
                let restored = at + self.chance.days(1, 40);
                self.plan(restored, customer.number, Act::Restore { place, cause });
                self.on_consent(customer, place, at, side_of(cause), |consent| {
                    consent.suspend(cause, at)
                })
            }
            Act::Restore { place, cause } => {
                self.on_consent(customer, place, at, side_of(cause), |consent| {
                    consent.restore(cause, at)
                })
            }
            Act::HandOver { place } => self.hand_over(customer, place, at),
            Act::Supersede { place } => self.supersede(customer, place, at),
            Act::UnlockPin => self.unlock_pin(customer, at),
            Act::Notice(kind) => self.bank_tells(customer, kind, at),
            Act::Platform(_) => Ok(()),
        }
    }

    /// Links with one partner, most of the time; with more as the years go by. What the bank will tell
    /// of the contract is planned too.
    fn arrive(&mut self, customer: &mut Customer, at: Instant) -> Result<(), BenchError> {
        let services = self.chance.weighted(&[(70, 1), (21, 2), (7, 3), (2, 5)])?;
        let mut begins = at;
        for _ in 0..services {
            let partner = self
                .chance
                .weighted(&self.field.bank(customer.bank)?.partners)?;
            let action = GrantAction::Unspecified;
            let act = Act::Journey { partner, action };
            self.plan(begins, customer.number, act);
            begins += self.chance.days(20, 500);
        }
        self.plan_notices(customer, at);
        Ok(())
    }

    /// Plans what happens in the period that begins now.
    pub(super) fn plan_period(
        &mut self,
        customer: &mut Customer,
        place: usize,
        at: Instant,
    ) -> Result<(), BenchError> {
        let Some(linkage) = customer.linkage(place) else {
            return Ok(());
        };
        let (whose, partner) = (customer.number, linkage.partner);
        let Some(until) = linkage.consent.state.terms().map(|terms| terms.valid_until) else {
            return Ok(());
        };
        let days = (until - at).num_days().max(2) - 1;
        let amends = Act::Journey {
            partner,
            action: GrantAction::Unspecified,
        };
        let beside = Act::Journey {
            partner,
            action: GrantAction::Create,
        };
        for (probability, act) in [
            (0.10, amends),
            (0.02, beside),
            (0.14, Act::Revoke { place }),
            (0.06, Act::RemoveAccount { place }),
            (0.04, Act::Suspend { place }),
            (0.01, Act::Supersede { place }),
        ] {
            if self.chance.happens(probability) {
                let then = at + self.chance.days(1, days);
                self.plan(then, whose, act);
            }
        }
        if self.chance.happens(0.72) {
            let then = until - self.chance.days(1, 29);
            self.plan(then, whose, Act::Renew { place });
        }
        self.follow_clock(customer, place);
        Ok(())
    }

    /// Plans the clock's next word on a linkage, where it is another than the planned one.
    pub(super) fn follow_clock(&mut self, customer: &mut Customer, place: usize) {
        let whose = customer.number;
        let Some(linkage) = customer.linkage_mut(place) else {
            return;
        };
        let Consent::Live { terms, warn_at, .. } = &linkage.consent.state else {
            return;
        };
        let next = warn_at.unwrap_or(terms.valid_until);
        if linkage.clock != Some(next) {
            linkage.clock = Some(next);
            // The sweeper looks every some seconds.
            let found = next + self.chance.seconds(1, 30);
            self.plan(found, whose, Act::Clock { place });
        }
    }

    fn strike(
        &mut self,
        customer: &mut Customer,
        place: usize,
        at: Instant,
    ) -> Result<(), BenchError> {
        self.on_consent(customer, place, at, RevokedBy::System, |consent| {
            Ok(match consent.expire(at) {
                Outcome::AlreadyDone => consent.warn(at),
                expired @ Outcome::Changed(_) => expired,
            })
        })
    }

    /// Records the end of linkages whose time has passed, before the sweeper does.
    pub(super) fn expire_due(
        &mut self,
        customer: &mut Customer,
        at: Instant,
    ) -> Result<(), BenchError> {
        let due: Vec<usize> = customer
            .standing()
            .filter(|(_, linkage)| {
                let terms = linkage.consent.state.terms();
                terms.is_some_and(|terms| terms.valid_until <= at)
            })
            .map(|(place, _)| place)
            .collect();
        for place in due {
            // Before the command that it made way for.
            let before = at - TimeDelta::milliseconds(20);
            self.on_consent(customer, place, before, RevokedBy::System, |consent| {
                Ok(consent.expire(before))
            })?;
        }
        Ok(())
    }

    fn renew(
        &mut self,
        customer: &mut Customer,
        place: usize,
        at: Instant,
    ) -> Result<(), BenchError> {
        let Some(linkage) = customer.linkage(place) else {
            return Ok(());
        };
        let Some(terms) = linkage.consent.state.live_terms(at) else {
            return Ok(());
        };
        let valid_until = self.field.bank(customer.bank)?.end_of_validity(at)?;
        if valid_until <= terms.valid_until {
            return Ok(());
        }
        let accounts = terms.scope.accounts();
        let served = (at - TimeDelta::days(1)).date_naive();
        let renewal = Renewal {
            journey: None,
            user: self.chance.one_of(&customer.users)?.clone(),
            valid_until,
            continue_from: accounts
                .into_iter()
                .map(|account| (account, served))
                .collect(),
        };
        let by = RevokedBy::Customer;
        self.on_consent(customer, place, at, by, |consent| {
            consent.renew(&renewal, at)
        })?;
        self.plan_period(customer, place, at)
    }

    fn remove_account(
        &mut self,
        customer: &mut Customer,
        place: usize,
        at: Instant,
    ) -> Result<(), BenchError> {
        let Some(linkage) = customer.linkage(place) else {
            return Ok(());
        };
        let Some(terms) = linkage.consent.state.live_terms(at) else {
            return Ok(());
        };
        let accounts: Vec<_> = terms.scope.accounts().into_iter().collect();
        let account = self.chance.one_of(&accounts)?.clone();
        let (by, reason) = self.chance.weighted(&REMOVALS)?;
        self.on_consent(customer, place, at, by, |consent| {
            consent.remove_account(&account, by, reason, at)
        })
    }

    fn hand_over(
        &mut self,
        customer: &mut Customer,
        place: usize,
        at: Instant,
    ) -> Result<(), BenchError> {
        let (to, contract) = (
            self.chance.one_of(&customer.users)?.clone(),
            customer.record.state.clone(),
        );
        self.on_consent(customer, place, at, RevokedBy::Bank, |consent| {
            consent.hand_over(&to, &contract, at)
        })
    }

    /// Another of the contract's linkages takes the place of this one.
    fn supersede(
        &mut self,
        customer: &mut Customer,
        place: usize,
        at: Instant,
    ) -> Result<(), BenchError> {
        let others = customer.standing();
        let others = others.filter(|(other, linkage)| {
            *other != place && linkage.consent.state.live_terms(at).is_some()
        });
        let by = others
            .filter_map(|(_, other)| {
                let client = other.consent.state.terms()?.client.clone();
                Some((other.grant.clone(), client))
            })
            .last();
        let Some((by, by_client)) = by else {
            return Ok(());
        };
        self.on_consent(customer, place, at, RevokedBy::System, |consent| {
            consent.supersede(&by, &by_client, at)
        })
    }

    fn unlock_pin(&mut self, customer: &mut Customer, at: Instant) -> Result<(), BenchError> {
        let contract = &customer.record.state;
        let facts = contract.unlock_pin(&customer.pin_scope, ResetBy::Operator);
        let facts = facts.into_events();
        let part = customer.record.take(&mut self.chance, at, &facts)?;
        let context = self.context_of(customer, None, RevokedBy::Bank, None)?;
        self.commit(at, context, [part]);
        Ok(())
    }

    /// One command on a consent; a consent that has ended meanwhile stays as it is.
    pub(super) fn on_consent(
        &mut self,
        customer: &mut Customer,
        place: usize,
        at: Instant,
        by: RevokedBy,
        decide: impl FnOnce(&Consent) -> Result<Outcome<ConsentEvent>, ConsentRefusal>,
    ) -> Result<(), BenchError> {
        let Some(linkage) = customer.linkage(place) else {
            return Ok(());
        };
        let user = linkage
            .consent
            .state
            .terms()
            .map(|terms| terms.user.to_string());
        let context = self.context_of(customer, Some(linkage.partner), by, user)?;
        self.on_consent_as(customer, place, at, context, decide)
    }

    /// The same with whoever acts.
    pub(super) fn on_consent_as(
        &mut self,
        customer: &mut Customer,
        place: usize,
        at: Instant,
        context: CommandContext,
        decide: impl FnOnce(&Consent) -> Result<Outcome<ConsentEvent>, ConsentRefusal>,
    ) -> Result<(), BenchError> {
        let Some(linkage) = customer.linkage_mut(place) else {
            return Ok(());
        };
        // What was planned may meet a consent whose time has passed: then it is too late for it.
        let Ok(decided) = decide(&linkage.consent.state) else {
            return Ok(());
        };
        let part = linkage
            .consent
            .take(&mut self.chance, at, &decided.into_events())?;
        self.commit(at, context, [part]);
        self.follow_clock(customer, place);
        let ended = |linkage: &super::customer::Linkage| {
            !matches!(linkage.consent.state, Consent::Live { .. })
        };
        if customer.linkage(place).is_some_and(ended) {
            let slot = customer.linkages.get_mut(place);
            if let Some(linkage) = slot.and_then(Option::take) {
                let row = linkage.consent.row()?;
                self.finish(row);
            }
        }
        Ok(())
    }

    fn context_of(
        &mut self,
        customer: &Customer,
        partner: Option<usize>,
        by: RevokedBy,
        user: Option<String>,
    ) -> Result<CommandContext, BenchError> {
        let context = match by {
            RevokedBy::Customer => self.request(Actor::Customer(user)),
            RevokedBy::Partner => {
                let client = partner.map(|position| self.field.partner(position));
                let client = client
                    .transpose()?
                    .map(|partner| partner.client.to_string());
                self.request(client.map_or(Actor::System, Actor::Partner))
            }
            RevokedBy::Bank => {
                let code = &self.field.bank(customer.bank)?.code;
                let operator = format!("operator-{code}-{}", self.chance.between(1, 6));
                CommandContext::of(Actor::Operator(operator))
            }
            RevokedBy::System => CommandContext::of(Actor::System),
        };
        customer.context(&self.field, partner, context)
    }
}

/// Who suspends for that cause.
fn side_of(cause: SuspensionCause) -> RevokedBy {
    match cause {
        SuspensionCause::CustomerRequest => RevokedBy::Customer,
        SuspensionCause::TermsChanged | SuspensionCause::RecipientsChanged => RevokedBy::System,
        _ => RevokedBy::Bank,
    }
}
