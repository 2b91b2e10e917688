//! Rich authorization requests (RFC 9396) of our one type, `account_information`: what is asked
//! for, and what was granted.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use consent_domain::scope::Task;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

use super::oauth_error::OAuthError;
use super::pairwise::PairwiseId;
use crate::openapi::TaskName;

/// The type's name.
pub const ACCOUNT_INFORMATION: &str = "account_information";
const ACCOUNTS_MAX: usize = 100;

/// What a partner asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedAccess {
    /// At least one.
    pub tasks: BTreeSet<Task>,
    /// The partner's ids of accounts that it asks for, in its order; `None`: the customer chooses.
    pub accounts: Option<Vec<PairwiseId>>,
    /// The first 取引日 wanted, a date in Japan.
    pub history_from: Option<NaiveDate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Element {
    r#type: String,
    tasks: Vec<String>,
    accounts: Option<Vec<String>>,
    history_from: Option<String>,
}

/// Reads the parameter: a JSON array of exactly one `account_information` element.
///
/// `today` is the date in Japan.
///
/// # Errors
/// `invalid_authorization_details`: another type, an unknown member, no or unknown tasks, 0 or
/// more than 100 accounts, an account twice or malformed, no date or a future one.
pub fn parse(parameter: &str, today: NaiveDate) -> Result<RequestedAccess, OAuthError> {
    let refused = OAuthError::invalid_authorization_details;
    let elements: Vec<Element> = serde_json::from_str(parameter).map_err(|_| {
        refused("an array of objects with the members type, tasks, accounts and history_from")
    })?;
    let [element] = <[Element; 1]>::try_from(elements)
        .map_err(|_| refused("exactly one element is supported"))?;
    if element.r#type != ACCOUNT_INFORMATION {
        return Err(refused("the type must be account_information"));
    }
    let tasks = element
        .tasks
        .iter()
        .map(|task| Task::find(task))
        .collect::<Option<BTreeSet<_>>>()
        .filter(|tasks| !tasks.is_empty())
        .ok_or(refused("tasks must be some of balance and transactions"))?;
    let accounts = element.accounts.map(parse_accounts).transpose()?;
    let history_from = element
        .history_from
        .map(|date| {
            parse_date(&date)
                .filter(|date| *date <= today)
                .ok_or(refused(
                    "history_from must be a date, YYYY-MM-DD, not in the future",
                ))
        })
        .transpose()?;
    Ok(RequestedAccess {
        tasks,
        accounts,
        history_from,
    })
}

fn parse_accounts(accounts: Vec<String>) -> Result<Vec<PairwiseId>, OAuthError> {
    let refused = OAuthError::invalid_authorization_details(
        "accounts must have 1 to 100 different account ids, or be left out",
    );
    if accounts.is_empty() || accounts.len() > ACCOUNTS_MAX {
        return Err(refused);
    }
    let distinct: BTreeSet<&String> = accounts.iter().collect();
    if distinct.len() != accounts.len() {
        return Err(refused);
    }
    accounts
        .iter()
        .map(|id| PairwiseId::parse(id).map_err(|_| refused))
        .collect()
}

fn parse_date(text: &str) -> Option<NaiveDate> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    // The parser takes 2026-1-1 and signs; RFC 3339's full-date does not.
    (date.format("%Y-%m-%d").to_string() == text).then_some(date)
}

/// What was granted, as the token response and the access token say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GrantedAccess {
    /// Always `account_information`.
    pub r#type: GrantedType,
    /// Accounts with what may be read of each.
    pub accounts: Vec<GrantedAccount>,
    /// The first day of statements that may be read, a date in Japan; left out for no limit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(nullable = false, example = "2026-01-01")]
    pub history_from: Option<NaiveDate>,
    /// When the grant ends: RFC 3339 in UTC, whole seconds.
    #[serde(serialize_with = "rfc3339_seconds")]
    #[schema(example = "2026-12-31T14:59:59Z")]
    pub valid_until: DateTime<Utc>,
}

impl GrantedAccess {
    /// The same for these tasks only; accounts that have none of them are left out.
    #[must_use]
    pub fn only(mut self, tasks: &BTreeSet<Task>) -> Self {
        for account in &mut self.accounts {
            account.tasks.retain(|task| tasks.contains(task));
        }
        self.accounts.retain(|account| !account.tasks.is_empty());
        self
    }
}

