//! `consent signing-key` and `consent key-encryption`: the keys that sign, and the key that wraps what is
//! stored. Both take the service's own settings: whoever has those can sign already.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use consent::{
    key_rewrapping::{Purpose, WrappedKeys, rewrap},
    settings::Settings,
    signing_keys::{Readiness, Rotation},
};
use consent_domain::BankCode;
use sqlx::{Connection as _, PgConnection};

use super::{Failure, ordered::Ordered, say};

#[derive(Subcommand)]
pub(super) enum SigningKeyCommand {
    /// Prints the keys, a JSON object a line: whose, in which state, since when, until when, who did what.
    List {
        #[command(flatten)]
        config: Config,
        /// Only those that this bank's tokens may be signed with.
        #[arg(long)]
        bank: Option<String>,
    },
    /// Puts a new key into the key set. It signs when it is activated, 66 minutes later at the earliest.
    Publish {
        #[command(flatten)]
        config: Config,
        /// A bank's code, for a key of its own; without it the key is every bank's that has no own.
        #[arg(long)]
        bank: Option<String>,
        #[command(flatten)]
        ordered: Ordered,
    },
    /// Lets a published key sign. The one before retires: it leaves the key set when its last token has ended.
    Activate {
        #[command(flatten)]
        config: Config,
        /// The key's id.
        #[arg(long)]
        kid: String,
        /// Before every verifier knows it. New tokens are refused by account-api for up to 10 seconds and
        /// more, and by others for up to 5 minutes: only where waiting is worse.
        #[arg(long)]
        now: bool,
        #[command(flatten)]
        ordered: Ordered,
    },
    /// Takes a published key back, or a bank's own: then the key of every bank signs for it.
    Retire {
        #[command(flatten)]
        config: Config,
        /// The key's id.
        #[arg(long)]
        kid: String,
        #[command(flatten)]
        ordered: Ordered,
    },
    /// In an emergency: a key got out. Its tokens are refused at once, it leaves the key set, and where it
    /// signed another one does.
    Revoke {
        #[command(flatten)]
        config: Config,
        /// The key's id.
        #[arg(long)]
        kid: String,
        #[command(flatten)]
        ordered: Ordered,
    },
}

#[derive(Subcommand)]
pub(super) enum KeyEncryptionCommand {
    /// Counts what `key_encryption_key` wraps, and what the additional keys do, a JSON object a table. Ends
    /// with 0 only if nothing needs those. Changes nothing.
    Check {
        #[command(flatten)]
        config: Config,
    },
    /// Wraps every stored key anew by `key_encryption_key`.
    Rewrap {
        #[command(flatten)]
        config: Config,
        #[command(flatten)]
        ordered: Ordered,
    },
}

#[derive(Args)]
pub(super) struct Config {
    /// The settings (TOML).
    #[arg(long, env = "RENKEI_CONFIG")]
    config: PathBuf,
}

impl Config {
    fn read(&self) -> Result<Settings, Failure> {
        Ok(Settings::read(&self.config)?)
    }

    async fn rotation(&self) -> Result<Rotation, Failure> {
        let settings = self.read()?;
        Ok(Rotation::connect(&settings.database_url, settings.key_encryption()).await?)
    }
}

fn say_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    say(&serde_json::to_string(value)?);
    Ok(())
}

pub(super) async fn signing_key(command: SigningKeyCommand) -> Result<(), Failure> {
    match command {
        SigningKeyCommand::List { config, bank } => {
            let bank = bank.map(BankCode::parse).transpose()?;
            for key in config.rotation().await?.list(bank.as_ref()).await? {
                say_json(&key)?;
            }
            Ok(())
        }
        SigningKeyCommand::Publish {
            config,
            bank,
            ordered,
        } => {
            let bank = bank.map(BankCode::parse).transpose()?;
            let mut rotation = config.rotation().await?;
            say_json(&rotation.publish(bank.as_ref(), &ordered.order()).await?)
        }
        SigningKeyCommand::Activate {
            config,
            kid,
            now,
            ordered,
        } => {
            let readiness = if now {
                Readiness::Now
            } else {
                Readiness::Known
            };
            let mut rotation = config.rotation().await?;
            let order = ordered.order();
            say_json(&rotation.activate(&kid, readiness, &order).await?)
        }
        SigningKeyCommand::Retire {
            config,
            kid,
            ordered,
        } => {
            let mut rotation = config.rotation().await?;
            say_json(&rotation.retire(&kid, &ordered.order()).await?)
        }
        SigningKeyCommand::Revoke {
            config,
            kid,
            ordered,
        } => {
            let mut rotation = config.rotation().await?;
            say_json(&rotation.revoke(&kid, &ordered.order()).await?)
        }
    }
}

pub(super) async fn key_encryption(command: KeyEncryptionCommand) -> Result<(), Failure> {
    let (config, purpose) = match command {
        KeyEncryptionCommand::Check { config } => (config, Purpose::Check),
        KeyEncryptionCommand::Rewrap { config, ordered } => {
            (config, Purpose::Rewrap(ordered.order()))
        }
    };
    let settings = config.read()?;
    let mut connection = PgConnection::connect(&settings.database_url).await?;
    let looked_at = rewrap(&mut connection, &settings.key_encryption(), &purpose).await?;
    for keys in &looked_at {
        say_json(keys)?;
    }
    judge(&looked_at, &purpose)
}

fn judge(looked_at: &[WrappedKeys], purpose: &Purpose) -> Result<(), Failure> {
    let unopened: usize = looked_at.iter().map(|keys| keys.unopened.len()).sum();
    if unopened > 0 {
        return Err(format!(
            "{unopened} keys open with none of the configured keys: was one wrapped by a key that is in \
             additional_key_encryption_keys no more?"
        )
        .into());
    }
    let waiting: u64 = looked_at
        .iter()
        .map(|keys| keys.under_additional_keys)
        .sum();
    match purpose {
        Purpose::Check if waiting > 0 => Err(format!(
            "{waiting} keys need additional_key_encryption_keys: consent key-encryption rewrap wraps them anew"
        )
        .into()),
        Purpose::Check | Purpose::Rewrap(_) => Ok(()),
    }
}
