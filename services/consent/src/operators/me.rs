//! Whose token it is: `GET /v1/me`.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::answer;
use crate::{
    app::App,
    operator::{Act, Role, Subject, api, console::roles_of},
    problem::Problem,
};

/// An operator, as it is known here.
#[derive(Serialize, ToSchema)]
pub(crate) struct Me {
    /// The id that the record and the facts name.
    #[schema(example = "suzuki")]
    id: String,
    /// As people call it.
    #[schema(example = "鈴木")]
    name: String,
    /// Where it may do what.
    banks: Vec<AtBankAs>,
}

/// A role at a bank.
#[derive(Serialize, ToSchema)]
pub(crate) struct AtBankAs {
    /// The bank's code.
    #[schema(example = "2963")]
    bank: String,
    /// `auditor` reads; `operator` reads and acts.
    role: Role,
}

/// Whose token it is.
#[utoipa::path(
    get,
    path = "/v1/me",
    tag = "operators",
    operation_id = "me",
    summary = "Whose token this is, and at which banks it is good for what",
    responses((status = 200, description = "The operator", body = Me)),
    security(("operator_token" = []))
)]
pub(crate) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let who = api::identify(&request).await?;
    let own = Subject::new("operator", who.operator.id.as_str());
    who.record(&app.pool, Act::on("read_own_roles", own))
        .await?;
    let roles = roles_of(&app.pool, &who.operator.id).await?;
    let me = Me {
        id: who.operator.id.to_string(),
        name: who.operator.name,
        banks: roles
            .into_iter()
            .map(|(bank, role)| AtBankAs {
                bank: bank.to_string(),
                role,
            })
            .collect(),
    };
    Ok(answer(&me))
}
