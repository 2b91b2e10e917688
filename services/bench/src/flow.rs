//! The life of a linkage as commands, decided by the domain: the same for whatever store runs them.

use std::sync::Arc;

use chrono::Duration;
use consent::protocol::{pairwise::PairwiseId, shared_key::SharedKey};
use consent_domain::{
    AccountId, BankCode, ClientId, ContractId, Instant, InvalidId, JourneyId, PartnerId,
    PinScopeId, Stream, UserId,
    consent::{ConsentStream, GrantTerms, Place, RevocationReason, RevokedBy},
    contract::{ContractStream, ResetBy},
    scope::{Scope, ScopePair, Task},
};

use crate::ground::{BANK, CLIENT, PARTNER};

/// Commands of one life.
pub const COMMANDS: u64 = 8;

/// The domain's refusal, as text: no command of the flow meets one.
#[derive(Debug, thiserror::Error)]
#[error("refused: {0}")]
pub struct Refused(String);

impl Refused {
    fn by(refusal: impl std::fmt::Display) -> Self {
        Self(refusal.to_string())
    }
}

impl From<InvalidId> for Refused {
    fn from(error: InvalidId) -> Self {
        Self::by(error)
    }
}

/// A decision on one stream.
pub type Decide<S> = Arc<
    dyn Fn(&<S as Stream>::State, Instant) -> Result<Vec<<S as Stream>::Event>, Refused>
        + Send
        + Sync,
>;

/// One command.
pub enum Command {
    /// On the contract.
    Contract(Decide<ContractStream>),
    /// On the consent.
    Consent(Decide<ConsentStream>),
}

/// Whether the command carries a form's key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// A form of the customer's: its key is spent with the command.
    Form,
    /// The service itself.
    Service,
}

/// One linkage.
#[derive(Clone)]
pub struct Linkage {
    /// Unlike any other's.
    pub name: String,
}

impl Linkage {
    /// The contract's stream.
    pub fn contract_stream(&self) -> String {
        format!("{BANK}:c-{}", self.name)
    }

    /// The consent's stream.
    pub fn consent_stream(&self) -> String {
        format!("{BANK}:{}", self.grant())
    }

    /// The grant's id.
    pub fn grant(&self) -> String {
        format!("g-{}", self.name)
    }

    /// The bank's id of the linkage's account of that number.
    ///
    /// # Errors
    /// None for a name as the bench makes it.
    pub fn account(&self, number: usize) -> Result<AccountId, InvalidId> {
        AccountId::parse(format!("a-{}-{number}", self.name))
    }

    /// The partner's id of the first account.
    ///
    /// # Errors
    /// As [`Self::account`].
    pub fn account_for_partner(&self, key: &SharedKey) -> Result<PairwiseId, InvalidId> {
        let (partner, bank) = (PartnerId::parse(PARTNER)?, BankCode::parse(BANK)?);
        Ok(PairwiseId::of_account(
            key,
            &partner,
            &bank,
            &self.account(1)?,
        ))
    }

    fn scope(&self, accounts: usize) -> Result<Scope, InvalidId> {
        let mut pairs = Vec::new();
        for number in 1..=accounts {
            for task in Task::ALL {
                let account = self.account(number)?;
                pairs.push(ScopePair { account, task });
            }
        }
        Ok(pairs.into_iter().collect())
    }

    fn terms(&self, accounts: usize, now: Instant) -> Result<GrantTerms, InvalidId> {
        Ok(GrantTerms {
            contract: ContractId::parse(format!("c-{}", self.name))?,
            user: UserId::parse("u-1")?,
            client: ClientId::parse(CLIENT)?,
            partner: PartnerId::parse(PARTNER)?,
            scope: self.scope(accounts)?,
            history_from: None,
            valid_from: now,
            valid_until: now + Duration::days(365),
            given_under: None,
        })
    }

    /// The command of that number, from 0, with who sends it. Eight commands write ten events.
    pub fn command(&self, number: u64) -> (Command, Sender) {
        let own = self.clone();
        match number {
            0 => (self.register_accounts("j-1", 1..=2), Sender::Form),
            1 => (self.grant_access(), Sender::Form),
            2 => (self.connect(), Sender::Service),
            3 => (self.register_accounts("j-2", 3..=4), Sender::Form),
            4 => (
                Command::Consent(Arc::new(move |consent, now| {
                    let amended = consent.amend(
                        &JourneyId::parse("j-2")?,
                        own.terms(4, now)?,
                        &own.scope(2)?,
                        now,
                    );
                    Ok(vec![amended.map_err(Refused::by)?])
                })),
                Sender::Form,
            ),
            5 => (
                Command::Contract(Arc::new(|contract, _| {
                    Ok(contract
                        .lock_pin(&PinScopeId::parse("p-1")?, 5)
                        .into_events())
                })),
                Sender::Service,
            ),
            6 => (
                Command::Contract(Arc::new(|contract, _| {
                    let unlocked = contract.unlock_pin(&PinScopeId::parse("p-1")?, ResetBy::Bank);
                    Ok(unlocked.into_events())
                })),
                Sender::Service,
            ),
            _ => (
                Command::Consent(Arc::new(|consent, now| {
                    let revoked =
                        consent.revoke(RevokedBy::Customer, RevocationReason::CustomerRequest, now);
                    Ok(revoked.map_err(Refused::by)?.into_events())
                })),
                Sender::Form,
            ),
        }
    }

    /// The consent begins.
    pub fn grant_access(&self) -> Command {
        let own = self.clone();
        Command::Consent(Arc::new(move |consent, now| {
            let journey = JourneyId::parse("j-1")?;
            let granted = consent.grant(&journey, own.terms(2, now)?, Place::Beside);
            Ok(vec![granted.map_err(Refused::by)?])
        }))
    }

    fn connect(&self) -> Command {
        Command::Consent(Arc::new(|consent, now| {
            let connected = consent.connect(&JourneyId::parse("j-1")?, now);
            Ok(connected.map_err(Refused::by)?.into_events())
        }))
    }

    fn register_accounts(
        &self,
        journey: &'static str,
        numbers: std::ops::RangeInclusive<usize>,
    ) -> Command {
        let own = self.clone();
        Command::Contract(Arc::new(move |contract, _| {
            let pin_scope = PinScopeId::parse("p-1")?;
            let mut accounts = Vec::new();
            for number in numbers.clone() {
                accounts.push((own.account(number)?, pin_scope.clone()));
            }
            Ok(contract.register(&JourneyId::parse(journey)?, accounts))
        }))
    }
}
