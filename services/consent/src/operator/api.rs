//! Who asks the API: a handler under `/v1/banks/{bank}` takes [`Api`] and is called only for those whose role
//! at that bank suffices.

use std::{future::Future, marker::PhantomData, ops::Deref, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use consent_domain::BankCode;

use super::{Act, Admitted, AtBank, Need, Role, Subject, Via, bearer};
use crate::{app::App, problem::Problem, request_context::RequestContext};

/// An operator, admitted to the bank in the path by a bearer token, with at least the role of `N`.
pub struct Api<N>(AtBank, PhantomData<N>);

impl<N> Deref for Api<N> {
    type Target = AtBank;

    fn deref(&self) -> &AtBank {
        &self.0
    }
}

impl<N: Need> FromRequest for Api<N> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let admitted = admit(&request, N::ROLE).await?;
            Ok(Self(admitted, PhantomData))
        })
    }
}

/// Who asks the API, at no bank in particular.
///
/// # Errors
/// 401 without a good token.
pub(crate) async fn identify(request: &HttpRequest) -> Result<Admitted, Problem> {
    Ok(look_up(request, None).await?.0)
}

async fn look_up(
    request: &HttpRequest,
    bank: Option<&BankCode>,
) -> Result<(Admitted, Option<Role>), Problem> {
    let app = request
        .app_data::<web::Data<App>>()
        .ok_or(Problem::INTERNAL)?;
    let hash = bearer::presented(request.headers())?;
    let found = bearer::find(&app.pool, hash, bank).await?;
    let found = found.ok_or(Problem::OPERATOR_TOKEN_INVALID)?;
    let who = Admitted {
        operator: found.operator,
        via: Via::Api,
        credential: found.token,
        request: RequestContext::of(request),
    };
    Ok((who, found.role))
}

/// Admits whoever asks to the bank in the path.
async fn admit(request: &HttpRequest, needed: Role) -> Result<AtBank, Problem> {
    let bank = request.match_info().get("bank").unwrap_or_default();
    let bank = BankCode::parse(bank).ok();
    let (who, role) = look_up(request, bank.as_ref()).await?;
    let app = request
        .app_data::<web::Data<App>>()
        .ok_or(Problem::INTERNAL)?;
    let Some(bank) = bank else {
        return Err(Problem::NOTHING_HERE);
    };
    let route = request.match_pattern().unwrap_or_default();
    let refused = Act {
        code: "enter",
        subject: Subject::of_kind("address"),
        detail: serde_json::json!({ "route": route, "method": request.method().as_str() }),
    };
    match role {
        None => {
            who.record_refused(&app.pool, Some(&bank), refused).await?;
            Err(Problem::NOTHING_HERE)
        }
        Some(role) if role < needed => {
            who.record_refused(&app.pool, Some(&bank), refused).await?;
            Err(Problem::ROLE_TOO_LOW)
        }
        Some(role) => Ok(AtBank { who, bank, role }),
    }
}
