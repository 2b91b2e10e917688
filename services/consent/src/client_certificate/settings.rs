//! The certificate login's section of the settings.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use consent_domain::BankCode;
use serde::Deserialize;
use tls::{ClientAuthorities, ServerTls, TlsError, rustls::ServerConfig};
use url::Url;

use super::{AddressRange, CertificateLogin};

/// The section `[certificate_login]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateLoginSettings {
    /// Where customers' browsers reach the host: https, another origin than `public_url`, no path.
    pub url: Url,
    /// Its listener.
    pub listen: SocketAddr,
    /// Its server certificate. Without it the listener is plain HTTP, for trusted proxies only.
    pub tls: Option<ServerTls>,
    /// Whose `Client-Cert` (RFC 9440) is believed: addresses, or ranges such as `10.0.0.0/8`.
    #[serde(default)]
    pub trusted_proxies: Vec<AddressRange>,
    /// By bank code: the authorities (PEM) that issue the certificates of its customers. A bank that is
    /// not here has no certificate login.
    pub customer_ca_files: BTreeMap<String, PathBuf>,
}

/// Why the certificate login can't be offered.
#[derive(Debug, thiserror::Error)]
pub enum CertificateLoginError {
    /// The address is unsafe or useless.
    #[error("certificate_login.url must be https, of another origin than public_url, without path")]
    Url,
    /// Nobody could show a certificate.
    #[error("certificate_login needs tls, trusted_proxies, or both")]
    NobodyShowsCertificates,
    /// A key that is no bank's code.
    #[error("certificate_login.customer_ca_files: {0:?} is not a bank's code")]
    BankCode(String),
    /// A file.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

const SECTION: &str = "certificate_login.tls";

impl CertificateLoginSettings {
    /// # Errors
    /// [`CertificateLoginError`], without looking at files.
    pub fn check(&self, public_url: &Url) -> Result<(), CertificateLoginError> {
        let plain = self.url.path() == "/" && self.url.query().is_none();
        if self.url.scheme() != "https" || !plain || self.url.origin() == public_url.origin() {
            return Err(CertificateLoginError::Url);
        }
        if self.tls.is_none() && self.trusted_proxies.is_empty() {
            return Err(CertificateLoginError::NobodyShowsCertificates);
        }
        Ok(())
    }

    /// Makes relative paths those of files in `directory`, that of the settings.
    pub fn relative_to(&mut self, directory: &std::path::Path) {
        if let Some(tls) = &mut self.tls {
            tls.relative_to(directory);
        }
        for file in self.customer_ca_files.values_mut() {
            *file = directory.join(&file);
        }
    }

    /// Reads the authorities.
    ///
    /// # Errors
    /// [`CertificateLoginError`].
    pub fn load(&self) -> Result<CertificateLogin, CertificateLoginError> {
        let mut authorities = BTreeMap::new();
        for (code, path) in &self.customer_ca_files {
            let bank = BankCode::parse(code.as_str())
                .map_err(|_| CertificateLoginError::BankCode(code.clone()))?;
            let section = format!("certificate_login.customer_ca_files.{code}");
            authorities.insert(bank, ClientAuthorities::read(&section, path)?);
        }
        Ok(CertificateLogin {
            origin: self.url.as_str().trim_end_matches('/').to_owned(),
            authorities,
            trusted_proxies: self.trusted_proxies.clone(),
        })
    }

    /// The listener's TLS, where it has its own.
    ///
    /// # Errors
    /// [`CertificateLoginError`].
    pub fn server_config(
        &self,
        login: &CertificateLogin,
    ) -> Result<Option<ServerConfig>, CertificateLoginError> {
        self.tls
            .as_ref()
            .map(|tls| tls.http_requesting_certificate(SECTION, login.authorities.values()))
            .transpose()
            .map_err(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::CertificateLoginSettings;

    const GOOD: &str = r#"
url = "https://certificate.bank.example"
listen = "127.0.0.1:0"
trusted_proxies = ["10.1.2.3", "10.1.3.0/28"]
[customer_ca_files]
2963 = "customers.pem"
"#;

    fn refusal(text: &str) -> Option<String> {
        let settings: CertificateLoginSettings = toml::from_str(text).unwrap();
        let public = Url::parse("https://consent.bank.example").unwrap();
        settings.check(&public).err().map(|error| error.to_string())
    }

    #[test]
    fn the_host_is_https_and_has_an_origin_of_its_own() {
        assert_eq!(refusal(GOOD), None);
        for bad in [
            "http://certificate.bank.example",
            "https://consent.bank.example",
            "https://certificate.bank.example/login",
        ] {
            let text = GOOD.replace("https://certificate.bank.example", bad);
            assert!(
                refusal(&text).unwrap().contains("certificate_login.url"),
                "{bad}"
            );
        }
    }

    #[test]
    fn somebody_must_be_able_to_show_a_certificate() {
        let text = GOOD.replace(r#"["10.1.2.3", "10.1.3.0/28"]"#, "[]");
        assert!(refusal(&text).unwrap().contains("trusted_proxies"));
        let own = "[tls]\ncertificate_file = \"a.pem\"\nprivate_key_file = \"b.pem\"\n";
        assert_eq!(refusal(&format!("{text}{own}")), None);
    }

    #[test]
    fn what_is_no_address_is_no_proxy() {
        let text = GOOD.replace("10.1.2.3", "proxy.example");
        assert!(toml::from_str::<CertificateLoginSettings>(&text).is_err());
    }
}
