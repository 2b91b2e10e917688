//! The JSON endpoints as OpenAPI documents, generated from the handlers and the structs that they
//! answer with. `docs/openapi` holds the same text; `make check-generated` compares.

mod act_refusals;
mod cloud_event;
mod forms;
mod jwk_set;
mod operator_refusals;
mod problems;
mod refusals;

use std::sync::LazyLock;

use actix_web::{HttpResponse, http::header::CACHE_CONTROL};
use clap::ValueEnum;
use consent_domain::scope::Task;
use utoipa::{
    IntoParams, Modify, OpenApi, PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr, Schema, Type,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use operator_refusals::{OperatorRefusals, OperatorTokenScheme};
use problems::{PartnerTokenScheme, ProblemRefusals};
use refusals::OAuthRefusals;

pub(crate) use cloud_event::CloudEvent;
pub(crate) use forms::{
    ClientTokenForm, PushedRequestForm, TokenAnswer, TokenForm, TokenToIntrospect,
};
pub(crate) use jwk_set::JwkSet;

use crate::{authorization_server, feed, operators, security_events};

/// A document of this service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Document {
    /// What partners' programs ask for at the public listener.
    Public,
    /// The operators' listener.
    Operators,
}

impl Document {
    /// The document as it is served and committed: indented JSON with a line feed at its end.
    ///
    /// # Errors
    /// Serde's, which these documents do not cause.
    pub fn to_json(self) -> Result<String, serde_json::Error> {
        let document = match self {
            Self::Public => Public::openapi(),
            Self::Operators => Operators::openapi(),
        };
        document.to_pretty_json().map(|text| text + "\n")
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Renkei authorization server",
        description = "The OAuth 2.0 authorization server of each bank, for partners: metadata, keys, \
            pushed authorization requests, tokens, their state and their end; the partner's own grants; and the \
            events that concern the partner. A bank's issuer is the \
            service's public URL with the bank's code; every address here is under it. Clients \
            authenticate with `private_key_jwt`: `client_assertion_type` and `client_assertion` in the \
            form, a fresh assertion for each request. A wrong method, an address or header fields that \
            are too long are answered with 405, 414 and 431 and an `invalid_request`. The pages that customers see are not part of \
            this document.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/", description = "The public URL")),
    tags(
        (name = "discovery", description = "What a client reads before it asks"),
        (name = "authorization", description = "How a journey begins"),
        (name = "tokens", description = "Tokens, their state and their end"),
        (name = "grants", description = "The partner's own grants: what they say, how they stand, their end"),
        (name = "notifications", description = "What happens to the partner's grants after the journey")
    ),
    paths(
        authorization_server::show_metadata,
        authorization_server::show_metadata_by_suffix,
        authorization_server::show_keys,
        authorization_server::pushed::push,
        authorization_server::token::exchange,
        authorization_server::revoke::revoke,
        authorization_server::introspect::for_client,
        authorization_server::request_status::show,
        authorization_server::grant_management::list,
        authorization_server::grant_management::query,
        authorization_server::grant_management::revoke,
        feed::read,
        security_events::poll,
    ),
    modifiers(&OAuthRefusals, &ProblemRefusals, &PartnerTokenScheme)
)]
struct Public;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Renkei consent, operators' listener",
        description = "Health, metrics, the introspection of access tokens for resource servers, and the \
            operators' API: under `/v1`, asked with an operator's own bearer token, whose every use is \
            recorded. A bank at which the operator has no role is answered as if it did not exist. This \
            listener belongs in the platform's own network.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/", description = "The operators' listener")),
    tags(
        (name = "health", description = "Whether this replica lives and is ready"),
        (name = "metrics", description = "What is counted"),
        (name = "introspection", description = "For resource servers"),
        (name = "funnel", description = "Where journeys end"),
        (name = "search", description = "What is there, and as a file"),
        (name = "consents", description = "One consent: its story, how it stood at any moment, why it stopped"),
        (name = "operators", description = "Who asks, and what operators did"),
        (name = "acts", description = "What operators do with consents, one or many"),
        (name = "partners", description = "Partners' records, and partners at a bank")
    ),
    paths(
        operators::live,
        operators::ready,
        operators::show_metrics,
        authorization_server::introspect::for_resource_server,
        operators::me::show,
        operators::recorded_acts::list,
        operators::funnel::show,
        operators::searches::consents,
        operators::searches::consents_csv,
        operators::searches::consents_ndjson,
        operators::consent_life::show,
        operators::consent_life::story,
        operators::consent_life::reasons,
        operators::partner_access::show,
        operators::searches::journeys,
        operators::searches::journeys_csv,
        operators::searches::journeys_ndjson,
        operators::orders::revoke,
        operators::orders::remove_account,
        operators::orders::hand_over,
        operators::suspensions::suspend_consent,
        operators::suspensions::restore_consent,
        operators::suspensions::suspend_contract,
        operators::suspensions::restore_contract,
        operators::suspensions::suspend_partner,
        operators::suspensions::restore_partner,
        operators::suspensions::suspend_bank,
        operators::suspensions::restore_bank,
        operators::bulk::request,
        operators::bulk::list,
        operators::bulk::show,
        operators::bulk::items,
        operators::bulk::approve,
        operators::bulk::start,
        operators::bulk::pause,
        operators::bulk::resume,
        operators::bulk::cancel,
        operators::ends::ended,
        operators::ends::affected,
        operators::partners_here::list,
        operators::partners_here::enable,
        operators::partners_here::disable,
        operators::partners_here::set_contract,
        operators::partners_here::targets,
        operators::partners_here::set_target,
        operators::partners_here::remove_target,
        operators::partners::list,
        operators::partners::register,
        operators::partners::show,
        operators::partners::change_record,
        operators::partners::change_redirect_uris,
        operators::partners::add_key,
        operators::partners::retire_key,
    ),
    modifiers(&OAuthRefusals, &OperatorRefusals, &OperatorTokenScheme, &ResourceServerCredential)
)]
struct Operators;

