//! A listener that asks for credentials: TLS with a certificate of its own, users by SCRAM.

use std::path::{Path, PathBuf};

use super::error::KafkaError;
use super::java::{Java, run};

/// Opens the key store. The file, and all that it protects, lives as long as a test.
pub(super) const KEY_STORE_PASSWORD: &str = "of-a-test";
/// `keytool`, which every Java has.
const KEYTOOL: &str = "java.base/sun.security.tools.keytool.Main";

/// A user of the guarded listener; what it may do is a matter of ACLs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its name: letters, digits and `-`.
    pub name: String,
    /// Its password: no `,` and no `]`.
    pub password: String,
}

/// The files of the guarded listener.
#[derive(Debug)]
pub(super) struct Guard {
    pub(super) users: Vec<User>,
    pub(super) key_store: PathBuf,
    pub(super) certificate: PathBuf,
}

impl Guard {
    /// Makes a key and its self-signed certificate for `127.0.0.1` and `localhost`.
    pub(super) fn create(
        java: &Java,
        directory: &Path,
        users: &[User],
    ) -> Result<Self, KafkaError> {
        let guard = Self {
            users: users.to_vec(),
            key_store: directory.join("broker.p12"),
            certificate: directory.join("broker.pem"),
        };
        let keytool = || {
            let mut command =
                java.command(KEYTOOL, &["--module"], directory, &container(directory));
            command
                .args(["-storetype", "PKCS12", "-storepass", KEY_STORE_PASSWORD])
                .args(["-alias", "broker", "-keystore"])
                .arg(&guard.key_store);
            command
        };
        run(keytool()
            .args(["-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1"])
            .args(["-dname", "CN=localhost", "-validity", "2"])
            .args(["-ext", "SAN=dns:localhost,ip:127.0.0.1"]))?;
        run(keytool()
            .args(["-exportcert", "-rfc", "-file"])
            .arg(&guard.certificate))?;
        Ok(guard)
    }

    /// What Kafka's Java clients need to come in as this user.
    pub(super) fn client_properties(&self, user: &User) -> String {
        let User { name, password } = user;
        format!(
            "security.protocol=SASL_SSL\n\
             sasl.mechanism=SCRAM-SHA-512\n\
             sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
             username=\"{name}\" password=\"{password}\";\n\
             ssl.truststore.type=PEM\n\
             ssl.truststore.location={}\n",
            self.certificate.display()
        )
    }

    /// The arguments by which `format` stores the users.
    pub(super) fn format_arguments(&self) -> Vec<String> {
        self.users
            .iter()
            .flat_map(|User { name, password }| {
                [
                    "--add-scram".to_owned(),
                    format!("SCRAM-SHA-512=[name={name},password={password}]"),
                ]
            })
            .collect()
    }
}

/// A container's name that is nobody else's: the directory's and a number.
pub(super) fn container(directory: &Path) -> String {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    format!("{name}-{:08x}", rand::random::<u32>())
}
