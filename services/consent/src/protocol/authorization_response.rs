//! Where the browser goes back to (RFC 6749 4.1.2), always with `iss` (RFC 9207).

use url::form_urlencoded;

use super::issuer::Issuer;
use super::secret::Secret;

/// Errors that a client is told through the browser (RFC 6749 4.1.2.1), once client and redirect
/// URI are proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizationError {
    /// The customer cancelled, declined, or let the time pass.
    AccessDenied,
    /// The bank is closed or down.
    TemporarilyUnavailable,
    /// The pushed request is no longer allowed.
    InvalidRequest,
    /// The customer's contract does not have the grant that the request names, or no longer has it.
    InvalidGrantId,
    /// The journey failed here.
    ServerError,
}

impl AuthorizationError {
    /// The `error` value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidGrantId => "invalid_grant_id",
            Self::ServerError => "server_error",
        }
    }
}

/// The redirect with a code.
pub fn success_url(
    redirect_uri: &str,
    code: &Secret,
    state: Option<&str>,
    issuer: &Issuer,
) -> Secret {
    let url = append(
        redirect_uri,
        &[("code", Some(code.expose())), ("state", state)],
        issuer,
    );
    Secret::new(url.into())
}

/// The redirect with an error. `description` is printable ASCII (RFC 6749 4.1.2.1).
pub fn error_url(
    redirect_uri: &str,
    error: AuthorizationError,
    description: &'static str,
    state: Option<&str>,
    issuer: &Issuer,
) -> String {
    let error = ("error", Some(error.as_str()));
    append(
        redirect_uri,
        &[
            error,
            ("error_description", Some(description)),
            ("state", state),
        ],
        issuer,
    )
}

/// The registered URI stays as it is, byte for byte, its own query included.
fn append(redirect_uri: &str, parameters: &[(&str, Option<&str>)], issuer: &Issuer) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    query.append_pair("iss", issuer.as_str());
    let separator = match redirect_uri.split_once('?') {
        None => "?",
        Some((_, registered)) if registered.is_empty() || registered.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{redirect_uri}{separator}{}", query.finish())
}

#[cfg(test)]
mod tests {
    use consent_domain::BankCode;
    use url::Url;

    use super::*;

    fn issuer() -> Issuer {
        Issuer::new("https://consent.example", &BankCode::parse("2963").unwrap())
    }

    fn code() -> Secret {
        Secret::new("c1".to_owned().into())
    }

    #[test]
    fn a_code_comes_with_state_and_issuer() {
        let url = success_url("https://p.example/cb", &code(), Some("a b&c=1"), &issuer());
        assert_eq!(
            url.expose(),
            "https://p.example/cb?code=c1&state=a+b%26c%3D1&iss=https%3A%2F%2Fconsent.example%2F2963"
        );
        let without = success_url("https://p.example/cb", &code(), None, &issuer());
        assert!(!without.expose().contains("state"));
    }

    #[test]
    fn a_registered_query_is_kept() {
        for (registered, start) in [
            (
                "https://p.example/cb?bank=x%20y",
                "https://p.example/cb?bank=x%20y&error=",
            ),
            ("https://p.example/cb?", "https://p.example/cb?error="),
            ("https://p.example/cb?a&", "https://p.example/cb?a&error="),
        ] {
            let denied = AuthorizationError::AccessDenied;
            let url = error_url(registered, denied, "declined", Some("s"), &issuer());
            assert!(url.starts_with(start), "{url}");
            let url = Url::parse(&url).unwrap();
            let pairs: Vec<_> = url.query_pairs().into_owned().collect();
            assert!(pairs.contains(&("error".into(), "access_denied".into())));
            assert!(pairs.contains(&("state".into(), "s".into())));
            assert!(pairs.contains(&("iss".into(), issuer().as_str().into())));
        }
    }
}
