//! Why TLS can't be set up.

use std::{fmt, io, path::PathBuf};

/// Which file of a TLS section an error is about; shown as its setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// The certificate and its chain.
    Certificate,
    /// The private key.
    PrivateKey,
    /// The authorities whose client certificates are taken.
    ClientCa,
    /// The authorities that are trusted.
    Ca,
}

impl fmt::Display for FileKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Certificate => "certificate_file",
            Self::PrivateKey => "private_key_file",
            Self::ClientCa => "client_ca_file",
            Self::Ca => "ca_file",
        })
    }
}

/// Why TLS can't be set up. Each names the setting; none shows what is in a file.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read.
    #[error("{section}.{kind}: can't read {}: {source}", path.display())]
    Unreadable {
        /// The settings' section, such as `public_tls`.
        section: String,
        /// The setting in it.
        kind: FileKind,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file has nothing of what it should have, or something broken.
    #[error("{section}.{kind}: {} {reason}", path.display())]
    Unusable {
        /// The settings' section.
        section: String,
        /// The setting in it.
        kind: FileKind,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The private key is another certificate's.
    #[error(
        "{section}: the key in {} is not the key of the certificate in {}",
        private_key.display(),
        certificate.display()
    )]
    Mismatch {
        /// The settings' section.
        section: String,
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        private_key: PathBuf,
    },
    /// A setting is missing where another needs it.
    #[error("{section}: {expected}")]
    Incomplete {
        /// The settings' section.
        section: String,
        /// What must be there.
        expected: &'static str,
    },
    /// The library refuses the configuration.
    #[error("{section}: {source}")]
    Refused {
        /// The settings' section.
        section: String,
        /// The library's reason.
        source: rustls::Error,
    },
}
