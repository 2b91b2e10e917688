//! The relay's settings file.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::addresses::Addresses;
use crate::certificates::CertificateFiles;
use crate::private_file::write_private;
use crate::secrets::Secrets;
use crate::settings_files::ServerTls;

#[derive(Serialize)]
struct RelaySettings<'a> {
    public_url: String,
    operator_listen: String,
    database_url: &'a str,
    key_encryption_key: &'a str,
    operator_tls: Option<ServerTls<'a>>,
    kafka: Brokers<'a>,
    topics: Topics,
}

#[derive(Serialize)]
struct Brokers<'a> {
    bootstrap: &'a str,
}

/// One broker holds everything once.
#[derive(Serialize)]
struct Topics {
    replication_factor: u16,
    min_insync_replicas: u16,
}

/// Writes it below `directory`, readable by its owner only; returns where it is.
///
/// `database_url`: of the relay's own role. `bootstrap`: the broker's `host:port`.
///
/// # Errors
/// The system's.
pub fn write(
    directory: &Path,
    addresses: Addresses,
    secrets: &Secrets,
    database_url: &str,
    bootstrap: &str,
    certificates: Option<&CertificateFiles>,
) -> io::Result<PathBuf> {
    let settings = RelaySettings {
        public_url: addresses.consent(),
        operator_listen: addresses.relay_listen().to_string(),
        database_url,
        key_encryption_key: &secrets.key_encryption_key,
        operator_tls: certificates.map(ServerTls::of),
        kafka: Brokers { bootstrap },
        topics: Topics {
            replication_factor: 1,
            min_insync_replicas: 1,
        },
    };
    let text = toml::to_string(&settings).map_err(io::Error::other)?;
    let path = directory.join("relay.toml");
    write_private(&path, &text).map(|()| path)
}
