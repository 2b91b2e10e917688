//! GET /v1/accounts/{account_id}/balance: 残高照会.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::{AccountApi, account_id};
use crate::clock::in_japan;
use crate::problem::Problem;
use crate::query;
use crate::task::Task;
use crate::trace_context::RequestContext;

#[derive(Serialize)]
struct Answer<'a> {
    account_id: &'a str,
    balance: Amount,
    available_balance: Amount,
    as_of: String,
}

#[derive(Serialize)]
struct Amount {
    amount: i64,
    currency: &'static str,
}

pub(super) async fn read(
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
    Ok(HttpResponse::Ok().json(Answer {
        account_id: account_id.as_str(),
        balance: yen(balance.balance_yen),
        available_balance: yen(balance.available_balance_yen),
        as_of: in_japan(balance.as_of),
    }))
}

fn yen(amount: i64) -> Amount {
    Amount {
        amount,
        currency: "JPY",
    }
}
