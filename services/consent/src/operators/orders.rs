//! Acts on one consent, and on the levels above it.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::CACHE_CONTROL,
    web::{self, Bytes},
};
use consent_domain::{
    AccountId, ContractId, GrantId, PartnerId, UserId,
    consent::{RemovalReason, RevocationReason, RevokedBy},
    suspension::SuspensionCause,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::received::{body, order_key};
use crate::{
    app::App,
    lifecycle::Level,
    operator::{Acts, Api},
    operator_orders::{Performed, Wish},
    problem::Problem,
};

/// What came of an order.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrderAnswer {
    /// `done`: now, or when it was ordered first under this key; `already_so`: nothing had to be done.
    #[schema(example = "done")]
    outcome: &'static str,
}

impl OrderAnswer {
    pub(crate) fn of(performed: Performed) -> Self {
        Self {
            outcome: performed.as_str(),
        }
    }

    pub(crate) fn done() -> Self {
        Self::of(Performed::Done)
    }
}

fn answer(performed: Performed) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(OrderAnswer::of(performed))
}

/// An order's key.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(
    dead_code,
    reason = "it describes the header; handlers read it themselves"
)]
pub(crate) struct KeyHeader {
    /// A new one for each order, the same one for a repeat of it.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 128)]
    idempotency_key: String,
}

/// Which consent of which bank.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "it describes the path; handlers read it themselves"
)]
pub(crate) struct ConsentPath {
    /// The bank's code.
    #[param(example = "2963", pattern = "^[0-9]{4}$")]
    bank: String,
    /// The consent.
    grant: String,
}

/// Which contract of which bank.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "it describes the path; handlers read it themselves"
)]
pub(crate) struct ContractPath {
    /// The bank's code.
    #[param(example = "2963", pattern = "^[0-9]{4}$")]
    bank: String,
    /// The contract (団体), by the bank's id.
    contract: String,
}

/// Which partner at which bank.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "it describes the path; handlers read it themselves"
)]
pub(crate) struct PartnerPath {
    /// The bank's code.
    #[param(example = "2963", pattern = "^[0-9]{4}$")]
    bank: String,
    /// The partner.
    partner: String,
}

/// For whom an operator acts.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnBehalfOf {
    /// The customer asked for it.
    Customer,
    /// The partner did.
    Partner,
    /// The bank decided.
    #[default]
    Bank,
}

impl From<OnBehalfOf> for RevokedBy {
    fn from(whom: OnBehalfOf) -> Self {
        match whom {
            OnBehalfOf::Customer => Self::Customer,
            OnBehalfOf::Partner => Self::Partner,
            OnBehalfOf::Bank => Self::Bank,
        }
    }
}

/// A reason of revocation, by name.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct RevocationCode(pub(crate) RevocationReason);

impl TryFrom<String> for RevocationCode {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        RevocationReason::find(&name)
            .map(Self)
            .ok_or("not a reason of revocation")
    }
}

super::coded::coded!(
    RevocationCode,
    "RevocationReason",
    RevocationReason::ALL,
    RevocationReason::as_str
);

/// A reason why an account is taken out, by name.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct RemovalCode(RemovalReason);

impl TryFrom<String> for RemovalCode {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        RemovalReason::find(&name)
            .map(Self)
            .ok_or("not a reason of removal")
    }
}

super::coded::coded!(
    RemovalCode,
    "RemovalReason",
    RemovalReason::ALL,
    RemovalReason::as_str
);

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

/// Why a consent ends, and for whom.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Revocation {
    #[schema(inline)]
    reason: RevocationCode,
    /// `bank` where it is not sent.
    #[serde(default)]
    #[schema(inline)]
    on_behalf_of: OnBehalfOf,
}

/// Which account leaves a consent, why, and for whom.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountRemoval {
    /// The bank's id of the account.
    #[schema(value_type = String)]
    account: AccountId,
    #[schema(inline)]
    reason: RemovalCode,
    /// `bank` where it is not sent.
    #[serde(default)]
    #[schema(inline)]
    on_behalf_of: OnBehalfOf,
}

/// Who answers for a consent from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Handover {
    /// The bank's id of the user.
    #[schema(value_type = String)]
    to_user: UserId,
}

/// A cause of suspension that comes or goes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cause {
    #[schema(inline)]
    cause: CauseCode,
}

fn grant_of(text: &str) -> Result<GrantId, Problem> {
    GrantId::parse(text).map_err(|_| Problem::NOTHING_HERE)
}

