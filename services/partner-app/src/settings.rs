//! The settings file.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use url::Url;

use crate::oauth::client_assertion::{ClientAssertionKey, KeyError};
use crate::secret::Secret;
use crate::tls::ServerTls;

/// Banks that one settings file may name.
const MAX_BANKS: usize = 100;
/// What a bank's service for corporate customers is called in lists.
const CORPORATE_SUFFIX: &str = "（法人）";

/// Everything that `partner-app --config FILE` reads from its TOML file:
///
/// ```toml
/// listen = "127.0.0.1:8000"              # address and port; port 0 takes a free one
/// public_url = "http://localhost:8000"   # how browsers reach it; the redirect URI is {public_url}/callback
/// company_name = "サンプル会計株式会社"
/// service_name = "かんたん会計"
/// client_id = "sample-accounting"        # as registered with every bank below
/// kid = "sample-1"                       # key id in the client's JWK set
/// private_key_file = "client-key.pem"    # EC P-256, PKCS#8 PEM; relative to the settings file
/// # private_key_pem = "-----BEGIN ..."   # the same inline, instead of the file
/// account_api_url = "http://127.0.0.1:8090"
/// # ca_file = "ca.pem"                   # needed for https issuers and account_api_url: whom to trust
///
/// # [tls]                                # TLS in this program; both files PEM
/// # certificate_file = "server.pem"
/// # private_key_file = "server-key.pem"
///
/// [[banks]]                              # 1 to 100
/// code = "2963"                          # four digits
/// name = "中央労働金庫"                    # shown as 「中央労働金庫（法人）」
/// name_en = "Chuo Labour Bank"           # on English pages; without it the other one
/// issuer = "http://127.0.0.1:8080/2963"  # byte for byte as in the bank's metadata
/// ```
///
/// Unknown names are refused, so that a misspelt one does not pass for a default. Files are relative
/// to the settings file. The authorities in `ca_file` are trusted and no other; the system's bundle
/// (`/etc/ssl/certs/ca-certificates.crt`) is such a file, too.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The address in the browser, without a trailing slash.
    pub public_url: PublicUrl,
    /// The company behind the service, shown at the head of each page.
    pub company_name: String,
    /// The name of the service.
    pub service_name: String,
    /// The client identifier at every bank.
    pub client_id: String,
    /// The key that signs client assertions, with its `kid`.
    pub client_key: ClientAssertionKey,
    /// The base address of the account data interface.
    pub account_api_url: Url,
    /// Whom to trust over https.
    pub ca_file: Option<PathBuf>,
    /// TLS of the listener.
    pub tls: Option<ServerTls>,
    /// The banks on offer, in the order of the list.
    pub banks: Vec<Bank>,
}

/// A bank on offer.
#[derive(Debug, Clone)]
pub struct Bank {
    /// Its code.
    pub code: BankCode,
    /// Its name without 「（法人）」.
    pub name: String,
    /// The same in English, where it has one.
    pub name_en: Option<String>,
    /// Its OAuth issuer identifier.
    pub issuer: Issuer,
}

impl Bank {
    /// The name in lists, e.g. 「中央労働金庫（法人）」.
    pub fn listed_name(&self) -> String {
        format!("{}{CORPORATE_SUFFIX}", self.name)
    }
}

/// A bank's four-digit code (金融機関コード), e.g. `2963`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BankCode(String);

impl BankCode {
    /// Takes exactly four ASCII digits.
    pub fn parse(value: &str) -> Option<Self> {
        (value.len() == 4 && value.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| Self(value.to_owned()))
    }

    /// The four digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BankCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// An issuer identifier (RFC 8414, 2): compared byte for byte, never normalised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    text: String,
    url: Url,
}

impl Issuer {
    /// Takes an `http` or `https` URL without query, fragment, user name or trailing slash.
    pub fn parse(value: &str) -> Result<Self, AddressError> {
        let url = outgoing_url(value)?;
        if value.ends_with('/') {
            return Err(AddressError::TrailingSlash);
        }
        Ok(Self {
            text: value.to_owned(),
            url,
        })
    }

    /// The identifier as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The identifier as a URL.
    pub fn url(&self) -> &Url {
        &self.url
    }
}

/// The service's own address in the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    text: String,
    scheme: PublicScheme,
}

