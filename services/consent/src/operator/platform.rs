//! Operators of the platform: they change what is the same at every bank.

use std::{future::Future, ops::Deref, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use sqlx::PgPool;
use tracing::Instrument as _;

use super::{Act, Admitted, OperatorId, Subject, api};
use crate::{app::App, problem::Problem, store::sql_span};

/// Whether an operator is one of the platform.
///
/// # Errors
/// The database's.
pub async fn is_of_the_platform(pool: &PgPool, id: &OperatorId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM platform_operators WHERE operator_id = $1)")
        .bind(id.as_str())
        .fetch_one(pool)
        .instrument(sql_span("platform's operator"))
        .await
}

/// An operator of the platform, by a bearer token.
pub struct Platform(Admitted);

impl Deref for Platform {
    type Target = Admitted;

    fn deref(&self) -> &Admitted {
        &self.0
    }
}

impl FromRequest for Platform {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let who = api::identify(&request).await?;
            let app = request
                .app_data::<web::Data<App>>()
                .ok_or(Problem::INTERNAL)?;
            if is_of_the_platform(&app.pool, &who.operator.id).await? {
                return Ok(Self(who));
            }
            let route = request.match_pattern().unwrap_or_default();
            let refused = Act {
                code: "enter",
                subject: Subject::of_kind("address"),
                detail: serde_json::json!({ "route": route, "method": request.method().as_str() }),
            };
            who.record_refused(&app.pool, None, refused).await?;
            Err(Problem::NOTHING_HERE)
        })
    }
}
