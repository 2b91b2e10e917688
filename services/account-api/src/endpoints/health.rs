//! GET /healthz: the process answers. It says nothing of the services behind, whose outages must
//! not make a balancer take every replica away.

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

/// That the process answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

#[utoipa::path(
    get,
    path = "/healthz",
    tag = "health",
    operation_id = "health",
    summary = "Whether the process answers",
    description = "It says nothing of the services behind.",
    responses((status = 200, description = "It does", body = Health))
)]
pub(crate) async fn read() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok" })
}
