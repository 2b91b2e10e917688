//! What every request to the public listener passes first, and the answers that no handler of ours
//! wrote: a body that is too large, a method that a path does not have, a path that can't be read.
//! A partner's program gets the OAuth error, a customer's browser the page.

use actix_web::{
    Error, HttpResponse, ResponseError as _,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{StatusCode, header},
    middleware::Next,
    web,
};

use crate::{
    app::App,
    journey::{PageError, refusal_page},
    problem::Problem,
    protocol::oauth_error::OAuthError,
};

/// Longest request target, in bytes: partners repeat the pushed parameters beside the `request_uri`.
const TARGET_BYTES_MAX: usize = 16 * 1024;
/// All header fields together, in bytes.
const HEADER_BYTES_MAX: usize = 32 * 1024;

/// Wraps the public application.
///
/// # Errors
/// None of its own: what is refused here is answered here.
pub async fn boundary<B: MessageBody>(
    app: web::Data<App>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if let Some(status) = oversized(&request) {
        let refusal = refusal(&app, &request, status);
        return Ok(request.into_response(refusal).map_into_right_body());
    }
    let response = next.call(request).await?;
    if is_ours(&response) {
        return Ok(response.map_into_left_body());
    }
    let (request, response) = response.into_parts();
    let request = ServiceRequest::from_request(request);
    let mut refusal = refusal(&app, &request, response.status());
    if let Some(allow) = response.headers().get(header::ALLOW) {
        refusal.headers_mut().insert(header::ALLOW, allow.clone());
    }
    Ok(request.into_response(refusal).map_into_right_body())
}

fn oversized(request: &ServiceRequest) -> Option<StatusCode> {
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if target > TARGET_BYTES_MAX {
        return Some(StatusCode::URI_TOO_LONG);
    }
    let headers: usize = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    (headers > HEADER_BYTES_MAX).then_some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
}

/// Whether a handler of ours wrote the answer.
fn is_ours<B>(response: &ServiceResponse<B>) -> bool {
    match response.response().error() {
        Some(error) => {
            error.as_error::<OAuthError>().is_some()
                || error.as_error::<PageError>().is_some()
                || error.as_error::<Problem>().is_some()
        }
        None => response.status() != StatusCode::METHOD_NOT_ALLOWED,
    }
}

fn refusal(app: &App, request: &ServiceRequest, status: StatusCode) -> HttpResponse {
    if is_read_with_own_token(request.path()) {
        Problem::of_status(status.as_u16(), description(status)).error_response()
    } else if is_for_programs(request.path()) {
        OAuthError {
            error: "invalid_request",
            description: description(status),
            status: status.as_u16(),
        }
        .error_response()
    } else {
        refusal_page(app, request.request(), status)
    }
}

/// How the paths end that partners' programs ask for.
const PROGRAM_PATHS: [&str; 6] = [
    "par",
    "token",
    "revoke",
    "introspect",
    "jwks",
    "openapi.json",
];

/// Whether a path is one that a partner reads with a token of its own; it is refused by problems.
fn is_read_with_own_token(path: &str) -> bool {
    // After the slash that a path begins with comes the bank.
    path.split('/').nth(2).is_some_and(|what| {
        ["notifications", "security-events", "grants", "requests"].contains(&what)
    })
}

/// Whether a path is one that a partner's program asks for.
fn is_for_programs(path: &str) -> bool {
    path.contains("/.well-known/")
        || path
            .rsplit('/')
            .next()
            .is_some_and(|last| PROGRAM_PATHS.contains(&last))
}

fn description(status: StatusCode) -> &'static str {
    match status {
        StatusCode::METHOD_NOT_ALLOWED => "the method is not allowed here",
        StatusCode::PAYLOAD_TOO_LARGE => "the request is too large",
        StatusCode::URI_TOO_LONG => "the address is too long",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "the header fields are too large",
        _ => "the request can't be read",
    }
}
