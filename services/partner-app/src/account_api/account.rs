//! Accounts and balances.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;

/// The partner's own identifier of an account: opaque, stable across linkages of one bank.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct AccountId(String);

/// An account identifier that is empty, longer than 200 bytes, or not printable ASCII.
#[derive(Debug, thiserror::Error)]
#[error("not an account identifier")]
pub struct NotAnAccountId;

impl AccountId {
    /// Takes 1 to 200 printable ASCII characters. `.` and `..` would change the path of an address.
    pub fn parse(value: &str) -> Result<Self, NotAnAccountId> {
        let printable = value.bytes().all(|byte| byte.is_ascii_graphic());
        if printable && (1..=200).contains(&value.len()) && value != "." && value != ".." {
            Ok(Self(value.to_owned()))
        } else {
            Err(NotAnAccountId)
        }
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AccountId {
    type Error = NotAnAccountId;

    fn try_from(value: String) -> Result<Self, Self::Error> {
        Self::parse(&value)
    }
}

/// One linked account. What the bank no longer tells of it is missing.
#[derive(Debug, Clone, Deserialize)]
pub struct Account {
    /// Its identifier.
    pub account_id: AccountId,
    /// Whether the bank gives any data of it now.
    #[serde(default)]
    pub status: AccountStatus,
    /// Three digits.
    pub branch_code: Option<String>,
    /// E.g. インターネット支店.
    pub branch_name: Option<String>,
    /// E.g. 普通.
    pub account_type_name: Option<String>,
    /// Seven digits.
    pub account_number: Option<String>,
    /// What may be read.
    pub tasks: Vec<EligibleTask>,
}

/// Whether the bank gives any data of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// It is in the linkage, but the bank gives nothing: closed, or no longer the customer's to see.
    Unavailable,
    /// It does, or says what is not known here.
    #[default]
    #[serde(other)]
    Available,
}

/// A task (認可対象業務) that the linkage allows on an account.
#[derive(Debug, Clone, Deserialize)]
pub struct EligibleTask {
    /// Which.
    pub task: Task,
    /// The first day for which data can be had, Japan time.
    pub available_from: Option<NaiveDate>,
}

/// 認可対象業務.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// 残高照会.
    Balance,
    /// 入出金明細照会.
    Transactions,
    /// One that this service does not know, and does not use.
    #[serde(other)]
    Other,
}

impl Account {
    /// How the account reads on the bank's own pages, e.g. 「インターネット支店(000) 普通 5000000」,
    /// as far as it is known.
    pub fn label(&self) -> String {
        [self.branch(), self.kind_and_number()]
            .into_iter()
            .flatten()
            .reduce(|branch, kind| format!("{branch} {kind}"))
            .unwrap_or_else(|| UNNAMED.to_owned())
    }

    /// E.g. 「インターネット支店(000)」.
    pub fn branch(&self) -> Option<String> {
        match (&self.branch_name, &self.branch_code) {
            (Some(name), Some(code)) => Some(format!("{name}({code})")),
            (Some(known), None) | (None, Some(known)) => Some(known.clone()),
            (None, None) => None,
        }
    }

    /// E.g. 「普通 5000000」.
    pub fn kind_and_number(&self) -> Option<String> {
        let known = [&self.account_type_name, &self.account_number];
        let known: Vec<&str> = known.into_iter().flatten().map(String::as_str).collect();
        (!known.is_empty()).then(|| known.join(" "))
    }

    /// Takes over what an earlier reading knew and this one no longer tells.
    pub fn recall(&mut self, earlier: &Self) {
        let fill = |field: &mut Option<String>, known: &Option<String>| {
            if field.is_none() {
                field.clone_from(known);
            }
        };
        fill(&mut self.branch_code, &earlier.branch_code);
        fill(&mut self.branch_name, &earlier.branch_name);
        fill(&mut self.account_type_name, &earlier.account_type_name);
        fill(&mut self.account_number, &earlier.account_number);
    }

    /// Whether the bank gives nothing of it.
    pub fn is_unavailable(&self) -> bool {
        self.status == AccountStatus::Unavailable
    }

