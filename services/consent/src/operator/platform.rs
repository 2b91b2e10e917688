//! Operators of the platform: they change what is the same at every bank.

use std::{future::Future, ops::Deref, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use sqlx::PgPool;
use tracing::Instrument as _;

use super::{
    Act, Admitted, OperatorId, Subject, api,
    console::{self, ConsoleRefusal},
    session::SessionCookie,
};
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
            who.record_refused(&app.pool, None, entering(&request))
                .await?;
            Err(Problem::NOTHING_HERE)
        })
    }
}

fn entering(request: &HttpRequest) -> Act {
    let route = request.match_pattern().unwrap_or_default();
    Act {
        code: "enter",
        subject: Subject::of_kind("address"),
        detail: serde_json::json!({ "route": route, "method": request.method().as_str() }),
    }
}

/// An operator of the platform, by a session of the console.
pub struct PlatformConsole {
    who: Admitted,
    /// The session's cookie, for keys of forms.
    pub cookie: SessionCookie,
}

impl PlatformConsole {
    /// Who, with the session's cookie.
    pub fn signed_in(&self) -> (&Admitted, &SessionCookie) {
        (&self.who, &self.cookie)
    }
}

impl Deref for PlatformConsole {
    type Target = Admitted;

    fn deref(&self) -> &Admitted {
        &self.who
    }
}

impl FromRequest for PlatformConsole {
    type Error = ConsoleRefusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ConsoleRefusal>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let (who, cookie) = console::admit(&request).await?;
            let app = request
                .app_data::<web::Data<App>>()
                .ok_or(ConsoleRefusal::Unavailable)?;
            if is_of_the_platform(&app.pool, &who.operator.id).await? {
                return Ok(Self { who, cookie });
            }
            who.record_refused(&app.pool, None, entering(&request))
                .await?;
            Err(ConsoleRefusal::NothingHere)
        })
    }
}
