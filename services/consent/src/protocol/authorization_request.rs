//! What the browser brings to the authorization endpoint: a `request_uri` of ours and the client
//! that it belongs to (RFC 9126 4). Everything else is ignored: never used, never echoed.

use consent_domain::ClientId;

use super::form::{Fields, FormError, Limits};
use super::request_uri::RequestUri;

/// The two parameters that count.
#[derive(Debug)]
pub struct AuthorizationRequest {
    /// Whose request.
    pub client_id: ClientId,
    /// Which request.
    pub request_uri: RequestUri,
}

/// Why the query was refused; shown on a page of ours, never sent to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizationRequestRefused {
    /// The query can't be read, or one of the two parameters came twice.
    #[error(transparent)]
    Query(#[from] FormError),
    /// No well-formed `client_id`.
    #[error("client_id is malformed")]
    ClientId,
    /// No `request_uri` of ours: requests must be pushed.
    #[error("request_uri is not one of this server")]
    RequestUri,
}

impl AuthorizationRequest {
    /// Reads a raw query string.
    ///
    /// # Errors
    /// [`AuthorizationRequestRefused`].
    pub fn parse(query: &[u8]) -> Result<Self, AuthorizationRequestRefused> {
        let mut fields = Fields::parse(query, Limits::ENDPOINT)?;
        let client_id = fields.take_one("client_id")?;
        let request_uri = fields.take_one("request_uri")?;
        Ok(Self {
            client_id: ClientId::parse(client_id.as_str())
                .map_err(|_| AuthorizationRequestRefused::ClientId)?,
            request_uri: RequestUri::find(&request_uri)
                .ok_or(AuthorizationRequestRefused::RequestUri)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(more: &str) -> String {
        format!(
            "client_id=kaikei-app&request_uri={}{more}",
            RequestUri::mint().expose().replace(':', "%3A")
        )
    }

    #[test]
    fn duplicates_of_pushed_parameters_are_ignored() {
        let more = "&state=1&state=2&redirect_uri=https%3A%2F%2Fevil.example&response_type=token";
        let request = AuthorizationRequest::parse(query(more).as_bytes()).unwrap();
        assert_eq!(request.client_id.as_str(), "kaikei-app");
    }

    #[test]
    fn a_request_that_was_not_pushed_is_refused() {
        let plain = b"client_id=kaikei-app&response_type=code&redirect_uri=https://a.example";
        let refused = AuthorizationRequest::parse(plain).unwrap_err();
        assert_eq!(refused, FormError::Missing("request_uri").into());
        let foreign = b"client_id=kaikei-app&request_uri=https://evil.example/request";
        let refused = AuthorizationRequest::parse(foreign).unwrap_err();
        assert_eq!(refused, AuthorizationRequestRefused::RequestUri);
    }

    #[test]
    fn the_two_parameters_come_once() {
        for more in ["&client_id=kaikei-app", "&request_uri=x"] {
            let refused = AuthorizationRequest::parse(query(more).as_bytes()).unwrap_err();
            assert_eq!(refused, FormError::Repeated.into());
        }
    }
}
