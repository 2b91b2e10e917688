//! The endpoints as an OpenAPI document, generated from the handlers, the structs that they answer with
//! and the problems. `docs/openapi` holds the same text; `make check-generated` compares.

mod problems;

use std::sync::LazyLock;

use actix_web::HttpResponse;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{IntoParams, Modify, OpenApi};

use crate::endpoints::{accounts, balance, health, transactions};
use problems::Problems;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Renkei account API",
        description = "Accounts, balances and transactions of one grant, for partners. Every answer comes \
            from the bank, after the consent service has said, for this very read, that the grant is \
            live and covers it. Days are calendar days in Japan; amounts are whole yen. A 401 is an end \
            of this token or this grant; a 503 never is.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/", description = "The resource identifier")),
    tags(
        (name = "accounts", description = "What partners read"),
        (name = "health", description = "Whether the process answers")
    ),
    paths(accounts::read, balance::read, transactions::read, health::read),
    modifiers(&AccessToken, &Problems)
)]
struct AccountApiDocument;

/// Which account.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "it describes the path, which is read by hand")]
pub(crate) struct AccountPath {
    /// The partner's own id of the account.
    #[param(example = "q3Zk0mJx8VtY1nLc5RbW2A", max_length = 128)]
    account_id: String,
}

struct AccessToken;

impl Modify for AccessToken {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("at+jwt")
            .description(Some(
                "An access token of the bank's authorization server (RFC 9068). The scopes are tasks: \
                 `balance`, `transactions`.",
            ))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("access_token", SecurityScheme::Http(scheme));
    }
}

/// The document as it is served and committed: indented JSON with a line feed at its end.
///
/// # Errors
///
/// Serde's, which this document does not cause.
pub fn document() -> Result<String, serde_json::Error> {
    AccountApiDocument::openapi()
        .to_pretty_json()
        .map(|text| text + "\n")
}

/// GET /openapi.json
pub(crate) async fn show() -> HttpResponse {
    static TEXT: LazyLock<Option<String>> = LazyLock::new(|| document().ok());
    match TEXT.as_ref() {
        Some(text) => HttpResponse::Ok()
            .content_type("application/json")
            .body(text.as_str()),
        None => HttpResponse::InternalServerError().finish(),
    }
}

#[cfg(test)]
mod tests;
