//! Authorization server metadata (RFC 8414).

use serde::Deserialize;
use url::Url;

use super::error::{OauthError, refusal};
use crate::http_client::HttpClient;
use crate::settings::Issuer;

/// The endpoints of one issuer, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerMetadata {
    /// Where the browser goes.
    pub authorization_endpoint: Url,
    /// Where codes and refresh tokens become access tokens.
    pub token_endpoint: Url,
    /// Where authorization requests are pushed (RFC 9126).
    pub pushed_authorization_request_endpoint: Url,
    /// Where a permission is asked for and ended (Grant Management), where the server offers that.
    pub grant_management_endpoint: Option<Url>,
}

/// What makes metadata unusable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// RFC 8414, 3.3: `issuer` must be the one that was asked for, byte for byte.
    #[error("it belongs to another issuer")]
    OtherIssuer,
    /// An endpoint elsewhere. The page's `form-action` names the issuer's origin only, and nothing
    /// that this service sends should leave it.
    #[error("an endpoint is not at the issuer's origin")]
    OtherOrigin,
    /// The server does not do S256.
    #[error("PKCE with S256 is not offered")]
    NoS256,
    /// The server takes no assertion of ours.
    #[error("private_key_jwt with ES256 is not offered")]
    NoPrivateKeyJwt,
    /// The server does not know the type `account_information` (RFC 9396, 10).
    #[error("authorization_details of type account_information are not offered")]
    NoAccountInformation,
}

/// Lists that a server may leave out are not held against it.
#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    pushed_authorization_request_endpoint: Url,
    grant_management_endpoint: Option<Url>,
    code_challenge_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    authorization_details_types_supported: Option<Vec<String>>,
}

impl ServerMetadata {
    /// Fetches and checks the metadata of `issuer`.
    pub async fn fetch(http: &HttpClient, issuer: &Issuer) -> Result<Self, OauthError> {
        let answer = http.send(http.get(metadata_url(issuer))).await?;
        if answer.status != 200 {
            return Err(refusal(&answer));
        }
        Ok(check(answer.json()?, issuer)?)
    }
}

/// RFC 8414, 3.1: the well-known part goes between the host and the issuer's path.
fn metadata_url(issuer: &Issuer) -> Url {
    let mut url = issuer.url().clone();
    let path = match url.path() {
        "/" => "",
        path => path,
    };
    url.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
    url
}

fn check(document: Document, issuer: &Issuer) -> Result<ServerMetadata, MetadataError> {
    if document.issuer != issuer.as_str() {
        return Err(MetadataError::OtherIssuer);
    }
    let origin = issuer.url().origin();
    let endpoints = [
        &document.authorization_endpoint,
        &document.token_endpoint,
        &document.pushed_authorization_request_endpoint,
    ];
    let grants = document.grant_management_endpoint.iter();
    if endpoints
        .into_iter()
        .chain(grants)
        .any(|endpoint| endpoint.origin() != origin)
    {
        return Err(MetadataError::OtherOrigin);
    }
    if lacks(document.code_challenge_methods_supported.as_deref(), "S256") {
        return Err(MetadataError::NoS256);
    }
    if lacks(
        document.token_endpoint_auth_methods_supported.as_deref(),
        "private_key_jwt",
    ) || lacks(
        document
            .token_endpoint_auth_signing_alg_values_supported
            .as_deref(),
        "ES256",
    ) {
        return Err(MetadataError::NoPrivateKeyJwt);
    }
    if lacks(
        document.authorization_details_types_supported.as_deref(),
        "account_information",
    ) {
        return Err(MetadataError::NoAccountInformation);
    }
    Ok(ServerMetadata {
        authorization_endpoint: document.authorization_endpoint,
        token_endpoint: document.token_endpoint,
        pushed_authorization_request_endpoint: document.pushed_authorization_request_endpoint,
        grant_management_endpoint: document.grant_management_endpoint,
    })
}

fn lacks(offered: Option<&[String]>, needed: &str) -> bool {
    offered.is_some_and(|offered| !offered.iter().any(|value| value == needed))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn issuer() -> Issuer {
        Issuer::parse("http://bank.example/2963").unwrap()
    }

    fn document() -> Value {
        json!({
            "issuer": "http://bank.example/2963",
            "authorization_endpoint": "http://bank.example/2963/authorize",
            "token_endpoint": "http://bank.example/2963/token",
            "pushed_authorization_request_endpoint": "http://bank.example/2963/par",
            "jwks_uri": "http://bank.example/2963/jwks",
            "code_challenge_methods_supported": ["S256"],
        })
    }

    fn checked(name: &str, value: Value) -> Result<ServerMetadata, MetadataError> {
        let mut document = document();
        document[name] = value;
        check(serde_json::from_value(document).unwrap(), &issuer())
    }

    #[test]
    fn the_well_known_part_stands_before_the_path() {
        assert_eq!(
            metadata_url(&issuer()).as_str(),
            "http://bank.example/.well-known/oauth-authorization-server/2963"
        );
        assert_eq!(
            metadata_url(&Issuer::parse("http://bank.example").unwrap()).as_str(),
            "http://bank.example/.well-known/oauth-authorization-server"
        );
    }

    #[test]
    fn metadata_that_names_what_is_needed_is_accepted() {
        assert!(
            checked(
                "token_endpoint_auth_methods_supported",
                json!(["private_key_jwt"])
            )
            .is_ok()
        );
    }

    #[test]
    fn metadata_of_another_issuer_or_with_other_means_is_refused() {
        assert_eq!(
            checked("issuer", json!("http://bank.example/2963/")),
            Err(MetadataError::OtherIssuer)
        );
        assert_eq!(
            checked("token_endpoint", json!("http://evil.example/token")),
            Err(MetadataError::OtherOrigin)
        );
        assert_eq!(
            checked(
                "grant_management_endpoint",
                json!("http://evil.example/grants")
            ),
            Err(MetadataError::OtherOrigin)
        );
        assert_eq!(
            checked("code_challenge_methods_supported", json!(["plain"])),
            Err(MetadataError::NoS256)
        );
        assert_eq!(
            checked(
                "token_endpoint_auth_signing_alg_values_supported",
                json!(["PS256"])
            ),
            Err(MetadataError::NoPrivateKeyJwt)
        );
        assert_eq!(
            checked("authorization_details_types_supported", json!([])),
            Err(MetadataError::NoAccountInformation)
        );
    }
}
