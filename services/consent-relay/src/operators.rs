//! The operators' listener: health and metrics.

use actix_web::{
    HttpResponse,
    web::{Data, ServiceConfig, get},
};
use serde::Serialize;

use crate::{
    metrics::{CONTENT_TYPE, METRICS},
    publisher::State,
    relay::{Role, Standing},
};

/// The routes.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/health/live", get().to(live))
        .route("/health/ready", get().to(ready))
        .route("/metrics", get().to(show_metrics));
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

async fn live() -> HttpResponse {
    HttpResponse::Ok().json(Health {
        status: "live",
        role: None,
        reason: None,
    })
}

/// Ready while it leads and publishes, or stands by on a database that answers.
async fn ready(standing: Data<Standing>) -> HttpResponse {
    let role = standing.role.borrow().clone();
    let publisher = standing.publisher.borrow().clone();
    let (role, reason) = match (role, publisher) {
        (Role::Unable(reason), _) => ("none", Some(reason)),
        (Role::Leader(_), State::Failing(reason)) => ("leader", Some(reason)),
        (Role::Leader(_), State::Starting) => {
            ("leader", Some("the publisher is starting".to_owned()))
        }
        (Role::Leader(_), State::Publishing) => ("leader", None),
        (Role::Standby, _) => {
            let answered = sqlx::query("SELECT 1").execute(&standing.pool).await;
            let reason = answered
                .err()
                .map(|error| format!("the database does not answer: {error}"));
            ("standby", reason)
        }
    };
    let health = Health {
        status: if reason.is_none() {
            "ready"
        } else {
            "not ready"
        },
        role: Some(role),
        reason,
    };
    if health.reason.is_none() {
        HttpResponse::Ok().json(health)
    } else {
        HttpResponse::ServiceUnavailable().json(health)
    }
}

async fn show_metrics() -> HttpResponse {
    match METRICS.text() {
        Ok(text) => HttpResponse::Ok().content_type(CONTENT_TYPE).body(text),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}
