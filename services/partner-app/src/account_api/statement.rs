//! Transactions of an account.

use chrono::NaiveDate;
use serde::Deserialize;

/// The days to ask for, both inclusive, Japan time, by 取引日.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatementRange {
    /// The first day; none leaves it to the bank.
    pub from: Option<NaiveDate>,
    /// The last day.
    pub to: NaiveDate,
}

/// One page of transactions.
#[derive(Debug, Clone, Deserialize)]
pub struct Statement {
    /// The transactions, in the bank's order.
    pub transactions: Vec<Transaction>,
    /// Asks for the next page; none on the last.
    pub next_cursor: Option<String>,
}

/// One 明細.
#[derive(Debug, Clone, Deserialize)]
pub struct Transaction {
    /// 明細キー: unique and stable within the account.
    pub item_key: String,
    /// 取引日, Japan time.
    pub transaction_date: NaiveDate,
    /// Yen; none for a withdrawal.
    pub deposit_amount: Option<i64>,
    /// Yen; none for a deposit.
    pub withdrawal_amount: Option<i64>,
    /// Yen; none where the bank does not tell it.
    pub balance_after: Option<i64>,
    /// 摘要.
    #[serde(default)]
    pub remarks: String,
}
