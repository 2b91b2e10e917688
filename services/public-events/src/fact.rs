//! A row of the log, read through the domain's own types.

use chrono::{DateTime, Utc};
use consent_domain::{
    BankCode, DomainEvent, GrantId, InvalidId, PartnerId, Stream,
    bank::{BankEvent, BankStream},
    consent::{Consent, ConsentEvent, ConsentStream},
    contract::{ContractEvent, ContractStream},
    journey::{JourneyEvent, JourneyStream},
    partner::{PartnerAtBankEvent, PartnerAtBankStream, PartnerEvent, PartnerStream},
};
use uuid::Uuid;

/// A fact as it stands in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedFact {
    /// Its place in the one order of all facts.
    pub global_sequence: i64,
    /// The fact's id.
    pub event_id: Uuid,
    /// Kind of stream, the column `aggregate_type`.
    pub stream_type: String,
    /// The stream, the column `aggregate_id`.
    pub stream_id: String,
    /// Its place within the stream, from 1.
    pub sequence: i64,
    /// Its name.
    pub event_type: String,
    /// The version of its shape.
    pub event_version: String,
    /// As stored.
    pub payload: serde_json::Value,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// W3C trace context of the request that led to it.
    pub traceparent: Option<String>,
}

/// What a translation needs beside the fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: any state of a consent will do.
    Nothing,
    /// The fold of the facts before it in its own stream.
    ConsentBefore,
}

/// A row that this release can't make public events of. Somebody must look, and what follows in its
/// stream must wait: passing over it would break the order that readers rely on.
#[derive(Debug, thiserror::Error)]
pub enum Untranslatable {
    /// Another release's kind of stream.
    #[error("fact {event_id}: no stream is called {stream_type}")]
    UnknownStream {
        /// The fact.
        event_id: Uuid,
        /// The name.
        stream_type: String,
    },
    /// Another release's name or version of a fact.
    #[error("fact {event_id}: {event_type} v{event_version} is not known")]
    UnknownFact {
        /// The fact.
        event_id: Uuid,
        /// The name.
        event_type: String,
        /// The version.
        event_version: String,
    },
    /// The payload is not what the name says, or this release does not know the name.
    #[error("fact {event_id}: the payload is no {event_type} that this release can read")]
    Payload {
        /// The fact.
        event_id: Uuid,
        /// The name.
        event_type: String,
    },
    /// The stream's id is not one.
    #[error("fact {event_id}: the stream's id: {why}")]
    StreamId {
        /// The fact.
        event_id: Uuid,
        /// What is wrong.
        why: InvalidId,
    },
    /// The fact can't follow on the facts before it; or the fold that was handed in is another's.
    #[error("fact {event_id}: it does not follow on the state that was given")]
    State {
        /// The fact.
        event_id: Uuid,
    },
}

/// A fact with its stream, as the domain knows them.
pub(crate) enum Fact {
    Journey(BankCode, JourneyEvent),
    Consent(BankCode, GrantId, ConsentEvent),
    Contract(BankCode, ContractEvent),
    Partner(PartnerEvent),
    PartnerAtBank(BankCode, PartnerId, PartnerAtBankEvent),
    Bank(BankCode, BankEvent),
}

impl LoggedFact {
    /// What a translation of this fact needs.
    pub fn needs(&self) -> Needs {
        if self.stream_type == ConsentStream::TYPE {
            Needs::ConsentBefore
        } else {
            Needs::Nothing
        }
    }

    /// Reads the payload as its stream's kind of fact.
    pub(crate) fn read(&self) -> Result<Fact, Untranslatable> {
        match self.stream_type.as_str() {
            JourneyStream::TYPE => Ok(Fact::Journey(self.of_bank()?.0, self.event()?)),
            ConsentStream::TYPE => {
                let (bank, id) = self.of_bank()?;
                let grant = GrantId::parse(id).map_err(|why| self.bad_stream(why))?;
                Ok(Fact::Consent(bank, grant, self.event()?))
            }
            ContractStream::TYPE => Ok(Fact::Contract(self.of_bank()?.0, self.event()?)),
            PartnerStream::TYPE => Ok(Fact::Partner(self.event()?)),
            PartnerAtBankStream::TYPE => {
                let (bank, id) = self.of_bank()?;
                let partner = PartnerId::parse(id).map_err(|why| self.bad_stream(why))?;
                Ok(Fact::PartnerAtBank(bank, partner, self.event()?))
            }
            BankStream::TYPE => {
                let bank = BankCode::parse(self.stream_id.as_str());
                Ok(Fact::Bank(
                    bank.map_err(|why| self.bad_stream(why))?,
                    self.event()?,
                ))
            }
            other => Err(Untranslatable::UnknownStream {
                event_id: self.event_id,
                stream_type: other.to_owned(),
            }),
        }
    }

    /// `<bank code>:<id>`.
    pub(crate) fn of_bank(&self) -> Result<(BankCode, &str), Untranslatable> {
        let (bank, id) = self.stream_id.split_once(':').ok_or_else(|| {
            self.bad_stream(InvalidId {
                kind: "stream id of a bank",
            })
        })?;
        let bank = BankCode::parse(bank).map_err(|why| self.bad_stream(why))?;
        Ok((bank, id))
    }

    /// Every version that was ever written has to be read here; so far each fact has had one.
    fn event<E: DomainEvent>(&self) -> Result<E, Untranslatable> {
        // serde's message quotes what it met, which may be anything: it is not passed on.
        let event: E =
            serde_json::from_value(self.payload.clone()).map_err(|_| Untranslatable::Payload {
                event_id: self.event_id,
                event_type: self.event_type.clone(),
            })?;
        if event.event_type() == self.event_type && event.event_version() == self.event_version {
            Ok(event)
        } else {
            Err(Untranslatable::UnknownFact {
                event_id: self.event_id,
                event_type: self.event_type.clone(),
                event_version: self.event_version.clone(),
            })
        }
    }

    fn bad_stream(&self, why: InvalidId) -> Untranslatable {
        Untranslatable::StreamId {
            event_id: self.event_id,
            why,
        }
    }

    pub(crate) fn does_not_follow(&self) -> Untranslatable {
        Untranslatable::State {
            event_id: self.event_id,
        }
    }
}

/// Folds a fact into the state of its consent; a fact of another kind of stream changes nothing.
///
/// # Errors
/// [`Untranslatable`] where it can't be read.
pub fn advance(consent: &mut Consent, fact: &LoggedFact) -> Result<(), Untranslatable> {
    if let Fact::Consent(_, _, event) = match fact.needs() {
        Needs::Nothing => return Ok(()),
        Needs::ConsentBefore => fact.read()?,
    } {
        ConsentStream::evolve(consent, &event);
    }
    Ok(())
}
