//! Suspensions of a consent and of the levels above it.

use actix_web::{HttpResponse, web};
use consent_domain::suspension::SuspensionCause;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    answer::OrderAnswer,
    paths::{self, AtBankPath, ConsentPath, ContractPath, PartnerPath},
    received::{KeyHeader, Ordered},
};
use crate::{app::App, lifecycle::Level, operator_orders::Wish, problem::Problem};

/// A cause of suspension, by name.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct CauseCode(SuspensionCause);

impl TryFrom<String> for CauseCode {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        SuspensionCause::find(&name)
            .map(Self)
            .ok_or("not a cause of suspension")
    }
}

super::coded::coded!(
    CauseCode,
    "SuspensionCause",
    SuspensionCause::ALL,
    SuspensionCause::as_str
);

/// A cause of suspension that comes or goes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cause {
    #[schema(inline)]
    cause: CauseCode,
}

/// Whether the cause comes or goes.
#[derive(Clone, Copy)]
enum Turn {
    Suspend,
    Restore,
}

async fn turn(
    app: &App,
    order: Ordered<Cause>,
    level: Result<Level, Problem>,
    turn: Turn,
) -> Result<HttpResponse, Problem> {
    let wish = |wanted: Cause| {
        let (level, cause) = (level?, wanted.cause.0);
        Ok(match turn {
            Turn::Suspend => Wish::Suspend { level, cause },
            Turn::Restore => Wish::Restore { level, cause },
        })
    };
    order.perform(app, wish).await
}

fn consent(grant: &str) -> Result<Level, Problem> {
    paths::grant(grant).map(Level::Consent)
}

fn contract(contract: &str) -> Result<Level, Problem> {
    paths::contract(contract).map(Level::Contract)
}

fn partner(partner: &str) -> Result<Level, Problem> {
    paths::partner(partner).map(Level::Partner)
}

macro_rules! turns {
    ($($name:ident, $turn:ident, $level:expr, $path:literal, $parameters:ident, $summary:literal;)+) => {$(
        #[doc = $summary]
        #[utoipa::path(
            post,
            path = $path,
            tag = "acts",
            operation_id = stringify!($name),
            summary = $summary,
            description = "For every read that starts after the answer, on every replica. A suspension lasts \
                while one cause stands; each is lifted by itself.",
            params($parameters, KeyHeader),
            request_body(content = Cause, content_type = "application/json"),
            responses((status = 200, description = "It is so", body = OrderAnswer)),
            security(("operator_token" = []))
        )]
        pub(crate) async fn $name(
            app: web::Data<App>,
            order: Ordered<Cause>,
            path: AtBankPath,
        ) -> Result<HttpResponse, Problem> {
            turn(&app, order, $level(&path.1), Turn::$turn).await
        }
    )+};
}

turns! {
    suspend_consent, Suspend, consent, "/v1/banks/{bank}/consents/{grant}/suspensions", ConsentPath,
        "Suspend a consent for one more cause";
    restore_consent, Restore, consent, "/v1/banks/{bank}/consents/{grant}/restorations", ConsentPath,
        "Lift one cause of a consent's suspension";
    suspend_contract, Suspend, contract, "/v1/banks/{bank}/contracts/{contract}/suspensions", ContractPath,
        "Suspend everything of a contract for one more cause";
    restore_contract, Restore, contract, "/v1/banks/{bank}/contracts/{contract}/restorations", ContractPath,
        "Lift one cause of a contract's suspension";
    suspend_partner, Suspend, partner, "/v1/banks/{bank}/partners/{partner}/suspensions", PartnerPath,
        "Suspend everything of a partner at the bank for one more cause";
    restore_partner, Restore, partner, "/v1/banks/{bank}/partners/{partner}/restorations", PartnerPath,
        "Lift one cause of a partner's suspension at the bank";
}

/// Suspends the whole bank.
#[utoipa::path(
    post,
    path = "/v1/banks/{bank}/suspensions",
    tag = "acts",
    operation_id = "suspend_bank",
    summary = "Suspend everything at the bank for one more cause",
    params(crate::openapi::BankPath, KeyHeader),
    request_body(content = Cause, content_type = "application/json"),
    responses((status = 200, description = "It is so", body = OrderAnswer)),
    security(("operator_token" = []))
)]
pub(crate) async fn suspend_bank(
    app: web::Data<App>,
    order: Ordered<Cause>,
) -> Result<HttpResponse, Problem> {
    turn(&app, order, Ok(Level::Bank), Turn::Suspend).await
}

/// Lifts one cause of the whole bank's suspension.
#[utoipa::path(
    post,
    path = "/v1/banks/{bank}/restorations",
    tag = "acts",
    operation_id = "restore_bank",
    summary = "Lift one cause of the bank's suspension",
    params(crate::openapi::BankPath, KeyHeader),
    request_body(content = Cause, content_type = "application/json"),
    responses((status = 200, description = "It is so", body = OrderAnswer)),
    security(("operator_token" = []))
)]
pub(crate) async fn restore_bank(
    app: web::Data<App>,
    order: Ordered<Cause>,
) -> Result<HttpResponse, Problem> {
    turn(&app, order, Ok(Level::Bank), Turn::Restore).await
}
