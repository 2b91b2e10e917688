//! Pushed authorization requests (RFC 9126): what the parameters mean and which are refused.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use consent_domain::{ClientId, GrantId, scope::Task};

use super::authorization_details;
use super::client::Client;
use super::oauth_error::OAuthError;
use super::pairwise::PairwiseId;
use super::pkce::CodeChallenge;
use super::received_parameters::ReceivedParameters;

const STATE_BYTES_MAX: usize = 1024;
const SCOPE_BYTES_MAX: usize = 256;
const UI_LOCALES_BYTES_MAX: usize = 256;

/// `grant_management_action` of an authorization request (Grant Management for OAuth 2.0, draft 03, 5),
/// with the `grant_id` that goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantManagementAction {
    /// Make another grant beside those that live.
    Create,
    /// Let what is allowed now stand in the place of what this grant says.
    Replace(GrantId),
    /// Add what is allowed now to what this grant says.
    Merge(GrantId),
}

/// A request whose every parameter was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedRequest {
    /// Who asks.
    pub client_id: ClientId,
    /// Registered, byte for byte.
    pub redirect_uri: String,
    /// Printable ASCII, returned as it is.
    pub state: Option<String>,
    /// S256.
    pub code_challenge: CodeChallenge,
    /// Of the scope and the details together; at least one.
    pub tasks: BTreeSet<Task>,
    /// The partner's ids of accounts that it asks for.
    pub accounts: Option<Vec<PairwiseId>>,
    /// The first 取引日 wanted, a date in Japan.
    pub history_from: Option<NaiveDate>,
    /// `None`: change the one live grant, or make the first.
    pub grant_action: Option<GrantManagementAction>,
    /// As sent.
    pub scope: Option<String>,
}

impl PushedRequest {
    /// Checks the parameters of an authenticated client. `today` is the date in Japan. The same
    /// function reads them again when the request is taken up: what the client may no longer do by
    /// then is refused.
    ///
    /// # Errors
    /// The [`OAuthError`] that the RFC names for the first parameter that is wrong.
    pub fn parse(
        parameters: &ReceivedParameters,
        client: &Client,
        today: NaiveDate,
    ) -> Result<Self, OAuthError> {
        refuse_unsupported(parameters)?;
        if parameters
            .find("client_id")
            .is_some_and(|id| id != client.client_id().as_str())
        {
            return Err(OAuthError::invalid_request(
                "client_id is not the authenticated client",
            ));
        }
        match parameters.find("response_type") {
            Some("code") => {}
            Some(_) => return Err(OAuthError::unsupported_response_type()),
            None => return Err(OAuthError::invalid_request("response_type is missing")),
        }
        let redirect_uri = parameters
            .find("redirect_uri")
            .filter(|uri| client.has_redirect_uri(uri))
            .ok_or(OAuthError::invalid_request(
                "redirect_uri must be a registered one",
            ))?;
        check_ui_locales(parameters)?;
        let asked = asked_for(parameters, client, today)?;
        Ok(Self {
            client_id: client.client_id().clone(),
            redirect_uri: redirect_uri.to_owned(),
            state: parameters.find("state").map(parse_state).transpose()?,
            code_challenge: parse_challenge(parameters)?,
            tasks: asked.tasks,
            accounts: asked.accounts,
            history_from: asked.history_from,
            grant_action: parse_grant_action(parameters)?,
            scope: parameters.find("scope").map(str::to_owned),
        })
    }
}

fn refuse_unsupported(parameters: &ReceivedParameters) -> Result<(), OAuthError> {
    if parameters.find("request_uri").is_some() {
        return Err(OAuthError::invalid_request(
            "request_uri must not be pushed",
        ));
    }
    if parameters.find("request").is_some() {
        return Err(OAuthError::request_not_supported());
    }
    if parameters
        .find("response_mode")
        .is_some_and(|mode| mode != "query")
    {
        return Err(OAuthError::invalid_request("response_mode must be query"));
    }
    Ok(())
}

fn parse_state(state: &str) -> Result<String, OAuthError> {
    // RFC 6749 appendix A.5.
    if state.len() <= STATE_BYTES_MAX && state.bytes().all(|byte| matches!(byte, 0x20..=0x7E)) {
        Ok(state.to_owned())
    } else {
        Err(OAuthError::invalid_request(
            "state must be at most 1024 printable ASCII characters",
        ))
    }
}

/// Languages that there are not are no error (OpenID Connect Core 3.1.2.1); what can be no list of
/// BCP 47 tags is one. The pages read the list as it was received.
fn check_ui_locales(parameters: &ReceivedParameters) -> Result<(), OAuthError> {
    let of_tags = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b' ');
    match parameters.find("ui_locales") {
        Some(list) if list.len() > UI_LOCALES_BYTES_MAX || !list.bytes().all(of_tags) => {
            Err(OAuthError::invalid_request(
                "ui_locales must be language tags with spaces between them",
            ))
        }
        _ => Ok(()),
    }
}

