//! Random lives of a grant: facts as the domain would store them, one after the other.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use consent_domain::{
    AccountId, ClientId, ContractId, DomainEvent as _, GrantId, JourneyId, PartnerId, UserId,
    consent::{
        Consent, ConsentEvent, GrantTerms, Place, RemovalReason, RevocationReason, RevokedBy,
    },
    scope::{Scope, ScopePair, Task},
    suspension::SuspensionCause,
};
use proptest::{collection, prelude::*, sample};
use public_events::LoggedFact;
use uuid::Uuid;

use crate::stored::at;

/// A grant's facts, and whose they are.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub(crate) bank: &'static str,
    pub(crate) partner: &'static str,
    pub(crate) accounts: Vec<String>,
    pub(crate) facts: Vec<LoggedFact>,
}

#[derive(Debug, Clone)]
enum Next {
    Amend(Vec<(u8, bool)>, i64),
    Connect,
    Expire,
    Revoke(RevokedBy, RevocationReason),
    Suspend(SuspensionCause),
    Restore(SuspensionCause),
    Remove(u8, RevokedBy),
    Renew(i64),
    Warn,
    HandOver,
    Supersede,
}

fn scopes() -> impl Strategy<Value = Vec<(u8, bool)>> {
    collection::vec((0..6_u8, any::<bool>()), 1..8)
}

fn causes() -> impl Strategy<Value = SuspensionCause> {
    sample::select(SuspensionCause::ALL.to_vec())
}

fn nexts() -> impl Strategy<Value = Next> {
    let by = sample::select(vec![
        RevokedBy::Customer,
        RevokedBy::Partner,
        RevokedBy::Bank,
        RevokedBy::System,
    ]);
    prop_oneof![
        4 => (scopes(), 1..400_i64).prop_map(|(scope, days)| Next::Amend(scope, days)),
        3 => Just(Next::Connect),
        1 => Just(Next::Expire),
        1 => (by.clone(), sample::select(RevocationReason::ALL.to_vec()))
            .prop_map(|(by, why)| Next::Revoke(by, why)),
        3 => causes().prop_map(Next::Suspend),
        3 => causes().prop_map(Next::Restore),
        3 => (0..6_u8, by).prop_map(|(account, by)| Next::Remove(account, by)),
        2 => (1..400_i64).prop_map(Next::Renew),
        1 => Just(Next::Warn),
        1 => Just(Next::HandOver),
        1 => Just(Next::Supersede),
    ]
}

pub(crate) fn lives() -> impl Strategy<Value = Life> {
    (
        sample::select(vec!["2951", "2963"]),
        sample::select(vec!["minato", "hama.books"]),
        scopes(),
        collection::vec(nexts(), 0..8),
        any::<u64>(),
    )
        .prop_map(|(bank, partner, scope, nexts, seed)| live(bank, partner, &scope, &nexts, seed))
}

fn account(number: u8) -> String {
    format!("BANKACCOUNT{number}")
}

