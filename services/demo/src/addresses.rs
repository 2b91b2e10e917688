//! Where each service listens, on this machine only.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use rand::Rng;

/// A number added to every port, so that several demonstrations can run side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PortBase(u16);

impl PortBase {
    /// The highest one: sandbox-bank's port is the largest.
    const MAX: u16 = u16::MAX - SANDBOX_BANK_PORT;

    /// Reads a number from 0 to 15484, or `free`, which looks for one where every port is free.
    ///
    /// # Errors
    /// With a sentence for anything else.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(number) if number <= Self::MAX => Ok(Self(number)),
            _ if text == "free" => Self::find_free().ok_or_else(|| "no ports are free".to_owned()),
            _ => Err(format!(
                "`free` or a number from 0 to {} is needed",
                Self::MAX
            )),
        }
    }

    fn find_free() -> Option<Self> {
        (0..FREE_ATTEMPTS)
            .map(|_| Self(rand::rng().random_range(FREE_FROM..=Self::MAX)))
            .find(|base| Addresses::new(*base, Transport::Tls).taken().is_empty())
    }

    /// Names what must differ between demonstrations side by side: empty for 0, else `_n`.
    pub fn suffix(self) -> String {
        if self.0 == 0 {
            String::new()
        } else {
            format!("_{}", self.0)
        }
    }

    fn port(self, port: u16) -> u16 {
        // `MAX` keeps the sum in range.
        port.saturating_add(self.0)
    }
}

/// Below, demonstrations that were given a number are expected, and sandbox-bank's port would be one
/// that Linux hands out to outgoing connections (32768 to 60999): free now, taken a moment later.
const FREE_FROM: u16 = 11_000;
const FREE_ATTEMPTS: u32 = 50;

const PARTNER_APP_PORT: u16 = 8000;
const PARTNER_B_PORT: u16 = 8010;
const PARTNER_C_PORT: u16 = 8020;
const CONSENT_PORT: u16 = 8080;
const ACCOUNT_API_PORT: u16 = 8090;
const OPERATOR_PORT: u16 = 9080;
const DECISION_PORT: u16 = 9081;
const CERTIFICATE_LOGIN_PORT: u16 = 8443;
const RELAY_PORT: u16 = 9082;
const SANDBOX_BANK_PORT: u16 = 50051;

/// How the services are spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// In the clear, which is for loopback only.
    #[default]
    Plain,
    /// Over TLS, with certificates of an authority of the demonstration's own.
    Tls,
}

/// The addresses of one demonstration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    base: PortBase,
    transport: Transport,
}

impl Addresses {
    /// The addresses at a port base.
    pub fn new(base: PortBase, transport: Transport) -> Self {
        Self { base, transport }
    }

    /// How the services are spoken to.
    pub fn transport(self) -> Transport {
        self.transport
    }

    /// Names what must differ between demonstrations that keep their state.
    pub fn suffix(self) -> String {
        let tls = match self.transport {
            Transport::Plain => "",
            Transport::Tls => "_tls",
        };
        format!("{}{tls}", self.base.suffix())
    }

    /// partner-app's origin. Cookies don't tell ports apart: the partner lives on `localhost`, the
    /// bank on `127.0.0.1`.
    pub fn partner_app(self) -> String {
        format!(
            "{}://localhost:{}",
            self.scheme(),
            self.partner_app_listen().port()
        )
    }

    /// The bank's public origin: the journey's pages and the authorization server.
    pub fn consent(self) -> String {
        self.origin(self.consent_listen())
    }

    /// The operators' origin: health, metrics and the operator interface.
    pub fn operators(self) -> String {
        self.origin(self.operator_listen())
    }

    /// The decisions' address (gRPC).
    pub fn decisions(self) -> String {
        self.origin(self.decision_listen())
    }

    /// account-api's origin, also its resource identifier.
    pub fn account_api(self) -> String {
        self.origin(self.account_api_listen())
    }

    /// sandbox-bank's address (gRPC).
    pub fn sandbox_bank(self) -> String {
        self.origin(self.sandbox_bank_listen())
    }

    /// Where customers log in with a certificate: over TLS only, and used only then.
    pub fn certificate_login(self) -> String {
        format!("https://{}", self.certificate_login_listen())
    }

    /// The relay's origin: health and metrics.
    pub fn relay(self) -> String {
        self.origin(self.relay_listen())
    }

    /// A bank's issuer.
    pub fn issuer(self, bank_code: &str) -> String {
        format!("{}/{bank_code}", self.consent())
    }

