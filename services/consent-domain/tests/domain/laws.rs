//! Laws that hold after every command of a random walk through a world of one journey, one contract
//! and two consents, with a clock that only goes on.

mod walk;
mod world;

use std::{cell::RefCell, collections::BTreeSet};

use consent_domain::{
    DomainEvent, Stream,
    consent::{Consent, ConsentEvent, ConsentStream},
    contract::ContractEvent,
    journey::{GrantAction, InProgress, Journey, JourneyEvent, JourneyStream, LinkageBasis},
    scope::Scope,
};
use serde::{Serialize, de::DeserializeOwned};

use self::{
    walk::{Move, for_every_move},
    world::{Answer, Told},
};
use crate::support::{
    given::{Fact, state_of},
    names::*,
    samples::*,
};

fn replay_equals_live<E: Fact>(told: &Told<E>) {
    assert_eq!(state_of(&told.history), told.live());
}

#[test]
fn replaying_the_facts_gives_the_live_state() {
    for_every_move(|step| {
        replay_equals_live(&step.after.journey);
        replay_equals_live(&step.after.contract);
        step.after.consents.values().for_each(replay_equals_live);
    });
}

#[test]
fn a_final_journey_stays_as_it_is_whatever_is_asked() {
    for_every_move(|step| {
        if let Journey::Ended(ended) = step.before.journey.live() {
            assert_eq!(step.after.journey.live(), Journey::Ended(ended));
            assert_eq!(step.after.journey.history, step.before.journey.history);
        }
    });
}

#[test]
fn a_final_journey_stays_as_it_is_whatever_fact_follows() {
    let later = journey_samples();
    for_every_move(|step| {
        let ended = step.after.journey.live();
        if matches!(ended, Journey::Ended(_)) {
            for (name, fact) in &later {
                let mut after = ended.clone();
                JourneyStream::evolve(&mut after, fact);
                assert_eq!(after, ended, "after {name}");
            }
        }
    });
}

fn is_final(consent: &Consent) -> bool {
    matches!(
        consent,
        Consent::Expired { .. } | Consent::Revoked { .. } | Consent::Superseded { .. }
    )
}

#[test]
fn a_final_consent_stays_as_it_is_whatever_is_asked() {
    for_every_move(|step| {
        for (grant, before) in &step.before.consents {
            if is_final(&before.live()) {
                let after = &step.after.consents[grant];
                assert_eq!(after.live(), before.live());
                assert_eq!(after.history, before.history);
            }
        }
    });
}

#[test]
fn a_final_consent_stays_as_it_is_whatever_fact_follows() {
    let later = consent_samples();
    for_every_move(|step| {
        for over in step.after.consents.values().map(Told::live) {
            if is_final(&over) {
                for (name, fact) in &later {
                    let mut after = over.clone();
                    ConsentStream::evolve(&mut after, fact);
                    assert_eq!(after, over, "after {name}");
                }
            }
        }
    });
}

/// Every pair is of the last round's right PINs, or of the basis and out of the user's sight; where the
/// partner asked to add, of the basis at all.
fn proven_or_unseen(step: &Move, scope: &Scope, journey: &InProgress) {
    let basis = &journey.login().unwrap().basis;
    let adds = matches!(journey.request.grant_action, GrantAction::Merge { .. });
    let of_basis = match basis {
        LinkageBasis::Amends { scope, .. } => scope.clone(),
        LinkageBasis::New | LinkageBasis::Beside => Scope::default(),
    };
    for pair in scope.iter() {
        let held = of_basis.covers(&pair.account, pair.task);
        let fits = match &step.after.last_round {
            None => held,
            Some(_) if adds && held => true,
            Some(round) => {
                let seen = round.seen.contains(&pair.account);
                round.proven.covers(&pair.account, pair.task) || (held && !seen)
            }
        };
        assert!(fits, "{pair:?} in {scope:?}");
    }
}

fn in_progress(journey: Journey) -> Option<InProgress> {
    match journey {
        Journey::InProgress(journey) => Some(*journey),
        Journey::Absent | Journey::Ended(_) => None,
    }
}

