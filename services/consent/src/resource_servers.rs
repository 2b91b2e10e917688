//! Resource servers that may introspect access tokens, by the credentials of the settings.

use serde::Deserialize;
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use zeroize::Zeroizing;

use crate::protocol::digest::sha256;

/// Shortest credential, in bytes.
const CREDENTIAL_BYTES_MIN: usize = 32;

/// Why a resource server's settings are refused.
#[derive(Debug, thiserror::Error)]
pub enum ResourceServerRefused {
    /// Too short to withstand guessing.
    #[error("a resource server's credential has fewer than 32 characters")]
    ShortCredential,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    credential: String,
}

/// One resource server. Its credential is not kept, only a hash of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Table")]
pub struct ResourceServer {
    name: String,
    credential_hash: [u8; 32],
}

impl TryFrom<Table> for ResourceServer {
    type Error = ResourceServerRefused;

    fn try_from(table: Table) -> Result<Self, Self::Error> {
        let credential = Zeroizing::new(table.credential);
        if credential.len() < CREDENTIAL_BYTES_MIN {
            return Err(ResourceServerRefused::ShortCredential);
        }
        Ok(Self {
            name: table.name,
            credential_hash: sha256(credential.as_bytes()),
        })
    }
}

/// All of them; none by default, and then nobody is let in.
#[derive(Clone, Debug, Default)]
pub struct ResourceServers(Vec<ResourceServer>);

impl ResourceServers {
    /// Those of the settings.
    pub fn new(servers: Vec<ResourceServer>) -> Self {
        Self(servers)
    }

    /// The name of the one that presents this credential. Every credential is compared, each in
    /// constant time.
    pub fn find(&self, credential: &str) -> Option<&str> {
        let presented = sha256(credential.as_bytes());
        let mut found = u64::MAX;
        for (index, server) in (0_u64..).zip(&self.0) {
            let equal: Choice = presented.ct_eq(&server.credential_hash);
            found.conditional_assign(&index, equal);
        }
        let index = usize::try_from(found).ok()?;
        self.0.get(index).map(|server| server.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0123456789abcdef0123456789abcdef";
    const OTHER: &str = "fedcba9876543210fedcba9876543210";

    #[derive(Deserialize)]
    struct File {
        resource_servers: Vec<ResourceServer>,
    }

    fn read(text: &str) -> Result<ResourceServers, toml::de::Error> {
        toml::from_str::<File>(text).map(|file| ResourceServers::new(file.resource_servers))
    }

    #[test]
    fn each_is_known_by_its_own_credential() {
        let servers = read(&format!(
            "[[resource_servers]]\nname = \"a\"\ncredential = \"{ONE}\"\n\
             [[resource_servers]]\nname = \"b\"\ncredential = \"{OTHER}\"\n"
        ))
        .unwrap();
        assert_eq!(servers.find(ONE), Some("a"));
        assert_eq!(servers.find(OTHER), Some("b"));
        for stranger in ["", "0", &ONE[1..], &format!("{ONE}0")] {
            assert_eq!(servers.find(stranger), None, "{stranger}");
        }
        assert!(!format!("{servers:?}").contains(ONE));
    }

    #[test]
    fn without_settings_nobody_is_let_in() {
        assert_eq!(ResourceServers::default().find(""), None);
    }

    #[test]
    fn a_short_credential_is_refused_and_not_repeated() {
        let short = &ONE[1..];
        let text = format!("[[resource_servers]]\nname = \"a\"\ncredential = \"{short}\"\n");
        let refused = read(&text).unwrap_err();
        assert!(refused.message().contains("32 characters"), "{refused}");
        assert!(!refused.message().contains(short));
    }
}
