//! The one place that decides what is told of a private fact, and to whom.

use consent_domain::{
    BankCode, DomainEvent as _, GrantId, Instant, PartnerId, Stream,
    bank::BankEvent,
    consent::{Consent, ConsentEvent, ConsentStream, GrantTerms, Place},
    contract::{ContractEvent, ContractStream},
    journey::JourneyEvent,
    partner::{PartnerAtBankEvent, PartnerEvent},
};
use renkei_proto::consent::v1 as proto;

use crate::{
    Attributes, Audience, Body, LoggedFact, Names, PublicEvent, Untranslatable,
    fact::Fact,
    reasons::{party, removal_reason, revocation_reason, suspension_cause, suspension_causes},
    terms::{access, changes, timestamp},
};

/// What is told of one fact.
struct Told {
    /// What the partner concerned learns, and the platform with it.
    partner: Option<(PartnerId, Body)>,
    /// What becomes of the registration.
    registration: Registration,
    /// What it is about, where that is not the stream.
    subject: Option<String>,
    /// Since when it holds, where that is not when it was recorded.
    effective_at: Option<Instant>,
}

enum Registration {
    Unchanged,
    Is(Body),
    Ended,
}

impl Told {
    /// Nobody outside learns anything; the platform learns that there is a fact.
    fn nothing() -> Self {
        Self {
            partner: None,
            registration: Registration::Unchanged,
            subject: None,
            effective_at: None,
        }
    }
}

/// Makes of a fact what is told of it: exactly one event for the platform, and at most one for each
/// other audience. `before` is the fold of the facts before it in its stream where
/// [`LoggedFact::needs`] asks for that, else any state.
///
/// # Errors
/// [`Untranslatable`]; the stream's later facts must wait then.
pub fn translate(
    fact: &LoggedFact,
    before: &Consent,
    names: &Names,
) -> Result<Vec<PublicEvent>, Untranslatable> {
    let read = fact.read()?;
    let (bank, told) = match &read {
        Fact::Journey(bank, event) => (Some(bank), of_journey(event)),
        Fact::Consent(bank, grant, event) => {
            let story = Story {
                fact,
                bank,
                grant,
                names,
            };
            (Some(bank), story.of_consent(before, event)?)
        }
        Fact::Contract(bank, event) => (Some(bank), of_contract(event)),
        Fact::Partner(event) => (None, of_partner(event)),
        Fact::PartnerAtBank(bank, partner, event) => {
            (Some(bank), of_partner_at_bank(bank, partner, event))
        }
        Fact::Bank(bank, event) => (Some(bank), of_bank(event)),
    };
    Ok(addressed(fact, bank, told, names))
}

/// A journey is between the customer and the bank until access is allowed; what is allowed is told
/// by the grant's own fact, in the same commit.
fn of_journey(event: &JourneyEvent) -> Told {
    match event {
        // The partner asked for it and knows.
        JourneyEvent::ConsentRequested { .. }
        // Who logs in when is the customer's affair.
        | JourneyEvent::LoginSucceeded { .. }
        | JourneyEvent::LinkageBasisChanged { .. }
        // Choices before 許可 are drafts.
        | JourneyEvent::TasksSelected { .. }
        | JourneyEvent::AccountsSelected { .. }
        | JourneyEvent::AccountsRegistered { .. }
        // Never to a partner: the reason is a PIN's.
        | JourneyEvent::AccountRegistrationRejected { .. }
        | JourneyEvent::RegistrationConfirmed { .. }
        // `AccessGranted` or `AccessAmended` tells it.
        | JourneyEvent::AccessAuthorized { .. }
        // The partner learns of an end in the browser, by `error` and `state`.
        | JourneyEvent::JourneyCancelled { .. }
        | JourneyEvent::AccessDeclined { .. }
        | JourneyEvent::JourneyFailed { .. } => Told::nothing(),
        JourneyEvent::JourneyTimedOut { .. } => Told {
            effective_at: event.effective_at(),
            ..Told::nothing()
        },
    }
}

