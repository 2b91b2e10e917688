//! `consent operator`: who may use the operators' API and console, by the database owner's word only.

use std::{io::Read as _, path::PathBuf};

use clap::{Args, Subcommand};
use consent::operator::{OperatorId, Role, administration::Administration};
use consent_domain::BankCode;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Failure, say};

#[derive(Subcommand)]
pub(super) enum OperatorCommand {
    /// Adds an operator, who may do nothing yet.
    Add {
        #[command(flatten)]
        owner: Owner,
        /// The new operator's id: letters, digits, `.`, `_` and `-`.
        #[arg(long)]
        id: String,
        /// The name, as people call it.
        #[arg(long)]
        name: String,
    },
    /// Gives an operator a role at a bank, in place of the one that it has there.
    GrantRole {
        #[command(flatten)]
        owner: Owner,
        /// The operator.
        #[arg(long)]
        id: String,
        /// The bank's code.
        #[arg(long)]
        bank: String,
        /// `auditor` reads; `operator` reads and acts.
        #[arg(long, value_parser = role)]
        role: Role,
    },
    /// Takes an operator's role at a bank away.
    RemoveRole {
        #[command(flatten)]
        owner: Owner,
        /// The operator.
        #[arg(long)]
        id: String,
        /// The bank's code.
        #[arg(long)]
        bank: String,
    },
    /// Makes an operator one of the platform, who keeps partners' records.
    GrantPlatform {
        #[command(flatten)]
        owner: Owner,
        /// The operator.
        #[arg(long)]
        id: String,
    },
    /// Takes that away.
    RemovePlatform {
        #[command(flatten)]
        owner: Owner,
        /// The operator.
        #[arg(long)]
        id: String,
    },
    /// Makes a token for the API and prints it as JSON; it is shown this once.
    IssueToken {
        #[command(flatten)]
        owner: Owner,
        /// The operator.
        #[arg(long)]
        id: String,
        /// What it is for, e.g. the program's name.
        #[arg(long)]
        name: String,
        /// How long it is good.
        #[arg(long, default_value_t = 90)]
        days: u32,
    },
    /// Ends a token.
    RevokeToken {
        #[command(flatten)]
        owner: Owner,
        /// The token's id.
        #[arg(long)]
        token_id: Uuid,
    },
    /// Sets the console's password, and ends the operator's sessions.
    SetPassword {
        #[command(flatten)]
        owner: Owner,
        /// The operator.
        #[arg(long)]
        id: String,
        /// Holds the password, 12 characters or more; `-` is the standard input.
        #[arg(long)]
        password_file: PathBuf,
    },
    /// Disables an operator: no token, password or session of it is good any more.
    Disable {
        #[command(flatten)]
        owner: Owner,
        /// The operator.
        #[arg(long)]
        id: String,
    },
    /// Lets a disabled operator in again.
    Enable {
        #[command(flatten)]
        owner: Owner,
        /// The operator.
        #[arg(long)]
        id: String,
    },
    /// Tells every operator with roles and tokens, a line of JSON each.
    List {
        #[command(flatten)]
        owner: Owner,
    },
}

#[derive(Args)]
pub(super) struct Owner {
    /// The database, as its owner.
    #[arg(long, env = "RENKEI_OWNER_URL", hide_env_values = true)]
    owner_url: String,
    /// Who does this, for the record.
    #[arg(long, default_value = "command-line")]
    by: String,
}

impl Owner {
    async fn connect(self) -> Result<Administration, Failure> {
        Ok(Administration::connect(&self.owner_url, self.by).await?)
    }
}

fn role(name: &str) -> Result<Role, String> {
    Role::find(name).ok_or_else(|| "one of auditor, operator".to_owned())
}

pub(super) async fn run(command: OperatorCommand) -> Result<(), Failure> {
    match command {
        OperatorCommand::Add { owner, id, name } => {
            let id = OperatorId::parse(id)?;
            owner.connect().await?.add(&id, &name).await?;
            say(&format!("operator {id} is added"));
        }
        OperatorCommand::GrantRole {
            owner,
            id,
            bank,
            role,
        } => {
            let (id, bank) = (OperatorId::parse(id)?, BankCode::parse(bank)?);
            let mut administration = owner.connect().await?;
            administration.grant_role(&id, &bank, role).await?;
            say(&format!("operator {id} is {} at {bank}", role.as_str()));
        }
        OperatorCommand::GrantPlatform { owner, id } => {
            let id = OperatorId::parse(id)?;
            owner.connect().await?.grant_platform(&id).await?;
            say(&format!("operator {id} is one of the platform"));
        }
        OperatorCommand::RemovePlatform { owner, id } => {
            let id = OperatorId::parse(id)?;
            let removed = owner.connect().await?.remove_platform(&id).await?;
            say(if removed {
                "that is taken away"
            } else {
                "nothing to do: it was none"
            });
        }
        OperatorCommand::RemoveRole { owner, id, bank } => {
            let (id, bank) = (OperatorId::parse(id)?, BankCode::parse(bank)?);
            let removed = owner.connect().await?.remove_role(&id, &bank).await?;
            say(if removed {
                "the role is removed"
            } else {
                "nothing to do: there was no role"
            });
        }
        OperatorCommand::IssueToken {
            owner,
            id,
            name,
            days,
        } => {
            let id = OperatorId::parse(id)?;
            let mut administration = owner.connect().await?;
            let issued = administration.issue_token(&id, &name, days).await?;
            say(&serde_json::to_string_pretty(&issued)?);
        }
        OperatorCommand::RevokeToken { owner, token_id } => {
            owner.connect().await?.revoke_token(token_id).await?;
            say("the token is revoked");
        }
        OperatorCommand::SetPassword {
            owner,
            id,
            password_file,
        } => {
            let id = OperatorId::parse(id)?;
            let password = read_password(&password_file)?;
            let password = password.trim_end_matches(['\r', '\n']);
            owner.connect().await?.set_password(&id, password).await?;
            say(&format!("operator {id} has a new password"));
        }
        OperatorCommand::Disable { owner, id } => {
            let id = OperatorId::parse(id)?;
            owner.connect().await?.disable(&id).await?;
            say(&format!("operator {id} is disabled"));
        }
        OperatorCommand::Enable { owner, id } => {
            let id = OperatorId::parse(id)?;
            owner.connect().await?.enable(&id).await?;
            say(&format!("operator {id} is enabled"));
        }
        OperatorCommand::List { owner } => {
            for operator in owner.connect().await?.list().await? {
                say(&operator.to_string());
            }
        }
    }
    Ok(())
}

fn read_password(path: &std::path::Path) -> std::io::Result<Zeroizing<String>> {
    if path.as_os_str() == "-" {
        let mut text = Zeroizing::new(String::new());
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(path).map(Zeroizing::new)
}
