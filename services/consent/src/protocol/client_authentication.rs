//! Where a request carries its client's proof: form parameters only (RFC 7521 4.2).

use std::fmt;

use consent_domain::ClientId;
use zeroize::Zeroizing;

use super::client_assertion::find_claimed_client_id;
use super::form::Fields;
use super::oauth_error::OAuthError;

/// The only `client_assertion_type`.
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An assertion as presented, unproven.
pub struct PresentedAssertion {
    claimed_client_id: ClientId,
    assertion: Zeroizing<String>,
}

impl PresentedAssertion {
    /// Takes the assertion out of a form; `client_id` stays in it, and must agree where sent.
    ///
    /// # Errors
    /// `invalid_request` for a repeated parameter, else `invalid_client`: no assertion, another
    /// type, a `client_secret` beside it, or a `client_id` that differs.
    pub fn take(fields: &mut Fields) -> Result<Self, OAuthError> {
        let assertion_type = fields.take_optional("client_assertion_type")?;
        let assertion = fields.take_optional("client_assertion")?;
        let secret = fields.take_optional("client_secret")?;
        let (Some(assertion_type), Some(assertion), None) = (assertion_type, assertion, secret)
        else {
            return Err(OAuthError::invalid_client());
        };
        if assertion_type.as_str() != JWT_BEARER {
            return Err(OAuthError::invalid_client());
        }
        let claimed_client_id =
            find_claimed_client_id(&assertion).ok_or(OAuthError::invalid_client())?;
        let sent = fields.find("client_id")?;
        if sent.is_some_and(|client_id| client_id != claimed_client_id.as_str()) {
            return Err(OAuthError::invalid_client());
        }
        Ok(Self {
            claimed_client_id,
            assertion,
        })
    }

    /// Whose keys to check it with.
    pub fn claimed_client_id(&self) -> &ClientId {
        &self.claimed_client_id
    }

    /// For [`super::client_assertion::verify_client_assertion`].
    pub fn assertion(&self) -> &str {
        &self.assertion
    }
}

impl fmt::Debug for PresentedAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PresentedAssertion({})", self.claimed_client_id)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::form::Limits;
    use super::super::test_keys::{self, CLIENT_ID};
    use super::*;

    fn assertion() -> String {
        let claims = json!({"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": "x", "exp": 1});
        test_keys::ec().sign(json!({"alg": "ES256"}), &claims)
    }

    fn take(body: &str) -> Result<PresentedAssertion, OAuthError> {
        let mut fields = Fields::parse(body.as_bytes(), Limits::ENDPOINT).unwrap();
        PresentedAssertion::take(&mut fields)
    }

    fn body() -> String {
        format!(
            "client_assertion_type={JWT_BEARER}&client_assertion={}",
            assertion()
        )
    }

    #[test]
    fn the_client_is_named_by_the_assertion() {
        assert_eq!(
            take(&body()).unwrap().claimed_client_id().as_str(),
            CLIENT_ID
        );
        take(&format!("{}&client_id={CLIENT_ID}", body())).unwrap();
    }

    #[test]
    fn anything_else_is_invalid_client() {
        for body in [
            String::new(),
            format!("client_assertion={}", assertion()),
            format!("client_assertion_type={JWT_BEARER}"),
            format!("client_assertion_type=x&client_assertion={}", assertion()),
            format!("client_assertion_type={JWT_BEARER}&client_assertion=a.b.c"),
            format!("{}&client_secret=s", body()),
            format!("{}&client_id=other", body()),
            "client_id=x&client_secret=s".to_owned(),
        ] {
            assert_eq!(take(&body).unwrap_err().error, "invalid_client", "{body}");
        }
    }

    #[test]
    fn two_assertions_are_an_invalid_request() {
        let error = take(&format!("{}&client_assertion=a", body())).unwrap_err();
        assert_eq!(error.error, "invalid_request");
    }
}