fn live(
    bank: &'static str,
    partner: &'static str,
    scope: &[(u8, bool)],
    nexts: &[Next],
    seed: u64,
) -> Life {
    let journey = JourneyId::parse("journey").unwrap();
    let granted = ConsentEvent::AccessGranted {
        journey: journey.clone(),
        terms: terms(partner, scope, 365),
        place: if seed.is_multiple_of(2) {
            Place::Default
        } else {
            Place::Beside
        },
    };
    let mut events = vec![granted];
    let mut state = fold(&events);
    for next in nexts {
        if !matches!(state, Consent::Live { .. }) {
            break;
        }
        let event = match next {
            Next::Amend(scope, days) => ConsentEvent::AccessAmended {
                journey: journey.clone(),
                terms: terms(partner, scope, *days),
            },
            Next::Connect => ConsentEvent::PartnerConnected {
                journey: journey.clone(),
            },
            Next::Expire => ConsentEvent::AccessExpired {
                effective_at: at("2027-03-31T15:00:00Z"),
            },
            Next::Revoke(by, reason) => ConsentEvent::AccessRevoked {
                by: *by,
                reason: *reason,
            },
            Next::Suspend(cause) => ConsentEvent::AccessSuspended { cause: *cause },
            Next::Restore(cause) => ConsentEvent::AccessRestored { cause: *cause },
            // The domain ends a consent with its last account; here it keeps one.
            Next::Remove(number, by) => {
                let id = AccountId::parse(account(*number)).unwrap();
                let accounts = state.terms().unwrap().scope.accounts();
                if accounts.len() < 2 || !accounts.contains(&id) {
                    continue;
                }
                ConsentEvent::AccountRemoved {
                    account: id,
                    by: *by,
                    reason: RemovalReason::NoLongerNeeded,
                }
            }
            Next::Renew(days) => ConsentEvent::AccessRenewed {
                journey: None,
                user: UserId::parse("BANKUSER2").unwrap(),
                valid_from: at("2026-05-01T00:05:00Z"),
                valid_until: at("2026-05-01T00:05:00Z") + TimeDelta::days(*days),
                continue_from: BTreeMap::new(),
                shown: None,
            },
            Next::Warn => ConsentEvent::ExpiryWarned {
                days_left: 14,
                valid_until: state.terms().unwrap().valid_until,
            },
            Next::HandOver => ConsentEvent::HandedOver {
                from_user: UserId::parse("BANKUSER").unwrap(),
                to_user: UserId::parse("BANKUSER2").unwrap(),
            },
            Next::Supersede => ConsentEvent::AccessSuperseded {
                by: GrantId::parse("BANKCONTRACTSOTHERGRANT").unwrap(),
                by_client: Some(ClientId::parse("another-service").unwrap()),
            },
        };
        events.push(event);
        state = fold(&events);
    }
    let grant = GrantId::parse(Uuid::from_u128(seed.into()).to_string()).unwrap();
    Life {
        bank,
        partner,
        accounts: (0..6).map(account).collect(),
        facts: (1..)
            .zip(&events)
            .map(|(sequence, event)| logged(bank, &grant, sequence, event, seed))
            .collect(),
    }
}

fn fold(events: &[ConsentEvent]) -> Consent {
    <consent_domain::consent::ConsentStream as consent_domain::Stream>::replay(events)
}

fn terms(partner: &str, scope: &[(u8, bool)], days: i64) -> GrantTerms {
    let scope: Scope = scope
        .iter()
        .map(|(number, balance)| ScopePair {
            account: AccountId::parse(account(*number)).unwrap(),
            task: if *balance {
                Task::Balance
            } else {
                Task::Transactions
            },
        })
        .collect();
    GrantTerms {
        contract: ContractId::parse("BANKCONTRACT").unwrap(),
        user: UserId::parse("BANKUSER").unwrap(),
        client: ClientId::parse(format!("{partner}-client")).unwrap(),
        partner: PartnerId::parse(partner).unwrap(),
        scope,
        history_from: None,
        valid_from: at("2026-04-01T00:05:00Z"),
        valid_until: at("2026-04-01T00:05:00Z") + TimeDelta::days(days),
        given_under: None,
    }
}

fn logged(
    bank: &str,
    grant: &GrantId,
    sequence: i64,
    event: &ConsentEvent,
    seed: u64,
) -> LoggedFact {
    LoggedFact {
        global_sequence: i64::from(u32::try_from(seed % 1_000_000).unwrap()) + sequence,
        event_id: Uuid::from_u128((u128::from(seed) << 64) + sequence as u128),
        stream_type: "consent".to_owned(),
        stream_id: format!("{bank}:{grant}"),
        sequence,
        event_type: event.event_type().to_owned(),
        event_version: event.event_version().to_owned(),
        payload: serde_json::to_value(event).unwrap(),
        recorded_at: at("2026-04-02T00:00:00Z") + TimeDelta::minutes(sequence),
        traceparent: None,
    }
}