fn parse_challenge(parameters: &ReceivedParameters) -> Result<CodeChallenge, OAuthError> {
    // Without a method the RFC means "plain".
    if parameters.find("code_challenge_method") != Some("S256") {
        return Err(OAuthError::invalid_request(
            "code_challenge_method must be S256",
        ));
    }
    parameters
        .find("code_challenge")
        .and_then(|challenge| CodeChallenge::parse(challenge).ok())
        .ok_or(OAuthError::invalid_request(
            "code_challenge must be a base64url SHA-256",
        ))
}

/// Whether the grant lives and is this client's is not seen here.
fn parse_grant_action(
    parameters: &ReceivedParameters,
) -> Result<Option<GrantManagementAction>, OAuthError> {
    let named = parameters.find("grant_id");
    let to_change = || {
        let named = named.ok_or(OAuthError::invalid_request(
            "grant_management_action replace or merge needs a grant_id",
        ))?;
        GrantId::parse(named).map_err(|_| OAuthError::invalid_grant_id())
    };
    match (parameters.find("grant_management_action"), named) {
        (None, None) => Ok(None),
        (Some("create"), None) => Ok(Some(GrantManagementAction::Create)),
        (Some("replace"), _) => Ok(Some(GrantManagementAction::Replace(to_change()?))),
        (Some("merge"), _) => Ok(Some(GrantManagementAction::Merge(to_change()?))),
        (None | Some("create"), Some(_)) => Err(OAuthError::invalid_request(
            "grant_id goes with grant_management_action replace or merge",
        )),
        (Some(_), _) => Err(OAuthError::invalid_request(
            "grant_management_action must be create, replace or merge",
        )),
    }
}

fn asked_for(
    parameters: &ReceivedParameters,
    client: &Client,
    today: NaiveDate,
) -> Result<authorization_details::RequestedAccess, OAuthError> {
    let scoped = match parameters.find("scope") {
        Some(scope) => parse_scope(scope, client)?,
        None => BTreeSet::new(),
    };
    let mut asked = match parameters.find("authorization_details") {
        Some(details) => authorization_details::parse(details, today)?,
        None => authorization_details::RequestedAccess {
            tasks: BTreeSet::new(),
            accounts: None,
            history_from: None,
        },
    };
    if !asked.tasks.iter().all(|task| client.may_ask_for(*task)) {
        return Err(OAuthError::invalid_authorization_details(
            "the client may not ask for a task",
        ));
    }
    // Both together mean both (RFC 9396 3.1).
    asked.tasks.extend(scoped);
    if asked.tasks.is_empty() {
        return Err(OAuthError::invalid_scope(
            "scope or authorization_details is needed",
        ));
    }
    Ok(asked)
}

