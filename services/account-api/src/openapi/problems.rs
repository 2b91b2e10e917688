//! What an operation may be answered with instead of data, from the problems themselves.

use std::collections::BTreeMap;

use actix_web::ResponseError as _;
use chrono::DateTime;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::{
    Content, HeaderBuilder, KnownFormat, ObjectBuilder, OpenApi, Ref, RefOr, Required, Response,
    ResponseBuilder, SchemaFormat, Type,
};
use utoipa::{Modify, PartialSchema as _, ToSchema as _};

use crate::problem::{Body, Closed, ClosedReason, Denial, Problem};
use crate::task::Task;
use crate::trace_context::{INTERACTION_ID_HEADER, REQUEST_ID_HEADER};

/// Adds the problems and the headers that every request and answer may carry.
pub(super) struct Problems;

impl Modify for Problems {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        components
            .schemas
            .insert(Body::name().into_owned(), Body::schema());
        for item in document.paths.paths.values_mut() {
            if let Some(operation) = &mut item.get {
                complete(operation);
            }
        }
    }
}

fn complete(operation: &mut Operation) {
    let id = operation.operation_id.clone().unwrap_or_default();
    let mut by_status: BTreeMap<u16, Vec<Problem>> = BTreeMap::new();
    for problem in problems_of(&id) {
        by_status
            .entry(problem.status_code().as_u16())
            .or_default()
            .push(problem);
    }
    for (status, problems) in by_status {
        let response = response(&problems).into();
        operation
            .responses
            .responses
            .insert(status.to_string(), response);
    }
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            for name in [REQUEST_ID_HEADER, INTERACTION_ID_HEADER] {
                add_header(response, name, "The request's id, a UUID.", Type::String);
            }
        }
    }
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
    let parameter = ParameterBuilder::new()
        .name(INTERACTION_ID_HEADER)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("A UUID, taken over as the request's id."))
        .schema(Some(schema))
        .build();
    operation
        .parameters
        .get_or_insert_default()
        .push(parameter.into());
}

/// Of every path.
const EVERYWHERE: [Problem; 5] = [
    Problem::MethodNotAllowed,
    Problem::ContentNotAccepted,
    Problem::UriTooLong,
    Problem::HeadersTooLarge,
    Problem::Internal,
];

/// Of every read.
fn of_reads() -> Vec<Problem> {
    let closed = |reason| {
        let reopens_at = DateTime::from_timestamp(1_776_294_000, 0);
        Problem::Closed(Closed {
            reason,
            reopens_at,
            asked_at: DateTime::UNIX_EPOCH,
        })
    };
    let mut problems = vec![
        Problem::MissingToken,
        Problem::UnsupportedTokenUse,
        Problem::InvalidToken,
        Problem::KeysUnavailable,
        Problem::DecisionUnavailable,
        Problem::RecordUnavailable,
        closed(ClosedReason::Hours),
        closed(ClosedReason::Maintenance),
        Problem::BankUnavailable,
        Problem::BankTimeout,
        Problem::InvalidParameter("See which parameters there are; each is sent once."),
    ];
    problems.extend(
        [
            Denial::UnknownGrant,
            Denial::Expired,
            Denial::Revoked,
            Denial::Superseded,
            Denial::Suspended,
            Denial::TokenRevoked,
        ]
        .map(Problem::Denied),
    );
    problems
}

/// Of the reads of one account.
fn of_account(task: Task) -> [Problem; 3] {
    [
        Problem::Denied(Denial::AccountNotInScope),
        Problem::Denied(Denial::TaskNotInScope(task)),
        Problem::AccountUnavailable,
    ]
}

fn problems_of(operation: &str) -> Vec<Problem> {
    let mut problems: Vec<Problem> = EVERYWHERE.into();
    match operation {
        "accounts" => problems.extend(of_reads()),
        "balance" => {
            problems.extend(of_reads());
            problems.extend(of_account(Task::Balance));
        }
        "transactions" => {
            problems.extend(of_reads());
            problems.extend(of_account(Task::Transactions));
            problems.push(Problem::InvalidCursor);
        }
        _ => {}
    }
    problems
}

/// The response of one status, with an example for each code.
fn response(problems: &[Problem]) -> Response {
    let mut content = Content::new(Some(Ref::from_schema_name(Body::name())));
    for problem in problems {
        let body = problem.body();
        let value = serde_json::to_value(&body).ok();
        let example = ExampleBuilder::new()
            .summary(body.title)
            .value(value)
            .build();
        content
            .examples
            .insert(body.code.to_owned(), example.into());
    }
    let codes: Vec<String> = content
        .examples
        .keys()
        .map(|code| format!("`{code}`"))
        .collect();
    let mut response = ResponseBuilder::new()
        .description(codes.join(", "))
        .content("application/problem+json", content)
        .build();
    let sent = |name: &str| {
        let mut answers = problems.iter().map(Problem::error_response);
        answers.any(|answer| answer.headers().contains_key(name))
    };
    if sent("retry-after") {
        let meaning = "Seconds after which asking again makes sense.";
        add_header(&mut response, "Retry-After", meaning, Type::Integer);
    }
    if sent("www-authenticate") {
        add_header(
            &mut response,
            "WWW-Authenticate",
            "RFC 6750 section 3.",
            Type::String,
        );
    }
    response
}

fn add_header(response: &mut Response, name: &str, meaning: &str, kind: Type) {
    let header = HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(kind)))
        .description(Some(meaning))
        .build();
    response.headers.insert(name.to_owned(), header.into());
}
