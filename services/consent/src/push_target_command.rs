//! `consent push-target`: where partners' events are pushed, by an operator's word only.

use std::path::PathBuf;

use clap::Subcommand;
use consent::{
    security_events::push::{
        Authorization, PushTarget, TargetState, check_target, list_targets, remove_target,
        set_target,
    },
    settings::Settings,
};
use consent_domain::{BankCode, ClientId};
use sqlx::PgPool;
use zeroize::Zeroizing;

/// The subcommands.
#[derive(Subcommand)]
pub enum PushTargetCommand {
    /// Sets where a partner's events at a bank are pushed (RFC 8935). A target that is there keeps its
    /// place in the log and is tried at once.
    Set {
        /// The settings (TOML).
        #[arg(long, env = "RENKEI_CONFIG")]
        config: PathBuf,
        /// The bank's code.
        #[arg(long)]
        bank: String,
        /// The partner's client id.
        #[arg(long)]
        client: String,
        /// https, at a public address.
        #[arg(long)]
        url: String,
        /// Holds the value of the Authorization header that the receiver asks for, e.g. `Bearer …`.
        #[arg(long)]
        authorization_file: Option<PathBuf>,
        /// Deliver what is after this number of the log; without it a new target begins at the log's end.
        #[arg(long)]
        after: Option<i64>,
        /// Who does this, for the record.
        #[arg(long, default_value = "command-line")]
        operator: String,
    },
    /// Removes a target; nothing is pushed any more.
    Remove {
        /// The settings (TOML).
        #[arg(long, env = "RENKEI_CONFIG")]
        config: PathBuf,
        /// The bank's code.
        #[arg(long)]
        bank: String,
        /// The partner's client id.
        #[arg(long)]
        client: String,
        /// Who does this, for the record.
        #[arg(long, default_value = "command-line")]
        operator: String,
    },
    /// Tells every target, how far it is and why it fails.
    List {
        /// The settings (TOML).
        #[arg(long, env = "RENKEI_CONFIG")]
        config: PathBuf,
    },
}

/// Does it; gives what is to be said.
///
/// # Errors
/// Of the settings, the target or the database.
pub async fn run(command: PushTargetCommand) -> Result<String, Box<dyn std::error::Error>> {
    match command {
        PushTargetCommand::Set {
            config,
            bank,
            client,
            url,
            authorization_file,
            after,
            operator,
        } => {
            let settings = Settings::read(&config)?;
            let checked = check_target(&url, settings.target_policy())?;
            if checked.scheme() == "https" && settings.push_ca_file.is_none() {
                return Err(
                    "set push_ca_file in the settings first: without it no https target is trusted"
                        .into(),
                );
            }
            let authorization = authorization_file
                .map(|path| std::fs::read_to_string(&path).map(Zeroizing::new))
                .transpose()?
                .map(|text| Authorization::parse(&text))
                .transpose()?;
            let target = PushTarget {
                bank: &BankCode::parse(bank)?,
                client: &ClientId::parse(client)?,
                url: checked.as_str(),
                authorization,
                after,
            };
            let said = format!(
                "{} at {}: events are pushed to {checked}",
                target.client, target.bank
            );
            let pool = PgPool::connect(&settings.database_url).await?;
            set_target(&pool, &settings.key_encryption(), target, &operator).await?;
            Ok(said)
        }
        PushTargetCommand::Remove {
            config,
            bank,
            client,
            operator,
        } => {
            let pool = PgPool::connect(&Settings::read(&config)?.database_url).await?;
            let (bank, client) = (BankCode::parse(bank)?, ClientId::parse(client)?);
            remove_target(&pool, &bank, &client, &operator).await?;
            Ok(format!("{client} at {bank}: nothing is pushed any more"))
        }
        PushTargetCommand::List { config } => {
            let pool = PgPool::connect(&Settings::read(&config)?.database_url).await?;
            let lines: Vec<String> = list_targets(&pool).await?.iter().map(line).collect();
            Ok(if lines.is_empty() {
                "there is no push target".to_owned()
            } else {
                lines.join("\n")
            })
        }
    }
}

fn line(target: &TargetState) -> String {
    let TargetState {
        bank,
        client_id,
        url,
        delivered_to,
        waiting,
        failures,
        last_failure,
        next_attempt_at,
        set_by,
    } = target;
    let mut line = format!(
        "{bank} {client_id} {url} delivered_to={delivered_to} waiting={waiting} set_by={set_by}"
    );
    if let (Some(why), Some(at)) = (last_failure, next_attempt_at) {
        line += &format!(
            " failures={failures} next_attempt={} why=\"{why}\"",
            at.to_rfc3339()
        );
    }
    line
}