/// How browsers reach the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicScheme {
    /// Plain HTTP: on a developer's machine only.
    Http,
    /// TLS, ended here or by a proxy in front.
    Https,
}

impl PublicUrl {
    fn parse(value: &str) -> Result<Self, AddressError> {
        let url = Url::parse(value).map_err(|_| AddressError::NotAUrl)?;
        let scheme = match url.scheme() {
            "http" => PublicScheme::Http,
            "https" => PublicScheme::Https,
            _ => return Err(AddressError::NotHttp),
        };
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(AddressError::NotAnOrigin);
        }
        Ok(Self {
            text: value.trim_end_matches('/').to_owned(),
            scheme,
        })
    }

    /// Whether it is `localhost`, which every program of the machine shares.
    pub fn is_localhost(&self) -> bool {
        let host = self.text.split_once("://").map_or("", |(_, rest)| rest);
        host == "localhost" || host.starts_with("localhost:")
    }

    /// Its scheme.
    pub fn scheme(&self) -> PublicScheme {
        self.scheme
    }

    /// The redirect URI to register at the banks, `{public_url}/callback`.
    pub fn redirect_uri(&self) -> String {
        format!("{}/callback", self.text)
    }
}

/// What is wrong with an address in the settings.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AddressError {
    /// It does not parse.
    #[error("is not a URL")]
    NotAUrl,
    /// Another scheme.
    #[error("must begin with http:// or https://")]
    NotHttp,
    /// `https`, and nobody to trust.
    #[error("begins with https:// and needs ca_file")]
    NobodyToTrust,
    /// TLS in this program, and an address without.
    #[error("must begin with https://, since there is a [tls]")]
    NotHttps,
    /// A query, fragment, user name or password.
    #[error("must have no query, fragment, user name or password")]
    Decorated,
    /// A slash at the end of an issuer.
    #[error("must not end with a slash")]
    TrailingSlash,
    /// More than scheme, host and port.
    #[error("must be scheme, host and port only")]
    NotAnOrigin,
}

