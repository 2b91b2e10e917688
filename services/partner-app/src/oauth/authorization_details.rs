//! `authorization_details` of type `account_information` (RFC 9396).

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use serde_json::json;

const TYPE: &str = "account_information";

/// What the service asks for: both tasks, no account in particular, no limit on history.
pub fn requested() -> String {
    json!([{ "type": TYPE, "tasks": ["balance", "transactions"] }]).to_string()
}

/// Limits of what was granted; which accounts is asked of the account interface.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GrantedLimits {
    /// The first day of the history, inclusive, Japan time; none: no limit of the grant's own.
    pub history_from: Option<NaiveDate>,
    /// When the grant ends.
    pub valid_until: Option<DateTime<Utc>>,
}

/// One element of the granted `authorization_details`; other types are passed over.
#[derive(Debug, Clone, Deserialize)]
pub struct GrantedElement {
    r#type: String,
    history_from: Option<NaiveDate>,
    valid_until: Option<DateTime<Utc>>,
}

/// The limits in a token response's `authorization_details`.
pub fn granted_limits(elements: &[GrantedElement]) -> GrantedLimits {
    elements
        .iter()
        .find(|element| element.r#type == TYPE)
        .map(|element| GrantedLimits {
            history_from: element.history_from,
            valid_until: element.valid_until,
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_from_the_element_of_this_type() {
        let elements: Vec<GrantedElement> = serde_json::from_value(json!([
            { "type": "payment", "history_from": "2020-01-01" },
            { "type": "account_information", "accounts": [], "history_from": "2026-01-01",
              "valid_until": "2027-03-31T23:59:59+09:00" },
        ]))
        .unwrap();

        let limits = granted_limits(&elements);

        assert_eq!(limits.history_from.unwrap().to_string(), "2026-01-01");
        assert_eq!(
            limits.valid_until.unwrap().to_rfc3339(),
            "2027-03-31T14:59:59+00:00"
        );
    }
}
