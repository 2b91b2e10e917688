//! Reading everything that was granted.

use serde_json::Value;
use url::Url;

use super::Task;
use super::error::WalkError;
use super::story::{AccountReading, Reading, Step};
use crate::agent::account_api::{AccountApi, ReadError, TransactionQuery};
use crate::agent::partner::Tokens;

/// Reads the list of accounts, then each granted account's balance and first page of transactions.
///
/// # Errors
/// [`WalkError::Read`] at the first read that is refused.
pub async fn read_all(account_api: &Url, tokens: &Tokens) -> Result<Reading, WalkError> {
    let api = AccountApi::try_new(account_api.clone(), &tokens.access_token)
        .map_err(failed("account-api".to_owned()))?;
    let accounts = api
        .accounts()
        .await
        .map_err(failed("accounts".to_owned()))?;
    let mut each = Vec::new();
    for account_id in tokens.account_ids() {
        let balance = match is_granted(tokens, &account_id, Task::Balance) {
            false => None,
            true => {
                let what = format!("balance of {account_id}");
                Some(api.balance(&account_id).await.map_err(failed(what))?)
            }
        };
        let transactions = match is_granted(tokens, &account_id, Task::Transactions) {
            false => None,
            true => {
                let what = format!("transactions of {account_id}");
                let query = TransactionQuery::default();
                Some(
                    api.transactions(&account_id, &query)
                        .await
                        .map_err(failed(what))?,
                )
            }
        };
        each.push(AccountReading {
            account_id,
            balance,
            transactions,
        });
    }
    Ok(Reading { accounts, each })
}

fn failed(what: String) -> impl FnOnce(ReadError) -> WalkError {
    move |source| WalkError::Read {
        step: Step::Receive,
        what,
        source,
    }
}

fn is_granted(tokens: &Tokens, account_id: &str, task: Task) -> bool {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    list(Some(&tokens.authorization_details))
        .iter()
        .flat_map(|detail| list(detail.get("accounts")))
        .filter(|account| account.get("account_id").and_then(Value::as_str) == Some(account_id))
        .flat_map(|account| list(account.get("tasks")))
        .any(|granted| granted.as_str() == Some(task.name()))
}
