//! Authorization server metadata (RFC 8414), telling exactly what works.

use consent_domain::scope::Task;
use serde::Serialize;
use utoipa::ToSchema;

use super::authorization_details::ACCOUNT_INFORMATION;
use super::issuer::Issuer;
use super::json_web_key::KeyAlgorithm;
use super::partner_scope::PartnerScope;
use crate::pages::Locale;

/// How clients prove themselves, at every endpoint that asks for it.
const CLIENT_AUTHENTICATION: &[&str] = &["private_key_jwt"];

/// Authorization server metadata (RFC 8414), with the members of RFC 9126, 9207, 9396 and Grant
/// Management.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the RFCs' members are booleans"
)]
pub struct Metadata {
    /// The bank's issuer, equal to `iss` of everything that it issues.
    #[schema(example = "https://consent.example/2963")]
    pub issuer: String,
    /// Where the customer's browser goes with a `request_uri`.
    #[schema(example = "https://consent.example/2963/authorize")]
    pub authorization_endpoint: String,
    /// Codes and refresh tokens for tokens.
    #[schema(example = "https://consent.example/2963/token")]
    pub token_endpoint: String,
    /// Pushed authorization requests (RFC 9126).
    #[schema(example = "https://consent.example/2963/par")]
    pub pushed_authorization_request_endpoint: String,
    /// Ends a token (RFC 7009).
    #[schema(example = "https://consent.example/2963/revoke")]
    pub revocation_endpoint: String,
    /// Tells a token's state (RFC 7662).
    #[schema(example = "https://consent.example/2963/introspect")]
    pub introspection_endpoint: String,
    /// The client's grants, each under its `grant_id` (Grant Management), and all of them as a list.
    #[schema(example = "https://consent.example/2963/grants")]
    pub grant_management_endpoint: String,
    /// Where a pushed request has come to, under its `request_id`. A member of our own.
    #[schema(example = "https://consent.example/2963/requests")]
    pub authorization_request_status_endpoint: String,
    /// The client's events. A member of our own.
    #[schema(example = "https://consent.example/2963/notifications")]
    pub notification_endpoint: String,
    /// The keys that sign access tokens.
    #[schema(example = "https://consent.example/2963/jwks")]
    pub jwks_uri: String,
    /// Always true: the authorization endpoint takes nothing but a `request_uri`.
    #[schema(example = true)]
    pub require_pushed_authorization_requests: bool,
    /// Codes only.
    #[schema(example = json!(["code"]))]
    pub response_types_supported: &'static [&'static str],
    /// The query only.
    #[schema(example = json!(["query"]))]
    pub response_modes_supported: &'static [&'static str],
    /// What the token endpoint takes.
    #[schema(example = json!(["authorization_code", "refresh_token", "client_credentials"]))]
    pub grant_types_supported: &'static [&'static str],
    /// Always S256.
    #[schema(example = json!(["S256"]))]
    pub code_challenge_methods_supported: &'static [&'static str],
    /// At the token and the pushed authorization request endpoint.
    #[schema(example = json!(["private_key_jwt"]))]
    pub token_endpoint_auth_methods_supported: &'static [&'static str],
    /// Of client assertions.
    #[schema(example = json!(["ES256", "PS256", "EdDSA"]))]
    pub token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    /// At the revocation endpoint.
    #[schema(example = json!(["private_key_jwt"]))]
    pub revocation_endpoint_auth_methods_supported: &'static [&'static str],
    /// Of client assertions.
    #[schema(example = json!(["ES256", "PS256", "EdDSA"]))]
    pub revocation_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    /// At the introspection endpoint.
    #[schema(example = json!(["private_key_jwt"]))]
    pub introspection_endpoint_auth_methods_supported: &'static [&'static str],
    /// Of client assertions.
    #[schema(example = json!(["ES256", "PS256", "EdDSA"]))]
    pub introspection_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    /// The tasks that a customer may be asked for, then the partner's own scopes
    /// (`client_credentials`).
    #[schema(example = json!([
        "balance", "transactions",
        "notifications", "grant_management_query", "grant_management_revoke", "status"
    ]))]
    pub scopes_supported: Vec<&'static str>,
    /// RFC 9396.
    #[schema(example = json!(["account_information"]))]
    pub authorization_details_types_supported: &'static [&'static str],
    /// Grant Management for OAuth 2.0.
    #[schema(example = json!(["create", "replace", "merge", "query", "revoke"]))]
    pub grant_management_actions_supported: &'static [&'static str],
    /// A request without an action is taken.
    #[schema(example = false)]
    pub grant_management_action_required: bool,
    /// The languages of the pages; `ui_locales` of a request asks for one.
    #[schema(example = json!(["ja", "en"]))]
    pub ui_locales_supported: Vec<&'static str>,
    /// Every authorization response carries `iss` (RFC 9207).
    #[schema(example = true)]
    pub authorization_response_iss_parameter_supported: bool,
    /// Request objects are not taken.
    #[schema(example = false)]
    pub request_parameter_supported: bool,
}

