//! GET /v1/accounts: the accounts of the grant, as the bank lists them now.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::NaiveDate;
use serde::Serialize;

use super::AccountApi;
use crate::access_token::AccessToken;
use crate::bank::{AccountType, BankAccount};
use crate::clock::in_japan;
use crate::decisions::{GrantDescription, GrantedAccount};
use crate::problem::Problem;
use crate::query;
use crate::task::Task;
use crate::trace_context::RequestContext;

#[derive(Serialize)]
struct Answer {
    accounts: Vec<Account>,
    grant: Grant,
}

#[derive(Serialize)]
struct Grant {
    grant_id: String,
    valid_until: String,
    history_from: Option<NaiveDate>,
}

#[derive(Serialize)]
struct Account {
    account_id: String,
    status: &'static str,
    branch_code: Option<String>,
    branch_name: Option<String>,
    account_type: Option<&'static str>,
    account_type_name: Option<&'static str>,
    account_number: Option<String>,
    tasks: Vec<AccountTask>,
}

#[derive(Serialize)]
struct AccountTask {
    task: &'static str,
    available_from: NaiveDate,
}

pub(super) async fn read(
    request: HttpRequest,
    api: web::Data<AccountApi>,
    context: web::ReqData<RequestContext>,
) -> Result<HttpResponse, Problem> {
    let token = api.authenticate(&request).await?;
    query::read(request.query_string(), [])?;
    let grant = api.decisions.describe_grant(&token, &context).await?;
    let listed = api
        .bank
        .list_accounts(token.bank_code(), &grant.subject, &context)
        .await?;
    Ok(HttpResponse::Ok().json(answer(&token, &grant, &listed)))
}

/// In the bank's order; what the bank no longer lists comes last.
fn answer(token: &AccessToken, grant: &GrantDescription, listed: &[BankAccount]) -> Answer {
    let place = |granted: &GrantedAccount| {
        listed
            .iter()
            .position(|account| account.bank_account_id == granted.bank_account_id)
            .unwrap_or(usize::MAX)
    };
    let mut granted: Vec<_> = grant
        .accounts
        .iter()
        .map(|granted| (granted, covered_tasks(token, granted)))
        .filter(|(_, tasks)| !tasks.is_empty())
        .collect();
    granted.sort_by_key(|(granted, _)| place(granted));
    let accounts = granted
        .into_iter()
        .map(|(granted, tasks)| account(&granted.account_id, &tasks, listed.get(place(granted))))
        .collect();
    Answer {
        accounts,
        grant: Grant {
            grant_id: token.grant_id().to_owned(),
            valid_until: in_japan(grant.valid_until),
            history_from: grant.history_from,
        },
    }
}

/// What both the grant and the token cover.
fn covered_tasks(token: &AccessToken, granted: &GrantedAccount) -> Vec<Task> {
    let covered = |task: &Task| token.covers(*task, &granted.account_id);
    granted.tasks.iter().copied().filter(covered).collect()
}

fn account(account_id: &str, granted: &[Task], listed: Option<&BankAccount>) -> Account {
    let available_from = |task: Task| listed.and_then(|account| account.available_from(task));
    let tasks: Vec<_> = granted
        .iter()
        .filter_map(|task| {
            available_from(*task).map(|available_from| AccountTask {
                task: task.name(),
                available_from,
            })
        })
        .collect();
    let account_type = listed.and_then(|account| account.account_type);
    Account {
        account_id: account_id.to_owned(),
        status: if tasks.is_empty() {
            "unavailable"
        } else {
            "available"
        },
        branch_code: listed.map(|account| account.branch_code.clone()),
        branch_name: listed.map(|account| account.branch_name.clone()),
        account_type: account_type.map(AccountType::name),
        account_type_name: account_type.map(AccountType::japanese_name),
        account_number: listed.map(|account| account.number.clone()),
        tasks,
    }
}
