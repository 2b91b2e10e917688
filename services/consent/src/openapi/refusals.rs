//! What an operation may be refused with, from the errors that the code answers with.

use std::collections::BTreeMap;

use actix_web::ResponseError as _;
use utoipa::{
    Modify, PartialSchema as _, ToSchema as _,
    openapi::{
        Content, HeaderBuilder, ObjectBuilder, OpenApi, Ref, RefOr, ResponseBuilder, Type,
        example::ExampleBuilder,
        path::{Operation, PathItem},
    },
};

use crate::protocol::oauth_error::{Body, OAuthError};

/// Adds them to every operation that speaks OAuth.
pub(super) struct OAuthRefusals;

/// Of every operation: a path that is no bank's, and a database that does not answer.
const EVERYWHERE: [OAuthError; 2] = [
    OAuthError::unknown_issuer(),
    OAuthError::temporarily_unavailable(),
];

/// Of every form.
const FORM: [OAuthError; 2] = [
    OAuthError::invalid_request("a required parameter is missing"),
    OAuthError {
        error: "invalid_request",
        description: "the request is too large",
        status: 413,
    },
];

/// Where clients prove themselves.
const CLIENT: [OAuthError; 3] = [
    OAuthError::invalid_client(),
    OAuthError::unauthorized_client("the partner is not enabled at this bank"),
    OAuthError::server_error(),
];

fn refusals_of(operation: &str) -> Vec<OAuthError> {
    let mut refusals: Vec<OAuthError> = EVERYWHERE.into();
    let own: &[OAuthError] = match operation {
        "push_authorization_request" => &[
            OAuthError::unsupported_response_type(),
            OAuthError::invalid_scope("the scope has values that this client may not use"),
            OAuthError::invalid_authorization_details("exactly one element is supported"),
            OAuthError::request_not_supported(),
            OAuthError::invalid_grant_id(),
        ],
        "exchange" => &[
            OAuthError::invalid_grant(),
            OAuthError::unsupported_grant_type(),
            OAuthError::invalid_scope("more than was granted"),
        ],
        "revoke" | "introspect" => &[],
        "introspect_for_resource_server" => {
            refusals.extend(FORM);
            refusals.push(OAuthError::unknown_resource_server());
            return refusals;
        }
        _ => return refusals,
    };
    refusals.extend(FORM);
    refusals.extend(CLIENT);
    refusals.extend(own);
    refusals
}

impl Modify for OAuthRefusals {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        components
            .schemas
            .insert(Body::name().into_owned(), Body::schema());
        let operations = document
            .paths
            .paths
            .iter_mut()
            .filter(|(path, _)| path.contains("{bank}"))
            .filter(|(path, _)| !super::problems::OPERATIONS.contains(&path.as_str()))
            .filter(|(path, _)| !path.starts_with(super::operator_refusals::PREFIX))
            .flat_map(|(_, item)| operations_of(item));
        for operation in operations {
            let id = operation.operation_id.clone().unwrap_or_default();
            for (status, response) in responses(&refusals_of(&id)) {
                operation.responses.responses.insert(status, response);
            }
        }
    }
}

pub(super) fn operations_of(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    item.get
        .iter_mut()
        .chain(item.post.iter_mut())
        .chain(item.delete.iter_mut())
}

/// One response a status, one example an error.
fn responses(refusals: &[OAuthError]) -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
    let mut by_status: BTreeMap<u16, Vec<&OAuthError>> = BTreeMap::new();
    for refusal in refusals {
        by_status.entry(refusal.status).or_default().push(refusal);
    }
    by_status
        .into_iter()
        .map(|(status, refusals)| (status.to_string(), response(status, &refusals).into()))
        .collect()
}

fn response(status: u16, refusals: &[&OAuthError]) -> utoipa::openapi::Response {
    let examples = refusals.iter().map(|refusal| {
        let value = serde_json::to_value(Body::from(**refusal)).ok();
        (refusal.error, ExampleBuilder::new().value(value).build())
    });
    let mut content = Content::new(Some(Ref::from_schema_name(Body::name())));
    content.examples = examples
        .map(|(name, example)| (name.to_owned(), RefOr::T(example)))
        .collect();
    let codes: Vec<String> = content
        .examples
        .keys()
        .map(|code| format!("`{code}`"))
        .collect();
    let mut response = ResponseBuilder::new()
        .description(codes.join(", "))
        .content("application/json", content)
        .build();
    if let Some(answer) = refusals.first().map(|refusal| refusal.error_response())
        && answer.headers().contains_key("retry-after")
    {
        let header = HeaderBuilder::new()
            .schema(Some(ObjectBuilder::new().schema_type(Type::Integer)))
            .description(Some("Seconds after which to ask again."));
        response
            .headers
            .insert("Retry-After".to_owned(), header.build().into());
    }
    if status == 401 && refusals.contains(&&OAuthError::unknown_resource_server()) {
        let header = HeaderBuilder::new()
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .description(Some("RFC 6750 3."));
        response
            .headers
            .insert("WWW-Authenticate".to_owned(), header.build().into());
    }
    response
}
