//! Settings of the relay, from one TOML file.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use public_events::Encoding;
use rdkafka::ClientConfig;
use serde::Deserialize;
use shared_keys::KeyEncryptionKey;
use tls::ServerTls;
use url::Url;
use zeroize::Zeroizing;

use crate::{
    sequencer::Pace,
    topics::{BadTopicSettings, TopicSettings},
};

/// What the relay needs to know to start.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The primary database, as the relay's role.
    pub database_url: String,
    /// Health and metrics.
    pub operator_listen: SocketAddr,
    /// TLS of `operator_listen`; its paths are relative to the settings file.
    #[serde(default)]
    pub operator_tls: Option<ServerTls>,
    /// The consent service's `public_url`: events name their issuer by it.
    pub public_url: Url,
    /// The consent service's: opens the key that partners' ids are derived with.
    pub key_encryption_key: KeyEncryptionKey,
    /// As the consent service's: what these wrapped is opened, too, while the key is changed.
    #[serde(default)]
    pub additional_key_encryption_keys: Vec<KeyEncryptionKey>,
    /// This instance, in the lease and in logs; by default the host's name and the process's id.
    #[serde(default)]
    pub instance: Option<String>,
    /// How a record's value is written: `protobuf` or `json`.
    #[serde(default)]
    pub encoding: Encoding,
    /// The cluster.
    pub kafka: KafkaSettings,
    /// Names and shapes of the topics.
    #[serde(default)]
    pub topics: TopicSettings,
    /// The order.
    #[serde(default)]
    pub sequencer: SequencerSettings,
    /// The records.
    #[serde(default)]
    pub publisher: PublisherSettings,
}

/// The table `[kafka]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaSettings {
    /// `host:port`, several with commas.
    pub bootstrap: String,
    /// The same for every instance that publishes this log, and for nobody else: by default
    /// `<topics.prefix>.relay`.
    #[serde(default)]
    pub transactional_id: Option<String>,
    /// After this long the brokers give a dead relay's transaction up; until then, readers of what is
    /// committed wait. 1,000 to 900,000.
    #[serde(default = "default_transaction_timeout")]
    pub transaction_timeout_milliseconds: u32,
    /// The largest record in bytes; the brokers' and topics' `max.message.bytes` must allow it.
    #[serde(default = "default_record_bytes_max")]
    pub record_bytes_max: u32,
    /// Encrypts, where it is there.
    #[serde(default)]
    pub tls: Option<TlsSettings>,
    /// Names the relay to the cluster, where it is there.
    #[serde(default)]
    pub sasl: Option<SaslSettings>,
}

/// The table `[kafka.tls]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// Certificates that are trusted (PEM); the system's where it is missing.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// The relay's own certificate (PEM), with `key`.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    /// Its private key (PEM), not encrypted.
    #[serde(default)]
    pub key: Option<PathBuf>,
}

/// The table `[kafka.sasl]`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaslSettings {
    /// Which of the mechanisms.
    pub mechanism: SaslMechanism,
    /// The user.
    pub username: String,
    /// Its password.
    #[serde(deserialize_with = "secret")]
    pub password: Zeroizing<String>,
}

impl std::fmt::Debug for SaslSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SaslSettings")
            .field("mechanism", &self.mechanism)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// How the relay proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum SaslMechanism {
    /// RFC 7677.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// The same with SHA-512.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
    /// The password as it is: only with TLS.
    #[serde(rename = "PLAIN")]
    Plain,
}

/// The table `[sequencer]`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SequencerSettings {
    /// How often it looks for new events while there are none. 5 to 1,000.
    pub poll_milliseconds: u64,
    /// Most events of one append. 1 to 10,000.
    pub batch_max: u32,
    /// How long a leader that is silent is waited for. 1,000 to 60,000.
    pub lease_milliseconds: u64,
    /// An open transaction that holds the log back for longer is an alarm.
    pub gate_alarm_seconds: u64,
}

impl Default for SequencerSettings {
    fn default() -> Self {
        Self {
            poll_milliseconds: 50,
            batch_max: 1_000,
            lease_milliseconds: 3_000,
            gate_alarm_seconds: 10,
        }
    }
}

