//! The operators' listener: health and metrics; under `/v1` the operators' API, which `operator` lets in.

mod act_routes;
mod answer;
pub(crate) mod bulk;
mod bulk_bodies;
mod coded;
pub(crate) mod consent_answers;
pub(crate) mod consent_filters;
pub(crate) mod consent_life;
pub(crate) mod cursor;
pub(crate) mod ends;
pub(crate) mod export;
pub(crate) mod funnel;
pub(crate) mod journey_filters;
pub(crate) mod lines;
mod listing;
pub(crate) mod me;
pub(crate) mod orders;
mod paging;
pub(crate) mod partner_access;
pub(crate) mod partners;
pub(crate) mod partners_here;
mod paths;
pub(crate) mod query;
pub(crate) mod received;
pub(crate) mod recorded_acts;
pub(crate) mod searches;
pub(crate) mod suspensions;

use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig, get, post, resource},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{app::App, authorization_server::introspect, metrics, openapi};

/// The routes of the operators' listener.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/openapi.json", get().to(openapi::show_operators))
        .route("/health/live", get().to(live))
        .route("/health/ready", get().to(ready))
        .route("/metrics", get().to(show_metrics))
        .route("/v1/me", get().to(me::show))
        .route("/v1/banks/{bank}/acts", get().to(recorded_acts::list))
        .route("/v1/banks/{bank}/funnel", get().to(funnel::show))
        .route("/v1/banks/{bank}/consents", get().to(searches::consents))
        .route(
            "/v1/banks/{bank}/consents.csv",
            get().to(searches::consents_csv),
        )
        .route(
            "/v1/banks/{bank}/consents.ndjson",
            get().to(searches::consents_ndjson),
        )
        .route(
            "/v1/banks/{bank}/consents/{grant}",
            get().to(consent_life::show),
        )
        .route(
            "/v1/banks/{bank}/consents/{grant}/story",
            get().to(consent_life::story),
        )
        .route(
            "/v1/banks/{bank}/consents/{grant}/why",
            get().to(consent_life::reasons),
        )
        .route(
            "/v1/banks/{bank}/partners/{partner}/access",
            get().to(partner_access::show),
        )
        .route("/v1/banks/{bank}/journeys", get().to(searches::journeys))
        .route(
            "/v1/banks/{bank}/journeys.csv",
            get().to(searches::journeys_csv),
        )
        .route(
            "/v1/banks/{bank}/journeys.ndjson",
            get().to(searches::journeys_ndjson),
        )
        .configure(act_routes::routes)
        .service(resource("/{bank}/introspect").route(post().to(introspect::for_resource_server)));
}

/// How a replica is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `live`, `ready` or `not ready`.
    #[schema(example = "ready")]
    status: &'static str,
    /// Why it is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "the database does not answer")]
    reason: Option<&'static str>,
}

/// Live while it answers.
#[utoipa::path(
    get,
    path = "/health/live",
    tag = "health",
    operation_id = "live",
    summary = "Whether the process answers",
    responses((status = 200, description = "It does", body = Health))
)]
pub(crate) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(Health {
        status: "live",
        reason: None,
    })
}

/// Ready while the database answers.
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "health",
    operation_id = "ready",
    summary = "Whether requests should be sent here",
    responses(
        (status = 200, description = "Ready", body = Health),
        (status = 503, description = "Not ready", body = Health)
    )
)]
pub(crate) async fn ready(app: web::Data<App>) -> HttpResponse {
    match sqlx::query("SELECT 1").execute(&app.pool).await {
        Ok(_) => HttpResponse::Ok().json(Health {
            status: "ready",
            reason: None,
        }),
        Err(error) => {
            tracing::warn!(%error, "the database does not answer");
            HttpResponse::ServiceUnavailable().json(Health {
                status: "not ready",
                reason: Some("the database does not answer"),
            })
        }
    }
}

/// What is counted, as OpenMetrics text.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "metrics",
    operation_id = "metrics",
    summary = "What this process counted since it started, for Prometheus",
    description = "OpenMetrics text. Labels are words from short lists: never an id, never anything typed.",
    responses(
        (
            status = 200,
            description = "Every metric",
            body = String,
            content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8"
        ),
        (status = 500, description = "They could not be written")
    )
)]
pub(crate) async fn show_metrics(app: web::Data<App>) -> HttpResponse {
    match metrics::text(&app.pool) {
        Ok(text) => HttpResponse::Ok()
            .content_type(metrics::CONTENT_TYPE)
            .body(text),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}
