//! A request to be pushed, and what the server made of it.

use serde_json::Value;
use url::Url;

/// Parameters of a pushed authorization request beyond those that the client always sends
/// (`client_id` and its assertion, `response_type`, `redirect_uri`, `state`, `code_challenge`,
/// `code_challenge_method`). Any of those can be changed too.
#[derive(Clone, Debug, Default)]
pub struct ParRequest {
    changes: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Set(String, String),
    Repeat(String, String),
    Remove(String),
}

impl ParRequest {
    /// A request without scope and without authorization details.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A request for both tasks by scope alone: `balance transactions`.
    #[must_use]
    pub fn for_both_tasks() -> Self {
        Self::new().scope("balance transactions")
    }

    /// Asks for a scope.
    #[must_use]
    pub fn scope(self, scope: &str) -> Self {
        self.set("scope", scope)
    }

    /// Asks by `authorization_details` (RFC 9396), a JSON array.
    #[must_use]
    pub fn authorization_details(self, details: &Value) -> Self {
        self.set("authorization_details", &details.to_string())
    }

    /// Asks for a grant of its own beside the ones that exist.
    #[must_use]
    pub fn create_grant(self) -> Self {
        self.set("grant_management_action", "create")
    }

    /// Sends this value under the name, instead of the client's own where it has one.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.changes
            .push(Change::Set(name.to_owned(), value.to_owned()));
        self
    }

    /// Sends the name once more.
    #[must_use]
    pub fn repeat(mut self, name: &str, value: &str) -> Self {
        self.changes
            .push(Change::Repeat(name.to_owned(), value.to_owned()));
        self
    }

    /// Leaves the name out.
    #[must_use]
    pub fn remove(mut self, name: &str) -> Self {
        self.changes.push(Change::Remove(name.to_owned()));
        self
    }

    pub(crate) fn apply(&self, own: Vec<(String, String)>) -> Vec<(String, String)> {
        let mut pairs = own;
        for change in &self.changes {
            match change {
                Change::Set(name, value) => {
                    pairs.retain(|(key, _)| key != name);
                    pairs.push((name.clone(), value.clone()));
                }
                Change::Repeat(name, value) => pairs.push((name.clone(), value.clone())),
                Change::Remove(name) => pairs.retain(|(key, _)| key != name),
            }
        }
        pairs
    }
}

/// A pushed request.
#[derive(Clone)]
pub struct Pushed {
    /// Where the browser takes it.
    pub authorization_endpoint: Url,
    /// The client that pushed it.
    pub client_id: String,
    /// The reference that the server gave.
    pub request_uri: String,
    /// How long the reference lives, in seconds.
    pub expires_in_s: u64,
    /// The state that must come back.
    pub state: String,
    /// The code verifier of the challenge that was sent.
    pub verifier: String,
}

/// Without the verifier.
impl std::fmt::Debug for Pushed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Pushed")
            .field("client_id", &self.client_id)
            .field("request_uri", &self.request_uri)
            .field("expires_in_s", &self.expires_in_s)
            .finish_non_exhaustive()
    }
}