/// Why the settings can't be used. Each message names the setting.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file, or the key file, can't be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not TOML, or an unknown, missing or mistyped setting. Says where without quoting the line:
    /// it may hold the key.
    #[error("line {line}: {message}")]
    Toml {
        /// The line, from 1; 0 where it is not known.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A setting that must say something is blank or longer than 100 characters.
    #[error("{name} must have 1 to 100 characters")]
    Text {
        /// The setting.
        name: &'static str,
    },
    /// `listen` is no address.
    #[error("listen must be an IP address and a port, such as 127.0.0.1:8000")]
    Listen,
    /// An address is wrong.
    #[error("{name} ({value}) {reason}")]
    Address {
        /// The setting.
        name: &'static str,
        /// What it says.
        value: String,
        /// Why it can't be used.
        reason: AddressError,
    },
    /// Both ways of giving the key, or neither.
    #[error("give either private_key_pem or private_key_file")]
    OneKey,
    /// The key can't sign.
    #[error("the private key {0}")]
    Key(KeyError),
    /// The number of banks.
    #[error("banks must name 1 to {MAX_BANKS} banks")]
    BankCount,
    /// A bank's code.
    #[error("banks.code ({0}) must have four digits")]
    BankCode(String),
    /// A code or an issuer given twice.
    #[error("banks: {0} is given twice")]
    Repeated(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: String,
    public_url: String,
    company_name: String,
    service_name: String,
    client_id: String,
    private_key_pem: Option<Secret>,
    private_key_file: Option<PathBuf>,
    kid: String,
    account_api_url: String,
    ca_file: Option<PathBuf>,
    tls: Option<ServerTls>,
    banks: Vec<FileBank>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileBank {
    code: String,
    name: String,
    name_en: Option<String>,
    issuer: String,
}

impl Settings {
    /// Reads and checks the file at `path`.
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let text = read(path)?;
        Self::parse(&text, path.parent().unwrap_or_else(|| Path::new("")))
    }

    /// Checks the settings in `text`; `directory` is what files are relative to.
    pub fn parse(text: &str, directory: &Path) -> Result<Self, SettingsError> {
        let file: File = toml::from_str(text).map_err(|error| toml_error(text, &error))?;
        let kid = required("kid", file.kid)?;
        let pem = match (file.private_key_pem, file.private_key_file) {
            (Some(pem), None) => pem,
            (None, Some(path)) => Secret::new(read(&directory.join(path))?),
            _ => return Err(SettingsError::OneKey),
        };
        let in_directory = |path: PathBuf| directory.join(path);
        let ca_file = file.ca_file.map(in_directory);
        let tls = file.tls.map(|tls| ServerTls {
            certificate_file: in_directory(tls.certificate_file),
            private_key_file: in_directory(tls.private_key_file),
        });
        let banks = banks(file.banks)?;
        let account_api_url = outgoing_url(&file.account_api_url)
            .map_err(|reason| address("account_api_url", &file.account_api_url, reason))?;
        check_trust(&ca_file, &account_api_url, &banks)?;
        Ok(Self {
            listen: file.listen.parse().map_err(|_| SettingsError::Listen)?,
            public_url: public_url(&file.public_url, &tls)?,
            company_name: required("company_name", file.company_name)?,
            service_name: required("service_name", file.service_name)?,
            client_id: required("client_id", file.client_id)?,
            client_key: ClientAssertionKey::from_pem(&pem, kid).map_err(SettingsError::Key)?,
            account_api_url,
            ca_file,
            tls,
            banks,
        })
    }

    /// The bank with this code, if it is on offer.
    pub fn find_bank(&self, code: &BankCode) -> Option<&Bank> {
        self.banks.iter().find(|bank| bank.code == *code)
    }
}

fn public_url(value: &str, tls: &Option<ServerTls>) -> Result<PublicUrl, SettingsError> {
    let url = PublicUrl::parse(value).and_then(|url| match (url.scheme(), tls) {
        (PublicScheme::Http, Some(_)) => Err(AddressError::NotHttps),
        _ => Ok(url),
    });
    url.map_err(|reason| address("public_url", value, reason))
}

fn check_trust(
    ca_file: &Option<PathBuf>,
    account_api_url: &Url,
    banks: &[Bank],
) -> Result<(), SettingsError> {
    let issuers = banks.iter().map(|bank| ("banks.issuer", bank.issuer.url()));
    let mut all = std::iter::once(("account_api_url", account_api_url)).chain(issuers);
    match all.find(|(_, url)| ca_file.is_none() && url.scheme() == "https") {
        Some((name, url)) => Err(address(name, url.as_str(), AddressError::NobodyToTrust)),
        None => Ok(()),
    }
}

fn banks(listed: Vec<FileBank>) -> Result<Vec<Bank>, SettingsError> {
    if listed.is_empty() || listed.len() > MAX_BANKS {
        return Err(SettingsError::BankCount);
    }
    let mut banks: Vec<Bank> = Vec::with_capacity(listed.len());
    for entry in listed {
        let code = BankCode::parse(&entry.code).ok_or(SettingsError::BankCode(entry.code))?;
        let issuer = Issuer::parse(&entry.issuer)
            .map_err(|reason| address("banks.issuer", &entry.issuer, reason))?;
        if banks.iter().any(|bank| bank.code == code) {
            return Err(SettingsError::Repeated(code.to_string()));
        }
        // One issuer for two banks would leave a returning browser's bank in doubt.
        if banks.iter().any(|bank| bank.issuer == issuer) {
            return Err(SettingsError::Repeated(entry.issuer));
        }
        let name = required("banks.name", entry.name)?;
        let name = name
            .strip_suffix(CORPORATE_SUFFIX)
            .unwrap_or(&name)
            .to_owned();
        let name_en = entry
            .name_en
            .map(|name| required("banks.name_en", name))
            .transpose()?;
        banks.push(Bank {
            code,
            name,
            name_en,
            issuer,
        });
    }
    Ok(banks)
}

fn read(path: &Path) -> Result<String, SettingsError> {
    std::fs::read_to_string(path).map_err(|source| SettingsError::Read {
        path: path.to_owned(),
        source,
    })
}

fn toml_error(text: &str, error: &toml::de::Error) -> SettingsError {
    let line = error
        .span()
        .and_then(|span| text.get(..span.start))
        .map_or(0, |before| before.matches('\n').count() + 1);
    SettingsError::Toml {
        line,
        message: error.message().to_owned(),
    }
}

fn required(name: &'static str, value: String) -> Result<String, SettingsError> {
    let length = value.trim().chars().count();
    if (1..=100).contains(&length) {
        Ok(value)
    } else {
        Err(SettingsError::Text { name })
    }
}

fn address(name: &'static str, value: &str, reason: AddressError) -> SettingsError {
    SettingsError::Address {
        name,
        value: value.to_owned(),
        reason,
    }
}

fn outgoing_url(value: &str) -> Result<Url, AddressError> {
    let url = Url::parse(value).map_err(|_| AddressError::NotAUrl)?;
    match url.scheme() {
        "http" | "https" => {}
        _ => return Err(AddressError::NotHttp),
    }
    let decorated = url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
        || url.password().is_some();
    if decorated {
        Err(AddressError::Decorated)
    } else {
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::client_assertion::tests::generated_pem;

    fn example() -> String {
        format!(
            r#"
listen = "127.0.0.1:0"
public_url = "http://localhost:8000"
company_name = "サンプル会計株式会社"
service_name = "かんたん会計"
client_id = "sample-accounting"
kid = "sample-1"
private_key_pem = """{}"""
account_api_url = "http://127.0.0.1:8090"

[[banks]]
code = "2963"
name = "中央労働金庫"
issuer = "http://127.0.0.1:8080/2963"
"#,
            generated_pem()
        )
    }

    fn refusal(text: &str) -> String {
        Settings::parse(text, Path::new(""))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn the_example_is_accepted() {
        let settings = Settings::parse(&example(), Path::new("")).unwrap();

        assert_eq!(
            settings.public_url.redirect_uri(),
            "http://localhost:8000/callback"
        );
        assert_eq!(settings.banks[0].listed_name(), "中央労働金庫（法人）");
    }

    #[test]
    fn a_name_that_ends_with_the_suffix_keeps_one() {
        let text = example().replace("中央労働金庫", "中央労働金庫（法人）");

        let settings = Settings::parse(&text, Path::new("")).unwrap();

        assert_eq!(settings.banks[0].listed_name(), "中央労働金庫（法人）");
    }

    #[test]
    fn refusals_name_the_setting_and_never_quote_the_key() {
        let text = example();
        assert_eq!(
            refusal(&text.replace("127.0.0.1:8080/2963", "127.0.0.1:8080/2963/")),
            "banks.issuer (http://127.0.0.1:8080/2963/) must not end with a slash"
        );
        assert!(
            refusal(&text.replace("http://127.0.0.1:8090", "https://api.example"))
                .contains("account_api_url")
        );
        assert!(refusal(&text.replace("code = \"2963\"", "code = \"63\"")).contains("four digits"));
        assert!(refusal(&text.replace("kid = ", "kidd = ")).contains("kidd"));
        assert!(
            refusal(&text.replace("listen = \"127.0.0.1:0\"", "listen = \"here\""))
                .contains("listen")
        );
        let broken = text.replace("PRIVATE KEY-----\n\"\"\"", "PRIVATE KEY-----\n\"\"");
        let key_line = generated_pem().lines().nth(1).unwrap().to_owned();
        assert!(!refusal(&broken).contains(&key_line));
        let no_key = text.replace(
            "private_key_pem",
            "private_key_file = \"x\"\nprivate_key_pem",
        );
        assert_eq!(
            refusal(&no_key),
            "give either private_key_pem or private_key_file"
        );
    }

    #[test]
    fn https_needs_somebody_to_trust_and_tls_an_https_address() {
        let https = example().replace("http://127.0.0.1:8080", "https://127.0.0.1:8080");
        let trusting = https.replace("kid =", "ca_file = \"ca.pem\"\nkid =");
        let own = "[tls]\ncertificate_file = \"a.pem\"\nprivate_key_file = \"b.pem\"\n";

        assert!(refusal(&https).contains("ca_file"));
        let settings = Settings::parse(&trusting, Path::new("/etc/renkei")).unwrap();
        assert_eq!(settings.ca_file.unwrap(), Path::new("/etc/renkei/ca.pem"));
        assert!(refusal(&format!("{}{own}", example())).contains("public_url"));
    }

    #[test]
    fn a_bank_given_twice_is_refused() {
        let twice = format!(
            "{}\n[[banks]]\ncode = \"2954\"\nname = \"東北労働金庫\"\nissuer = \"http://127.0.0.1:8080/2963\"\n",
            example()
        );

        assert!(refusal(&twice).contains("given twice"));
    }
}
