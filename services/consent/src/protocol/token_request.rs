//! What a client sends to the token endpoint, after its proof was taken out of the form.

use std::collections::BTreeSet;

use super::form::{Fields, Remaining};
use super::oauth_error::OAuthError;
use super::partner_scope::{self, PartnerScope};
use super::pkce::CodeVerifier;
use super::secret::Secret;

/// A request by its `grant_type`.
#[derive(Debug)]
pub enum TokenRequest {
    /// A code for tokens (RFC 6749 4.1.3).
    AuthorizationCode {
        /// As received at the redirect URI.
        code: Secret,
        /// The one of the pushed request.
        redirect_uri: String,
        /// Of the pushed request's challenge.
        code_verifier: CodeVerifier,
    },
    /// A refresh token for an access token (RFC 6749 6).
    RefreshToken {
        /// The token.
        refresh_token: Secret,
        /// Less than was granted, or everything.
        scope: Option<String>,
    },
    /// The client's own credentials for an access token of its own (RFC 6749 4.4).
    ClientCredentials {
        /// The partner's own scopes.
        scopes: BTreeSet<PartnerScope>,
    },
}

impl TokenRequest {
    /// Reads a form; parameters that this server does not know are ignored.
    ///
    /// # Errors
    /// `invalid_request`, `unsupported_grant_type`, or `invalid_grant` for a verifier that no
    /// challenge can come from.
    pub fn parse(mut fields: Fields) -> Result<Self, OAuthError> {
        fields.require_once()?;
        let mut take = |name: &'static str| -> Result<Option<_>, OAuthError> {
            // Sent without a value counts as omitted (RFC 6749 3.2).
            Ok(fields
                .take_optional(name)?
                .filter(|value| !value.is_empty()))
        };
        let missing = OAuthError::invalid_request;
        let grant_type = take("grant_type")?.ok_or(missing("grant_type is missing"))?;
        let request = match grant_type.as_str() {
            "authorization_code" => Self::AuthorizationCode {
                code: take("code")?
                    .map(Secret::new)
                    .ok_or(missing("code is missing"))?,
                redirect_uri: take("redirect_uri")?
                    .map(|uri| uri.as_str().to_owned())
                    .ok_or(missing("redirect_uri is missing"))?,
                code_verifier: CodeVerifier::parse(
                    take("code_verifier")?.ok_or(missing("code_verifier is missing"))?,
                )
                .map_err(|_| OAuthError::invalid_grant())?,
            },
            "refresh_token" => Self::RefreshToken {
                refresh_token: take("refresh_token")?
                    .map(Secret::new)
                    .ok_or(missing("refresh_token is missing"))?,
                scope: take("scope")?.map(|scope| scope.as_str().to_owned()),
            },
            "client_credentials" => Self::ClientCredentials {
                scopes: partner_scope::parse(take("scope")?.as_deref().map(String::as_str))?,
            },
            _ => return Err(OAuthError::unsupported_grant_type()),
        };
        fields.finish(Remaining::Ignore)?;
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::super::form::Limits;
    use super::*;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    fn parse(body: &str) -> Result<TokenRequest, OAuthError> {
        TokenRequest::parse(Fields::parse(body.as_bytes(), Limits::ENDPOINT).unwrap())
    }

    fn code_request() -> String {
        format!(
            "grant_type=authorization_code&code=c&redirect_uri=https%3A%2F%2Fp.example%2Fcb\
             &code_verifier={VERIFIER}"
        )
    }

    #[test]
    fn every_grant_type_is_read() {
        let request = parse(&format!("{}&client_id=x&unknown=1", code_request())).unwrap();
        assert!(
            matches!(request, TokenRequest::AuthorizationCode { redirect_uri, .. }
            if redirect_uri == "https://p.example/cb")
        );
        let request = parse("grant_type=refresh_token&refresh_token=r&scope=").unwrap();
        assert!(matches!(
            request,
            TokenRequest::RefreshToken { scope: None, .. }
        ));
        let request = parse("grant_type=client_credentials&scope=notifications").unwrap();
        assert!(matches!(request, TokenRequest::ClientCredentials { scopes }
            if scopes.len() == 1));
    }

    #[test]
    fn what_is_missing_repeated_or_unknown_is_refused() {
        let cases = [
            (String::new(), "invalid_request"),
            ("grant_type=client_credentials".to_owned(), "invalid_scope"),
            (
                "grant_type=password&username=a".to_owned(),
                "unsupported_grant_type",
            ),
            (
                "grant_type=refresh_token&refresh_token=".to_owned(),
                "invalid_request",
            ),
            (code_request().replace("code=c", "code="), "invalid_request"),
            (
                code_request().replace("redirect_uri", "x"),
                "invalid_request",
            ),
            (
                code_request().replace("code_verifier", "x"),
                "invalid_request",
            ),
            (code_request().replace(VERIFIER, "short"), "invalid_grant"),
            (code_request() + "&code=c", "invalid_request"),
            (code_request() + "&unknown=1&unknown=2", "invalid_request"),
        ];
        for (body, error) in cases {
            assert_eq!(parse(&body).unwrap_err().error, error, "{body}");
        }
    }

    #[test]
    fn no_secret_is_printed() {
        let request = parse(&code_request()).unwrap();
        assert!(!format!("{request:?}").contains(VERIFIER));
    }
}