/// Registrations, PINs and locks are between the customer and the bank. So is what the bank says of a
/// contract: what follows from it for a grant is a fact of that grant, and while the whole contract is
/// held, each read says so. A contract names no partner, so there is nobody to be told.
fn of_contract(event: &ContractEvent) -> Told {
    match event {
        ContractEvent::AccountRegistered { .. }
        | ContractEvent::AccountRegistrationsWithdrawn { .. }
        | ContractEvent::PinLocked { .. }
        | ContractEvent::PinUnlocked { .. }
        | ContractEvent::LoginLocked { .. }
        | ContractEvent::ContractSuspended { .. }
        | ContractEvent::ContractRestored { .. } => Told::nothing(),
        ContractEvent::ContractClosed { .. }
        | ContractEvent::PasswordChanged { .. }
        | ContractEvent::CertificateChanged { .. }
        | ContractEvent::UserRemoved { .. }
        | ContractEvent::RightRemoved { .. }
        | ContractEvent::AccountClosed { .. }
        | ContractEvent::AccountRenumbered { .. }
        | ContractEvent::BranchMerged { .. }
        | ContractEvent::PinReset { .. } => Told {
            effective_at: event.effective_at(),
            ..Told::nothing()
        },
    }
}

/// The partner's record is its own; no other partner is told of it.
fn of_partner(event: &PartnerEvent) -> Told {
    match event {
        PartnerEvent::PartnerRegistered { .. } | PartnerEvent::PartnerChanged { .. } => {
            Told::nothing()
        }
    }
}

/// Names and settings of a bank stand in its metadata and on its pages. While all of a bank is held, each
/// read says so; the fact names no partner.
fn of_bank(event: &BankEvent) -> Told {
    match event {
        BankEvent::BankRegistered { .. }
        | BankEvent::BankChanged { .. }
        | BankEvent::BankSuspended { .. }
        | BankEvent::BankRestored { .. } => Told::nothing(),
    }
}

fn of_partner_at_bank(bank: &BankCode, partner: &PartnerId, event: &PartnerAtBankEvent) -> Told {
    let (body, registration) = match event {
        // The partner signed it; its end is told when it comes.
        PartnerAtBankEvent::PartnerContractSet { .. } => return Told::nothing(),
        PartnerAtBankEvent::PartnerEnabled { client, .. } => (
            proto::PartnerEnabled {
                partner_id: partner.to_string(),
                client_id: client.to_string(),
            }
            .into(),
            Registration::Is(
                proto::PartnerRegistration {
                    bank_code: bank.to_string(),
                    partner_id: partner.to_string(),
                    client_id: client.to_string(),
                }
                .into(),
            ),
        ),
        PartnerAtBankEvent::PartnerDisabled { .. } => (
            proto::PartnerDisabled {
                partner_id: partner.to_string(),
            }
            .into(),
            Registration::Ended,
        ),
        // Why is between the bank and the partner's people, not for whoever reads the topic.
        PartnerAtBankEvent::PartnerSuspended { .. } => (
            proto::PartnerSuspended {
                partner_id: partner.to_string(),
            }
            .into(),
            Registration::Unchanged,
        ),
        PartnerAtBankEvent::PartnerRestored { .. } => (
            proto::PartnerRestored {
                partner_id: partner.to_string(),
            }
            .into(),
            Registration::Unchanged,
        ),
    };
    Told {
        partner: Some((partner.clone(), body)),
        registration,
        subject: Some(partner.to_string()),
        effective_at: event.effective_at(),
    }
}

/// A fact of a grant.
struct Story<'a> {
    fact: &'a LoggedFact,
    bank: &'a BankCode,
    grant: &'a GrantId,
    names: &'a Names,
}