    /// The task, if it is allowed on this account.
    pub fn find_task(&self, task: Task) -> Option<&EligibleTask> {
        self.tasks.iter().find(|eligible| eligible.task == task)
    }

    /// The first day of transactions that can be had; none where it is not known.
    pub fn transactions_from(&self) -> Option<NaiveDate> {
        self.find_task(Task::Transactions)
            .and_then(|task| task.available_from)
    }
}

/// Stands for the name of an account of which nothing but its identifier is known.
const UNNAMED: &str = "金融機関で確認できない口座";

/// A balance in yen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// 残高, in yen.
    pub balance_yen: i64,
    /// 支払可能残高, in yen.
    pub available_yen: Option<i64>,
    /// When it was so.
    pub as_of: DateTime<Utc>,
}

#[derive(Deserialize)]
pub(super) struct AccountsBody {
    pub(super) accounts: Vec<Account>,
}

#[derive(Deserialize)]
pub(super) struct BalanceBody {
    balance: Money,
    available_balance: Option<Money>,
    as_of: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Money {
    amount: i64,
    currency: Currency,
}

/// Books are kept in yen; an amount of anything else must not pass for yen.
#[derive(Deserialize)]
enum Currency {
    #[serde(rename = "JPY")]
    Yen,
}

impl From<BalanceBody> for Balance {
    fn from(body: BalanceBody) -> Self {
        let yen = |Money {
                       amount,
                       currency: Currency::Yen,
                   }| amount;
        Self {
            balance_yen: yen(body.balance),
            available_yen: body.available_balance.map(yen),
            as_of: body.as_of,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_account_is_read_with_what_it_does_not_know() {
        let account: Account = serde_json::from_value(json!({
            "account_id": "a-1", "branch_code": "000", "branch_name": "インターネット支店",
            "account_type": "ordinary", "account_type_name": "普通", "account_number": "5000000",
            "nickname": "new field",
            "tasks": [{ "task": "transactions", "available_from": "2026-01-01", "x": 1 },
                      { "task": "transfers", "available_from": null }],
        }))
        .unwrap();

        assert_eq!(account.label(), "インターネット支店(000) 普通 5000000");
        assert_eq!(
            account.transactions_from().unwrap().to_string(),
            "2026-01-01"
        );
        assert!(account.find_task(Task::Balance).is_none());
    }

    #[test]
    fn an_account_that_the_bank_no_longer_lists_is_read_without_its_names() {
        let mut account: Account = serde_json::from_value(json!({
            "account_id": "a-1", "status": "unavailable", "branch_code": null,
            "branch_name": null, "account_type": null, "account_type_name": null,
            "account_number": null, "tasks": [],
        }))
        .unwrap();

        assert!(account.is_unavailable());
        assert_eq!(account.label(), UNNAMED);

        let earlier = serde_json::from_value(json!({
            "account_id": "a-1", "status": "available", "branch_code": "000",
            "branch_name": "インターネット支店", "account_type_name": "普通",
            "account_number": "5000000", "tasks": [],
        }))
        .unwrap();
        account.recall(&earlier);
        assert!(account.is_unavailable());
        assert_eq!(account.label(), "インターネット支店(000) 普通 5000000");
    }

    #[test]
    fn an_amount_of_another_currency_is_not_read() {
        let body = |currency: &str| {
            serde_json::from_value::<BalanceBody>(json!({
                "balance": { "amount": 5, "currency": currency }, "as_of": "2026-04-01T09:00:00+09:00",
            }))
        };

        assert_eq!(Balance::from(body("JPY").unwrap()).balance_yen, 5);
        assert!(body("USD").is_err());
    }

    #[test]
    fn identifiers_that_would_change_a_path_are_refused() {
        for refused in ["", ".", "..", "a b", "口座", "a\n"] {
            assert!(AccountId::parse(refused).is_err(), "{refused:?}");
        }
        assert!(AccountId::parse("acc_1-2.3").is_ok());
    }
}