#[test]
fn a_draft_holds_no_account_but_the_proven_and_the_unseen() {
    for_every_move(|step| {
        if let Some(journey) = in_progress(step.after.journey.live())
            && journey.login().is_ok()
        {
            proven_or_unseen(step, &journey.linkage_scope(), &journey);
        }
    });
}

#[test]
fn access_is_authorized_for_no_account_but_the_proven_and_the_unseen() {
    for_every_move(|step| {
        if let Some(JourneyEvent::AccessAuthorized { scope, .. }) = step.new_journey_facts().last()
        {
            let journey = in_progress(step.before.journey.live()).unwrap();
            proven_or_unseen(step, scope, &journey);
            assert!(!scope.is_empty());
        }
    });
}

#[test]
fn what_is_authorized_is_what_the_consent_says() {
    for_every_move(|step| {
        if let Some(JourneyEvent::AccessAuthorized { scope, grant, .. }) =
            step.new_journey_facts().last()
        {
            let consent = step.after.consents[grant].live();
            assert_eq!(&consent.live_terms(step.after.now).unwrap().scope, scope);
        }
    });
}

#[test]
fn revisions_only_grow_and_one_at_a_time() {
    for_every_move(|step| {
        let (Some(before), Some(after)) = (
            in_progress(step.before.journey.live()),
            in_progress(step.after.journey.live()),
        ) else {
            return;
        };
        let redone = step.new_journey_facts().iter().any(|fact| {
            matches!(
                fact,
                JourneyEvent::TasksSelected { .. }
                    | JourneyEvent::AccountsSelected { .. }
                    | JourneyEvent::LinkageBasisChanged { .. }
            )
        });
        let expected = if redone {
            before.revision.next()
        } else {
            before.revision
        };
        assert_eq!(after.revision, expected);
    });
}

#[test]
fn already_done_is_the_answer_exactly_where_no_fact_is_emitted_and_nothing_refused() {
    for_every_move(|step| {
        let emitted = step.after.facts() - step.before.facts();
        match &step.answer {
            Answer::Done => assert!(emitted > 0, "done without a fact: {:?}", step.act),
            Answer::AlreadyDone => assert_eq!(emitted, 0, "{:?}", step.act),
            Answer::Refused(why) => assert_eq!(emitted, 0, "refused for {why}: {:?}", step.act),
        }
    });
}

#[test]
fn a_journey_without_permission_leaves_no_registration_on_its_word() {
    for_every_move(|step| {
        let Some(last) = step.new_journey_facts().last() else {
            return;
        };
        let ended = matches!(step.after.journey.live(), Journey::Ended(_));
        let allowed = matches!(last, JourneyEvent::AccessAuthorized { .. });
        if ended && !allowed {
            let contract = step.after.contract.live();
            assert!(contract.withdraw(&this_journey()).is_empty());
        }
    });
}

#[test]
fn a_journeys_end_takes_no_registration_that_rests_on_another_journeys_word() {
    for_every_move(|step| {
        let of_others: Vec<ContractEvent> = step.after.contract.history.clone();
        let of_others: Vec<ContractEvent> = of_others
            .into_iter()
            .filter(|fact| match fact {
                ContractEvent::AccountRegistered { journey, .. }
                | ContractEvent::AccountRegistrationsWithdrawn { journey, .. } => {
                    *journey != this_journey()
                }
                ContractEvent::PinLocked { .. }
                | ContractEvent::PinUnlocked { .. }
                | ContractEvent::LoginLocked { .. } => false,
                // What the bank said holds with and without this journey.
                _ => true,
            })
            .collect();
        let without_this_journey = state_of(&of_others);
        let contract = step.after.contract.live();
        for name in world::ACCOUNTS {
            if without_this_journey.is_registered(&account(name)) {
                assert!(contract.is_registered(&account(name)), "{name}");
            }
        }
    });
}

#[test]
fn a_consent_is_granted_once_and_first_and_nothing_follows_its_end() {
    for_every_move(|step| {
        for told in step.after.consents.values() {
            for (index, fact) in told.history.iter().enumerate() {
                let first = index == 0;
                let last = index + 1 == told.history.len();
                match fact {
                    ConsentEvent::AccessGranted { .. } => assert!(first),
                    ConsentEvent::AccessExpired { .. }
                    | ConsentEvent::AccessRevoked { .. }
                    | ConsentEvent::AccessSuperseded { .. } => assert!(!first && last),
                    _ => assert!(!first),
                }
            }
        }
    });
}

