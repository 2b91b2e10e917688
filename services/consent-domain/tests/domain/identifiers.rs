//! Identifiers from outside are parsed once, at the border; what was parsed is valid for ever.

use consent_domain::{AccountId, BankCode, JourneyId, scope::Task};

#[test]
fn an_id_has_1_to_64_characters_of_a_small_alphabet() {
    for text in ["a", "A-Z_0.9", &"x".repeat(64)] {
        assert_eq!(JourneyId::parse(text).unwrap().as_str(), text);
    }
    for text in ["", &"x".repeat(65), "a b", "a/b", "口座", "a\n", "a:b", "'"] {
        assert!(JourneyId::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn an_error_names_the_kind_of_id_and_not_what_was_given() {
    let error = AccountId::parse("secret 5000000").unwrap_err();
    assert_eq!(error.to_string(), "not a valid AccountId");
}

#[test]
fn a_banks_code_has_four_digits() {
    assert_eq!(BankCode::parse("2963").unwrap().as_str(), "2963");
    for text in ["", "296", "29630", "29a3", "２９６３", "-963"] {
        assert!(BankCode::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn an_invalid_id_is_not_read_from_a_stored_fact_either() {
    assert!(serde_json::from_str::<JourneyId>(r#""a b""#).is_err());
    assert!(serde_json::from_str::<BankCode>(r#""29""#).is_err());
}

#[test]
fn a_task_is_found_by_its_name_and_nothing_else() {
    for task in Task::ALL {
        assert_eq!(Task::find(task.as_str()), Some(task));
    }
    for name in ["", "Balance", "balances", "balance "] {
        assert_eq!(Task::find(name), None);
    }
}
