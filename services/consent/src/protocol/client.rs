//! A partner's service as the authorization server sees it.

use std::collections::BTreeSet;

use consent_domain::scope::Task;
use consent_domain::{ClientId, PartnerId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::{Host, Url};

use super::json_web_key::{KeyRefused, PublicKey, parse_key_set};

/// Which redirect URIs may be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectUriPolicy {
    /// https.
    HttpsOnly,
    /// Also http on a loopback host; for demonstrations on one machine.
    HttpsOrLoopbackHttp,
}

/// A registration as an operator gives it. `jwks` is `{"keys": [...]}` (RFC 7517).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientRegistration {
    /// Unique at the server.
    pub client_id: ClientId,
    /// The legal record that the client belongs to.
    pub partner_id: PartnerId,
    /// 1 to 10, each compared byte for byte.
    pub redirect_uris: Vec<String>,
    /// Public keys.
    pub jwks: Value,
    /// What the client may ask for.
    pub scopes: BTreeSet<Task>,
}

/// Why a registration was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationRefused {
    /// Not https (or allowed loopback http), with a fragment, with credentials, or no URI.
    #[error("a redirect URI must be an https URI without fragment or credentials")]
    RedirectUri,
    /// None, or more than 10.
    #[error("a client has 1 to 10 redirect URIs")]
    RedirectUriCount,
    /// No task is allowed.
    #[error("a client needs at least one scope")]
    NoScope,
    /// A key was refused.
    #[error(transparent)]
    Key(#[from] KeyRefused),
}

/// A registered client with its keys read.
#[derive(Clone, Debug)]
pub struct Client {
    client_id: ClientId,
    partner_id: PartnerId,
    redirect_uris: Vec<String>,
    keys: Vec<PublicKey>,
    scopes: BTreeSet<Task>,
}

/// Most redirect URIs of a client.
pub const REDIRECT_URIS_MAX: usize = 10;
const REDIRECT_URI_BYTES_MAX: usize = 2000;

impl Client {
    /// Checks a registration.
    ///
    /// # Errors
    /// [`RegistrationRefused`].
    pub fn try_new(
        registration: &ClientRegistration,
        policy: RedirectUriPolicy,
    ) -> Result<Self, RegistrationRefused> {
        let uris = &registration.redirect_uris;
        if uris.is_empty() || uris.len() > REDIRECT_URIS_MAX {
            return Err(RegistrationRefused::RedirectUriCount);
        }
        if !uris.iter().all(|uri| is_allowed_redirect_uri(uri, policy)) {
            return Err(RegistrationRefused::RedirectUri);
        }
        if registration.scopes.is_empty() {
            return Err(RegistrationRefused::NoScope);
        }
        Ok(Self {
            client_id: registration.client_id.clone(),
            partner_id: registration.partner_id.clone(),
            redirect_uris: uris.clone(),
            keys: parse_key_set(&registration.jwks)?,
            scopes: registration.scopes.clone(),
        })
    }

    /// Its id.
    pub fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// The legal record that it belongs to.
    pub fn partner_id(&self) -> &PartnerId {
        &self.partner_id
    }

    /// Whether the URI is registered, byte for byte.
    pub fn has_redirect_uri(&self, uri: &str) -> bool {
        self.redirect_uris
            .iter()
            .any(|registered| registered == uri)
    }

    /// The keys that its signatures are checked with.
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// Whether it may ask for the task.
    pub fn may_ask_for(&self, task: Task) -> bool {
        self.scopes.contains(&task)
    }
}

/// Whether a redirect URI may be registered.
pub fn is_allowed_redirect_uri(uri: &str, policy: RedirectUriPolicy) -> bool {
    // Printable ASCII only: what is compared is what a browser will follow.
    if uri.len() > REDIRECT_URI_BYTES_MAX || !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
        return false;
    }
    let Ok(url) = Url::parse(uri) else {
        return false;
    };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    let scheme = match url.scheme() {
        "https" => true,
        "http" => loopback && policy == RedirectUriPolicy::HttpsOrLoopbackHttp,
        _ => false,
    };
    let bare = url.username().is_empty() && url.password().is_none();
    scheme && bare && !uri.contains(['#', '\\'])
}

#[cfg(test)]
mod tests {
    use super::super::test_keys;
    use super::*;

    fn registered(uri: &str, policy: RedirectUriPolicy) -> Result<Client, RegistrationRefused> {
        let mut registration = test_keys::registration();
        registration.redirect_uris = vec![uri.to_owned()];
        Client::try_new(&registration, policy)
    }

    #[test]
    fn a_redirect_uri_is_compared_byte_for_byte() {
        let uri = "https://partner.example/cb?a=1";
        let client = registered(uri, RedirectUriPolicy::HttpsOnly).unwrap();
        assert!(client.has_redirect_uri(uri));
        for near in [
            "https://partner.example/cb",
            "https://partner.example/cb?a=1&b",
            "https://PARTNER.example/cb?a=1",
            "https://partner.example:443/cb?a=1",
            "https://partner.example/cb?a=1/",
            "",
        ] {
            assert!(!client.has_redirect_uri(near), "{near}");
        }
    }

    #[test]
    fn http_is_for_loopback_where_the_policy_allows_it() {
        let loopback = RedirectUriPolicy::HttpsOrLoopbackHttp;
        for uri in [
            "http://localhost:8000/callback",
            "http://127.0.0.1/cb",
            "http://[::1]:9/cb",
        ] {
            registered(uri, loopback).unwrap();
            registered(uri, RedirectUriPolicy::HttpsOnly).unwrap_err();
        }
        for uri in ["http://partner.example/cb", "http://localhost.example/cb"] {
            registered(uri, loopback).unwrap_err();
        }
    }

    #[test]
    fn other_redirect_uris_are_refused() {
        for uri in [
            "https://partner.example/cb#top",
            "https://user:pw@partner.example/cb",
            "https://partner.example\\@evil.example/",
            "javascript:alert(1)",
            "com.partner.app:/cb",
            "/cb",
            "https://partner.example/c b",
        ] {
            registered(uri, RedirectUriPolicy::HttpsOrLoopbackHttp).unwrap_err();
        }
    }
}
