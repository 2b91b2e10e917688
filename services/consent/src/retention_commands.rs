//! What only the database's owner does: archive the log, destroy what is past its time, hold what a court
//! asks for.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use consent::retention::{
    RetentionSettings,
    archive::{self, ArchiveError, ArchiveOrder},
    archive_file, destruction,
    legal_hold::{self, Held},
};
use consent_domain::{BankCode, ContractId, GrantId, PartnerId};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::{Failure, ordered::Ordered, say};

#[derive(Args)]
pub(super) struct Owner {
    /// The database, as its owner.
    #[arg(long, env = "RENKEI_OWNER_URL")]
    owner_url: String,
}

#[derive(Args)]
pub(super) struct Times {
    /// A file with the table `[retention]` (TOML); without it the defaults hold.
    #[arg(long, env = "RENKEI_CONFIG")]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(super) enum ArchiveCommand {
    /// Archives the oldest part of the log: exports it with its events, reads the file back, drops it.
    Run {
        #[command(flatten)]
        owner: Owner,
        #[command(flatten)]
        times: Times,
        /// Where the file goes.
        #[arg(long)]
        directory: PathBuf,
        #[command(flatten)]
        ordered: Ordered,
        /// Ends well where it is not time yet: for a job that runs by the clock.
        #[arg(long)]
        if_due: bool,
        /// BANK:PARTNER of a reader who goes without what it has not taken; it has been told.
        #[arg(long)]
        leave_behind: Vec<String>,
    },
    /// Reads a file and checks everything that it says of itself. Needs no database.
    Verify {
        /// The file.
        file: PathBuf,
    },
    /// Prints what was archived, a JSON object a line.
    List {
        #[command(flatten)]
        owner: Owner,
    },
}

#[derive(Subcommand)]
pub(super) enum DestroyCommand {
    /// Counts what would be destroyed at a bank, and what would stay and why. Changes nothing.
    Preview {
        #[command(flatten)]
        owner: Owner,
        #[command(flatten)]
        times: Times,
        /// The bank's code.
        #[arg(long)]
        bank: String,
    },
    /// Destroys it.
    Run {
        #[command(flatten)]
        owner: Owner,
        #[command(flatten)]
        times: Times,
        /// The bank's code.
        #[arg(long)]
        bank: String,
        /// What the preview counted: consents, unfinished journeys and closed contracts together.
        #[arg(long)]
        count: i64,
        #[command(flatten)]
        ordered: Ordered,
    },
    /// Carries an act on that was interrupted.
    Resume {
        #[command(flatten)]
        owner: Owner,
        /// The bank's code.
        #[arg(long)]
        bank: String,
    },
    /// Prints the acts, a JSON object a line, the latest first.
    List {
        #[command(flatten)]
        owner: Owner,
    },
}

#[derive(Subcommand)]
pub(super) enum LegalHoldCommand {
    /// Places a hold: what is held is neither destroyed nor forgotten.
    Add {
        #[command(flatten)]
        owner: Owner,
        /// The bank's code.
        #[arg(long)]
        bank: String,
        #[command(flatten)]
        what: What,
        #[command(flatten)]
        ordered: Ordered,
    },
    /// Lifts a hold.
    Lift {
        #[command(flatten)]
        owner: Owner,
        /// Its id.
        #[arg(long)]
        hold: Uuid,
        #[command(flatten)]
        ordered: Ordered,
    },
    /// Prints the holds, a JSON object a line, those that stand first.
    List {
        #[command(flatten)]
        owner: Owner,
    },
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct What {
    /// Everything of a contract.
    #[arg(long)]
    contract: Option<String>,
    /// One consent, by its grant's id.
    #[arg(long)]
    grant: Option<String>,
    /// Everything of a partner at this bank.
    #[arg(long)]
    partner: Option<String>,
}

impl What {
    fn held(self) -> Result<Held, Failure> {
        match (self.contract, self.grant, self.partner) {
            (Some(id), _, _) => Ok(Held::Contract(ContractId::parse(id)?)),
            (_, Some(id), _) => Ok(Held::Grant(GrantId::parse(id)?)),
            (_, _, Some(id)) => Ok(Held::Partner(PartnerId::parse(id)?)),
            _ => Err("one of --contract, --grant, --partner".into()),
        }
    }
}

impl Owner {
    async fn connect(&self) -> Result<PgConnection, Failure> {
        Ok(PgConnection::connect(&self.owner_url).await?)
    }
}

impl Times {
    fn read(&self) -> Result<RetentionSettings, Failure> {
        Ok(match &self.config {
            Some(path) => RetentionSettings::read(path)?,
            None => RetentionSettings::default(),
        })
    }
}

fn say_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    say(&serde_json::to_string(value)?);
    Ok(())
}