#[test]
fn nothing_is_read_while_a_cause_stands_at_any_level() {
    for_every_move(|step| {
        let world = &step.after;
        for told in world.consents.values() {
            let consent = told.live();
            let causes = consent.suspensions();
            let contract = world.contract.live();
            let stopped = !causes.is_empty()
                || !contract.suspensions().is_empty()
                || contract.is_closed()
                || consent.live_terms(world.now).is_none();
            assert_eq!(world.may_read(&consent), !stopped);
        }
    });
}

#[test]
fn a_live_consent_always_says_something() {
    for_every_move(|step| {
        for told in step.after.consents.values() {
            if let Some(terms) = told.live().live_terms(step.after.now) {
                assert!(!terms.scope.is_empty());
            }
        }
    });
}

#[test]
fn a_warning_is_given_once_per_period_and_each_nearer_than_the_one_before() {
    for_every_move(|step| {
        for told in step.after.consents.values() {
            let mut given: Option<u32> = None;
            for fact in &told.history {
                match fact {
                    ConsentEvent::ExpiryWarned { days_left, .. } => {
                        assert!(given.is_none_or(|before| *days_left < before));
                        given = Some(*days_left);
                    }
                    ConsentEvent::AccessAmended { .. } | ConsentEvent::AccessRenewed { .. } => {
                        given = None;
                    }
                    _ => {}
                }
            }
        }
    });
}

#[test]
fn what_is_due_by_the_state_is_what_the_rule_warns_of() {
    for_every_move(|step| {
        for told in step.after.consents.values() {
            let consent = told.live();
            let due = match &consent {
                Consent::Live { warn_at, terms, .. } => {
                    warn_at.is_some_and(|at| at <= step.after.now)
                        && step.after.now < terms.valid_until
                }
                _ => false,
            };
            assert_eq!(!consent.warn(step.after.now).into_events().is_empty(), due);
        }
    });
}

fn same_after_json<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(told: &T) {
    let text = serde_json::to_string(told).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), told);
    let value = serde_json::to_value(told).unwrap();
    assert_eq!(&serde_json::from_value::<T>(value).unwrap(), told);
}

#[test]
fn every_fact_and_every_state_is_the_same_after_a_round_trip_through_json() {
    for_every_move(|step| {
        step.new_journey_facts().iter().for_each(same_after_json);
        same_after_json(&step.after.journey.live());
        step.after
            .contract
            .history
            .last()
            .into_iter()
            .for_each(same_after_json);
        same_after_json(&step.after.contract.live());
        for told in step.after.consents.values() {
            told.history.last().into_iter().for_each(same_after_json);
            same_after_json(&told.live());
        }
    });
}

#[test]
fn a_state_of_any_one_fact_is_the_same_after_a_round_trip_through_json() {
    fn of_each<E: Fact>(samples: Vec<(&'static str, E)>) {
        for (_, fact) in samples {
            same_after_json(&fact);
            same_after_json(&state_of(&[fact]));
        }
    }
    of_each(journey_samples());
    of_each(consent_samples());
    of_each(contract_samples());
    of_each(partner_samples());
    of_each(partner_at_bank_samples());
    of_each(bank_samples());
}

/// The laws are only as good as the walks are long: every fact there is has to come up.
#[test]
fn the_walks_meet_every_fact_of_their_streams() {
    fn names<E: DomainEvent>(facts: &[E]) -> impl Iterator<Item = &'static str> {
        facts.iter().map(DomainEvent::event_type)
    }
    let met: RefCell<BTreeSet<&'static str>> = RefCell::default();
    for_every_move(|step| {
        let mut met = met.borrow_mut();
        met.extend(names(&step.after.journey.history));
        met.extend(names(&step.after.contract.history));
        for told in step.after.consents.values() {
            met.extend(names(&told.history));
        }
    });
    let all = journey_samples().into_iter().map(|(name, _)| name);
    let all = all.chain(consent_samples().into_iter().map(|(name, _)| name));
    let all = all.chain(contract_samples().into_iter().map(|(name, _)| name));
    assert_eq!(met.into_inner(), all.collect());
}
