//! Who asks the console: pages of no bank take [`admit`], pages under `/console/banks/{bank}` take
//! [`Console`]. A form's handler also checks the form's key ([`super::form_key`]) once it has read the body.

use std::{future::Future, marker::PhantomData, ops::Deref, pin::Pin};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, ResponseError, dev::Payload, http::StatusCode,
    http::header::LOCATION, web,
};
use consent_domain::BankCode;
use sqlx::PgPool;
use tracing::Instrument as _;

use super::{
    Act, Admitted, AtBank, Need, OperatorId, Role, Subject, Via,
    session::{self, SessionCookie},
};
use crate::{app::App, request_context::RequestContext, store::sql_span};

/// Where the console's login is.
pub const LOGIN: &str = "/console/login";

/// Why the console does not let somebody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConsoleRefusal {
    /// No session, or one that is over: to the login.
    #[error("not logged in")]
    NotLoggedIn,
    /// A bank without a role, or one that is not there.
    #[error("not found")]
    NothingHere,
    /// The role reads and does not act.
    #[error("the role does not suffice")]
    RoleTooLow,
    /// The database does not answer.
    #[error("not available now")]
    Unavailable,
}

impl From<sqlx::Error> for ConsoleRefusal {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "the database failed");
        Self::Unavailable
    }
}

impl ResponseError for ConsoleRefusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotLoggedIn => StatusCode::SEE_OTHER,
            Self::NothingHere => StatusCode::NOT_FOUND,
            Self::RoleTooLow => StatusCode::FORBIDDEN,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if *self == Self::NotLoggedIn {
            response.insert_header((LOCATION, LOGIN));
        }
        response
            .content_type("text/plain; charset=utf-8")
            .body(self.to_string())
    }
}

/// An operator, admitted to the bank in the path by a session, with at least the role of `N`.
pub struct Console<N> {
    at: AtBank,
    /// The session's cookie, for keys of forms.
    pub cookie: SessionCookie,
    need: PhantomData<N>,
}

impl<N> Deref for Console<N> {
    type Target = AtBank;

    fn deref(&self) -> &AtBank {
        &self.at
    }
}

impl<N: Need> FromRequest for Console<N> {
    type Error = ConsoleRefusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ConsoleRefusal>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let (at, cookie) = admit_to_bank(&request, N::ROLE).await?;
            Ok(Self {
                at,
                cookie,
                need: PhantomData,
            })
        })
    }
}

/// Who asks, at no bank in particular, with the session's cookie.
///
/// # Errors
/// [`ConsoleRefusal::NotLoggedIn`], [`ConsoleRefusal::Unavailable`].
pub async fn admit(request: &HttpRequest) -> Result<(Admitted, SessionCookie), ConsoleRefusal> {
    let (who, _, cookie) = look_up(request, None).await?;
    Ok((who, cookie))
}

async fn look_up(
    request: &HttpRequest,
    bank: Option<&BankCode>,
) -> Result<(Admitted, Option<Role>, SessionCookie), ConsoleRefusal> {
    let app = request
        .app_data::<web::Data<App>>()
        .ok_or(ConsoleRefusal::Unavailable)?;
    let cookie = SessionCookie::find(app, request).ok_or(ConsoleRefusal::NotLoggedIn)?;
    let found = session::find(&app.pool, &cookie, bank).await?;
    let found = found.ok_or(ConsoleRefusal::NotLoggedIn)?;
    let who = Admitted {
        operator: found.operator,
        via: Via::Console,
        credential: found.session_id,
        request: RequestContext::of(request),
    };
    Ok((who, found.role, cookie))
}

async fn admit_to_bank(
    request: &HttpRequest,
    needed: Role,
) -> Result<(AtBank, SessionCookie), ConsoleRefusal> {
    let bank = request.match_info().get("bank").unwrap_or_default();
    let bank = BankCode::parse(bank).ok();
    let (who, role, cookie) = look_up(request, bank.as_ref()).await?;
    let app = request
        .app_data::<web::Data<App>>()
        .ok_or(ConsoleRefusal::Unavailable)?;
    let Some(bank) = bank else {
        return Err(ConsoleRefusal::NothingHere);
    };
    let refused = || {
        let route = request.match_pattern().unwrap_or_default();
        Act {
            code: "enter",
            subject: Subject::of_kind("address"),
            detail: serde_json::json!({ "route": route, "method": request.method().as_str() }),
        }
    };
    match role {
        None => {
            who.record_refused(&app.pool, Some(&bank), refused())
                .await?;
            Err(ConsoleRefusal::NothingHere)
        }
        Some(role) if role < needed => {
            who.record_refused(&app.pool, Some(&bank), refused())
                .await?;
            Err(ConsoleRefusal::RoleTooLow)
        }
        Some(role) => Ok((AtBank { who, bank, role }, cookie)),
    }
}

/// At which banks an operator has which role.
///
/// # Errors
/// The database's.
pub async fn roles_of(
    pool: &PgPool,
    operator: &OperatorId,
) -> Result<Vec<(BankCode, Role)>, sqlx::Error> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT bank, role FROM operator_roles WHERE operator_id = $1 ORDER BY bank",
    )
    .bind(operator.as_str())
    .fetch_all(pool)
    .instrument(sql_span("operator's roles"))
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|(bank, role)| Some((BankCode::parse(bank).ok()?, Role::find(&role)?)))
        .collect())
}
