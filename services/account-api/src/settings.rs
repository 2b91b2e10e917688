//! The settings file, read and checked before anything starts.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::Path;

use serde::Deserialize;
use tls::{ClientTls, ServerTls};
use tonic::metadata::{Ascii, MetadataValue};
use url::Url;

/// Most issuers that one process serves; every bank of the platform several times over.
const MAX_ISSUERS: usize = 256;
/// Longest credential, in bytes.
const MAX_CREDENTIAL_BYTES: usize = 512;

/// Checked settings of one account-api process.
#[derive(Clone, Debug)]
pub struct Settings {
    listen: SocketAddr,
    pub(crate) tls: Option<ServerTls>,
    operator_listen: Option<SocketAddr>,
    pub(crate) resource_identifier: String,
    pub(crate) decision_url: Url,
    pub(crate) decision_tls: Option<ClientTls>,
    pub(crate) decision_credential: Credential,
    pub(crate) bank_port_url: Url,
    pub(crate) bank_port_tls: Option<ClientTls>,
    pub(crate) jwks_tls: Option<ClientTls>,
    pub(crate) issuers: Vec<Issuer>,
}

/// One bank's authorization server.
#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    /// Exactly as in `iss`.
    pub(crate) identifier: String,
    /// Four digits.
    pub(crate) bank_code: String,
    /// Where its keys are published.
    pub(crate) jwks_url: Url,
}

/// How partners reach the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// Over TLS.
    Tls,
    /// In the clear: on one machine.
    Plain,
}

/// The metadata value `Bearer <credential>`; never shown.
#[derive(Clone)]
pub(crate) struct Credential(MetadataValue<Ascii>);

impl Credential {
    /// The value for the key `authorization`, marked as sensitive.
    pub(crate) fn metadata_value(&self) -> MetadataValue<Ascii> {
        self.0.clone()
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Credential")
    }
}

/// Why a settings file is refused. Each message names the setting and what it must be.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file can't be read.
    #[error("the settings file can't be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// Not TOML, a setting is missing or unknown, or has the wrong type.
    #[error("the settings are not understood (line {line}): {message}")]
    Syntax {
        /// Counted from 1; 0 where the place is not known.
        line: usize,
        /// What the reader expected.
        message: String,
    },
    /// A value is out of its range.
    #[error("setting `{setting}`: {expected}")]
    Value {
        /// Name of the setting.
        setting: &'static str,
        /// What it must be.
        expected: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: SocketAddr,
    tls: Option<ServerTls>,
    operator_listen: Option<SocketAddr>,
    resource_identifier: String,
    decision_url: Url,
    decision_tls: Option<ClientTls>,
    decision_credential: String,
    bank_port_url: Url,
    bank_port_tls: Option<ClientTls>,
    jwks_tls: Option<ClientTls>,
    issuers: Vec<FileIssuer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileIssuer {
    issuer: String,
    bank_code: String,
    jwks_url: Url,
}

impl Settings {
    /// Reads and checks a TOML file.
    ///
    /// # Errors
    ///
    /// [`SettingsError`], naming the setting that is refused.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let mut settings = Self::parse(&std::fs::read_to_string(path)?)?;
        settings.find_tls_files(path.parent().unwrap_or_else(|| Path::new("")));
        Ok(settings)
    }

    /// Their paths are relative to the settings file.
    fn find_tls_files(&mut self, directory: &Path) {
        if let Some(tls) = &mut self.tls {
            tls.relative_to(directory);
        }
        let clients = [
            &mut self.decision_tls,
            &mut self.bank_port_tls,
            &mut self.jwks_tls,
        ];
        for tls in clients.into_iter().flatten() {
            tls.relative_to(directory);
        }
    }

    /// Checks settings written as TOML: `listen`, `operator_listen` (optional), `resource_identifier`, `decision_url`,
    /// `decision_credential`, `bank_port_url`, and one `[[issuers]]` table per bank with `issuer`,
    /// `bank_code` and `jwks_url`. TLS: `[tls]` of the listener; `[decision_tls]`, `[bank_port_tls]`
    /// and `[jwks_tls]` for https addresses of these, which need them.
    ///
    /// # Errors
    ///
    /// [`SettingsError`], naming the setting that is refused.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let file: File = toml::from_str(text).map_err(|error| SettingsError::Syntax {
            line: error.span().map_or(0, |span| line_of(text, span.start)),
            message: error.message().to_owned(),
        })?;
        if !is_absolute_uri(&file.resource_identifier) {
            return Err(refuse(
                "resource_identifier",
                "an absolute URI without a fragment",
            ));
        }
        if file.operator_listen == Some(file.listen) && file.listen.port() != 0 {
            return Err(refuse(
                "operator_listen",
                "another address than listen: partners must not reach it",
            ));
        }
        Ok(Self {
            listen: file.listen,
            tls: file.tls,
            operator_listen: file.operator_listen,
            resource_identifier: file.resource_identifier,
            decision_url: outgoing_url(file.decision_url, &file.decision_tls, "decision_url")?,
            decision_tls: file.decision_tls,
            decision_credential: credential(&file.decision_credential)?,
            bank_port_url: outgoing_url(file.bank_port_url, &file.bank_port_tls, "bank_port_url")?,
            bank_port_tls: file.bank_port_tls,
            issuers: issuers(file.issuers, &file.jwks_tls)?,
            jwks_tls: file.jwks_tls,
        })
    }

    /// The address to listen on. [`crate::start`] takes a bound listener and does not look at it.
    #[must_use]
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Whether partners reach the API over TLS: ended here, or at a proxy in front.
    pub(crate) fn transport(&self) -> Transport {
        let proxied = self.resource_identifier.starts_with("https://");
        if proxied || self.tls.is_some() {
            Transport::Tls
        } else {
            Transport::Plain
        }
    }

    /// The operators' address for health and metrics; without it there is none.
    #[must_use]
    pub fn operator_listen(&self) -> Option<SocketAddr> {
        self.operator_listen
    }
}