/// The one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantedType {
    /// Access to account information.
    AccountInformation,
}

/// One account of a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GrantedAccount {
    /// The partner's id of it, the same in every grant.
    #[schema(value_type = String, example = "q3Zk0mJx8VtY1nLc5RbW2A")]
    pub account_id: PairwiseId,
    /// What may be read.
    #[schema(value_type = Vec<TaskName>, example = json!(["balance", "transactions"]))]
    pub tasks: BTreeSet<Task>,
}

pub(crate) fn rfc3339_seconds<S: Serializer>(
    instant: &DateTime<Utc>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&instant.to_rfc3339_opts(SecondsFormat::Secs, true))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 7, 1).unwrap()
    }

    fn element() -> Value {
        json!({"type": "account_information", "tasks": ["balance"]})
    }

    fn with(member: &str, value: Value) -> Result<RequestedAccess, OAuthError> {
        let mut element = element();
        element[member] = value;
        parse(&json!([element]).to_string(), today())
    }

    fn id(number: usize) -> String {
        format!("{number:022}")
    }

    #[test]
    fn a_full_request_is_read() {
        let access = parse(
            &json!([{
                "type": "account_information", "tasks": ["transactions", "balance"],
                "accounts": [id(2), id(1)], "history_from": "2026-07-01",
            }])
            .to_string(),
            today(),
        )
        .unwrap();
        assert_eq!(access.tasks, Task::ALL.into());
        assert_eq!(access.accounts.unwrap()[0].as_str(), id(2));
        assert_eq!(access.history_from, Some(today()));
    }

    #[test]
    fn tasks_are_needed_and_known() {
        for tasks in [
            json!([]),
            json!(["transfer"]),
            json!("balance"),
            json!([1]),
            Value::Null,
        ] {
            with("tasks", tasks).unwrap_err();
        }
    }

    #[test]
    fn unknown_types_and_members_are_refused() {
        with("type", json!("payment_initiation")).unwrap_err();
        with("locations", json!([])).unwrap_err();
    }

    #[test]
    fn accounts_are_bounded_different_and_well_formed() {
        with("accounts", json!((0..100).map(id).collect::<Vec<_>>())).unwrap();
        with("accounts", json!((0..101).map(id).collect::<Vec<_>>())).unwrap_err();
        for accounts in [
            json!([]),
            json!([id(1), id(1)]),
            json!(["5000000"]),
            json!([""]),
        ] {
            with("accounts", accounts).unwrap_err();
        }
    }

    #[test]
    fn history_begins_on_a_real_day_that_has_come() {
        with("history_from", json!("2024-02-29")).unwrap();
        for date in [
            "2026-07-02",
            "2026-02-29",
            "2026-7-1",
            "+2026-01-01",
            "20260101",
            "",
            " 2026-01-01",
        ] {
            let error = with("history_from", json!(date)).unwrap_err();
            assert_eq!(error.error, "invalid_authorization_details", "{date}");
        }
    }

    #[test]
    fn what_is_not_one_element_is_refused() {
        let two = json!([element(), element()]).to_string();
        let deep = "[".repeat(10_000);
        for text in [
            "",
            "{}",
            "[]",
            "null",
            "[1]",
            "[null]",
            two.as_str(),
            deep.as_str(),
        ] {
            parse(text, today()).unwrap_err();
        }
    }

    #[test]
    fn the_granted_form_is_as_published() {
        let granted = GrantedAccess {
            r#type: GrantedType::AccountInformation,
            accounts: vec![GrantedAccount {
                account_id: PairwiseId::parse(&id(1)).unwrap(),
                tasks: Task::ALL.into(),
            }],
            history_from: Some(today()),
            valid_until: DateTime::from_timestamp(1_767_225_599, 5).unwrap(),
        };
        let expected = json!({
            "type": "account_information",
            "accounts": [{"account_id": id(1), "tasks": ["balance", "transactions"]}],
            "history_from": "2026-07-01", "valid_until": "2025-12-31T23:59:59Z",
        });
        assert_eq!(serde_json::to_value(&granted).unwrap(), expected);
    }
}
