//! Authorization server metadata (RFC 8414), telling exactly what works.

use consent_domain::scope::Task;
use serde_json::{Value, json};

use super::authorization_details::ACCOUNT_INFORMATION;
use super::issuer::Issuer;
use super::json_web_key::KeyAlgorithm;

/// The document of one bank's issuer, served at both well-known forms.
pub fn metadata(issuer: &Issuer) -> Value {
    json!({
        "issuer": issuer.as_str(),
        "authorization_endpoint": issuer.endpoint("authorize"),
        "token_endpoint": issuer.endpoint("token"),
        "pushed_authorization_request_endpoint": issuer.endpoint("par"),
        "jwks_uri": issuer.endpoint("jwks"),
        "require_pushed_authorization_requests": true,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported":
            KeyAlgorithm::ALL.map(KeyAlgorithm::as_str),
        "scopes_supported": Task::ALL.map(Task::as_str),
        "authorization_details_types_supported": [ACCOUNT_INFORMATION],
        "grant_management_actions_supported": ["create"],
        "grant_management_action_required": false,
        "authorization_response_iss_parameter_supported": true,
        "request_parameter_supported": false,
    })
}

#[cfg(test)]
mod tests {
    use consent_domain::BankCode;

    use super::*;

    #[test]
    fn every_address_is_under_the_issuer() {
        let issuer = Issuer::new(
            "https://consent.example/",
            &BankCode::parse("2963").unwrap(),
        );
        let document = metadata(&issuer);
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
