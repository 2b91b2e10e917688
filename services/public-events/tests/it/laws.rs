//! Laws of every life of a grant.

use std::collections::{BTreeMap, BTreeSet};

use consent_domain::{
    AccountId, BankCode, PartnerId,
    consent::{Consent, GrantTerms},
};
use proptest::prelude::*;
use public_events::{Audience, Body, Encoding, PublicEvent, advance, translate};
use shared_keys::{PairwiseId, SharedKey};
use zeroize::Zeroizing;

use crate::{
    stored::names,
    story::{Life, lives},
};

/// Everything that is told of a life, and the state after it.
fn told(life: &Life) -> (Vec<PublicEvent>, Consent) {
    let mut state = Consent::default();
    let mut events = Vec::new();
    for fact in &life.facts {
        let of_fact = translate(fact, &state, &names()).unwrap();
        assert_eq!(of_fact, translate(fact, &state, &names()).unwrap());
        let audiences: BTreeSet<_> = of_fact.iter().map(|event| &event.audience).collect();
        assert_eq!(audiences.len(), of_fact.len(), "an audience is told twice");
        assert!(audiences.contains(&Audience::Platform));
        events.extend(of_fact);
        advance(&mut state, fact).unwrap();
    }
    (events, state)
}

/// All that a reader of the record sees, in both encodings.
fn seen(event: &PublicEvent) -> String {
    let value = |encoding| event.value(encoding).unwrap_or_default();
    format!(
        "{} {:?} {} {}",
        event.key,
        event.headers(Encoding::Json),
        String::from_utf8_lossy(&value(Encoding::Protobuf)),
        String::from_utf8_lossy(&value(Encoding::Json)),
    )
}

/// The accounts that a body names.
fn accounts_named(body: &Body) -> Vec<&str> {
    let access = match body {
        Body::AccessAuthorized(body) => &body.access,
        Body::AccountsChanged(body) => &body.access,
        Body::AccessRenewed(body) => &body.access,
        Body::GrantRegistration(body) => &body.access,
        _ => &None,
    };
    let mut named: Vec<&str> = access
        .iter()
        .flat_map(|access| &access.accounts)
        .map(|account| account.account_id.as_str())
        .collect();
    if let Body::AccountsChanged(changed) = body {
        named.extend(changed.changes.iter().map(|one| one.account_id.as_str()));
    }
    named
}

fn known_to(life: &Life) -> BTreeSet<String> {
    let key = SharedKey::new(Zeroizing::new([1; 32]));
    let partner = PartnerId::parse(life.partner).unwrap();
    let bank = BankCode::parse(life.bank).unwrap();
    let of = |account: &String| {
        let account = AccountId::parse(account.as_str()).unwrap();
        PairwiseId::of_account(&key, &partner, &bank, &account).into()
    };
    life.accounts.iter().map(of).collect()
}

fn terms_tasks(terms: &GrantTerms) -> usize {
    terms.scope.iter().count()
}

proptest! {
    #[test]
    fn nobody_reads_an_id_of_the_banks_own(life in lives()) {
        for event in told(&life).0 {
            let text = seen(&event);
            for private in ["BANKACCOUNT", "BANKCONTRACT", "BANKUSER", "fraud", "legal"] {
                prop_assert!(!text.contains(private), "{} in {}", private, text);
            }
        }
    }

    #[test]
    fn a_partner_is_told_of_its_own_grants_at_that_bank_by_its_own_ids(life in lives()) {
        let known = known_to(&life);
        for event in told(&life).0 {
            if let Audience::Partner { bank, partner } = &event.audience {
                prop_assert_eq!(bank.as_str(), life.bank);
                prop_assert_eq!(partner.as_str(), life.partner);
            }
            prop_assert!(event.attributes.source.ends_with(life.bank));
            for account in event.body.iter().flat_map(accounts_named) {
                prop_assert!(known.contains(account), "{} is nobody's", account);
            }
        }
    }

    #[test]
    fn todays_state_is_read_from_the_compacted_records_alone(life in lives()) {
        let (events, state) = told(&life);
        let mut compacted = BTreeMap::new();
        for event in events {
            if event.audience == Audience::Registrations {
                compacted.insert(event.key, event.body);
            }
        }
        prop_assert_eq!(compacted.len(), 1);
        let last = compacted.into_values().next().flatten();
        match (last, &state) {
            (Some(Body::GrantRegistration(said)), Consent::Live { terms, connected, suspended, .. }) => {
                let access = said.access.unwrap();
                let tasks: usize = access.accounts.iter().map(|one| one.tasks.len()).sum();
                prop_assert_eq!(tasks, terms_tasks(terms));
                prop_assert_eq!(access.accounts.len(), terms.scope.accounts().len());
                prop_assert_eq!(access.valid_until.unwrap().seconds, terms.valid_until.timestamp());
                prop_assert_eq!(said.connected, *connected);
                prop_assert_eq!(said.suspension_causes.is_empty(), suspended.is_empty());
            }
            (None, Consent::Expired { .. } | Consent::Revoked { .. } | Consent::Superseded { .. }) => {}
            (said, state) => prop_assert!(false, "{:?} of {:?}", said, state),
        }
    }

    #[test]
    fn what_was_added_and_removed_leads_from_one_scope_to_the_next(life in lives()) {
        let mut scope = BTreeSet::new();
        for event in told(&life).0 {
            if event.audience != Audience::Platform {
                continue;
            }
            let (access, changes) = match event.body {
                Some(Body::AccessAuthorized(body)) => (body.access, None),
                Some(Body::AccessRenewed(body)) => (body.access, Some(Vec::new())),
                Some(Body::AccountsChanged(body)) => (body.access, Some(body.changes)),
                _ => continue,
            };
            let now: BTreeSet<(String, i32)> = access
                .into_iter()
                .flat_map(|access| access.accounts)
                .flat_map(|one| one.tasks.into_iter().map(move |task| (one.account_id.clone(), task)))
                .collect();
            for change in changes.into_iter().flatten() {
                prop_assert!(!(change.tasks_added.is_empty() && change.tasks_removed.is_empty()));
                for task in change.tasks_added {
                    prop_assert!(scope.insert((change.account_id.clone(), task)));
                }
                for task in change.tasks_removed {
                    prop_assert!(scope.remove(&(change.account_id.clone(), task)));
                }
            }
            if scope.is_empty() {
                scope = now.clone();
            }
            prop_assert_eq!(&scope, &now);
        }
    }
}
