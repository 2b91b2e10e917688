//! A golden file for every fact and version ever written: what is stored today must be read for ever.
//!
//! `UPDATE_GOLDEN=1` writes the files that are missing. A file that is there is never written again:
//! another shape is another version.

use std::{
    collections::BTreeSet,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use consent_domain::{
    Stream,
    bank::BankStream,
    bank_notice::{NoticeEffects, OnAccountMoved, OnLoginChange, OnRightRemoved, OnUserRemoved},
    consent::{ConsentStream, Place, RemovalReason, RevocationReason, RevokedBy},
    contract::{ContractStream, ResetBy},
    journey::{
        FailureCode, GrantAction, JourneyStream, LinkageBasis, LoginMethod, RejectionReason, Step,
        TimeOutCause, UserRole,
    },
    linkage_rules::{AfterChange, LinkageRules, NewLinkageSupersedes, PinsOfKeptAccounts},
    partner::{PartnerAtBankStream, PartnerStream},
    scope::Task,
    suspension::SuspensionCause,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::{given::Fact, names::live_grant, samples::*};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GoldenFile {
    event_type: String,
    event_version: String,
    payload: Value,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn file_name<E: Fact>(event: &E) -> String {
    format!(
        "{}.{}.v{}.json",
        <E::Of as Stream>::TYPE,
        event.event_type(),
        event.event_version()
    )
}

fn write_if_missing<E: Fact>(event: &E) {
    let file = GoldenFile {
        event_type: event.event_type().to_owned(),
        event_version: event.event_version().to_owned(),
        payload: serde_json::to_value(event).unwrap(),
    };
    let text = serde_json::to_string_pretty(&file).unwrap() + "\n";
    let created = fs::File::create_new(folder().join(file_name(event)));
    match created {
        Ok(mut out) => std::io::Write::write_all(&mut out, text.as_bytes()).unwrap(),
        Err(error) => assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}"),
    }
}

fn equals_its_golden_file<E: Fact>((variant, event): &(&'static str, E)) {
    assert_eq!(event.event_type(), *variant, "named unlike its variant");
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        write_if_missing(event);
    }
    let name = file_name(event);
    let text = fs::read_to_string(folder().join(&name))
        .unwrap_or_else(|error| panic!("{name}: {error}; UPDATE_GOLDEN=1 writes new files"));
    let golden: GoldenFile = serde_json::from_str(&text).unwrap();
    assert_eq!(golden.event_type, event.event_type(), "{name}");
    assert_eq!(golden.event_version, event.event_version(), "{name}");
    let read: E = serde_json::from_value(golden.payload.clone())
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(&read, event, "{name} reads otherwise");
    let written = serde_json::to_value(event).unwrap();
    assert_eq!(written, golden.payload, "{name} would be written otherwise");
}

fn names<E: Fact>(samples: Vec<(&'static str, E)>) -> impl Iterator<Item = String> {
    samples.into_iter().map(|(_, event)| file_name(&event))
}

#[test]
fn every_fact_of_a_journey_is_stored_as_its_golden_file_says() {
    journey_samples().iter().for_each(equals_its_golden_file);
}

#[test]
fn every_fact_of_a_consent_is_stored_as_its_golden_file_says() {
    consent_samples().iter().for_each(equals_its_golden_file);
}

#[test]
fn every_fact_of_a_contract_is_stored_as_its_golden_file_says() {
    contract_samples().iter().for_each(equals_its_golden_file);
}

#[test]
fn every_fact_of_a_partner_is_stored_as_its_golden_file_says() {
    partner_samples().iter().for_each(equals_its_golden_file);
    partner_at_bank_samples()
        .iter()
        .for_each(equals_its_golden_file);
}

#[test]
fn every_fact_of_a_bank_is_stored_as_its_golden_file_says() {
    bank_samples().iter().for_each(equals_its_golden_file);
}

#[test]
fn no_golden_file_has_lost_its_fact() {
    let known: BTreeSet<String> = names(journey_samples())
        .chain(names(consent_samples()))
        .chain(names(contract_samples()))
        .chain(names(partner_samples()))
        .chain(names(partner_at_bank_samples()))
        .chain(names(bank_samples()))
        .collect();
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name), "nothing reads {name} any more");
    }
}

#[test]
fn a_stream_keeps_its_name_for_ever() {
    assert_eq!(JourneyStream::TYPE, "journey");
    assert_eq!(ConsentStream::TYPE, "consent");
    assert_eq!(ContractStream::TYPE, "contract");
    assert_eq!(PartnerStream::TYPE, "partner");
    assert_eq!(PartnerAtBankStream::TYPE, "partner_at_bank");
    assert_eq!(BankStream::TYPE, "bank");
}

/// The names of an enum's values as facts store them. The match has no wildcard: a new value does
/// not compile until its name stands here.
macro_rules! stored_names {
    ($name:ident: $($value:ident = $text:literal),+ $(,)?) => {
        for value in [$($name::$value),+] {
            let text = match value {
                $($name::$value => $text,)+
            };
            assert_eq!(serde_json::to_value(value).unwrap(), Value::from(text));
            assert_eq!(serde_json::from_value::<$name>(text.into()).unwrap(), value);
        }
    };
}