/// The table `[publisher]`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PublisherSettings {
    /// Most events of one Kafka transaction. 1 to 5,000.
    pub batch_max: u32,
    /// Where the log's beginning is archived and Kafka never had it, or has it no more: goes on after this
    /// number, which is the last archived one.
    pub begin_after: Option<i64>,
}

impl Default for PublisherSettings {
    fn default() -> Self {
        Self {
            batch_max: 2_000,
            begin_after: None,
        }
    }
}

fn secret<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

fn default_transaction_timeout() -> u32 {
    10_000
}

fn default_record_bytes_max() -> u32 {
    1_000_000
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
    /// A setting is outside its limits or contradicts another.
    #[error("{setting}: {problem}")]
    Unusable {
        /// Its name.
        setting: &'static str,
        /// Why.
        problem: &'static str,
    },
    /// The table `[topics]`.
    #[error(transparent)]
    Topics(#[from] BadTopicSettings),
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
            let lines_before = text.bytes().take(start).filter(|byte| *byte == b'\n');
            SettingsError::Malformed {
                path: name,
                line: 1 + lines_before.count(),
                message: error.message().to_owned(),
            }
        })?;
        if let Some(tls) = &mut settings.operator_tls {
            tls.relative_to(path.parent().unwrap_or_else(|| Path::new("")));
        }
        settings.check()?;
        Ok(settings)
    }

    /// # Errors
    /// [`SettingsError::Unusable`], [`SettingsError::Topics`].
    pub fn check(&self) -> Result<(), SettingsError> {
        let (sequencer, kafka) = (&self.sequencer, &self.kafka);
        within(
            "sequencer.poll_milliseconds",
            sequencer.poll_milliseconds,
            5,
            1_000,
        )?;
        within("sequencer.batch_max", sequencer.batch_max.into(), 1, 10_000)?;
        within(
            "sequencer.lease_milliseconds",
            sequencer.lease_milliseconds,
            1_000,
            60_000,
        )?;
        within(
            "publisher.batch_max",
            self.publisher.batch_max.into(),
            1,
            5_000,
        )?;
        within(
            "kafka.transaction_timeout_milliseconds",
            kafka.transaction_timeout_milliseconds.into(),
            1_000,
            900_000,
        )?;
        within(
            "kafka.record_bytes_max",
            kafka.record_bytes_max.into(),
            1_000,
            100_000_000,
        )?;
        if kafka.bootstrap.trim().is_empty() {
            return Err(unusable("kafka.bootstrap", "names no broker"));
        }
        let plain = kafka.sasl.as_ref().map(|sasl| sasl.mechanism) == Some(SaslMechanism::Plain);
        if plain && kafka.tls.is_none() {
            return Err(unusable(
                "kafka.sasl.mechanism",
                "PLAIN sends the password as it is: only with [kafka.tls]",
            ));
        }
        kafka.tls.as_ref().map_or(Ok(()), TlsSettings::check)?;
        self.topics.names()?;
        Ok(())
    }

    /// How the sequencer goes about it.
    pub fn pace(&self) -> Pace {
        Pace {
            poll: Duration::from_millis(self.sequencer.poll_milliseconds),
            batch_max: self.sequencer.batch_max,
        }
    }

    /// How long a lease lasts.
    pub fn lease(&self) -> Duration {
        Duration::from_millis(self.sequencer.lease_milliseconds)
    }

    /// The producer's `transactional.id`.
    pub fn transactional_id(&self) -> String {
        self.kafka
            .transactional_id
            .clone()
            .unwrap_or_else(|| format!("{}.relay", self.topics.prefix))
    }

    /// This instance's name.
    pub fn instance(&self) -> String {
        self.instance.clone().unwrap_or_else(|| {
            let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
            let host = host.trim();
            let host = if host.is_empty() { "relay" } else { host };
            format!("{host}-{}", std::process::id())
        })
    }
}

fn unusable(setting: &'static str, problem: &'static str) -> SettingsError {
    SettingsError::Unusable { setting, problem }
}

fn within(setting: &'static str, value: u64, least: u64, most: u64) -> Result<(), SettingsError> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(unusable(
            setting,
            "is outside of its limits (docs/relay.md)",
        ))
    }
}

