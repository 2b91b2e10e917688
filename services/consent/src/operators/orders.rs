//! Acts on one consent.

use actix_web::{HttpResponse, web};
use consent_domain::{
    AccountId, UserId,
    consent::{RemovalReason, RevocationReason, RevokedBy},
};
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::ToSchema;

use super::{
    answer::{OrderAnswer, performed},
    paths::{self, AtBankPath, ConsentPath},
    received::{KeyHeader, Ordered},
};
use crate::{app::App, operator_orders::Wish, problem::Problem};

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

impl<T: DeserializeOwned> Ordered<T> {
    /// Carries the order out that the body means, and answers.
    ///
    /// # Errors
    /// The problem to answer with.
    pub(super) async fn perform(
        self,
        app: &App,
        wish: impl FnOnce(T) -> Result<Wish, Problem>,
    ) -> Result<HttpResponse, Problem> {
        let wish = wish(self.body)?;
        let done = self.by.at.perform(app, &self.by.key, wish).await?;
        Ok(performed(done))
    }
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
    order: Ordered<Revocation>,
    path: AtBankPath,
) -> Result<HttpResponse, Problem> {
    let wish = |wanted: Revocation| {
        Ok(Wish::Revoke {
            grant: paths::grant(&path.1)?,
            by: wanted.on_behalf_of.into(),
            reason: wanted.reason.0,
        })
    };
    order.perform(&app, wish).await
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
    order: Ordered<AccountRemoval>,
    path: AtBankPath,
) -> Result<HttpResponse, Problem> {
    let wish = |wanted: AccountRemoval| {
        Ok(Wish::RemoveAccount {
            grant: paths::grant(&path.1)?,
            account: wanted.account,
            by: wanted.on_behalf_of.into(),
            reason: wanted.reason.0,
        })
    };
    order.perform(&app, wish).await
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
    order: Ordered<Handover>,
    path: AtBankPath,
) -> Result<HttpResponse, Problem> {
    let wish = |wanted: Handover| {
        Ok(Wish::HandOver {
            grant: paths::grant(&path.1)?,
            to: wanted.to_user,
            seen: None,
        })
    };
    order.perform(&app, wish).await
}
