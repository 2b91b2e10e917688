//! GET /healthz: the process answers. It says nothing of the services behind, whose outages must
//! not make a balancer take every replica away.

use actix_web::HttpResponse;

pub(super) async fn read() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "status": "ok" }))
}
