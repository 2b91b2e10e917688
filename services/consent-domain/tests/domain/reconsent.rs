//! After what a consent was given under has changed, a bank may ask for it anew instead of renewing it.

use chrono::TimeDelta;
use consent_domain::{
    JourneyId,
    consent::{
        ConsentEvent, GivenUnder, GrantTerms, ReconsentReason, Renewal, RenewalShown, Today,
        reconsent_needed,
    },
    journey::{ShownText, UserRole},
    linkage_rules::{AfterChange, LinkageRules},
    partner::{Partner, PartnerEvent, PartnerRecord},
};

use crate::support::{
    facts::*,
    given::{given, state_of},
    names::*,
    samples::partner_record,
};

fn given_under(terms_version: &str, partner_record_version: u32) -> GrantTerms {
    GrantTerms {
        given_under: Some(GivenUnder {
            terms_version: terms_version.to_owned(),
            partner_record_version,
        }),
        ..terms(scope([A_5000000], BOTH), start())
    }
}

fn today(terms_version: &str, recipients_since: u32) -> Today<'_> {
    Today {
        terms_version,
        recipients_since,
    }
}

const ANEW: LinkageRules = LinkageRules {
    after_terms_change: AfterChange::ConsentAnew,
    after_recipients_change: AfterChange::ConsentAnew,
    new_linkage_supersedes: consent_domain::linkage_rules::NewLinkageSupersedes::Nothing,
    pins_of_kept_accounts: consent_domain::linkage_rules::PinsOfKeptAccounts::Asked,
};

#[test]
fn what_is_as_it_was_needs_no_consent_anew() {
    let given = given_under("2026-04", 3);
    assert_eq!(reconsent_needed(&given, today("2026-04", 3), &ANEW), None);
    assert_eq!(reconsent_needed(&given, today("2026-04", 1), &ANEW), None);
}

#[test]
fn other_terms_and_other_recipients_each_need_one() {
    let given = given_under("2026-04", 3);
    assert_eq!(
        reconsent_needed(&given, today("2026-10", 3), &ANEW),
        Some(ReconsentReason::TermsChanged)
    );
    assert_eq!(
        reconsent_needed(&given, today("2026-04", 4), &ANEW),
        Some(ReconsentReason::RecipientsChanged)
    );
}

#[test]
fn a_bank_that_asks_for_none_gets_none() {
    let rules = LinkageRules::default();
    let given = given_under("2026-04", 3);
    assert_eq!(reconsent_needed(&given, today("2026-10", 4), &rules), None);
}

#[test]
fn a_consent_that_does_not_say_what_it_was_given_under_needs_one() {
    let unknown = GrantTerms {
        given_under: None,
        ..given_under("", 0)
    };
    assert_eq!(
        reconsent_needed(&unknown, today("2026-04", 1), &ANEW),
        Some(ReconsentReason::TermsChanged)
    );
}

/// What the page of a renewal says under other terms and with a later record than 許可's page.
fn shown_later() -> RenewalShown {
    RenewalShown {
        record: JourneyId::parse("a-record").unwrap(),
        text: ShownText {
            version: "2".to_owned(),
            locale: "ja".to_owned(),
            sha256: "00".repeat(32),
        },
        terms_version: "2026-10".to_owned(),
        partner_record_version: 5,
        role: UserRole::Master,
        login_at: minute(5),
    }
}

fn a_later_end() -> Renewal {
    Renewal {
        journey: None,
        user: treasurer(),
        valid_until: end_of_march_2027() + TimeDelta::days(30),
        continue_from: [].into(),
    }
}

fn renewed(shown: Option<RenewalShown>) -> ConsentEvent {
    let Renewal {
        journey,
        user,
        valid_until,
        continue_from,
    } = a_later_end();
    ConsentEvent::AccessRenewed {
        journey,
        user,
        valid_from: minute(5),
        valid_until,
        continue_from,
        shown,
    }
}

fn allowed() -> Vec<ConsentEvent> {
    vec![granted(scope([A_5000000], BOTH))]
}

#[test]
fn what_a_renewal_showed_is_what_the_consent_is_given_under_from_then_on() {
    let state = given(allowed())
        .when(|consent| consent.renew_as_shown(&a_later_end(), &shown_later(), minute(5)))
        .then([renewed(Some(shown_later()))])
        .state();
    let terms = state.terms().unwrap();
    assert_eq!(terms.given_under, given_under("2026-10", 5).given_under);
    assert_eq!(reconsent_needed(terms, today("2026-10", 5), &ANEW), None);
    assert_eq!(
        reconsent_needed(terms, today("2026-04", 5), &ANEW),
        Some(ReconsentReason::TermsChanged)
    );
    assert_eq!(
        reconsent_needed(terms, today("2026-10", 6), &ANEW),
        Some(ReconsentReason::RecipientsChanged)
    );
}

#[test]
fn a_renewal_that_showed_nothing_leaves_it_as_it_was() {
    let state = given(allowed())
        .when(|consent| consent.renew(&a_later_end(), minute(5)))
        .then([renewed(None)])
        .state();
    let terms = state.terms().unwrap();
    assert_eq!(
        terms.given_under,
        Some(crate::support::facts::given_under())
    );
    assert_eq!(
        reconsent_needed(terms, today("2026-10", 3), &ANEW),
        Some(ReconsentReason::TermsChanged)
    );
}

#[test]
fn only_a_change_of_the_company_or_of_its_recipients_counts_as_one() {
    let register = |record: PartnerRecord| PartnerEvent::PartnerRegistered {
        partner: partner(),
        record,
    };
    let change = |record: PartnerRecord| PartnerEvent::PartnerChanged { record };
    let since = |changed: PartnerRecord| {
        let other_service = PartnerRecord {
            service_name: "another name".to_owned(),
            ..partner_record()
        };
        let told = [
            register(partner_record()),
            change(other_service),
            change(changed),
        ];
        let Partner::Registered {
            recipients_since, ..
        } = state_of(&told)
        else {
            panic!("not registered")
        };
        recipients_since
    };
    assert_eq!(since(partner_record()), 1);
    assert_eq!(
        since(PartnerRecord {
            onward_recipients: vec!["another company".to_owned()],
            ..partner_record()
        }),
        3
    );
    assert_eq!(
        since(PartnerRecord {
            legal_name: "another company".to_owned(),
            ..partner_record()
        }),
        3
    );
}
