//! The parameters of a request as received: kept as evidence, and read again whenever the request
//! is taken up, so that nothing parsed can drift from what was sent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::form::Fields;
use super::oauth_error::OAuthError;

/// Parameters by name, each once and not empty. JSON: an object of strings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReceivedParameters(BTreeMap<String, String>);

/// What proves the client is spent at once and never kept.
const CLIENT_PROOF: [&str; 3] = ["client_assertion", "client_assertion_type", "client_secret"];

impl ReceivedParameters {
    /// Takes every parameter except the client's proof. A parameter without a value counts as
    /// omitted (RFC 6749 3.1).
    ///
    /// # Errors
    /// `invalid_request` where a parameter came twice.
    pub fn take(fields: Fields) -> Result<Self, OAuthError> {
        fields.require_once()?;
        let kept = fields
            .into_pairs()
            .into_iter()
            .filter(|(name, value)| !CLIENT_PROOF.contains(&name.as_str()) && !value.is_empty())
            .map(|(name, value)| (name, value.as_str().to_owned()))
            .collect();
        Ok(Self(kept))
    }

    /// The value of a parameter.
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::super::form::Limits;
    use super::*;

    fn take(body: &str) -> Result<ReceivedParameters, OAuthError> {
        ReceivedParameters::take(Fields::parse(body.as_bytes(), Limits::ENDPOINT).unwrap())
    }

    #[test]
    fn the_clients_proof_is_not_kept() {
        let kept = take("client_assertion=a.b.c&client_assertion_type=t&state=s&scope=").unwrap();
        assert_eq!(serde_json::to_string(&kept).unwrap(), r#"{"state":"s"}"#);
    }

    #[test]
    fn a_repeated_parameter_is_refused() {
        assert_eq!(
            take("state=s&state=s").unwrap_err().error,
            "invalid_request"
        );
    }
}
