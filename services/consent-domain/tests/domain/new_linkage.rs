//! Where a bank's rule says so, a new linkage ends others of the same contract; one that is changed ends
//! none.

use std::collections::BTreeMap;

use consent_domain::{
    GrantId,
    consent::{
        Consent, ConsentEvent, ConsentRefusal, GrantTerms, Place, RevocationReason, RevokedBy,
    },
    journey::{AuthorizeAccess, JourneyEvent, JourneyRefusal, LinkageBasis},
    linkage_rules::{NewLinkageSupersedes, Service},
};

use crate::support::{
    facts::*,
    given::{given, state_of},
    names::*,
};

fn service(client: &str, registration_number: &str) -> Service {
    Service {
        client: consent_domain::ClientId::parse(client).unwrap(),
        registration_number: registration_number.to_owned(),
    }
}

#[test]
fn the_rule_says_whose_linkages_a_new_one_ends() {
    use NewLinkageSupersedes::{Nothing, SameCompany, SameService};
    let new = service("books", "No. 1");
    let others = [
        (service("books", "No. 1"), [false, true, true]),
        (service("expenses", "No. 1"), [false, false, true]),
        (service("payroll", "No. 2"), [false, false, false]),
    ];
    for (old, expected) in others {
        let ends = [Nothing, SameService, SameCompany].map(|rule| rule.ends(&old, &new));
        assert_eq!(ends, expected, "{old:?}");
    }
}

fn replacing(consent: Consent) -> AuthorizeAccess {
    AuthorizeAccess {
        supersedes: BTreeMap::from([(live_grant(), consent)]),
        ..allow(2)
    }
}

fn live() -> Vec<ConsentEvent> {
    vec![granted(scope([A_1000014], BOTH))]
}

#[test]
fn a_new_linkage_ends_those_that_the_page_named_and_both_facts_say_so() {
    for basis in [LinkageBasis::New, LinkageBasis::Beside] {
        let authorized = state_of(&at_step6(basis))
            .authorize_access(&Consent::Absent, replacing(state_of(&live())), minute(5))
            .unwrap();
        let ended = ConsentEvent::AccessSuperseded {
            by: new_grant(),
            by_client: Some(client()),
        };
        assert_eq!(
            authorized.superseded,
            BTreeMap::from([(live_grant(), ended.clone())])
        );
        let JourneyEvent::AccessAuthorized { supersedes, .. } = authorized.journey else {
            panic!("another fact")
        };
        assert_eq!(supersedes, [live_grant()]);
        let over = state_of(&[live(), vec![ended]].concat());
        assert!(over.live_terms(minute(5)).is_none());
    }
}

#[test]
fn a_linkage_that_is_changed_ends_no_other() {
    let basis = scope([A_9999999], BOTH);
    let changed = state_of(&[granted(basis.clone())]);
    let authorized = state_of(&at_step6(amends(basis)))
        .authorize_access(&changed, replacing(state_of(&live())), minute(5))
        .unwrap();
    assert_eq!(
        authorized.superseded,
        BTreeMap::<GrantId, ConsentEvent>::new()
    );
}

#[test]
fn a_linkage_that_is_over_by_then_is_not_ended_again() {
    let revoked = ConsentEvent::AccessRevoked {
        by: RevokedBy::Customer,
        reason: RevocationReason::NoLongerNeeded,
    };
    let over = state_of(&[live(), vec![revoked]].concat());
    given(at_step6(LinkageBasis::Beside))
        .when(|journey| journey.authorize_access(&Consent::Absent, replacing(over), minute(5)))
        .refused(JourneyRefusal::LinkageMoved(ConsentRefusal::AlreadyEnded));
}

#[test]
fn a_linkage_of_another_contract_is_not_ended() {
    let foreign = ConsentEvent::AccessGranted {
        journey: another_journey(),
        terms: GrantTerms {
            contract: another_contract(),
            ..terms(scope([A_1000014], BOTH), start())
        },
        place: Place::Default,
    };
    given(at_step6(LinkageBasis::Beside))
        .when(|journey| {
            let foreign = state_of(&[foreign]);
            journey.authorize_access(&Consent::Absent, replacing(foreign), minute(5))
        })
        .refused(JourneyRefusal::LinkageMoved(ConsentRefusal::Foreign));
}
