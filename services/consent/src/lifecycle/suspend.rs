//! Suspension of a consent, of a contract, of a partner at a bank, or of a bank: one fact at its level.

use std::convert::Infallible;

use consent_domain::{
    BankCode, ContractId, GrantId, Outcome, PartnerId,
    bank::{BankRefusal, BankStream},
    consent::ConsentRefusal,
    contract::{ContractRefusal, ContractStream},
    partner::{PartnerAtBankRefusal, PartnerAtBankStream},
    suspension::SuspensionCause,
};
use sqlx::PgPool;

use super::{ActError, Done, OnConsent, Order, done};
use crate::{
    journey::stream_id,
    store::{Bus, CommandContext, CommandError, Projected},
};

/// What is suspended at a bank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Level {
    /// One consent.
    Consent(GrantId),
    /// All of a contract.
    Contract(ContractId),
    /// All of a partner at this bank.
    Partner(PartnerId),
    /// All at this bank.
    Bank,
}

/// Why a suspension or its end was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LevelRefusal {
    /// Of a consent.
    #[error(transparent)]
    Consent(#[from] ConsentRefusal),
    /// Of a contract.
    #[error(transparent)]
    Contract(#[from] ContractRefusal),
    /// Of a partner at a bank.
    #[error(transparent)]
    Partner(#[from] PartnerAtBankRefusal),
    /// Of a bank.
    #[error(transparent)]
    Bank(#[from] BankRefusal),
}

/// Whether a cause comes or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It comes.
    Suspend,
    /// It goes.
    Restore,
}

impl Turn {
    fn as_str(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Restore => "restore",
        }
    }
}

impl Level {
    /// Suspends it for one more cause: for every read that starts after this returns, on every replica.
    ///
    /// # Errors
    /// [`ActError`].
    pub async fn suspend(
        &self,
        (pool, bus): (&PgPool, &Bus),
        bank: &BankCode,
        cause: SuspensionCause,
        order: Order,
    ) -> Result<Done<()>, ActError<LevelRefusal>> {
        let place = Place { pool, bus, bank };
        place.turn(self, Turn::Suspend, cause, order).await
    }
}

/// Where it happens.
pub(super) struct Place<'a> {
    pub pool: &'a PgPool,
    pub bus: &'a Bus,
    pub bank: &'a BankCode,
}

impl Place<'_> {
    pub(super) async fn turn(
        &self,
        level: &Level,
        turn: Turn,
        cause: SuspensionCause,
        order: Order,
    ) -> Result<Done<()>, ActError<LevelRefusal>> {
        let content = format!("{} {level:?} {}", turn.as_str(), cause.as_str());
        match level {
            Level::Consent(grant) => self.turn_consent(grant, turn, cause, order).await,
            Level::Contract(contract) => {
                let context = CommandContext {
                    contract: Some(contract.to_string()),
                    ..order.context(self.bank, &content)
                };
                let stream = stream_id(self.bank, contract.as_str());
                self.turn_stream::<ContractStream, _>(stream, context, move |state| match turn {
                    Turn::Suspend => state.suspend(cause),
                    Turn::Restore => state.restore(cause),
                })
                .await
            }
            Level::Partner(partner) => {
                let context = CommandContext {
                    partner: Some(partner.to_string()),
                    ..order.context(self.bank, &content)
                };
                let stream = stream_id(self.bank, partner.as_str());
                let partner = partner.clone();
                self.turn_stream::<PartnerAtBankStream, _>(stream, context, move |state| match turn
                {
                    Turn::Suspend => state.suspend(&partner, cause),
                    Turn::Restore => state.restore(&partner, cause),
                })
                .await
            }
            Level::Bank => {
                let context = order.context(self.bank, &content);
                let stream = self.bank.to_string();
                self.turn_stream::<BankStream, _>(stream, context, move |state| match turn {
                    Turn::Suspend => state.suspend(cause),
                    Turn::Restore => state.restore(cause),
                })
                .await
            }
        }
    }

    async fn turn_consent(
        &self,
        grant: &GrantId,
        turn: Turn,
        cause: SuspensionCause,
        order: Order,
    ) -> Result<Done<()>, ActError<LevelRefusal>> {
        let on = OnConsent {
            pool: self.pool,
            bus: self.bus,
            bank: self.bank,
            grant,
        };
        let content = format!("{} {}", turn.as_str(), cause.as_str());
        let acted = on
            .act(order, &content, move |consent, now| match turn {
                Turn::Suspend => consent.suspend(cause, now),
                Turn::Restore => consent.restore(cause, now),
            })
            .await;
        acted.map(without_facts).map_err(widen)
    }

    async fn turn_stream<S: Projected, R>(
        &self,
        stream: String,
        context: CommandContext,
        decide: impl Fn(&S::State) -> Result<Outcome<S::Event>, R> + Send + Sync + 'static,
    ) -> Result<Done<()>, ActError<LevelRefusal>>
    where
        R: std::error::Error + Send + Sync + 'static,
        LevelRefusal: From<R>,
    {
        let key = context.key.clone();
        let executed = self
            .bus
            .execute::<S, R>(
                stream,
                context,
                move |state, _| decide(state).map(Outcome::into_events),
                |_, _, _| Vec::new(),
            )
            .await
            .map_err(|error| widen(ActError::Command(error)))?;
        let acted = done::<S, _, Infallible>(executed, key.as_ref());
        acted.map(without_facts).map_err(|_| ActError::KeyReused)
    }
}

fn without_facts<E>(done: Done<E>) -> Done<()> {
    match done {
        Done::Changed(facts) => Done::Changed(facts.into_iter().map(drop).collect()),
        Done::Already => Done::Already,
        Done::Before => Done::Before,
    }
}

fn widen<R: std::error::Error>(error: ActError<R>) -> ActError<LevelRefusal>
where
    LevelRefusal: From<R>,
{
    match error {
        ActError::Command(CommandError::Refused(refusal)) => {
            ActError::Command(CommandError::Refused(refusal.into()))
        }
        ActError::Command(CommandError::Busy) => ActError::Command(CommandError::Busy),
        ActError::Command(CommandError::Violates(rule)) => {
            ActError::Command(CommandError::Violates(rule))
        }
        ActError::Command(CommandError::Store(error)) => {
            ActError::Command(CommandError::Store(error))
        }
        ActError::KeyReused => ActError::KeyReused,
        ActError::Store(error) => ActError::Store(error),
    }
}
