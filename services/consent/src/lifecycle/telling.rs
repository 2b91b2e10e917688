//! Which act the customer is told of, by the bank's お知らせメール.

use std::collections::BTreeSet;

use consent_domain::{
    AccountId, BankCode, Instant, UserId,
    consent::{Consent, ConsentEvent},
};

use crate::{
    notices::{Notice, NoticeKind},
    store::{Actor, Companion},
};

/// The notice that commits with these facts, if one is due.
pub(crate) fn notices(
    bank: &BankCode,
    actor: &Actor,
    facts: &[ConsentEvent],
    after: &Consent,
) -> Vec<Companion> {
    let told = facts.iter().filter_map(told).max_by_key(Told::weight);
    let (Some(told), Some(terms)) = (told, after.terms()) else {
        return Vec::new();
    };
    let actor = match actor {
        Actor::Customer(user) => user.as_deref().and_then(|user| UserId::parse(user).ok()),
        Actor::Partner(_) | Actor::Operator(_) | Actor::System => None,
    };
    let notice = Notice::of_linkage(
        told.kind(),
        bank.clone(),
        (terms.contract.clone(), actor),
        terms.partner.clone(),
        concerned(facts, terms.scope.accounts()),
    );
    vec![Companion::Notify(match told {
        Told::Expiring(ends_at) => notice.of_expiry(ends_at),
        Told::Ended | Told::Changed | Told::Suspended | Told::Restored => notice,
    })]
}

/// What a fact says to the customer.
#[derive(Clone, Copy)]
enum Told {
    Ended,
    Changed,
    Suspended,
    Restored,
    Expiring(Instant),
}

impl Told {
    /// Of several facts at once the weightiest is told: an account that was the last one ended the
    /// consent, and a change that lifted a suspension is a change.
    fn weight(&self) -> u8 {
        match self {
            Self::Ended => 4,
            Self::Changed => 3,
            Self::Suspended => 2,
            Self::Restored => 1,
            Self::Expiring(_) => 0,
        }
    }

    fn kind(self) -> NoticeKind {
        match self {
            Self::Ended => NoticeKind::Ended,
            Self::Changed => NoticeKind::Changed,
            Self::Suspended => NoticeKind::Suspended,
            Self::Restored => NoticeKind::Restored,
            Self::Expiring(_) => NoticeKind::Expiring,
        }
    }
}

fn told(fact: &ConsentEvent) -> Option<Told> {
    match fact {
        ConsentEvent::AccessRevoked { .. }
        | ConsentEvent::AccessExpired { .. }
        | ConsentEvent::AccessSuperseded { .. } => Some(Told::Ended),
        ConsentEvent::AccountRemoved { .. }
        | ConsentEvent::AccessRenewed { .. }
        | ConsentEvent::HandedOver { .. } => Some(Told::Changed),
        ConsentEvent::AccessSuspended { .. } => Some(Told::Suspended),
        ConsentEvent::AccessRestored { .. } => Some(Told::Restored),
        ConsentEvent::ExpiryWarned { valid_until, .. } => Some(Told::Expiring(*valid_until)),
        // 許可 has notices of its own; a connection is none of the customer's acts.
        ConsentEvent::AccessGranted { .. }
        | ConsentEvent::AccessAmended { .. }
        | ConsentEvent::PartnerConnected { .. } => None,
    }
}

/// The accounts that left, where some did, else all.
fn concerned(facts: &[ConsentEvent], all: BTreeSet<AccountId>) -> BTreeSet<AccountId> {
    let removed: BTreeSet<AccountId> = facts
        .iter()
        .filter_map(|fact| match fact {
            ConsentEvent::AccountRemoved { account, .. } => Some(account.clone()),
            _ => None,
        })
        .collect();
    if removed.is_empty() { all } else { removed }
}
