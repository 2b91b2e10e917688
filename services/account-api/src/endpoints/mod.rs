//! The resources, one file each, and what they share: the caller's proof comes first.

pub(crate) mod accounts;
pub(crate) mod balance;
pub(crate) mod health;
pub(crate) mod transactions;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use crate::access_token::{AccessToken, TokenVerifier};
use crate::bank::Bank;
use crate::bearer::bearer_token;
use crate::boundary::record_caller;
use crate::clock::Clock;
use crate::decisions::{AllowedRead, DataRead, Decisions};
use crate::openapi;
use crate::problem::{Denial, Problem};
use crate::task::{AccountId, Task};
use crate::trace_context::RequestContext;

/// What the resources work with.
pub(crate) struct AccountApi {
    pub(crate) verifier: TokenVerifier,
    pub(crate) decisions: Decisions,
    pub(crate) bank: Bank,
    pub(crate) clock: Clock,
}

/// The paths.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    let resource = |path: &str, route: actix_web::Route| {
        web::resource(path)
            .route(route)
            .default_service(web::to(method_not_allowed))
    };
    config
        .service(resource("/healthz", web::get().to(health::read)))
        .service(resource("/openapi.json", web::get().to(openapi::show)))
        .service(resource("/v1/accounts", web::get().to(accounts::read)))
        .service(resource(
            "/v1/accounts/{account_id}/balance",
            web::get().to(balance::read),
        ))
        .service(resource(
            "/v1/accounts/{account_id}/transactions",
            web::get().to(transactions::read),
        ))
        .default_service(web::to(not_found));
}

async fn not_found() -> Result<&'static str, Problem> {
    Err(Problem::NotFound)
}

async fn method_not_allowed() -> Result<&'static str, Problem> {
    Err(Problem::MethodNotAllowed)
}

impl AccountApi {
    /// Proves who calls.
    async fn authenticate(&self, request: &HttpRequest) -> Result<AccessToken, Problem> {
        let token = self
            .verifier
            .verify(bearer_token(request)?, self.clock.now())
            .await?;
        record_caller(&token);
        Ok(token)
    }

    /// Asks whether this read may be done: the grant by the decision port, then the token's own
    /// limits. In that order, so that a partner whose grant has ended learns that first.
    async fn authorize(
        &self,
        token: &AccessToken,
        task: Task,
        account_id: &AccountId,
        context: &RequestContext,
    ) -> Result<AllowedRead, Problem> {
        let allowed = self
            .decisions
            .decide(token, task, account_id, context)
            .await?;
        if !token.covers_account(account_id.as_str()) {
            return Err(Problem::Denied(Denial::AccountNotInScope));
        }
        if !token.covers(task, account_id.as_str()) {
            return Err(Problem::Denied(Denial::TaskNotInScope(task)));
        }
        Ok(allowed)
    }

    /// Answers with data, once the read is recorded: the one way out for data.
    async fn serve(
        &self,
        token: &AccessToken,
        read: DataRead,
        context: &RequestContext,
        answer: impl Serialize,
    ) -> Result<HttpResponse, Problem> {
        self.decisions
            .record(token, read, &self.clock, context)
            .await?;
        Ok(HttpResponse::Ok().json(answer))
    }
}

/// The account of the path. One that can't be an id is answered like one that is not in the grant.
fn account_id(request: &HttpRequest) -> Result<AccountId, Problem> {
    request
        .match_info()
        .get("account_id")
        .and_then(AccountId::find)
        .ok_or(Problem::Denied(Denial::AccountNotInScope))
}