/// Ends a consent.
#[utoipa::path(
    post,
    path = "/v1/banks/{bank}/consents/{grant}/revocation",
    tag = "acts",
    operation_id = "revoke_consent",
    summary = "End a consent",
    description = "For every read that starts after the answer, on every replica. An end is final.",
    params(ConsentPath, KeyHeader),
    request_body(content = Revocation, content_type = "application/json"),
    responses((status = 200, description = "It has ended", body = OrderAnswer)),
    security(("operator_token" = []))
)]
pub(crate) async fn revoke(
    app: web::Data<App>,
    at: Api<Acts>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    bytes: Bytes,
) -> Result<HttpResponse, Problem> {
    let key = order_key(request.headers())?;
    let wanted: Revocation = body(&request, &bytes)?;
    let wish = Wish::Revoke {
        grant: grant_of(&path.1)?,
        by: wanted.on_behalf_of.into(),
        reason: wanted.reason.0,
    };
    Ok(answer(at.perform(&app, &key, wish).await?))
}

/// Takes an account out of a consent.
#[utoipa::path(
    post,
    path = "/v1/banks/{bank}/consents/{grant}/account-removals",
    tag = "acts",
    operation_id = "remove_account",
    summary = "Take an account out of a consent; with the last one the consent ends",
    params(ConsentPath, KeyHeader),
    request_body(content = AccountRemoval, content_type = "application/json"),
    responses((status = 200, description = "It is out", body = OrderAnswer)),
    security(("operator_token" = []))
)]
pub(crate) async fn remove_account(
    app: web::Data<App>,
    at: Api<Acts>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    bytes: Bytes,
) -> Result<HttpResponse, Problem> {
    let key = order_key(request.headers())?;
    let wanted: AccountRemoval = body(&request, &bytes)?;
    let wish = Wish::RemoveAccount {
        grant: grant_of(&path.1)?,
        account: wanted.account,
        by: wanted.on_behalf_of.into(),
        reason: wanted.reason.0,
    };
    Ok(answer(at.perform(&app, &key, wish).await?))
}

/// Lets another user answer for a consent.
#[utoipa::path(
    post,
    path = "/v1/banks/{bank}/consents/{grant}/handover",
    tag = "acts",
    operation_id = "hand_over_consent",
    summary = "Let another user of the contract answer for a consent",
    params(ConsentPath, KeyHeader),
    request_body(content = Handover, content_type = "application/json"),
    responses((status = 200, description = "That user answers for it", body = OrderAnswer)),
    security(("operator_token" = []))
)]
pub(crate) async fn hand_over(
    app: web::Data<App>,
    at: Api<Acts>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    bytes: Bytes,
) -> Result<HttpResponse, Problem> {
    let key = order_key(request.headers())?;
    let wanted: Handover = body(&request, &bytes)?;
    let wish = Wish::HandOver {
        grant: grant_of(&path.1)?,
        to: wanted.to_user,
    };
    Ok(answer(at.perform(&app, &key, wish).await?))
}

/// Whether the cause comes or goes.
#[derive(Clone, Copy)]
enum Turn {
    Suspend,
    Restore,
}

async fn turn(
    (app, at, request, bytes): (&App, &Api<Acts>, &HttpRequest, &Bytes),
    level: Result<Level, Problem>,
    turn: Turn,
) -> Result<HttpResponse, Problem> {
    let key = order_key(request.headers())?;
    let cause = body::<Cause>(request, bytes)?.cause.0;
    let level = level?;
    let wish = match turn {
        Turn::Suspend => Wish::Suspend { level, cause },
        Turn::Restore => Wish::Restore { level, cause },
    };
    Ok(answer(at.perform(app, &key, wish).await?))
}

fn consent(path: &(String, String)) -> Result<Level, Problem> {
    Ok(Level::Consent(grant_of(&path.1)?))
}

fn contract(path: &(String, String)) -> Result<Level, Problem> {
    let contract = ContractId::parse(path.1.as_str());
    contract
        .map(Level::Contract)
        .map_err(|_| Problem::NOTHING_HERE)
}

fn partner(path: &(String, String)) -> Result<Level, Problem> {
    let partner = PartnerId::parse(path.1.as_str());
    partner
        .map(Level::Partner)
        .map_err(|_| Problem::NOTHING_HERE)
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
            at: Api<Acts>,
            request: HttpRequest,
            path: web::Path<(String, String)>,
            bytes: Bytes,
        ) -> Result<HttpResponse, Problem> {
            turn((&app, &at, &request, &bytes), $level(&path), Turn::$turn).await
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
    at: Api<Acts>,
    request: HttpRequest,
    bytes: Bytes,
) -> Result<HttpResponse, Problem> {
    turn(
        (&app, &at, &request, &bytes),
        Ok(Level::Bank),
        Turn::Suspend,
    )
    .await
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
    at: Api<Acts>,
    request: HttpRequest,
    bytes: Bytes,
) -> Result<HttpResponse, Problem> {
    turn(
        (&app, &at, &request, &bytes),
        Ok(Level::Bank),
        Turn::Restore,
    )
    .await
}
