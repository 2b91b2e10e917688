//! What an operation of the operators' API may be refused with.

use std::collections::BTreeMap;

use utoipa::{
    Modify, PartialSchema as _, ToSchema as _,
    openapi::{
        OpenApi,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{problems::response, refusals::operations_of};
use crate::problem::{Body, Problem};

/// How their paths begin.
pub(super) const PREFIX: &str = "/v1/";

/// Adds them.
pub(super) struct OperatorRefusals;

const EVERYWHERE: [Problem; 6] = [
    Problem::OPERATOR_TOKEN_MISSING,
    Problem::OPERATOR_TOKEN_INVALID,
    Problem::UNSUPPORTED_TOKEN_USE,
    Problem::NOTHING_HERE,
    Problem::UNAVAILABLE,
    Problem::INTERNAL,
];

/// What only some operations are refused for.
fn own_refusals(operation: &str) -> Vec<Problem> {
    let mut refusals = Vec::new();
    if operation.ends_with("consents") || operation.starts_with("export_consents") {
        refusals.push(Problem::FILTERS_NOT_COMBINABLE);
    }
    if operation.starts_with("export_") {
        refusals.push(Problem::TOO_MANY_EXPORTS);
    }
    refusals
}

fn refusals_of(operation: &str, has_query: bool, acts: bool) -> Vec<Problem> {
    let mut refusals: Vec<Problem> = EVERYWHERE.into();
    refusals.extend(own_refusals(operation));
    if has_query {
        refusals.push(Problem::invalid_parameter("limit is 1 to 200."));
    }
    if acts {
        refusals.push(Problem::ROLE_TOO_LOW);
    }
    refusals
}

impl Modify for OperatorRefusals {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        components
            .schemas
            .insert(Body::name().into_owned(), Body::schema());
        for (path, item) in &mut document.paths.paths {
            if !path.starts_with(PREFIX) {
                continue;
            }
            let acts = item.post.is_some();
            for operation in operations_of(item) {
                let has_query = operation.parameters.iter().flatten().count() > 1;
                let mut by_status: BTreeMap<u16, Vec<Problem>> = BTreeMap::new();
                let id = operation.operation_id.as_deref().unwrap_or_default();
                let own = super::act_refusals::refusals_of(id);
                for refusal in refusals_of(id, has_query, acts).into_iter().chain(own) {
                    by_status.entry(refusal.status).or_default().push(refusal);
                }
                for (status, refusals) in by_status {
                    let responses = &mut operation.responses.responses;
                    responses
                        .entry(status.to_string())
                        .or_insert_with(|| response(&refusals).into());
                }
            }
        }
    }
}

/// How such a token is had.
pub(super) struct OperatorTokenScheme;

impl Modify for OperatorTokenScheme {
    fn modify(&self, document: &mut OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "An operator's token, made by `consent operator issue-token`.",
            ))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("operator_token", SecurityScheme::Http(scheme));
    }
}
