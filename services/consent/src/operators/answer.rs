//! Answers of the operators' API: JSON that nobody keeps.

use actix_web::{HttpResponse, http::header::CACHE_CONTROL};
use serde::Serialize;
use utoipa::ToSchema;

use crate::operator_orders::Performed;

/// 200 with a body.
pub(super) fn answer(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(body)
}

/// What came of an order.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrderAnswer {
    /// `done`: now, or when it was ordered first under this key; `already_so`: nothing had to be done.
    #[schema(example = "done")]
    outcome: &'static str,
}

/// The answer to an order that was not refused.
pub(super) fn performed(performed: Performed) -> HttpResponse {
    answer(&OrderAnswer {
        outcome: performed.as_str(),
    })
}
