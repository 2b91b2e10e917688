//! Scopes of a partner itself: what it may do at a bank without a customer (`client_credentials`).
//! Account scopes are [`consent_domain::scope::Task`]; no token has both.

use std::collections::BTreeSet;

use super::oauth_error::OAuthError;

/// What a partner may do for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartnerScope {
    /// Read the events that concern it: the feed, and the polling of Security Event Tokens.
    Notifications,
    /// Ask what its grants say and how they stand. Named by Grant Management for OAuth 2.0.
    GrantManagementQuery,
    /// End its grants. Named by the same.
    GrantManagementRevoke,
    /// Ask where a request that it pushed has come to.
    Status,
}

impl PartnerScope {
    /// Every scope.
    pub const ALL: [Self; 4] = [
        Self::Notifications,
        Self::GrantManagementQuery,
        Self::GrantManagementRevoke,
        Self::Status,
    ];

    /// The scope's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notifications => "notifications",
            Self::GrantManagementQuery => "grant_management_query",
            Self::GrantManagementRevoke => "grant_management_revoke",
            Self::Status => "status",
        }
    }

    /// The scope of that name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }
}

/// Longer than all scopes together will ever be.
const SCOPE_BYTES_MAX: usize = 200;

/// Reads the `scope` of a `client_credentials` request. It must be sent: a default would grow with
/// every scope that is added.
///
/// # Errors
/// `invalid_scope`, also where an account scope is among them.
pub fn parse(scope: Option<&str>) -> Result<BTreeSet<PartnerScope>, OAuthError> {
    const REFUSED: OAuthError = OAuthError::invalid_scope(
        "client_credentials need scopes of the partner itself, and no others",
    );
    scope
        .filter(|scope| scope.len() <= SCOPE_BYTES_MAX)
        .ok_or(REFUSED)?
        .split(' ')
        .map(|name| PartnerScope::find(name).ok_or(REFUSED))
        .collect()
}

/// The scope string of a set.
pub fn scope_of(scopes: &BTreeSet<PartnerScope>) -> String {
    scopes
        .iter()
        .map(|scope| scope.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_partners_own_scopes_are_taken() {
        assert_eq!(parse(Some("notifications")).unwrap().len(), 1);
        let all = PartnerScope::ALL.map(PartnerScope::as_str).join(" ");
        assert_eq!(parse(Some(&all)).unwrap().len(), 4);
        for refused in [
            None,
            Some(""),
            Some("balance"),
            Some("notifications balance"),
            Some("notifications  "),
            Some("Notifications"),
        ] {
            assert_eq!(
                parse(refused).unwrap_err().error,
                "invalid_scope",
                "{refused:?}"
            );
        }
    }
}
