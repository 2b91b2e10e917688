//! GET /v1/accounts/{account_id}/balance: 残高照会.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{AccountApi, account_id};
use crate::clock::in_japan;
use crate::decisions::{DataRead, What};
use crate::problem::Problem;
use crate::query;
use crate::task::Task;
use crate::trace_context::RequestContext;

/// 残高.
#[derive(Serialize, ToSchema)]
#[schema(as = Balance)]
pub(crate) struct Answer<'a> {
    /// The partner's own id of the account.
    #[schema(example = "q3Zk0mJx8VtY1nLc5RbW2A")]
    account_id: &'a str,
    /// 残高.
    balance: Amount,
    /// 支払可能残高.
    available_balance: Amount,
    /// The moment that the bank's figures are of.
    #[schema(format = DateTime, example = "2026-04-15T12:00:00+09:00")]
    as_of: String,
}

/// An amount of money.
#[derive(Serialize, ToSchema)]
struct Amount {
    /// Whole yen.
    #[schema(example = 1_234_567)]
    amount: i64,
    /// Always `JPY`.
    #[schema(example = "JPY")]
    currency: &'static str,
}

#[utoipa::path(
    get,
    path = "/v1/accounts/{account_id}/balance",
    tag = "accounts",
    operation_id = "balance",
    summary = "残高照会",
    params(crate::openapi::AccountPath),
    responses((status = 200, description = "The balance", body = Answer)),
    security(("access_token" = ["balance"]))
)]
pub(crate) async fn read(
    request: HttpRequest,
    api: web::Data<AccountApi>,
    context: web::ReqData<RequestContext>,
) -> Result<HttpResponse, Problem> {
    let token = api.authenticate(&request).await?;
    query::read(request.query_string(), [])?;
    let account_id = account_id(&request)?;
    let allowed = api
        .authorize(&token, Task::Balance, &account_id, &context)
        .await?;
    let listing = api
        .bank
        .account(token.bank_code(), &allowed, &context)
        .await?;
    if listing.available_from(Task::Balance).is_none() {
        return Err(Problem::AccountUnavailable);
    }
    let balance = api
        .bank
        .balance(token.bank_code(), &allowed, &context)
        .await?;
    let answer = Answer {
        account_id: account_id.as_str(),
        balance: yen(balance.balance_yen),
        available_balance: yen(balance.available_balance_yen),
        as_of: in_japan(balance.as_of),
    };
    let bank_account_id = allowed.bank_account_id;
    let read = DataRead {
        what: What::Balance { bank_account_id },
        rows: 1,
    };
    api.serve(&token, read, &context, answer).await
}

fn yen(amount: i64) -> Amount {
    Amount {
        amount,
        currency: "JPY",
    }
}
