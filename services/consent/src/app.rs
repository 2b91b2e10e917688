//! What every handler needs, constructed in one place (`startup`).

use consent_domain::BankCode;
use sqlx::PgPool;

use crate::{
    access_record::AccessRecorder, bank_pages::PagesOfBanks, bank_port::BankPort,
    client_certificate::CertificateLogin, decisions::GrantSight, feed::Feed, keys::Keys,
    protocol::issuer::Issuer, resource_servers::ResourceServers, retention::RetentionSettings,
    store::Bus,
};

/// The service's parts, shared by all workers.
pub struct App {
    /// `public_url` without a slash at its end.
    pub origin: String,
    /// Whether cookies are `Secure` and named for their host.
    pub cookies: CookiePolicy,
    /// The certificate login, where it is offered.
    pub certificate_login: Option<CertificateLogin>,
    /// The account API's resource identifier.
    pub resource_identifier: String,
    /// Who may introspect access tokens at the operators' listener.
    pub resource_servers: ResourceServers,
    /// The primary database, as the service role.
    pub pool: PgPool,
    /// The same database, for operators' searches.
    pub searches: PgPool,
    /// Sees grants as they are now, for decisions and introspection.
    pub grants: GrantSight,
    /// Records what partners read.
    pub access: AccessRecorder,
    /// Executes commands.
    pub bus: Bus,
    /// Signing and shared keys.
    pub keys: Keys,
    /// The banks.
    pub bank_port: BankPort,
    /// The partners' feed.
    pub feed: Feed,
    /// What is kept how long.
    pub retention: RetentionSettings,
    /// What the pages say, at each bank and in each language.
    pub pages: PagesOfBanks,
}

/// How cookies are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookiePolicy {
    /// `Secure`, with the `__Host-` prefix.
    HostOnly,
    /// For the demo's plain http on loopback.
    PlainLoopback,
}

impl CookiePolicy {
    /// What the name of every cookie begins with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::HostOnly => "__Host-",
            Self::PlainLoopback => "",
        }
    }
}

impl App {
    /// The issuer of a bank.
    pub fn issuer(&self, bank: &BankCode) -> Issuer {
        Issuer::new(&self.origin, bank)
    }
}