impl Story<'_> {
    fn of_consent(&self, before: &Consent, event: &ConsentEvent) -> Result<Told, Untranslatable> {
        let mut after = before.clone();
        ConsentStream::evolve(&mut after, event);
        // A fact that does not fit the state was not decided on it: the state is another's.
        let terms = match (before, event) {
            (Consent::Absent, ConsentEvent::AccessGranted { terms, .. }) => terms,
            (Consent::Absent, _) | (Consent::Live { .. }, ConsentEvent::AccessGranted { .. }) => {
                return Err(self.fact.does_not_follow());
            }
            (Consent::Live { terms, .. }, _) => terms,
            (Consent::Expired { .. } | Consent::Revoked { .. } | Consent::Superseded { .. }, _) => {
                return Err(self.fact.does_not_follow());
            }
        };
        let body = self.body(terms, &after, event)?;
        Ok(Told {
            partner: Some((terms.partner.clone(), body)),
            registration: self.registration(&after),
            subject: Some(self.grant.to_string()),
            effective_at: event.effective_at(),
        })
    }

    /// What the partner learns. `terms` are those before the fact; of the first, its own.
    fn body(
        &self,
        terms: &GrantTerms,
        after: &Consent,
        event: &ConsentEvent,
    ) -> Result<Body, Untranslatable> {
        let grant_id = self.grant.to_string();
        let client_id = terms.client.to_string();
        Ok(match event {
            ConsentEvent::AccessGranted { terms, .. } => proto::AccessAuthorized {
                grant_id,
                client_id,
                access: Some(access(terms, self.bank, self.names)),
            }
            .into(),
            ConsentEvent::AccessAmended { terms: new, .. } => self.amended(terms, new)?,
            ConsentEvent::PartnerConnected { .. } => proto::PartnerConnected {
                grant_id,
                client_id,
            }
            .into(),
            ConsentEvent::AccessExpired { effective_at } => proto::AccessExpired {
                grant_id,
                client_id,
                ended_at: Some(timestamp(*effective_at)),
            }
            .into(),
            ConsentEvent::AccessRevoked { by, reason } => proto::AccessRevoked {
                grant_id,
                client_id,
                revoked_by: party(*by).into(),
                reason: revocation_reason(*reason).into(),
                ended_at: Some(timestamp(self.fact.recorded_at)),
            }
            .into(),
            ConsentEvent::AccountRemoved { by, reason, .. } => {
                self.changed(terms, self.terms(after)?, removal_reason(*by, *reason))
            }
            ConsentEvent::AccessRenewed { .. } => self.renewed(terms, self.terms(after)?),
            ConsentEvent::AccessSuspended { cause } => proto::AccessSuspended {
                grant_id,
                client_id,
                cause: suspension_cause(*cause).into(),
                causes: suspension_causes(&after.suspensions()),
            }
            .into(),
            ConsentEvent::AccessRestored { cause } => proto::AccessRestored {
                grant_id,
                client_id,
                cause: suspension_cause(*cause).into(),
                causes: suspension_causes(&after.suspensions()),
            }
            .into(),
            ConsentEvent::ExpiryWarned {
                days_left,
                valid_until,
            } => proto::AccessExpiring {
                grant_id,
                client_id,
                valid_until: Some(timestamp(*valid_until)),
                days_left: *days_left,
            }
            .into(),
            // The other grant may be another partner's, who is none of this one's business.
            ConsentEvent::AccessSuperseded { by, by_client } => proto::AccessSuperseded {
                grant_id,
                superseded_by_grant_id: match by_client {
                    Some(client) if *client == terms.client => by.to_string(),
                    _ => String::new(),
                },
                client_id,
                ended_at: Some(timestamp(self.fact.recorded_at)),
            }
            .into(),
            ConsentEvent::HandedOver { .. } => proto::AccessHandedOver {
                grant_id,
                client_id,
            }
            .into(),
        })
    }

    fn terms<'c>(&self, after: &'c Consent) -> Result<&'c GrantTerms, Untranslatable> {
        after.terms().ok_or_else(|| self.fact.does_not_follow())
    }

    /// 許可 on a grant that there is: other accounts or tasks, or the same for longer.
    fn amended(&self, before: &GrantTerms, now: &GrantTerms) -> Result<Body, Untranslatable> {
        // An id of an account, and whom it belongs to, would be another's.
        if before.partner != now.partner || before.client != now.client {
            return Err(self.fact.does_not_follow());
        }
        Ok(if before.scope == now.scope {
            self.renewed(before, now)
        } else {
            self.changed(before, now, proto::AccountChangeReason::AuthorizedAnew)
        })
    }

    fn renewed(&self, before: &GrantTerms, now: &GrantTerms) -> Body {
        proto::AccessRenewed {
            grant_id: self.grant.to_string(),
            client_id: now.client.to_string(),
            access: Some(access(now, self.bank, self.names)),
            previous_valid_until: Some(timestamp(before.valid_until)),
        }
        .into()
    }

    fn changed(
        &self,
        before: &GrantTerms,
        now: &GrantTerms,
        reason: proto::AccountChangeReason,
    ) -> Body {
        proto::AccountsChanged {
            grant_id: self.grant.to_string(),
            client_id: now.client.to_string(),
            access: Some(access(now, self.bank, self.names)),
            changes: changes(before, now, reason, self.bank, self.names),
        }
        .into()
    }

    /// Today's registration after the fact, whole: a late reader has nothing else.
    fn registration(&self, after: &Consent) -> Registration {
        match after {
            Consent::Live {
                terms,
                place,
                connected,
                suspended,
                ..
            } => Registration::Is(
                proto::GrantRegistration {
                    bank_code: self.bank.to_string(),
                    grant_id: self.grant.to_string(),
                    partner_id: terms.partner.to_string(),
                    client_id: terms.client.to_string(),
                    access: Some(access(terms, self.bank, self.names)),
                    connected: *connected,
                    place: match place {
                        Place::Default => proto::Place::Default,
                        Place::Beside => proto::Place::Beside,
                    }
                    .into(),
                    suspension_causes: suspension_causes(suspended),
                }
                .into(),
            ),
            Consent::Absent
            | Consent::Expired { .. }
            | Consent::Revoked { .. }
            | Consent::Superseded { .. } => Registration::Ended,
        }
    }
}