    /// The redirect URIs of partner-app.
    pub fn redirect_uris_a(self) -> Vec<String> {
        vec![format!("{}/callback", self.partner_app())]
    }

    /// The redirect URIs of the first test partner. Nothing of the demonstration listens there.
    pub fn redirect_uris_b(self) -> Vec<String> {
        self.callbacks(PARTNER_B_PORT)
    }

    /// The redirect URIs of the second test partner. Nothing of the demonstration listens there.
    pub fn redirect_uris_c(self) -> Vec<String> {
        self.callbacks(PARTNER_C_PORT)
    }

    /// Where partner-app listens.
    pub fn partner_app_listen(self) -> SocketAddr {
        self.loopback(PARTNER_APP_PORT)
    }

    /// Where partner-app says that it is up. By its number: `localhost` may be ::1 first.
    pub fn partner_app_health(self) -> String {
        format!("{}/healthz", self.origin(self.partner_app_listen()))
    }

    /// Where consent listens for everybody.
    pub fn consent_listen(self) -> SocketAddr {
        self.loopback(CONSENT_PORT)
    }

    /// Where consent listens for operators.
    pub fn operator_listen(self) -> SocketAddr {
        self.loopback(OPERATOR_PORT)
    }

    /// Where consent answers decisions.
    pub fn decision_listen(self) -> SocketAddr {
        self.loopback(DECISION_PORT)
    }

    /// Where account-api listens.
    pub fn account_api_listen(self) -> SocketAddr {
        self.loopback(ACCOUNT_API_PORT)
    }

    /// Where sandbox-bank listens.
    pub fn sandbox_bank_listen(self) -> SocketAddr {
        self.loopback(SANDBOX_BANK_PORT)
    }

    /// Where consent listens for customers with a certificate, over TLS.
    pub fn certificate_login_listen(self) -> SocketAddr {
        self.loopback(CERTIFICATE_LOGIN_PORT)
    }

    /// Where the relay listens for operators.
    pub fn relay_listen(self) -> SocketAddr {
        self.loopback(RELAY_PORT)
    }

    /// Those of the listeners' addresses that something else listens on now.
    pub fn taken(self) -> Vec<SocketAddr> {
        let mut listeners = vec![
            self.partner_app_listen(),
            self.consent_listen(),
            self.operator_listen(),
            self.decision_listen(),
            self.account_api_listen(),
            self.sandbox_bank_listen(),
            self.relay_listen(),
        ];
        if self.transport == Transport::Tls {
            listeners.push(self.certificate_login_listen());
        }
        listeners.retain(|address| TcpListener::bind(address).is_err());
        listeners
    }

    fn callbacks(self, port: u16) -> Vec<String> {
        let port = self.base.port(port);
        ["localhost", "127.0.0.1"]
            .map(|host| format!("{}://{host}:{port}/callback", self.scheme()))
            .into()
    }

    fn scheme(self) -> &'static str {
        match self.transport {
            Transport::Plain => "http",
            Transport::Tls => "https",
        }
    }

    fn origin(self, address: SocketAddr) -> String {
        format!("{}://{address}", self.scheme())
    }

    fn loopback(self, port: u16) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.base.port(port)).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_base_moves_every_address() {
        let addresses = Addresses::new(PortBase::parse("100").expect("in range"), Transport::Plain);
        assert_eq!(addresses.partner_app(), "http://localhost:8100");
        assert_eq!(addresses.issuer("2963"), "http://127.0.0.1:8180/2963");
        assert_eq!(addresses.sandbox_bank(), "http://127.0.0.1:50151");
    }

    #[test]
    fn over_tls_every_address_is_https_and_one_is_for_certificates() {
        let addresses = Addresses::new(PortBase::default(), Transport::Tls);
        assert_eq!(addresses.partner_app(), "https://localhost:8000");
        assert_eq!(addresses.issuer("2963"), "https://127.0.0.1:8080/2963");
        assert_eq!(addresses.decisions(), "https://127.0.0.1:9081");
        assert_eq!(addresses.certificate_login(), "https://127.0.0.1:8443");
    }

    #[test]
    fn a_free_port_base_is_found() {
        assert!(PortBase::parse("free").is_ok());
    }

    #[test]
    fn a_port_base_beyond_the_last_port_is_refused() {
        assert!(PortBase::parse("15484").is_ok());
        for text in ["15485", "-1", "x", ""] {
            assert!(PortBase::parse(text).is_err(), "{text}");
        }
    }
}