impl TlsSettings {
    fn check(&self) -> Result<(), SettingsError> {
        if self.certificate.is_some() != self.key.is_some() {
            return Err(unusable("kafka.tls", "certificate and key belong together"));
        }
        let files = [
            ("kafka.tls.ca", &self.ca),
            ("kafka.tls.certificate", &self.certificate),
            ("kafka.tls.key", &self.key),
        ];
        for (setting, file) in files {
            if file
                .as_ref()
                .is_some_and(|file| std::fs::File::open(file).is_err())
            {
                return Err(unusable(setting, "the file can't be read"));
            }
        }
        Ok(())
    }
}

impl KafkaSettings {
    /// Where the cluster is and who we are to it; everything else is the client's own.
    pub fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", &self.bootstrap)
            .set("client.id", "consent-relay")
            .set("reconnect.backoff.max.ms", "2000")
            .set("log.connection.close", "false");
        let protocol = match (&self.tls, &self.sasl) {
            (None, None) => "plaintext",
            (Some(_), None) => "ssl",
            (None, Some(_)) => "sasl_plaintext",
            (Some(_), Some(_)) => "sasl_ssl",
        };
        client.set("security.protocol", protocol);
        if let Some(tls) = &self.tls {
            let files = [
                ("ssl.ca.location", &tls.ca),
                ("ssl.certificate.location", &tls.certificate),
                ("ssl.key.location", &tls.key),
            ];
            for (option, file) in files {
                if let Some(file) = file {
                    client.set(option, file.to_string_lossy());
                }
            }
        }
        if let Some(sasl) = &self.sasl {
            let mechanism = match sasl.mechanism {
                SaslMechanism::ScramSha256 => "SCRAM-SHA-256",
                SaslMechanism::ScramSha512 => "SCRAM-SHA-512",
                SaslMechanism::Plain => "PLAIN",
            };
            client
                .set("sasl.mechanism", mechanism)
                .set("sasl.username", &sasl.username)
                .set("sasl.password", sasl.password.as_str());
        }
        client
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "database_url = \"postgres://r@h/d\"\noperator_listen = \"127.0.0.1:0\"\n\
        public_url = \"https://consent.example\"\n\
        key_encryption_key = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"\n";

    fn read(more: &str) -> Result<Settings, SettingsError> {
        let path = std::env::temp_dir().join(format!("relay-{}.toml", uuid::Uuid::new_v4()));
        std::fs::write(&path, format!("{LEAST}{more}")).unwrap();
        let settings = Settings::read(&path);
        std::fs::remove_file(&path).unwrap();
        settings
    }

    fn refused(more: &str) -> String {
        match read(more) {
            Ok(_) => panic!("it was taken"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn addresses_and_keys_are_enough() {
        let settings = read("[kafka]\nbootstrap = \"k:9092\"\n").unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(settings.transactional_id(), "renkei.relay");
        assert_eq!(
            settings.kafka.client().get("security.protocol"),
            Some("plaintext")
        );
    }

    #[test]
    fn what_is_wrong_is_named_and_a_secret_is_never_quoted() {
        let unknown = refused("[kafka]\nbootstrap = \"k\"\npasword = \"marked-secret\"\n");
        assert!(
            unknown.contains("line 7") && unknown.contains("pasword"),
            "{unknown}"
        );
        assert!(!unknown.contains("marked-secret"), "{unknown}");
        for (more, named) in [
            ("[kafka]\nbootstrap = \" \"\n", "kafka.bootstrap"),
            (
                "[kafka]\nbootstrap = \"k\"\n[sequencer]\nbatch_max = 0\n",
                "sequencer.batch_max",
            ),
            (
                "[kafka]\nbootstrap = \"k\"\n[kafka.tls]\nca = \"/nowhere\"\n",
                "kafka.tls.ca",
            ),
            (
                "[kafka]\nbootstrap = \"k\"\n[kafka.tls]\nkey = \"/nowhere\"\n",
                "kafka.tls",
            ),
            (
                "[kafka]\nbootstrap = \"k\"\n[topics]\nprefix = \"A\"\n",
                "topics.prefix",
            ),
            (
                "[kafka]\nbootstrap = \"k\"\n[kafka.sasl]\nmechanism = \"PLAIN\"\nusername = \"u\"\npassword = \"p\"\n",
                "kafka.sasl.mechanism",
            ),
        ] {
            let told = refused(more);
            assert!(told.contains(named), "{told}");
        }
    }
}
