//! A partner's record on the platform and its standing at each bank, changed by operators: every change is a
//! fact, decided on the record as it stands, and a repeat of it changes nothing.
//!
//! The legal record, keys and redirect URIs are the same at every bank and are the platform's to change;
//! whether a bank lets its customers link to the partner, and how long its contract runs, is the bank's
//! (`docs/decisions/0041-partner-administration.md`).

mod by_the_clock;
mod given;
mod key_retirement;
pub mod ordered;
mod record;

pub(crate) use by_the_clock::{end_contracts, tell_of_ends};
pub use given::{Given, Sight};
pub(crate) use given::{Spending, spend};
pub(crate) use key_retirement::retire_due;
pub use key_retirement::{KeyRetirement, retire_key, retirements, sight_of_keys};
pub use record::{LegalRecord, RecordChange, RecordField, RecordRefusal, change_record};

use consent_domain::{
    BankCode, PartnerId,
    partner::{
        Partner, PartnerAtBank, PartnerAtBankRefusal, PartnerAtBankStream, PartnerContract,
        PartnerStream,
    },
};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    journey::stream_id,
    lifecycle::FOUND_DONE,
    request_context::RequestContext,
    store::{Actor, Bus, CommandContext, CommandError, CommandKey, Executed, StoreError, state_of},
};

/// Who changes something, and what led to it.
#[derive(Debug, Clone)]
pub struct By {
    /// Recorded with each fact.
    pub actor: Actor,
    /// The operator's act.
    pub causation_id: Option<Uuid>,
    /// The request.
    pub request: Option<RequestContext>,
    /// A repeat under the same key does nothing more.
    pub key: Option<CommandKey>,
}

impl By {
    /// By the clock.
    pub fn system() -> Self {
        Self {
            actor: Actor::System,
            causation_id: None,
            request: None,
            key: None,
        }
    }

    pub(crate) fn context(self, bank: Option<&BankCode>, partner: &PartnerId) -> CommandContext {
        let (request_id, traceparent) = match self.request {
            None => (None, None),
            Some(request) => (Some(request.request_id), request.traceparent),
        };
        CommandContext {
            bank: bank.map(ToString::to_string),
            partner: Some(partner.to_string()),
            causation_id: self.causation_id,
            request_id,
            traceparent,
            key: self.key,
            ..CommandContext::of(self.actor)
        }
    }
}

/// Whether something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// A fact was recorded, now or when it was ordered first under this key.
    Now,
    /// It was so already.
    Already,
}

/// What a bank wants of a partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtBankChange {
    /// Its customers may link to it.
    Enable,
    /// They may not, and nothing is read.
    Disable,
    /// The contract with it.
    SetContract(PartnerContract),
}

/// Why a partner's standing at a bank is not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AtBankRefusal {
    /// It is not as it was when the change was made.
    #[error("the standing was changed in the meantime")]
    ChangedMeanwhile,
    /// The key was used for something else.
    #[error("this key was used for something else")]
    KeyReused,
    /// The rule refused it.
    #[error(transparent)]
    Rule(#[from] PartnerAtBankRefusal),
}

/// Why a partner's standing at a bank is not as asked.
#[derive(Debug, thiserror::Error)]
pub enum AtBankError {
    /// There is no such partner.
    #[error("no such partner")]
    UnknownPartner,
    /// The rule refused it, or the store failed.
    #[error(transparent)]
    Command(#[from] CommandError<AtBankRefusal>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes a partner's standing at a bank; `seen`: the standing that the change was made for, where that matters.
///
/// # Errors
/// [`AtBankError`].
pub async fn change_at_bank(
    (pool, bus): (&PgPool, &Bus),
    bank: &BankCode,
    partner: &PartnerId,
    (change, seen): (AtBankChange, Option<Sight>),
    by: By,
) -> Result<Changed, AtBankError> {
    let Partner::Registered { record, .. } =
        state_of::<PartnerStream>(pool, partner.as_str()).await?
    else {
        return Err(AtBankError::UnknownPartner);
    };
    let (whom, client) = (partner.clone(), record.client_id);
    let key = by.key.clone();
    let executed = bus
        .execute::<PartnerAtBankStream, AtBankRefusal>(
            stream_id(bank, partner.as_str()),
            by.context(Some(bank), partner),
            move |state: &PartnerAtBank, now| {
                let outcome = match change {
                    AtBankChange::Enable => state.enable_by_contract(&whom, &client, now)?,
                    AtBankChange::Disable => state.disable(&whom),
                    AtBankChange::SetContract(contract) => state.set_contract(&whom, contract)?,
                };
                let events = outcome.into_events();
                let is_unseen = seen.as_ref().is_some_and(|seen| *seen != Sight::of(state));
                if is_unseen && !events.is_empty() {
                    return Err(AtBankRefusal::ChangedMeanwhile);
                }
                Ok(events)
            },
            |_, _, _| Vec::new(),
        )
        .await?;
    let changed = changed(&executed, key.as_ref());
    Ok(changed.ok_or(CommandError::Refused(AtBankRefusal::KeyReused))?)
}

/// `None`: the key was used for something else.
pub(crate) fn changed<A: consent_domain::Stream>(
    executed: &Executed<A>,
    key: Option<&CommandKey>,
) -> Option<Changed> {
    match executed {
        Executed::Committed(it) if it.first_events.is_empty() => Some(Changed::Already),
        Executed::Committed(_) => Some(Changed::Now),
        Executed::Repeated(spent) if !given::is_same(key, spent) => None,
        Executed::Repeated(spent) if spent.outcome == FOUND_DONE => Some(Changed::Already),
        Executed::Repeated(_) => Some(Changed::Now),
    }
}
