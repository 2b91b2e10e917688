//! What a client read from account-api, account by account.

use std::io::{self, Write};

use serde_json::Value;

use crate::agent::text_table::write_table;
use crate::agent::walk::{AccountReading, Reading};

/// The most transactions printed of an account; they are its newest.
const TRANSACTIONS: usize = 5;

const COLUMNS: [&str; 5] = ["取引日", "摘要", "入金", "出金", "取引後残高"];

/// Prints each account with its balance and its newest transactions.
///
/// # Errors
/// As `out`.
pub(super) fn print(out: &mut impl Write, reading: &Reading) -> io::Result<()> {
    reading
        .each
        .iter()
        .try_for_each(|account| print_account(out, &reading.accounts, account))
}

fn print_account(
    out: &mut impl Write,
    accounts: &Value,
    reading: &AccountReading,
) -> io::Result<()> {
    writeln!(out, "  {}", label(accounts, &reading.account_id))?;
    if let Some(balance) = &reading.balance {
        let amount = yen(balance.pointer("/balance/amount"));
        writeln!(out, "    残高 {amount}円（{}）", text(balance.get("as_of")))?;
    }
    let Some(page) = &reading.transactions else {
        return Ok(());
    };
    let all = page
        .get("transactions")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let (from, to) = (text(page.get("from")), text(page.get("to")));
    writeln!(out, "    入出金明細 {from}〜{to}、{}件", all.len())?;
    let newest = all
        .get(all.len().saturating_sub(TRANSACTIONS)..)
        .unwrap_or_default();
    let rows: Vec<Vec<String>> = newest.iter().map(row).collect();
    if rows.is_empty() {
        Ok(())
    } else {
        write_table(out, &COLUMNS, &rows)
    }
}

/// 「インターネット支店(000) 普通 5000000」; the bare id of an account that the list does not have.
fn label(accounts: &Value, account_id: &str) -> String {
    let listed = accounts.get("accounts").and_then(Value::as_array);
    let found = listed
        .into_iter()
        .flatten()
        .find(|account| account.get("account_id").and_then(Value::as_str) == Some(account_id));
    let Some(account) = found else {
        return account_id.to_owned();
    };
    let part = |name: &str| text(account.get(name));
    format!(
        "{}({}) {} {}",
        part("branch_name"),
        part("branch_code"),
        part("account_type_name"),
        part("account_number"),
    )
}

fn row(transaction: &Value) -> Vec<String> {
    let amount = |name: &str| format!("{:>11}", yen(transaction.get(name)));
    vec![
        text(transaction.get("transaction_date")),
        text(transaction.get("remarks")),
        amount("deposit_amount"),
        amount("withdrawal_amount"),
        amount("balance_after"),
    ]
}

fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or("-").to_owned()
}

/// Integer yen with separators; nothing where there is no amount.
fn yen(value: Option<&Value>) -> String {
    let Some(amount) = value.and_then(Value::as_i64) else {
        return String::new();
    };
    let digits = amount.unsigned_abs().to_string();
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if amount < 0 {
        format!("-{grouped}")
    } else {
        grouped
    }
}