struct ResourceServerCredential;

impl Modify for ResourceServerCredential {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A credential of `resource_servers` in the settings."))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("resource_server_credential", SecurityScheme::Http(scheme));
    }
}

/// Which bank.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "it describes the path; the handlers parse it themselves"
)]
pub(crate) struct BankPath {
    /// The bank's code: four digits.
    #[param(example = "2963", pattern = "^[0-9]{4}$")]
    bank: String,
}

/// 認可対象業務: what may be read of an account. `balance` is 残高照会, `transactions` is
/// 入出金明細照会.
pub(crate) struct TaskName;

impl PartialSchema for TaskName {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "`balance` is 残高照会, `transactions` is 入出金明細照会.",
            ))
            .enum_values(Some(Task::ALL.map(Task::as_str)))
            .into()
    }
}

impl ToSchema for TaskName {
    fn name() -> std::borrow::Cow<'static, str> {
        "Task".into()
    }
}

fn serve(document: &'static LazyLock<Option<String>>) -> HttpResponse {
    match document.as_ref() {
        Some(text) => HttpResponse::Ok()
            .insert_header((CACHE_CONTROL, "public, max-age=300"))
            .content_type("application/json")
            .body(text.as_str()),
        None => HttpResponse::InternalServerError().finish(),
    }
}

/// `GET /openapi.json` on the public listener.
pub(crate) async fn show_public() -> HttpResponse {
    static TEXT: LazyLock<Option<String>> = LazyLock::new(|| Document::Public.to_json().ok());
    serve(&TEXT)
}

/// `GET /openapi.json` on the operators' listener.
pub(crate) async fn show_operators() -> HttpResponse {
    static TEXT: LazyLock<Option<String>> = LazyLock::new(|| Document::Operators.to_json().ok());
    serve(&TEXT)
}

#[cfg(test)]
mod tests;