pub(super) async fn archive(command: ArchiveCommand) -> Result<(), Failure> {
    match command {
        ArchiveCommand::Run {
            owner,
            times,
            directory,
            ordered,
            if_due,
            leave_behind,
        } => {
            let order = ArchiveOrder {
                order: ordered.order(),
                directory,
                months: times.read()?.event_log_months,
                leave_behind,
            };
            match archive::archive_oldest(&owner.owner_url, &order).await {
                Err(not_yet @ ArchiveError::NotYet { .. }) if if_due => {
                    say(&not_yet.to_string());
                    Ok(())
                }
                archived => say_json(&archived?),
            }
        }
        ArchiveCommand::Verify { file } => say_json(&archive_file::verify(&file)?),
        ArchiveCommand::List { owner } => {
            for archived in archive::list(&mut owner.connect().await?).await? {
                say_json(&archived)?;
            }
            Ok(())
        }
    }
}

pub(super) async fn destroy(command: DestroyCommand) -> Result<(), Failure> {
    match command {
        DestroyCommand::Preview { owner, times, bank } => {
            let bank = BankCode::parse(bank)?;
            let kept = times.read()?;
            let mut owner = owner.connect().await?;
            let criteria = destruction::criteria(&mut owner, &bank, &kept).await?;
            let preview = destruction::preview(&mut owner, &bank, &criteria).await?;
            say_json(&serde_json::json!({
                "bank": bank.as_str(),
                "ended_before": criteria.ended_before,
                "closed_before": criteria.closed_before,
                "count": preview.count(),
                "consents": preview.consents,
                "unfinished_journeys": preview.unfinished_journeys,
                "closed_contracts": preview.closed_contracts,
                "staying": preview.staying,
            }))
        }
        DestroyCommand::Run {
            owner,
            times,
            bank,
            count,
            ordered,
        } => {
            let bank = BankCode::parse(bank)?;
            let kept = times.read()?;
            let mut owner = owner.connect().await?;
            let criteria = destruction::criteria(&mut owner, &bank, &kept).await?;
            let order = ordered.order();
            let act = destruction::begin(&mut owner, &bank, &criteria, count, &order).await?;
            say_json(&destruction::carry_on(&mut owner, act).await?)
        }
        DestroyCommand::Resume { owner, bank } => {
            let bank = BankCode::parse(bank)?;
            let mut owner = owner.connect().await?;
            let act = destruction::under_way(&mut owner, &bank).await?;
            let act = act.ok_or(destruction::DestructionError::NothingToResume)?;
            say_json(&destruction::carry_on(&mut owner, act).await?)
        }
        DestroyCommand::List { owner } => {
            for act in destruction::acts(&mut owner.connect().await?, None).await? {
                say_json(&act)?;
            }
            Ok(())
        }
    }
}

pub(super) async fn legal_hold(command: LegalHoldCommand) -> Result<(), Failure> {
    match command {
        LegalHoldCommand::Add {
            owner,
            bank,
            what,
            ordered,
        } => {
            let (bank, held) = (BankCode::parse(bank)?, what.held()?);
            let mut owner = owner.connect().await?;
            let hold = legal_hold::place(&mut owner, &bank, &held, &ordered.order()).await?;
            say(&hold.to_string());
            Ok(())
        }
        LegalHoldCommand::Lift {
            owner,
            hold,
            ordered,
        } => {
            let mut owner = owner.connect().await?;
            if !legal_hold::lift(&mut owner, hold, &ordered.order()).await? {
                return Err(format!("no hold {hold} stands").into());
            }
            say(&format!("hold {hold} is lifted"));
            Ok(())
        }
        LegalHoldCommand::List { owner } => {
            for hold in legal_hold::list(&mut owner.connect().await?).await? {
                say_json(&hold)?;
            }
            Ok(())
        }
    }
}
