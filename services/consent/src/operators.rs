//! The operators' listener: health now, the operator API as it grows.

use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig, get},
};
use serde_json::json;

use crate::app::App;

/// The routes of the operators' listener.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/health/live", get().to(|| async { HttpResponse::Ok().json(json!({"status": "live"})) }))
        .route("/health/ready", get().to(ready));
}

/// Ready while the database answers.
async fn ready(app: web::Data<App>) -> HttpResponse {
    match sqlx::query("SELECT 1").execute(&app.pool).await {
        Ok(_) => HttpResponse::Ok().json(json!({"status": "ready"})),
        Err(error) => {
            tracing::warn!(%error, "the database does not answer");
            HttpResponse::ServiceUnavailable()
                .json(json!({"status": "not ready", "reason": "the database does not answer"}))
        }
    }
}
