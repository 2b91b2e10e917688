//! Which act the customer is told of, by the bank's お知らせメール.

use std::collections::BTreeSet;

use consent_domain::{
    AccountId, BankCode, UserId,
    consent::{Consent, ConsentEvent},
};

use crate::{
    notices::{Notice, NoticeKind},
    store::{Actor, Companion},
};

/// The notice that commits with these facts, if one is due: an end before a change. Suspensions and
/// warnings wait for words of their own in the bank port.
pub(super) fn notices(
    bank: &BankCode,
    actor: &Actor,
    facts: &[ConsentEvent],
    after: &Consent,
) -> Vec<Companion> {
    let (Some(kind), Some(terms)) = (kind_of(facts), after.terms()) else {
        return Vec::new();
    };
    let actor = match actor {
        Actor::Customer(user) => user.as_deref().and_then(|user| UserId::parse(user).ok()),
        Actor::Partner(_) | Actor::Operator(_) | Actor::System => None,
    };
    vec![Companion::Notify(Notice::of_linkage(
        kind,
        bank.clone(),
        (terms.contract.clone(), actor),
        terms.partner.clone(),
        concerned(facts, terms.scope.accounts()),
    ))]
}

fn kind_of(facts: &[ConsentEvent]) -> Option<NoticeKind> {
    // The last fact decides: an account that was the last one ended the consent.
    facts.iter().rev().find_map(|fact| match fact {
        ConsentEvent::AccessRevoked { .. }
        | ConsentEvent::AccessExpired { .. }
        | ConsentEvent::AccessSuperseded { .. } => Some(NoticeKind::Ended),
        ConsentEvent::AccountRemoved { .. }
        | ConsentEvent::AccessRenewed { .. }
        | ConsentEvent::HandedOver { .. } => Some(NoticeKind::Changed),
        // 許可 has notices of its own; a connection is none of the customer's acts.
        ConsentEvent::AccessGranted { .. }
        | ConsentEvent::AccessAmended { .. }
        | ConsentEvent::PartnerConnected { .. }
        | ConsentEvent::AccessSuspended { .. }
        | ConsentEvent::AccessRestored { .. }
        | ConsentEvent::ExpiryWarned { .. } => None,
    })
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
