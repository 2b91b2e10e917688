//! `/accounts/{account}`: the transactions of an account from the chosen day on.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::explanation::Explanation;
use super::layout::{Place, Site, page, see_other};
use super::locale::{bank_name, say};
use super::{display, message, visitor};
use crate::access::{LinkageReader, told_apart};
use crate::account_api::{
    Account, AccountId, Problem, ProblemCode, ReadError, Statement, StatementRange, Task,
    Transaction,
};
use crate::application::Services;
use crate::store::{ImportRange, Linkage, Session};

/// A cursor is the bank's own text; it comes back by way of an address.
const MAX_CURSOR_BYTES: usize = 1024;

#[derive(Template)]
#[template(path = "statement.html")]
struct StatementPage<'a> {
    site: Site<'a>,
    linkage_id: &'a str,
    bank_name: String,
    account_label: String,
    period: String,
    unavailable: Option<String>,
    problem: Option<Explanation>,
    rows: Vec<TransactionRow>,
    first_href: Option<String>,
    next_href: Option<String>,
}

struct TransactionRow {
    item_key: String,
    date: String,
    remarks: String,
    deposit: Option<String>,
    withdrawal: Option<String>,
    balance: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct StatementQuery {
    linkage: Option<String>,
    cursor: Option<String>,
}

pub(super) async fn show(
    request: HttpRequest,
    services: web::Data<Services>,
    path: web::Path<String>,
    query: web::Query<StatementQuery>,
) -> HttpResponse {
    let cursor = query.cursor.as_deref().filter(|cursor| !cursor.is_empty());
    if cursor.is_some_and(|cursor| cursor.len() > MAX_CURSOR_BYTES) {
        return message::missing(&services);
    }
    let found = find(&request, &services, &path, query.linkage.as_deref()).await;
    let Some((session, linkage, account)) = found else {
        return message::missing(&services);
    };
    // The bank is not asked before the customer has said from which day on (step 7).
    let Some(range) = linkage.range else {
        return see_other(&format!("/linkages/{}/import", linkage.id.as_str()));
    };
    let days = days_of(range, &linkage, &account, &services);
    let read = match account.find_task(Task::Transactions) {
        Some(_) => {
            let reader = LinkageReader::new(&services, &session, &linkage.id);
            reader.transactions(&account.account_id, days, cursor).await
        }
        None => Err(not_offered(&account)),
    };
    render(
        &services,
        &linkage,
        &account,
        &Shown {
            range,
            days,
            cursor,
            read,
        },
    )
}

/// Why an account without the task is not asked for.
fn not_offered(account: &Account) -> ReadError {
    let (code, status) = if account.is_unavailable() {
        (ProblemCode::AccountUnavailable, 404)
    } else {
        (ProblemCode::TaskNotInScope, 403)
    };
    ReadError::Problem(Problem {
        code,
        status,
        retry_after_seconds: None,
    })
}

/// One page of an account's transactions, as asked and as answered.
struct Shown<'a> {
    range: ImportRange,
    days: StatementRange,
    cursor: Option<&'a str>,
    read: Result<Statement, ReadError>,
}

async fn find(
    request: &HttpRequest,
    services: &Services,
    account: &str,
    linkage: Option<&str>,
) -> Option<(Arc<Session>, Linkage, Account)> {
    let session = visitor::find(request, services)?;
    let account_id = AccountId::parse(account).ok()?;
    for candidate in session.linkages() {
        if linkage.is_some_and(|id| id != candidate.id.as_str()) {
            continue;
        }
        let mut accounts = candidate.accounts.clone();
        if accounts.is_empty() {
            let reader = LinkageReader::new(services, &session, &candidate.id);
            accounts = reader.accounts().await.unwrap_or_default();
        }
        let account = accounts
            .into_iter()
            .find(|account| account.account_id == account_id);
        if let Some(account) = account {
            return Some((session, candidate, account));
        }
    }
    None
}

fn days_of(
    range: ImportRange,
    linkage: &Linkage,
    account: &Account,
    services: &Services,
) -> StatementRange {
    let available_from = account.transactions_from().max(linkage.limits.history_from);
    StatementRange {
        from: range.first_day(available_from),
        to: services.clock.japan_today(),
    }
}

fn render(
    services: &Services,
    linkage: &Linkage,
    account: &Account,
    shown: &Shown<'_>,
) -> HttpResponse {
    let available_from = account.transactions_from().max(linkage.limits.history_from);
    let (rows, next_cursor, problem) = match &shown.read {
        Ok(statement) => (
            statement
                .transactions
                .iter()
                .map(TransactionRow::new)
                .collect(),
            statement
                .next_cursor
                .as_deref()
                .filter(|cursor| !cursor.is_empty()),
            None,
        ),
        Err(error) => {
            let reason = told_apart(*error, linkage, services);
            (
                Vec::new(),
                None,
                Some(Explanation::of_reason(reason, services.clock.now())),
            )
        }
    };
    let template = StatementPage {
        site: Site::new(&services.settings, Place::Elsewhere),
        linkage_id: linkage.id.as_str(),
        bank_name: bank_name(&linkage.bank),
        account_label: account.label(),
        period: period(shown.days),
        unavailable: shown
            .range
            .unavailable_days(available_from)
            .map(display::unavailable),
        problem,
        rows,
        first_href: shown.cursor.map(|_| page_href(linkage, None)),
        next_href: next_cursor.map(|cursor| page_href(linkage, Some(cursor))),
    };
    page(StatusCode::OK, &template)
}

fn period(days: StatementRange) -> String {
    let to = display::date(days.to);
    match days.from {
        Some(from) => {
            let from = display::date(from);
            say(format!("{from}から{to}まで"), format!("{from} to {to}"))
        }
        None => say(format!("{to}まで"), format!("Up to {to}")),
    }
}

/// An address relative to the page: another page of the same account.
fn page_href(linkage: &Linkage, cursor: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("linkage", linkage.id.as_str());
    if let Some(cursor) = cursor {
        query.append_pair("cursor", cursor);
    }
    format!("?{}", query.finish())
}

impl TransactionRow {
    fn new(transaction: &Transaction) -> Self {
        Self {
            item_key: transaction.item_key.clone(),
            date: display::date(transaction.transaction_date),
            remarks: transaction.remarks.clone(),
            deposit: transaction.deposit_amount.map(display::yen),
            withdrawal: transaction.withdrawal_amount.map(display::yen),
            balance: transaction.balance_after.map(display::yen),
        }
    }
}
