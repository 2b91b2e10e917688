//! One page of a statement, and the token that asks for the next.

use chrono::NaiveDate;
use renkei_proto::bank::v1 as port;

use crate::ledger::{self, Item};
use crate::port_error::PortError;
use crate::seed::Account;

const PAGE_SIZE: usize = 100;
const PAGE_SIZE_MAX: usize = 500;

/// The items from `from_date` to `to_date`, oldest first. Days before the account's first served
/// day, and days to come, have none: what the bank does not have is no error.
pub(crate) fn page(
    account: &Account,
    request: &port::ListTransactionsRequest,
    today: NaiveDate,
) -> Result<port::ListTransactionsResponse, PortError> {
    let from = day(
        &request.from_date,
        "from_date is not a day written YYYY-MM-DD",
    )?;
    let to = day(&request.to_date, "to_date is not a day written YYYY-MM-DD")?;
    if from > to {
        return Err(PortError::Invalid("from_date is after to_date"));
    }
    let page_size = match usize::try_from(request.page_size) {
        Ok(0) => PAGE_SIZE,
        Ok(size) if size <= PAGE_SIZE_MAX => size,
        _ => return Err(PortError::Invalid("page_size is above 500")),
    };
    let query = ledger::hash([
        request.bank_code.as_bytes(),
        request.contract_id.as_bytes(),
        account.id.as_bytes(),
        request.from_date.as_bytes(),
        request.to_date.as_bytes(),
    ]);

    let items = account.ledger.items(today);
    let first = from.max(account.statements_from(today));
    let start = items.partition_point(|item| item.transaction_date < first);
    let end = items.partition_point(|item| item.transaction_date <= to);
    let at = match request.page_token.as_str() {
        "" => start,
        token => place_in(token, query)?.max(start),
    };
    let stop = at.saturating_add(page_size).min(end);
    let transactions = items
        .get(at..stop)
        .unwrap_or_default()
        .iter()
        .map(transaction)
        .collect();
    let next_page_token = if stop < end && at < stop {
        token(stop, query)
    } else {
        String::new()
    };
    Ok(port::ListTransactionsResponse {
        transactions,
        next_page_token,
        asked: None,
    })
}

/// The place of the next item among all items of the account, good for one query only. Items are
/// only ever added at the end, so the place holds from day to day.
fn token(place: usize, query: u64) -> String {
    format!("{query:016x}{place:08x}")
}

fn place_in(token: &str, query: u64) -> Result<usize, PortError> {
    let strange = PortError::Invalid("page_token belongs to another query");
    let (of_query, place) = token.split_at_checked(16).ok_or(strange.clone())?;
    let place = usize::from_str_radix(place, 16).map_err(|_| strange.clone())?;
    if of_query == format!("{query:016x}") && token == self::token(place, query) {
        Ok(place)
    } else {
        Err(strange)
    }
}

fn transaction(item: &Item) -> port::Transaction {
    port::Transaction {
        item_key: item.key.clone(),
        transaction_date: item.transaction_date.to_string(),
        value_date: item.value_date.to_string(),
        direction: item.direction.on_port().into(),
        amount_yen: item.amount_yen,
        balance_after_yen: item.balance_after_yen,
        remarks: item.remarks.clone(),
    }
}

/// Ten characters exactly: the reader of days alone would take 2026-1-5 too.
fn day(text: &str, complaint: &'static str) -> Result<NaiveDate, PortError> {
    match text.parse::<NaiveDate>() {
        Ok(day) if text.len() == 10 && day.to_string() == text => Ok(day),
        _ => Err(PortError::Invalid(complaint)),
    }
}
