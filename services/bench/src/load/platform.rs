//! What happens to banks and partners: they join, partners' records change, now and then one is suspended.

use chrono::TimeDelta;
use consent::store::{Actor, CommandContext};
use consent_domain::{
    Instant, Outcome,
    bank::BankStream,
    partner::{PartnerAtBankStream, PartnerStream},
    suspension::SuspensionCause,
};

use super::{
    commit::{Living, Row},
    field::Field,
    life::Act,
    simulation::Simulation,
};
use crate::error::BenchError;

/// Who administers the platform.
const OPERATOR: &str = "platform-operator-1";

/// The streams of banks and partners.
pub struct Platform {
    banks: Vec<Living<BankStream>>,
    partners: Vec<Living<PartnerStream>>,
    /// By bank, then by its partners in the bank's order.
    at_banks: Vec<Vec<Living<PartnerAtBankStream>>>,
}

/// What is planned for them.
pub enum PlatformAct {
    /// A partner's record changes.
    Change {
        /// The partner's position.
        partner: usize,
    },
    /// A partner is suspended at a bank, and restored after some days.
    Suspend {
        /// The bank's position.
        bank: usize,
        /// The partner's place among the bank's.
        place: usize,
    },
    /// That suspension ends.
    Restore {
        /// The bank's position.
        bank: usize,
        /// The partner's place among the bank's.
        place: usize,
    },
}

impl Platform {
    /// Before anything happened.
    pub fn of(field: &Field) -> Self {
        let at_bank = |bank: &super::field::Bank| {
            let partners = bank.partners.iter();
            let known = partners.filter_map(|(_, position)| field.partners.get(*position));
            known
                .map(|partner| Living::unborn(format!("{}:{}", bank.code, partner.id)))
                .collect()
        };
        Self {
            banks: field
                .banks
                .iter()
                .map(|bank| Living::unborn(bank.code.to_string()))
                .collect(),
            partners: field
                .partners
                .iter()
                .map(|partner| Living::unborn(partner.id.to_string()))
                .collect(),
            at_banks: field.banks.iter().map(at_bank).collect(),
        }
    }

    /// The projections' rows.
    ///
    /// # Errors
    /// [`BenchError::Wrong`] where a state is no JSON.
    pub fn rows(&self) -> Result<Vec<Row>, BenchError> {
        let banks = self.banks.iter().map(Living::row);
        let partners = self.partners.iter().map(Living::row);
        let at_banks = self.at_banks.iter().flatten().map(Living::row);
        let rows: Result<Vec<Option<Row>>, BenchError> =
            banks.chain(partners).chain(at_banks).collect();
        Ok(rows?.into_iter().flatten().collect())
    }
}

impl Simulation {
    /// Everybody joins, and what will become of them is planned.
    pub(super) fn found_platform(&mut self, from: Instant) -> Result<(), BenchError> {
        let second = TimeDelta::seconds(1);
        let mut at = from;
        for position in 0..self.field.banks.len() {
            let bank = self.field.bank(position)?;
            let (code, record) = (bank.code.clone(), bank.record.clone());
            let Some(living) = self.platform.banks.get_mut(position) else {
                continue;
            };
            let facts = living.state.register(&code, &record);
            let facts = facts.map_err(BenchError::wrong)?.into_events();
            let part = living.take(&mut self.chance, at, &facts)?;
            self.commit(at, operator(Some(code.as_str()), None), [part]);
            at += second;
        }
        for position in 0..self.field.partners.len() {
            self.record_partner(position, at)?;
            at += second;
            if self.chance.happens(0.6) {
                let changed = at + self.chance.days(100, 1000);
                let act = PlatformAct::Change { partner: position };
                self.plan(changed, 0, Act::Platform(act));
            }
        }
        for bank in 0..self.field.banks.len() {
            for place in 0..self.field.bank(bank)?.partners.len() {
                self.turn_partner(bank, place, at, Turn::Enable)?;
                at += second;
                if self.chance.happens(0.1) {
                    let suspended = at + self.chance.days(100, 1000);
                    let act = PlatformAct::Suspend { bank, place };
                    self.plan(suspended, 0, Act::Platform(act));
                }
            }
        }
        Ok(())
    }

    /// What was planned.
    pub(super) fn on_platform(&mut self, at: Instant, act: PlatformAct) -> Result<(), BenchError> {
        match act {
            PlatformAct::Change { partner } => {
                let Some(changed) = self.field.partners.get_mut(partner) else {
                    return Ok(());
                };
                let onward = format!("第{}集計株式会社", changed.record_version);
                changed.record.onward_recipients.push(onward);
                changed.record_version += 1;
                self.record_partner(partner, at)
            }
            PlatformAct::Suspend { bank, place } => {
                let restored = at + self.chance.days(1, 4);
                let act = PlatformAct::Restore { bank, place };
                self.plan(restored, 0, Act::Platform(act));
                self.turn_partner(bank, place, at, Turn::Suspend)
            }
            PlatformAct::Restore { bank, place } => {
                self.turn_partner(bank, place, at, Turn::Restore)
            }
        }
    }

    fn record_partner(&mut self, position: usize, at: Instant) -> Result<(), BenchError> {
        let partner = self.field.partner(position)?;
        let Some(living) = self.platform.partners.get_mut(position) else {
            return Ok(());
        };
        let facts = living.state.register(&partner.id, &partner.record);
        let facts = facts.map_err(BenchError::wrong)?.into_events();
        let part = living.take(&mut self.chance, at, &facts)?;
        let context = operator(None, Some(partner.id.as_str()));
        self.commit(at, context, [part]);
        Ok(())
    }

    fn turn_partner(
        &mut self,
        bank: usize,
        place: usize,
        at: Instant,
        turn: Turn,
    ) -> Result<(), BenchError> {
        let at_bank = self.field.bank(bank)?;
        let Some((_, position)) = at_bank.partners.get(place) else {
            return Ok(());
        };
        let partner = self.field.partner(*position)?;
        let living = self.platform.at_banks.get_mut(bank);
        let Some(living) = living.and_then(|at_bank| at_bank.get_mut(place)) else {
            return Ok(());
        };
        let cause = SuspensionCause::SecurityIncident;
        let facts = match turn {
            Turn::Enable => Ok(living.state.enable(&partner.id, &partner.client)),
            Turn::Suspend => living.state.suspend(&partner.id, cause),
            Turn::Restore => living.state.restore(&partner.id, cause),
        };
        let facts = facts.map_err(BenchError::wrong).map(Outcome::into_events)?;
        let part = living.take(&mut self.chance, at, &facts)?;
        let context = operator(Some(at_bank.code.as_str()), Some(partner.id.as_str()));
        self.commit(at, context, [part]);
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Turn {
    Enable,
    Suspend,
    Restore,
}

fn operator(bank: Option<&str>, partner: Option<&str>) -> CommandContext {
    CommandContext {
        bank: bank.map(str::to_owned),
        partner: partner.map(str::to_owned),
        ..CommandContext::of(Actor::Operator(OPERATOR.to_owned()))
    }
}
