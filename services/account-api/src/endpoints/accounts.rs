//! GET /v1/accounts: the accounts of the grant, as the bank lists them now.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use super::AccountApi;
use crate::access_token::AccessToken;
use crate::bank::{AccountType, BankAccount};
use crate::clock::in_japan;
use crate::decisions::{DataRead, GrantDescription, GrantedAccount, What};
use crate::problem::Problem;
use crate::query;
use crate::task::Task;
use crate::trace_context::RequestContext;

/// The accounts that the grant and the token cover.
#[derive(Serialize, ToSchema)]
#[schema(as = Accounts)]
pub(crate) struct Answer {
    /// In the bank's order; those that the bank lists no longer come last.
    accounts: Vec<Account>,
    /// What the answer rests on.
    grant: Grant,
}

/// A customer's permission.
#[derive(Serialize, ToSchema)]
struct Grant {
    /// Its id.
    #[schema(example = "0196384e-1b2c-7d3e-8f40-5a6b7c8d9e0f")]
    grant_id: String,
    /// When it ends.
    #[schema(format = DateTime, example = "2026-12-31T23:59:59+09:00")]
    valid_until: String,
    /// First day that the customer allowed; `null` for no limit.
    #[schema(example = "2026-01-01")]
    history_from: Option<NaiveDate>,
}

/// One account.
#[derive(Serialize, ToSchema)]
struct Account {
    /// The partner's own id of the account, the same in every grant.
    #[schema(example = "q3Zk0mJx8VtY1nLc5RbW2A")]
    account_id: String,
    /// `available`, or `unavailable` where the bank lists the account no longer or offers none of its
    /// granted tasks.
    #[schema(example = "available")]
    status: &'static str,
    /// 支店番号, three digits; `null` where not listed.
    #[schema(example = "000")]
    branch_code: Option<String>,
    /// 支店名; `null` where not listed.
    #[schema(example = "インターネット支店")]
    branch_name: Option<String>,
    /// `ordinary`, `current`, `savings`; `null` where not listed or of another type.
    #[schema(example = "ordinary")]
    account_type: Option<&'static str>,
    /// 普通, 当座, 貯蓄.
    #[schema(example = "普通")]
    account_type_name: Option<&'static str>,
    /// 口座番号, seven digits; `null` where not listed.
    #[schema(example = "1234567")]
    account_number: Option<String>,
    /// What may be read now.
    tasks: Vec<AccountTask>,
}

/// What may be read of an account.
#[derive(Serialize, ToSchema)]
struct AccountTask {
    /// `balance` (残高照会) or `transactions` (入出金明細照会).
    #[schema(example = "transactions")]
    task: &'static str,
    /// The first day that the bank has data for.
    #[schema(example = "2025-12-01")]
    available_from: NaiveDate,
}

#[utoipa::path(
    get,
    path = "/v1/accounts",
    tag = "accounts",
    operation_id = "accounts",
    summary = "The accounts that the grant and the token cover",
    responses((status = 200, description = "The accounts", body = Answer)),
    security(("access_token" = []))
)]
pub(crate) async fn read(
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
    let answer = answer(&token, &grant, &listed);
    let read = DataRead {
        what: What::Accounts,
        rows: answer.accounts.len(),
    };
    api.serve(&token, read, &context, answer).await
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
