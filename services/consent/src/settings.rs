//! Settings of the service, from one TOML file. Nothing about banks or partners is here: those are
//! facts in the event store.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;
use tls::{ClientTls, ServerTls};
use url::Url;

use crate::{
    client_certificate::{CertificateLoginError, CertificateLoginSettings},
    protocol::key_wrap::KeyEncryptionKey,
    resource_servers::ResourceServer,
    retention::{RetentionError, RetentionSettings},
    security_events::push::TargetPolicy,
};

/// What the service needs to know to start.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where customers and partners reach the service, e.g. `https://consent.example`; issuers are
    /// this and the bank's code. Never taken from a request's `Host`.
    pub public_url: Url,
    /// Journey pages and the authorization server.
    pub public_listen: SocketAddr,
    /// TLS of `public_listen`. Without it an https `public_url` is that of a trusted proxy in front.
    pub public_tls: Option<ServerTls>,
    /// Health and operators.
    pub operator_listen: SocketAddr,
    /// TLS of `operator_listen`.
    pub operator_tls: Option<ServerTls>,
    /// Decisions (gRPC).
    pub decision_listen: SocketAddr,
    /// TLS of `decision_listen`.
    pub decision_tls: Option<ServerTls>,
    /// 電子証明書ログイン, on a host of its own. Without it its link explains that there is none here.
    pub certificate_login: Option<CertificateLoginSettings>,
    /// The primary database, as the service role.
    pub database_url: String,
    /// Most connections to it.
    #[serde(default = "default_connections")]
    pub database_connections: u32,
    /// The bank port (gRPC).
    pub bank_port_url: Url,
    /// Whom to trust there; for https, and needed then.
    pub bank_port_tls: Option<ClientTls>,
    /// How long the bank may take to answer, in milliseconds.
    #[serde(default = "default_bank_deadline")]
    pub bank_deadline_milliseconds: u64,
    /// What resource servers present before they get a decision; at least 16 characters.
    pub decision_credential: String,
    /// Where banks tell of their contracts (gRPC); none: nowhere.
    #[serde(default)]
    pub bank_notice_listen: Option<SocketAddr>,
    /// TLS of `bank_notice_listen`.
    pub bank_notice_tls: Option<ServerTls>,
    /// What they present there; at least 32 characters.
    #[serde(default)]
    pub bank_notice_credential: Option<String>,
    /// Resource servers that may introspect access tokens at the operators' listener.
    #[serde(default)]
    pub resource_servers: Vec<ResourceServer>,
    /// Wraps the keys in the database: 32 bytes in base64 or base64url, from outside the database.
    pub key_encryption_key: KeyEncryptionKey,
    /// What these wrapped is opened, too, while `key_encryption_key` is changed; they wrap nothing.
    #[serde(default)]
    pub additional_key_encryption_keys: Vec<KeyEncryptionKey>,
    /// How often the signing keys are read again, in milliseconds, from 100 to an hour.
    #[serde(default = "default_signing_keys")]
    pub signing_keys_milliseconds: u64,
    /// The account API's resource identifier: the audience of access tokens.
    pub resource_identifier: Url,
    /// For the demo only: plain http on loopback, and cookies without `Secure`.
    #[serde(default)]
    pub insecure_http: bool,
    /// The authorities that certificates of push targets are checked with (PEM), e.g. the system's bundle;
    /// without it no https target is reached.
    pub push_ca_file: Option<PathBuf>,
    /// What is kept how long.
    #[serde(default)]
    pub retention: RetentionSettings,
    /// How often this replica does what no request does (the sweeper, bulk revocations), in milliseconds,
    /// from 100 to an hour. 0: it does not, and another replica must.
    #[serde(default = "default_sweep")]
    pub sweep_milliseconds: u64,
}

fn default_connections() -> u32 {
    16
}

fn default_bank_deadline() -> u64 {
    5_000
}

fn default_sweep() -> u64 {
    5_000
}

fn default_signing_keys() -> u64 {
    5_000
}