/// Addresses what is told to its audiences.
fn addressed(
    fact: &LoggedFact,
    bank: Option<&BankCode>,
    told: Told,
    names: &Names,
) -> Vec<PublicEvent> {
    let stream = visible_stream(fact, names);
    let subject = told.subject.unwrap_or_else(|| stream.clone());
    let time = told.effective_at.unwrap_or(fact.recorded_at);
    let event = |audience, key: String, message, body| PublicEvent {
        audience,
        key,
        attributes: Attributes {
            id: fact.event_id,
            source: names.source(bank),
            message,
            time,
            subject: subject.clone(),
            global_sequence: fact.global_sequence,
            traceparent: fact.traceparent.clone(),
        },
        body,
    };
    let of = |audience, key, body: Body| event(audience, key, body.message(), Some(body));

    let platform_key = format!("{}/{stream}", fact.stream_type);
    let platform = told
        .partner
        .as_ref()
        .map_or_else(|| recorded(fact, stream.clone()), |(_, body)| body.clone());
    let mut events = vec![of(Audience::Platform, platform_key.clone(), platform)];
    if let (Some((partner, body)), Some(bank)) = (told.partner, bank.cloned()) {
        let audience = Audience::Partner { bank, partner };
        events.push(of(audience, subject.clone(), body));
    }
    match told.registration {
        Registration::Unchanged => {}
        Registration::Is(body) => events.push(of(Audience::Registrations, platform_key, body)),
        Registration::Ended => {
            let message = if fact.stream_type == ConsentStream::TYPE {
                "GrantRegistration"
            } else {
                "PartnerRegistration"
            };
            events.push(event(Audience::Registrations, platform_key, message, None));
        }
    }
    events
}

fn recorded(fact: &LoggedFact, stream_id: String) -> Body {
    proto::FactRecorded {
        stream: fact.stream_type.clone(),
        stream_id,
        stream_sequence: fact.sequence,
        fact: fact.event_type.clone(),
        recorded_at: Some(timestamp(fact.recorded_at)),
    }
    .into()
}

/// The stream as the platform may know it. A contract's id is the bank's own name of a customer.
fn visible_stream(fact: &LoggedFact, names: &Names) -> String {
    match fact.of_bank() {
        Ok((bank, id)) if fact.stream_type == ContractStream::TYPE => {
            names.opaque_stream(ContractStream::TYPE, &bank, id)
        }
        _ => fact.stream_id.clone(),
    }
}