#[test]
fn a_value_inside_a_fact_keeps_its_name_for_ever() {
    stored_names!(Task: Balance = "balance", Transactions = "transactions");
    assert_eq!(serde_json::to_value(LinkageBasis::New).unwrap(), "new");
    assert_eq!(
        serde_json::to_value(LinkageBasis::Beside).unwrap(),
        "beside"
    );
    let grant = live_grant();
    for (action, stored) in [
        (GrantAction::Unspecified, json!("unspecified")),
        (GrantAction::Create, json!("create")),
        (
            GrantAction::Replace {
                grant: grant.clone(),
            },
            json!({"replace": {"grant": grant}}),
        ),
        (
            GrantAction::Merge {
                grant: grant.clone(),
            },
            json!({"merge": {"grant": grant}}),
        ),
    ] {
        assert_eq!(serde_json::to_value(&action).unwrap(), stored);
        assert_eq!(
            serde_json::from_value::<GrantAction>(stored).unwrap(),
            action
        );
    }
    stored_names!(UserRole: Master = "master", General = "general");
    stored_names!(LoginMethod: Password = "password", Certificate = "certificate");
    stored_names!(RejectionReason:
        PinMismatch = "pin_mismatch",
        PinLocked = "pin_locked",
        NotEligible = "not_eligible",
        VerifierUnavailable = "verifier_unavailable",
    );
    stored_names!(TimeOutCause: Idle = "idle", Total = "total");
    stored_names!(FailureCode:
        LoginRefused = "login_refused",
        BankClosed = "bank_closed",
        BankUnavailable = "bank_unavailable",
        TooManyRevisions = "too_many_revisions",
        PartnerDisabled = "partner_disabled",
        GrantUnavailable = "grant_unavailable",
        ContractClosed = "contract_closed",
        UserRemoved = "user_removed",
    );
    stored_names!(NewLinkageSupersedes:
        Nothing = "nothing",
        SameService = "same_service",
        SameCompany = "same_company",
    );
    stored_names!(PinsOfKeptAccounts: Asked = "asked", NotAsked = "not_asked");
    stored_names!(AfterChange: Renew = "renew", ConsentAnew = "consent_anew");
    stored_names!(Step:
        Login = "login",
        Tasks = "tasks",
        Accounts = "accounts",
        Confirm = "confirm",
        Authorize = "authorize",
    );
    stored_names!(Place: Default = "default", Beside = "beside");
    stored_names!(RevokedBy:
        Customer = "customer",
        Partner = "partner",
        Bank = "bank",
        System = "system",
    );
    stored_names!(ResetBy: Bank = "bank", Operator = "operator");
    stored_names!(SuspensionCause:
        CustomerRequest = "customer_request",
        SuspectedFraud = "suspected_fraud",
        SecurityIncident = "security_incident",
        LegalOrder = "legal_order",
        UserRemoved = "user_removed",
        PasswordChanged = "password_changed",
        CertificateChanged = "certificate_changed",
        RightRemoved = "right_removed",
        AccountMoved = "account_moved",
        TermsChanged = "terms_changed",
        RecipientsChanged = "recipients_changed",
        Other = "other",
    );
    stored_names!(RevocationReason:
        NoLongerNeeded = "no_longer_needed",
        CustomerRequest = "customer_request",
        LinkedByMistake = "linked_by_mistake",
        Fraud = "fraud",
        ServiceEnded = "service_ended",
        PartnerLeft = "partner_left",
        ContractClosed = "contract_closed",
        NoAccountLeft = "no_account_left",
        UserRemoved = "user_removed",
        PasswordChanged = "password_changed",
        CertificateChanged = "certificate_changed",
        LegalOrder = "legal_order",
        Other = "other",
    );
    stored_names!(RemovalReason:
        NoLongerNeeded = "no_longer_needed",
        LinkedByMistake = "linked_by_mistake",
        AccountClosed = "account_closed",
        RightRemoved = "right_removed",
        AccountMoved = "account_moved",
        Other = "other",
    );
    stored_names!(OnLoginChange: Nothing = "nothing", Suspend = "suspend", Revoke = "revoke");
    stored_names!(OnUserRemoved:
        SuspendUntilHandover = "suspend_until_handover",
        Revoke = "revoke",
        Nothing = "nothing",
    );
    stored_names!(OnRightRemoved:
        RemoveAccount = "remove_account",
        Suspend = "suspend",
        Nothing = "nothing",
    );
    stored_names!(OnAccountMoved:
        Nothing = "nothing",
        Suspend = "suspend",
        RemoveAccount = "remove_account",
    );
}

#[test]
fn every_code_is_told_by_the_name_that_facts_store() {
    for cause in SuspensionCause::ALL {
        assert_eq!(serde_json::to_value(cause).unwrap(), cause.as_str());
        assert_eq!(SuspensionCause::find(cause.as_str()), Some(cause));
    }
    for reason in RevocationReason::ALL {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        assert_eq!(RevocationReason::find(reason.as_str()), Some(reason));
    }
    for reason in RemovalReason::ALL {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        assert_eq!(RemovalReason::find(reason.as_str()), Some(reason));
    }
}

#[test]
fn a_reason_that_nobody_knows_any_more_still_reads() {
    let read: RevocationReason = serde_json::from_value("moved_abroad".into()).unwrap();
    assert_eq!(read, RevocationReason::Other);
}

#[test]
fn a_bank_that_set_nothing_else_is_stored_as_before_and_one_that_did_keeps_it() {
    let defaults = serde_json::to_value(bank_settings()).unwrap();
    assert_eq!(defaults.get("notice_effects"), None);
    assert_eq!(defaults.get("linkage_rules"), None);
    let set = consent_domain::bank::BankSettings {
        notice_effects: NoticeEffects {
            on_user_removed: OnUserRemoved::Revoke,
            ..NoticeEffects::default()
        },
        linkage_rules: LinkageRules {
            new_linkage_supersedes: NewLinkageSupersedes::SameCompany,
            pins_of_kept_accounts: PinsOfKeptAccounts::NotAsked,
            ..LinkageRules::default()
        },
        ..bank_settings()
    };
    let stored = serde_json::to_value(&set).unwrap();
    let read: consent_domain::bank::BankSettings = serde_json::from_value(stored).unwrap();
    assert_eq!(read, set);
}
