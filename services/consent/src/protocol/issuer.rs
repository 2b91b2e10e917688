//! A bank's issuer and the addresses under it. They come from settings, never from `Host`.

use std::fmt;

use consent_domain::BankCode;

/// `{public_url}/{bank code}`; also the `iss` of everything that this bank's server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer(String);

impl Issuer {
    /// Joins the service's public URL (a trailing slash is dropped) and the bank's code.
    pub fn new(public_url: &str, bank: &BankCode) -> Self {
        Self(format!("{}/{bank}", public_url.trim_end_matches('/')))
    }

    /// The identifier, compared byte for byte.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An address under the issuer, such as `par` or `token`.
    pub fn endpoint(&self, name: &str) -> String {
        format!("{}/{name}", self.0)
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
