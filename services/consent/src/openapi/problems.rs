//! What an operation that is asked with a partner's own token may be refused with.

use std::collections::BTreeMap;

use actix_web::{ResponseError as _, http::header::HeaderMap};
use utoipa::{
    Modify, PartialSchema as _, ToSchema as _,
    openapi::{
        Content, HeaderBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder,
        Type,
        example::ExampleBuilder,
        security::{ClientCredentials, Flow, OAuth2, Scopes, SecurityScheme},
    },
};

use super::refusals::operations_of;
use crate::{
    problem::{Body, MEDIA_TYPE, Problem},
    protocol::partner_scope::PartnerScope,
};

/// The paths of these operations.
pub(super) const OPERATIONS: [&str; 5] = [
    "/{bank}/notifications",
    "/{bank}/security-events/poll",
    "/{bank}/grants",
    "/{bank}/grants/{grant_id}",
    "/{bank}/requests/{request_id}",
];

/// Adds them.
pub(super) struct ProblemRefusals;

const EVERYWHERE: [Problem; 7] = [
    Problem::UNKNOWN_ISSUER,
    Problem::MISSING_TOKEN,
    Problem::INVALID_TOKEN,
    Problem::UNSUPPORTED_TOKEN_USE,
    Problem::PARTNER_DISABLED,
    Problem::UNAVAILABLE,
    Problem::INTERNAL,
];

fn refusals_of(operation: &str) -> Vec<Problem> {
    let (scope, own): (PartnerScope, &[Problem]) = match operation {
        "read_notifications" => (
            PartnerScope::Notifications,
            &[
                Problem::TOO_MANY_WAITING,
                Problem::EVENT_UNREADABLE,
                Problem::invalid_parameter("limit is 1 to 500."),
                Problem::AHEAD_OF_LOG,
                Problem::archived(10_000_000),
            ],
        ),
        "list_grants" => (
            PartnerScope::GrantManagementQuery,
            &[Problem::invalid_parameter("limit is 1 to 100.")],
        ),
        "query_grant" => (
            PartnerScope::GrantManagementQuery,
            &[Problem::UNKNOWN_GRANT],
        ),
        "revoke_grant" => (
            PartnerScope::GrantManagementRevoke,
            &[Problem::UNKNOWN_GRANT],
        ),
        "request_status" => (PartnerScope::Status, &[Problem::UNKNOWN_REQUEST]),
        _ => (
            PartnerScope::Notifications,
            &[
                Problem::TOO_MANY_WAITING,
                Problem::EVENT_UNREADABLE,
                Problem::invalid_parameter("maxEvents is 0 to 500."),
            ],
        ),
    };
    let mut refusals: Vec<Problem> = EVERYWHERE.into();
    refusals.push(Problem::insufficient_scope(scope));
    refusals.extend(own);
    refusals.push(Problem::INTERNAL);
    refusals
}

impl Modify for ProblemRefusals {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        components
            .schemas
            .insert(Body::name().into_owned(), Body::schema());
        let operations = document
            .paths
            .paths
            .iter_mut()
            .filter(|(path, _)| OPERATIONS.contains(&path.as_str()))
            .flat_map(|(_, item)| operations_of(item));
        for operation in operations {
            let id = operation.operation_id.clone().unwrap_or_default();
            let mut by_status: BTreeMap<u16, Vec<Problem>> = BTreeMap::new();
            for refusal in refusals_of(&id) {
                by_status.entry(refusal.status).or_default().push(refusal);
            }
            for (status, refusals) in by_status {
                let responses = &mut operation.responses.responses;
                responses.insert(status.to_string(), response(&refusals).into());
            }
        }
    }
}

/// One example a problem.
pub(super) fn response(refusals: &[Problem]) -> Response {
    let mut content = Content::new(Some(Ref::from_schema_name(Body::name())));
    for refusal in refusals {
        let value = serde_json::to_value(refusal.body()).ok();
        let example = ExampleBuilder::new().value(value).build();
        content
            .examples
            .insert(refusal.code.to_owned(), RefOr::T(example));
    }
    let codes: Vec<String> = refusals.iter().map(|r| format!("`{}`", r.code)).collect();
    let mut response = ResponseBuilder::new()
        .description(codes.join(", "))
        .content(MEDIA_TYPE, content)
        .build();
    for refusal in refusals {
        describe_headers(&mut response, refusal.error_response().headers());
    }
    response
}

fn describe_headers(response: &mut Response, answered: &HeaderMap) {
    for (name, kind, description) in [
        (
            "Retry-After",
            Type::Integer,
            "Seconds after which to ask again.",
        ),
        ("WWW-Authenticate", Type::String, "RFC 6750 3."),
    ] {
        if answered.contains_key(name.to_ascii_lowercase()) {
            let header = HeaderBuilder::new()
                .schema(Some(ObjectBuilder::new().schema_type(kind)))
                .description(Some(description));
            response
                .headers
                .insert(name.to_owned(), header.build().into());
        }
    }
}

/// How such a token is had.
pub(super) struct PartnerTokenScheme;

impl Modify for PartnerTokenScheme {
    fn modify(&self, document: &mut OpenApi) {
        let scopes = Scopes::from_iter(PartnerScope::ALL.map(|scope| {
            let meaning = match scope {
                PartnerScope::Notifications => "The events that concern the partner.",
                PartnerScope::GrantManagementQuery => {
                    "What the partner's grants say and how they stand."
                }
                PartnerScope::GrantManagementRevoke => "Ending the partner's grants.",
                PartnerScope::Status => "Where a request that the partner pushed has come to.",
            };
            (scope.as_str(), meaning)
        }));
        let flow = Flow::ClientCredentials(ClientCredentials::new("/{bank}/token", scopes));
        let components = document.components.get_or_insert_default();
        components
            .add_security_scheme("partner_token", SecurityScheme::OAuth2(OAuth2::new([flow])));
    }
}