/// Why the settings can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file can't be read.
    #[error("can't read {path}: {source}")]
    Unreadable {
        /// Its path.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what this version expects.
    #[error("{path}, line {line}: {message}")]
    Malformed {
        /// Its path.
        path: String,
        /// Counted from 1.
        line: usize,
        /// Why, without the line itself: it may hold a secret.
        message: String,
    },
    /// A setting contradicts another, or is unsafe.
    #[error("{0}")]
    Unsafe(&'static str),
    /// What is kept how long is unsafe.
    #[error(transparent)]
    Retention(#[from] RetentionError),
    /// The certificate login is unsafe or useless.
    #[error(transparent)]
    CertificateLogin(#[from] CertificateLoginError),
}

impl Settings {
    /// Reads and checks a settings file.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| SettingsError::Unreadable {
            path: name.clone(),
            source,
        })?;
        let mut settings: Self = toml::from_str(&text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            SettingsError::Malformed {
                path: name,
                line: 1 + text
                    .bytes()
                    .take(start)
                    .filter(|byte| *byte == b'\n')
                    .count(),
                message: error.message().to_owned(),
            }
        })?;
        settings.find_tls_files(path.parent().unwrap_or_else(|| Path::new("")));
        settings.check()?;
        Ok(settings)
    }

    /// Their paths are relative to the settings file.
    fn find_tls_files(&mut self, directory: &Path) {
        let listeners = [
            &mut self.public_tls,
            &mut self.operator_tls,
            &mut self.decision_tls,
            &mut self.bank_notice_tls,
        ];
        for tls in listeners.into_iter().flatten() {
            tls.relative_to(directory);
        }
        if let Some(login) = &mut self.certificate_login {
            login.relative_to(directory);
        }
        if let Some(tls) = &mut self.bank_port_tls {
            tls.relative_to(directory);
        }
    }

    /// # Errors
    /// [`SettingsError::Unsafe`], [`SettingsError::Retention`].
    pub fn check(&self) -> Result<(), SettingsError> {
        let loopback = matches!(
            self.public_url.host_str(),
            Some("127.0.0.1" | "localhost" | "[::1]")
        );
        match self.public_url.scheme() {
            "https" => {}
            "http" if self.insecure_http && loopback => {}
            _ => {
                return Err(SettingsError::Unsafe(
                    "public_url must be https (http only on loopback with insecure_http = true)",
                ));
            }
        }
        if self.public_url.path() != "/" || self.public_url.query().is_some() {
            return Err(SettingsError::Unsafe(
                "public_url must have no path and no query",
            ));
        }
        if self.public_tls.is_some() && (self.insecure_http || self.public_url.scheme() != "https")
        {
            return Err(SettingsError::Unsafe(
                "public_tls needs a public_url with https, and no insecure_http",
            ));
        }
        match (self.bank_port_url.scheme(), &self.bank_port_tls) {
            ("https", Some(_)) | ("http", None) => {}
            ("https", None) => {
                return Err(SettingsError::Unsafe(
                    "bank_port_url is https and needs bank_port_tls with its ca_file",
                ));
            }
            _ => {
                return Err(SettingsError::Unsafe(
                    "bank_port_url must be http, or https with bank_port_tls",
                ));
            }
        }
        if let Some(login) = &self.certificate_login {
            login.check(&self.public_url)?;
        }
        self.retention.check()?;
        if !matches!(self.sweep_milliseconds, 0 | 100..=3_600_000) {
            return Err(SettingsError::Unsafe(
                "sweep_milliseconds must be 100 to 3600000, or 0 for a replica that does not sweep",
            ));
        }
        if !matches!(self.signing_keys_milliseconds, 100..=3_600_000) {
            return Err(SettingsError::Unsafe(
                "signing_keys_milliseconds must be 100 to 3600000",
            ));
        }
        if self.decision_credential.len() < 16 {
            return Err(SettingsError::Unsafe(
                "decision_credential is shorter than 16 characters",
            ));
        }
        match (&self.bank_notice_listen, &self.bank_notice_credential) {
            (None, None) => {}
            (Some(_), Some(credential)) if credential.len() >= 32 => {}
            (Some(_), Some(_)) => {
                return Err(SettingsError::Unsafe(
                    "bank_notice_credential is shorter than 32 characters",
                ));
            }
            (Some(_), None) | (None, Some(_)) => {
                return Err(SettingsError::Unsafe(
                    "bank_notice_listen and bank_notice_credential go together",
                ));
            }
        }
        Ok(())
    }

    /// `public_url` without a slash at its end.
    pub fn origin(&self) -> String {
        self.public_url.as_str().trim_end_matches('/').to_owned()
    }

    /// How often this replica sweeps, if it does.
    pub fn sweep_every(&self) -> Option<Duration> {
        (self.sweep_milliseconds > 0).then(|| Duration::from_millis(self.sweep_milliseconds))
    }

    /// The key that wraps, with those that it takes over from.
    pub fn key_encryption(&self) -> KeyEncryptionKey {
        self.key_encryption_key
            .clone()
            .accepting(&self.additional_key_encryption_keys)
    }

    /// Where events may be pushed to.
    pub fn target_policy(&self) -> TargetPolicy {
        if self.insecure_http {
            TargetPolicy::AlsoLoopback
        } else {
            TargetPolicy::PublicHttps
        }
    }

    /// How cookies are set.
    pub fn cookie_policy(&self) -> crate::app::CookiePolicy {
        if self.insecure_http {
            crate::app::CookiePolicy::PlainLoopback
        } else {
            crate::app::CookiePolicy::HostOnly
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_file_is_told_by_its_line_and_never_quoted() {
        let path = std::env::temp_dir().join(format!("settings-{}.toml", std::process::id()));
        std::fs::write(
            &path,
            "public_url = \"http://127.0.0.1\"\nkey_encryption_key = \"marked-secret\"\n",
        )
        .unwrap();

        let refused = Settings::read(&path);

        std::fs::remove_file(&path).unwrap();
        let Err(error) = refused else {
            panic!("it was taken")
        };
        let told = error.to_string();
        assert!(told.contains("line 2"), "{told}");
        assert!(!told.contains("marked-secret"), "{told}");
    }

    const BEHIND_A_PROXY: &str = r#"
public_url = "https://consent.example"
public_listen = "127.0.0.1:0"
operator_listen = "127.0.0.1:0"
decision_listen = "127.0.0.1:0"
database_url = "postgres://localhost/consent"
bank_port_url = "http://127.0.0.1:50051"
decision_credential = "at-least-16-characters"
key_encryption_key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
resource_identifier = "https://api.example"
"#;

    fn refusal(text: &str) -> Option<String> {
        let settings: Settings = toml::from_str(text).unwrap();
        settings.check().err().map(|error| error.to_string())
    }

    #[test]
    fn https_is_had_behind_a_proxy_or_in_the_service_and_never_with_insecure_http() {
        let own = "[public_tls]\ncertificate_file = \"tls.crt\"\nprivate_key_file = \"tls.key\"\n";
        assert_eq!(refusal(BEHIND_A_PROXY), None);
        assert_eq!(refusal(&format!("{BEHIND_A_PROXY}{own}")), None);
        let plain = format!("insecure_http = true\n{BEHIND_A_PROXY}{own}")
            .replace("https://consent.example", "http://127.0.0.1");
        assert!(refusal(&plain).unwrap().contains("public_tls"));
    }

    #[test]
    fn an_https_bank_port_needs_an_authority_to_trust() {
        let https = BEHIND_A_PROXY.replace("http://127.0.0.1:50051", "https://bank.example");
        let trusting = "[bank_port_tls]\nca_file = \"bank-ca.pem\"\n";
        assert!(refusal(&https).unwrap().contains("bank_port_tls"));
        assert_eq!(refusal(&format!("{https}{trusting}")), None);
        let for_nothing = refusal(&format!("{BEHIND_A_PROXY}{trusting}"));
        assert!(for_nothing.unwrap().contains("bank_port_url"));
    }

    #[test]
    fn signing_keys_are_read_again_at_a_bearable_pace() {
        let every = |milliseconds: u64| {
            format!("signing_keys_milliseconds = {milliseconds}\n{BEHIND_A_PROXY}")
        };
        assert_eq!(refusal(&every(100)), None);
        for unbearable in [0, 99, 3_600_001] {
            let refused = refusal(&every(unbearable)).unwrap();
            assert!(
                refused.contains("signing_keys_milliseconds"),
                "{unbearable}: {refused}"
            );
        }
    }

    #[test]
    fn a_replica_sweeps_at_a_bearable_pace_or_not_at_all() {
        let every =
            |milliseconds: u64| format!("sweep_milliseconds = {milliseconds}\n{BEHIND_A_PROXY}");
        for bearable in [0, 100, 3_600_000] {
            assert_eq!(refusal(&every(bearable)), None, "{bearable}");
        }
        for unbearable in [1, 99, 3_600_001] {
            let refused = refusal(&every(unbearable)).unwrap();
            assert!(
                refused.contains("sweep_milliseconds"),
                "{unbearable}: {refused}"
            );
        }
        let settings = |text: &str| toml::from_str::<Settings>(text).unwrap();
        assert_eq!(settings(&every(0)).sweep_every(), None);
        assert_eq!(
            settings(BEHIND_A_PROXY).sweep_every(),
            Some(Duration::from_secs(5))
        );
    }
}