fn issuers(
    tables: Vec<FileIssuer>,
    jwks_tls: &Option<ClientTls>,
) -> Result<Vec<Issuer>, SettingsError> {
    if tables.is_empty() || tables.len() > MAX_ISSUERS {
        return Err(refuse("issuers", "between 1 and 256 [[issuers]] tables"));
    }
    let mut seen = HashSet::new();
    let mut issuers = Vec::with_capacity(tables.len());
    for FileIssuer {
        issuer,
        bank_code,
        jwks_url,
    } in tables
    {
        if bank_code.len() != 4 || !bank_code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refuse("issuers.bank_code", "four digits"));
        }
        if !is_absolute_uri(&issuer) || issuer.rsplit('/').next() != Some(bank_code.as_str()) {
            return Err(refuse(
                "issuers.issuer",
                "an absolute URI that ends in /<bank_code>",
            ));
        }
        if !seen.insert(issuer.clone()) || !seen.insert(bank_code.clone()) {
            return Err(refuse(
                "issuers",
                "each issuer and each bank_code only once",
            ));
        }
        let jwks_url = outgoing_url(jwks_url, jwks_tls, "issuers.jwks_url")?;
        issuers.push(Issuer {
            identifier: issuer,
            bank_code,
            jwks_url,
        });
    }
    Ok(issuers)
}

/// Over https whom to trust must be said: there is no default.
fn outgoing_url(
    url: Url,
    tls: &Option<ClientTls>,
    setting: &'static str,
) -> Result<Url, SettingsError> {
    let bare = url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none();
    match (url.scheme(), tls) {
        ("http", _) | ("https", Some(_)) if bare => Ok(url),
        ("https", None) if bare => Err(refuse(
            setting,
            "for https, a ca_file in [decision_tls], [bank_port_tls] or [jwks_tls]",
        )),
        _ => Err(refuse(
            setting,
            "an http:// or https:// URL with a host, without user, password and fragment",
        )),
    }
}

fn is_absolute_uri(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.has_host() && url.fragment().is_none())
}

fn credential(text: &str) -> Result<Credential, SettingsError> {
    let visible = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    let value = MetadataValue::try_from(format!("Bearer {text}"));
    match value {
        Ok(mut value) if visible && text.len() <= MAX_CREDENTIAL_BYTES => {
            value.set_sensitive(true);
            Ok(Credential(value))
        }
        _ => Err(refuse(
            "decision_credential",
            "1 to 512 visible ASCII characters, no spaces",
        )),
    }
}

fn refuse(setting: &'static str, expected: &'static str) -> SettingsError {
    SettingsError::Value { setting, expected }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
listen = "127.0.0.1:8090"
resource_identifier = "http://127.0.0.1:8090"
decision_url = "http://127.0.0.1:9081"
decision_credential = "a-credential"
bank_port_url = "http://127.0.0.1:50051"

[[issuers]]
issuer = "http://127.0.0.1:8080/2963"
bank_code = "2963"
jwks_url = "http://127.0.0.1:8080/2963/jwks"
"#;

    #[test]
    fn a_complete_file_is_taken() {
        let settings = Settings::parse(GOOD).unwrap();
        assert_eq!(settings.listen().port(), 8090);
        assert_eq!(settings.issuers.len(), 1);
        assert!(!format!("{settings:?}").contains("a-credential"));
    }

    #[test]
    fn each_bad_setting_is_refused_by_name() {
        for (from, to, named) in [
            ("a-credential", "two words", "decision_credential"),
            ("a-credential", "", "decision_credential"),
            (
                "http://127.0.0.1:9081",
                "https://127.0.0.1:9081",
                "decision_url",
            ),
            (
                "http://127.0.0.1:50051",
                "http://user@127.0.0.1:50051",
                "bank_port_url",
            ),
            ("bank_code = \"2963\"", "bank_code = \"296\"", "bank_code"),
            (
                "bank_code = \"2963\"",
                "bank_code = \"2951\"",
                "issuers.issuer",
            ),
            ("2963/jwks", "2963/jwks#k", "jwks_url"),
            (
                "\"http://127.0.0.1:8090\"",
                "\"here\"",
                "resource_identifier",
            ),
            ("listen =", "listens =", "listens"),
            (
                "listen =",
                "operator_listen = \"127.0.0.1:8090\"\nlisten =",
                "operator_listen",
            ),
            ("jwks_url", "jwks", "jwks"),
        ] {
            let error = Settings::parse(&GOOD.replace(from, to))
                .unwrap_err()
                .to_string();
            assert!(error.contains(named), "{from} -> {to}: {error}");
            assert!(!error.contains("a-credential"), "{error}");
        }
    }

    #[test]
    fn an_issuer_and_a_bank_appear_once() {
        let table = GOOD.split_once("[[issuers]]").unwrap().1;
        let error = Settings::parse(&format!("{GOOD}\n[[issuers]]{table}")).unwrap_err();
        assert!(error.to_string().contains("only once"));
    }
}
