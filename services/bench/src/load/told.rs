//! What banks tell of contracts, and what follows from it.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use consent::store::{Actor, CommandContext};
use consent_domain::{
    Instant, bank_notice::BankNotice, consent::Consent, suspension::SuspensionCause,
};

use super::{customer::Customer, life::Act, simulation::Simulation};
use crate::error::BenchError;

/// What is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ToldKind {
    /// A user has another password.
    PasswordChanged,
    /// A user has another certificate.
    CertificateChanged,
    /// A user has left.
    UserRemoved,
    /// A user may no longer inquire an account.
    RightRemoved,
    /// An account is closed.
    AccountClosed,
    /// An account has another number.
    AccountRenumbered,
    /// Accounts have another branch.
    BranchMerged,
    /// There is another PIN.
    PinReset,
    /// The contract is suspended.
    ContractSuspended,
    /// No longer.
    ContractRestored,
    /// The contract is closed.
    ContractClosed,
}

/// How likely each is within a year.
const IN_A_YEAR: [(f64, ToldKind); 10] = [
    (0.30, ToldKind::PasswordChanged),
    (0.10, ToldKind::CertificateChanged),
    (0.05, ToldKind::UserRemoved),
    (0.02, ToldKind::RightRemoved),
    (0.04, ToldKind::AccountClosed),
    (0.01, ToldKind::AccountRenumbered),
    (0.01, ToldKind::BranchMerged),
    (0.03, ToldKind::PinReset),
    (0.005, ToldKind::ContractSuspended),
    (0.015, ToldKind::ContractClosed),
];

impl Simulation {
    /// Plans what the bank will tell in the years to come.
    pub(super) fn plan_notices(&mut self, customer: &Customer, at: Instant) {
        let years = (self.until - at).num_days() / 365 + 1;
        for year in 0..years {
            for (probability, kind) in IN_A_YEAR {
                if self.chance.happens(probability) {
                    let then = at + self.chance.days(365 * year, 365 * (year + 1));
                    self.plan(then, customer.number, Act::Notice(kind));
                }
            }
        }
    }

    /// The bank tells of something: a fact of the contract, and one command for each consent.
    pub(super) fn bank_tells(
        &mut self,
        customer: &mut Customer,
        kind: ToldKind,
        at: Instant,
    ) -> Result<(), BenchError> {
        // Of contracts that never linked anything nothing is kept.
        if customer.record.version == 0 || customer.record.state.is_closed() {
            return Ok(());
        }
        let Some(notice) = self.tell(customer, kind)? else {
            return Ok(());
        };
        let told_at = at - self.chance.seconds(1, 3600);
        let facts = notice.on_contract(told_at, &customer.record.state);
        let Ok(facts) = facts else { return Ok(()) };
        let context = CommandContext {
            causation_id: Some(self.chance.id()),
            ..CommandContext::of(Actor::System)
        };
        let part = customer
            .record
            .take(&mut self.chance, at, &facts.into_events())?;
        let of_contract = customer.context(&self.field, None, context.clone())?;
        self.commit(at, of_contract, [part]);
        let settings = self
            .field
            .bank(customer.bank)?
            .record
            .settings
            .notice_effects;
        let places: Vec<(usize, usize)> = customer
            .standing()
            .map(|(place, linkage)| (place, linkage.partner))
            .collect();
        let mut then = at;
        for (place, partner) in places {
            then += TimeDelta::milliseconds(15);
            if self.is_over(then) {
                break;
            }
            let context = customer.context(&self.field, Some(partner), context.clone())?;
            self.on_consent_as(customer, place, then, context, |consent| {
                Ok(notice.on_consent(&settings, consent, then))
            })?;
            self.answer(customer, place, then);
        }
        customer.busy_until = then + TimeDelta::milliseconds(1);
        if kind == ToldKind::ContractSuspended {
            let restored = at + self.chance.days(2, 30);
            self.plan(
                restored,
                customer.number,
                Act::Notice(ToldKind::ContractRestored),
            );
        }
        Ok(())
    }

    /// What somebody does about a suspension that a notice led to, before long.
    fn answer(&mut self, customer: &Customer, place: usize, at: Instant) {
        let suspended = customer.linkage(place).is_some_and(|linkage| {
            let causes = linkage.consent.state.suspensions();
            causes.contains(SuspensionCause::UserRemoved)
        });
        if suspended {
            let then = at + self.chance.days(1, 30);
            let act = if self.chance.happens(0.85) {
                Act::HandOver { place }
            } else {
                Act::Revoke { place }
            };
            self.plan(then, customer.number, act);
        }
    }

    /// The notice of that kind about one of the contract's users or accounts; none where nothing is left
    /// that it could be about.
    fn tell(
        &mut self,
        customer: &mut Customer,
        kind: ToldKind,
    ) -> Result<Option<BankNotice>, BenchError> {
        let user = self.chance.below(customer.users.len());
        let account = self.chance.below(customer.accounts.len());
        let (Some(who), Some(what)) = (
            customer.users.get(user).cloned(),
            customer.accounts.get(account).cloned(),
        ) else {
            return Ok(None);
        };
        let who_allowed =
            customer
                .standing()
                .find_map(|(_, linkage)| match &linkage.consent.state {
                    Consent::Live { terms, .. } => Some(terms.user.clone()),
                    _ => None,
                });
        let cause = SuspensionCause::SuspectedFraud;
        Ok(Some(match kind {
            ToldKind::PasswordChanged => BankNotice::PasswordChanged { user: who },
            ToldKind::CertificateChanged => BankNotice::CertificateChanged { user: who },
            ToldKind::UserRemoved => {
                // A contract without a user is closed instead.
                if customer.users.len() < 2 {
                    return Ok(None);
                }
                let leaving = who_allowed.unwrap_or(who);
                customer.users.retain(|user| *user != leaving);
                BankNotice::UserRemoved { user: leaving }
            }
            ToldKind::RightRemoved => BankNotice::RightRemoved {
                user: who_allowed.unwrap_or(who),
                account: what,
            },
            ToldKind::AccountClosed => {
                if customer.accounts.len() < 2 {
                    return Ok(None);
                }
                customer.accounts.retain(|account| *account != what);
                BankNotice::AccountClosed { account: what }
            }
            ToldKind::AccountRenumbered => BankNotice::AccountRenumbered { account: what },
            ToldKind::BranchMerged => BankNotice::BranchMerged {
                accounts: customer.accounts.iter().cloned().collect::<BTreeSet<_>>(),
            },
            ToldKind::PinReset => BankNotice::PinReset {
                pin_scope: customer.pin_scope.clone(),
            },
            ToldKind::ContractSuspended => BankNotice::ContractSuspended { cause },
            ToldKind::ContractRestored => BankNotice::ContractRestored { cause },
            ToldKind::ContractClosed => BankNotice::ContractClosed,
        }))
    }
}
