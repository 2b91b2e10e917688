//! Pushed authorization requests (RFC 9126).

use serde::Deserialize;
use url::Url;

use super::client_assertion::ASSERTION_TYPE;
use super::error::{OauthError, refusal};
use super::metadata::ServerMetadata;
use super::{authorization_details, pkce};
use crate::http_client::{HttpClient, HttpError};
use crate::secret::Secret;

/// Whether the request may change the linkage that stands, or makes another beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantAction {
    /// Without `grant_management_action`: the bank changes this pair's one linkage, or makes the
    /// first.
    Default,
    /// `grant_management_action=create`.
    Create,
}

/// One authorization request.
#[derive(Debug)]
pub struct AuthorizationRequest<'a> {
    /// The client.
    pub client_id: &'a str,
    /// The registered redirect URI.
    pub redirect_uri: &'a str,
    /// Ties the answer to this request and this browser.
    pub state: &'a Secret,
    /// Ties an ID token, should the server send one, to this request.
    pub nonce: &'a Secret,
    /// The PKCE verifier, of which only the challenge is sent.
    pub code_verifier: &'a Secret,
    /// Another linkage, or the one that stands.
    pub action: GrantAction,
    /// The language that the customer reads here; the bank's pages begin in it.
    pub ui_locales: &'a str,
}

#[derive(Deserialize)]
struct Pushed {
    request_uri: String,
}

/// A `request_uri` is put into an address; servers use far less.
const MAX_REQUEST_URI_BYTES: usize = 512;

impl AuthorizationRequest<'_> {
    /// Pushes the request; answers the address for the browser.
    pub async fn push(
        &self,
        http: &HttpClient,
        metadata: &ServerMetadata,
        assertion: &Secret,
    ) -> Result<Url, OauthError> {
        let challenge = pkce::code_challenge(self.code_verifier);
        let details = authorization_details::requested();
        let mut form = vec![
            ("client_id", self.client_id),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", assertion.reveal()),
            ("response_type", "code"),
            ("redirect_uri", self.redirect_uri),
            ("state", self.state.reveal()),
            ("nonce", self.nonce.reveal()),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
            ("authorization_details", details.as_str()),
            ("ui_locales", self.ui_locales),
        ];
        if self.action == GrantAction::Create {
            form.push(("grant_management_action", "create"));
        }
        let endpoint = metadata.pushed_authorization_request_endpoint.clone();
        let answer = http.send(http.post(endpoint).form(&form)).await?;
        if answer.status != 201 {
            return Err(refusal(&answer));
        }
        let pushed: Pushed = answer.json()?;
        if !(1..=MAX_REQUEST_URI_BYTES).contains(&pushed.request_uri.len()) {
            return Err(HttpError::Unreadable.into());
        }
        let mut url = metadata.authorization_endpoint.clone();
        url.query_pairs_mut()
            .append_pair("client_id", self.client_id)
            .append_pair("request_uri", &pushed.request_uri);
        Ok(url)
    }
}
