//! `/accounts`: the linked accounts with their balances.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::explanation::Explanation;
use super::layout::{Place, Site, page};
use super::locale::{bank_name, say};
use super::{display, visitor};
use crate::access::{LinkageReader, told_apart};
use crate::account_api::{Account, Balance, ReadError, Task};
use crate::application::Services;
use crate::store::{Linkage, Session};

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage<'a> {
    site: Site<'a>,
    is_saved: bool,
    groups: Vec<LinkageGroup>,
}

struct LinkageGroup {
    id: String,
    bank_name: String,
    valid_until: Option<String>,
    range: String,
    notices: Vec<Explanation>,
    rows: Vec<AccountRow>,
}

struct AccountRow {
    id: String,
    branch: String,
    kind_and_number: String,
    balance: BalanceCell,
    first_day: String,
    unavailable: Option<String>,
    statement_href: Option<String>,
    /// What stands in place of the link to the statement.
    no_statement: &'static str,
}

/// Beside data that the linkage does not allow.
fn not_allowed() -> &'static str {
    say("対象外", "Not included")
}

/// Beside data that is allowed and can't be had.
fn not_to_be_had() -> &'static str {
    say("取得できません", "Not available")
}

enum BalanceCell {
    Known {
        balance: String,
        available: Option<String>,
        as_of: String,
    },
    Unknown(&'static str),
}

#[derive(Deserialize)]
pub(super) struct AccountsQuery {
    saved: Option<String>,
}

pub(super) async fn show(
    request: HttpRequest,
    services: web::Data<Services>,
    query: Option<web::Query<AccountsQuery>>,
) -> HttpResponse {
    let mut groups = Vec::new();
    let mut is_saved = false;
    if let Some(session) = visitor::find(&request, &services) {
        let saved = query.and_then(|query| query.into_inner().saved);
        for linkage in session.linkages() {
            is_saved |= linkage.range.is_some() && saved.as_deref() == Some(linkage.id.as_str());
            groups.push(group(&services, &session, &linkage).await);
        }
    }
    let site = Site::new(&services.settings, Place::Accounts);
    page(
        StatusCode::OK,
        &AccountsPage {
            site,
            is_saved,
            groups,
        },
    )
}

async fn group(services: &Services, session: &Session, linkage: &Linkage) -> LinkageGroup {
    let now = services.clock.now();
    let reader = LinkageReader::new(services, session, &linkage.id);
    let explain = |error| Explanation::of_reason(told_apart(error, linkage, services), now);
    let mut notices: Vec<Explanation> = Vec::new();
    let rows = match reader.accounts().await {
        Ok(accounts) => {
            let balances = reader.balances(&accounts).await;
            for error in balances
                .iter()
                .flatten()
                .filter_map(|result| result.as_ref().err())
            {
                let notice = explain(*error);
                if !notices.contains(&notice) {
                    notices.push(notice);
                }
            }
            let rows = accounts.iter().zip(balances);
            rows.map(|(account, balance)| AccountRow::new(linkage, account, balance))
                .collect()
        }
        Err(error) => {
            notices.push(explain(error));
            let unread = |account| AccountRow::new(linkage, account, Some(Err(error)));
            linkage.accounts.iter().map(unread).collect()
        }
    };
    LinkageGroup {
        id: linkage.id.as_str().to_owned(),
        bank_name: bank_name(&linkage.bank),
        valid_until: linkage.limits.valid_until.map(display::last_minute),
        range: display::range(linkage.range),
        notices,
        rows,
    }
}

impl AccountRow {
    fn new(
        linkage: &Linkage,
        account: &Account,
        balance: Option<Result<Balance, ReadError>>,
    ) -> Self {
        let missing = if account.is_unavailable() {
            not_to_be_had()
        } else {
            not_allowed()
        };
        let has_statement = account.find_task(Task::Transactions).is_some();
        let available_from = account.transactions_from().max(linkage.limits.history_from);
        let range = linkage.range.filter(|_| has_statement);
        let first_day = match range {
            None if has_statement => say("未設定", "Not set").to_owned(),
            None => missing.to_owned(),
            Some(range) => range.first_day(available_from).map_or_else(
                || say("取得可能な最初の日", "First day available").to_owned(),
                display::date,
            ),
        };
        Self {
            id: account.account_id.as_str().to_owned(),
            // Where nothing of an account is known, its label still says so.
            branch: match account.kind_and_number() {
                Some(_) => account.branch().unwrap_or_default(),
                None => account.label(),
            },
            kind_and_number: account.kind_and_number().unwrap_or_default(),
            balance: BalanceCell::new(balance, missing),
            first_day,
            unavailable: range
                .and_then(|range| range.unavailable_days(available_from))
                .map(display::unavailable),
            statement_href: has_statement.then(|| statement_address(linkage, account)),
            no_statement: missing,
        }
    }
}

/// The identifier of the linkage tells apart accounts that two linkages share.
fn statement_address(linkage: &Linkage, account: &Account) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("linkage", linkage.id.as_str());
    let account: String =
        url::form_urlencoded::byte_serialize(account.account_id.as_str().as_bytes()).collect();
    format!("/accounts/{account}?{}", query.finish())
}

impl BalanceCell {
    fn new(balance: Option<Result<Balance, ReadError>>, missing: &'static str) -> Self {
        match balance {
            None => Self::Unknown(missing),
            Some(Err(_)) => Self::Unknown(not_to_be_had()),
            Some(Ok(balance)) => Self::Known {
                balance: display::yen(balance.balance_yen),
                available: balance.available_yen.map(display::yen),
                as_of: display::time(balance.as_of),
            },
        }
    }
}