/// The document of one bank's issuer, served at both well-known forms.
pub fn metadata(issuer: &Issuer) -> Metadata {
    let algorithms = || KeyAlgorithm::ALL.map(KeyAlgorithm::as_str).to_vec();
    Metadata {
        issuer: issuer.as_str().to_owned(),
        authorization_endpoint: issuer.endpoint("authorize"),
        token_endpoint: issuer.endpoint("token"),
        pushed_authorization_request_endpoint: issuer.endpoint("par"),
        revocation_endpoint: issuer.endpoint("revoke"),
        introspection_endpoint: issuer.endpoint("introspect"),
        grant_management_endpoint: issuer.endpoint("grants"),
        authorization_request_status_endpoint: issuer.endpoint("requests"),
        notification_endpoint: issuer.endpoint("notifications"),
        jwks_uri: issuer.endpoint("jwks"),
        require_pushed_authorization_requests: true,
        response_types_supported: &["code"],
        response_modes_supported: &["query"],
        grant_types_supported: &["authorization_code", "refresh_token", "client_credentials"],
        code_challenge_methods_supported: &["S256"],
        token_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION,
        token_endpoint_auth_signing_alg_values_supported: algorithms(),
        revocation_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION,
        revocation_endpoint_auth_signing_alg_values_supported: algorithms(),
        introspection_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION,
        introspection_endpoint_auth_signing_alg_values_supported: algorithms(),
        scopes_supported: Task::ALL
            .map(Task::as_str)
            .into_iter()
            .chain(PartnerScope::ALL.map(PartnerScope::as_str))
            .collect(),
        authorization_details_types_supported: &[ACCOUNT_INFORMATION],
        grant_management_actions_supported: &["create", "replace", "merge", "query", "revoke"],
        grant_management_action_required: false,
        ui_locales_supported: Locale::ALL.map(Locale::tag).to_vec(),
        authorization_response_iss_parameter_supported: true,
        request_parameter_supported: false,
    }
}

#[cfg(test)]
mod tests {
    use consent_domain::BankCode;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_address_is_under_the_issuer() {
        let issuer = Issuer::new(
            "https://consent.example/",
            &BankCode::parse("2963").unwrap(),
        );
        let document = serde_json::to_value(metadata(&issuer)).unwrap();
        assert_eq!(document["issuer"], "https://consent.example/2963");
        for (member, address) in document.as_object().unwrap() {
            if member.ends_with("_endpoint") || member == "jwks_uri" {
                assert!(
                    address
                        .as_str()
                        .unwrap()
                        .starts_with("https://consent.example/2963/")
                );
            }
        }
        assert_eq!(
            document["token_endpoint_auth_signing_alg_values_supported"],
            json!(["ES256", "PS256", "EdDSA"])
        );
    }
}