/// Reads a scope of known tasks that the client may ask for.
///
/// # Errors
/// `invalid_scope`.
pub fn parse_scope(scope: &str, client: &Client) -> Result<BTreeSet<Task>, OAuthError> {
    let refused = OAuthError::invalid_scope("the scope has values that this client may not use");
    if scope.len() > SCOPE_BYTES_MAX {
        return Err(refused);
    }
    scope
        .split(' ')
        .map(|value| {
            Task::find(value)
                .filter(|task| client.may_ask_for(*task))
                .ok_or(refused)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::client::RedirectUriPolicy;
    use super::super::test_keys::{self, CLIENT_ID};
    use super::*;

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn client_for(scopes: impl Into<BTreeSet<Task>>) -> Client {
        let mut registration = test_keys::registration();
        registration.scopes = scopes.into();
        Client::try_new(&registration, RedirectUriPolicy::HttpsOnly).unwrap()
    }

    fn parse_with(
        changes: &[(&str, Option<&str>)],
        client: &Client,
    ) -> Result<PushedRequest, OAuthError> {
        let mut parameters = json!({
            "client_id": CLIENT_ID, "response_type": "code", "state": "s1",
            "redirect_uri": "https://partner.example/cb", "scope": "balance",
            "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        });
        for (name, value) in changes {
            match value {
                Some(value) => parameters[*name] = json!(value),
                None => drop(parameters.as_object_mut().unwrap().remove(*name)),
            }
        }
        let parameters = serde_json::from_value(parameters).unwrap();
        PushedRequest::parse(
            &parameters,
            client,
            NaiveDate::from_ymd_opt(2026, 7, 1).unwrap(),
        )
    }

    fn with(name: &str, value: Option<&str>) -> Result<PushedRequest, OAuthError> {
        parse_with(&[(name, value)], &client_for(Task::ALL))
    }

    fn refused(name: &str, value: Option<&str>) -> &'static str {
        with(name, value).unwrap_err().error
    }

    #[test]
    fn a_scope_alone_gives_tasks() {
        let request = with("scope", Some("transactions balance")).unwrap();
        assert_eq!(request.tasks, Task::ALL.into());
        assert_eq!(request.accounts, None);
        assert_eq!(request.state.as_deref(), Some("s1"));
        assert_eq!(request.grant_action, None);
    }

    #[test]
    fn scope_and_details_add_up() {
        let details = r#"[{"type":"account_information","tasks":["transactions"]}]"#;
        let request = with("authorization_details", Some(details)).unwrap();
        assert_eq!(request.tasks, Task::ALL.into());
        let client = client_for(Task::ALL);
        let alone = [("authorization_details", Some(details)), ("scope", None)];
        assert_eq!(
            parse_with(&alone, &client).unwrap().tasks,
            [Task::Transactions].into()
        );
    }

    #[test]
    fn something_must_be_asked_for() {
        assert_eq!(refused("scope", None), "invalid_scope");
        for scope in ["openid", "balance  transactions", " balance", "Balance"] {
            assert_eq!(refused("scope", Some(scope)), "invalid_scope", "{scope}");
        }
    }

    #[test]
    fn a_client_asks_within_its_registration() {
        let client = client_for([Task::Balance]);
        let scope = parse_with(&[("scope", Some("transactions"))], &client).unwrap_err();
        assert_eq!(scope.error, "invalid_scope");
        let details = r#"[{"type":"account_information","tasks":["transactions"]}]"#;
        let details = parse_with(&[("authorization_details", Some(details))], &client);
        assert_eq!(details.unwrap_err().error, "invalid_authorization_details");
    }

    #[test]
    fn only_the_code_flow_works() {
        assert_eq!(refused("response_type", None), "invalid_request");
        for response_type in ["token", "code id_token", "CODE"] {
            let error = refused("response_type", Some(response_type));
            assert_eq!(error, "unsupported_response_type");
        }
        with("response_mode", Some("query")).unwrap();
        assert_eq!(
            refused("response_mode", Some("fragment")),
            "invalid_request"
        );
    }

    #[test]
    fn the_redirect_uri_is_needed_and_registered() {
        for uri in [
            None,
            Some("https://partner.example/cb/"),
            Some("https://evil.example/"),
        ] {
            assert_eq!(refused("redirect_uri", uri), "invalid_request");
        }
    }

    #[test]
    fn a_proof_key_is_always_needed() {
        for (name, value) in [
            ("code_challenge", None),
            ("code_challenge", Some("short")),
            ("code_challenge_method", None),
            ("code_challenge_method", Some("plain")),
        ] {
            assert_eq!(refused(name, value), "invalid_request", "{name}");
        }
    }

    #[test]
    fn requests_by_reference_or_object_are_refused() {
        let by_reference = Some("urn:ietf:params:oauth:request_uri:x");
        assert_eq!(refused("request_uri", by_reference), "invalid_request");
        assert_eq!(refused("request", Some("a.b.c")), "request_not_supported");
    }

    #[test]
    fn the_state_is_bounded_and_printable() {
        with("state", None).unwrap();
        with("state", Some(&"s".repeat(1024))).unwrap();
        for state in ["あ", "a\nb", &"s".repeat(1025)] {
            assert_eq!(refused("state", Some(state)), "invalid_request");
        }
    }

    #[test]
    fn languages_that_there_are_not_are_no_error() {
        for list in ["ja", "en-GB ja", "fr", "zh-Hant-TW de"] {
            with("ui_locales", Some(list)).unwrap();
        }
        for list in ["日本語", "en,ja", "<b>", &"e".repeat(257)] {
            assert_eq!(
                refused("ui_locales", Some(list)),
                "invalid_request",
                "{list}"
            );
        }
    }

    #[test]
    fn another_clients_id_is_refused() {
        assert_eq!(refused("client_id", Some("other")), "invalid_request");
        with("client_id", None).unwrap();
    }

    #[test]
    fn an_action_that_changes_a_grant_names_it_and_no_other_does() {
        let action = |changes: &[(&str, Option<&str>)]| {
            parse_with(changes, &client_for(Task::ALL)).map(|request| request.grant_action)
        };
        let (name, id) = ("grant_management_action", "grant_id");
        let g1 = || GrantId::parse("g1").unwrap();
        assert_eq!(
            action(&[(name, Some("create"))]),
            Ok(Some(GrantManagementAction::Create))
        );
        assert_eq!(
            action(&[(name, Some("replace")), (id, Some("g1"))]),
            Ok(Some(GrantManagementAction::Replace(g1())))
        );
        assert_eq!(
            action(&[(name, Some("merge")), (id, Some("g1"))]),
            Ok(Some(GrantManagementAction::Merge(g1())))
        );
        for wrong in [
            &[(id, Some("g1"))][..],
            &[(name, Some("create")), (id, Some("g1"))],
            &[(name, Some("replace"))],
            &[(name, Some("merge"))],
            &[(name, Some("update")), (id, Some("g1"))],
            &[(name, Some("revoke")), (id, Some("g1"))],
        ] {
            assert_eq!(
                action(wrong).unwrap_err().error,
                "invalid_request",
                "{wrong:?}"
            );
        }
        // What can't be an id names no grant.
        let no_id = [(name, Some("merge")), (id, Some("two words"))];
        assert_eq!(action(&no_id).unwrap_err().error, "invalid_grant_id");
    }
}
