//! An operator's acts on what was allowed, from the command line; who acted is recorded with the fact.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use consent::{
    lifecycle::{Done, Level, OnConsent, Order},
    settings::Settings,
    store::{Actor, Bus},
};
use consent_domain::{
    AccountId, BankCode, ContractId, GrantId, PartnerId, UserId,
    consent::{RemovalReason, RevocationReason, RevokedBy},
    suspension::SuspensionCause,
};

use super::{Failure, connect, say};

#[derive(Subcommand)]
pub(super) enum ConsentCommand {
    /// Ends a consent, for good.
    Revoke {
        #[command(flatten)]
        of: OneConsent,
        /// Why, as a code, e.g. `customer_request`.
        #[arg(long, value_parser = reason)]
        reason: RevocationReason,
        /// Whose wish it is.
        #[arg(long, value_enum, default_value_t = Side::Bank)]
        for_whom: Side,
    },
    /// Takes one account out of a consent; with the last one the consent ends.
    RemoveAccount {
        #[command(flatten)]
        of: OneConsent,
        /// The bank's id of the account.
        #[arg(long)]
        account: String,
        /// Why, as a code, e.g. `linked_by_mistake`.
        #[arg(long, value_parser = removal_reason)]
        reason: RemovalReason,
        /// Whose wish it is.
        #[arg(long, value_enum, default_value_t = Side::Bank)]
        for_whom: Side,
    },
    /// Stops reading until the cause is lifted: of a consent, a contract, a partner at a bank, or a bank.
    Suspend(Suspension),
    /// Lifts one cause.
    Restore(Suspension),
    /// Lets another user of the contract answer for a consent.
    HandOver {
        #[command(flatten)]
        of: OneConsent,
        /// The bank's id of the user.
        #[arg(long)]
        to_user: String,
    },
}

/// Which consent, and who acts.
#[derive(Args)]
pub(super) struct OneConsent {
    #[command(flatten)]
    act: OperatorAct,
    /// The grant's id.
    #[arg(long)]
    grant: String,
}

#[derive(Args)]
struct OperatorAct {
    /// The settings (TOML).
    #[arg(long, env = "RENKEI_CONFIG")]
    config: PathBuf,
    /// The bank's code.
    #[arg(long)]
    bank: String,
    /// Who does this, for the record.
    #[arg(long)]
    by: String,
    /// A repeat under the same key does nothing more.
    #[arg(long)]
    key: Option<String>,
}

#[derive(Args)]
pub(super) struct Suspension {
    #[command(flatten)]
    act: OperatorAct,
    #[command(flatten)]
    what: What,
    /// The cause, as a code, e.g. `suspected_fraud`.
    #[arg(long = "reason", value_parser = cause)]
    cause: SuspensionCause,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct What {
    /// One consent, by its grant's id.
    #[arg(long)]
    grant: Option<String>,
    /// All of a contract.
    #[arg(long)]
    contract: Option<String>,
    /// All of a partner at this bank.
    #[arg(long)]
    partner: Option<String>,
    /// All at this bank.
    #[arg(long)]
    whole_bank: bool,
}

/// Whose wish an end is.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Side {
    /// The customer's, told to the bank.
    Customer,
    /// The partner's, told to the bank.
    Partner,
    /// The bank's.
    Bank,
}

impl From<Side> for RevokedBy {
    fn from(side: Side) -> Self {
        match side {
            Side::Customer => Self::Customer,
            Side::Partner => Self::Partner,
            Side::Bank => Self::Bank,
        }
    }
}

fn reason(name: &str) -> Result<RevocationReason, String> {
    let known = RevocationReason::ALL.map(RevocationReason::as_str);
    RevocationReason::find(name).ok_or_else(|| format!("one of {}", known.join(", ")))
}

fn removal_reason(name: &str) -> Result<RemovalReason, String> {
    let known = RemovalReason::ALL.map(RemovalReason::as_str);
    RemovalReason::find(name).ok_or_else(|| format!("one of {}", known.join(", ")))
}

fn cause(name: &str) -> Result<SuspensionCause, String> {
    let known = SuspensionCause::ALL.map(SuspensionCause::as_str);
    SuspensionCause::find(name).ok_or_else(|| format!("one of {}", known.join(", ")))
}

impl OperatorAct {
    fn order(&self) -> Order {
        Order {
            key: self.key.clone(),
            ..Order::of(Actor::Operator(self.by.clone()))
        }
    }

    fn bank(&self) -> Result<BankCode, Failure> {
        Ok(BankCode::parse(self.bank.as_str())?)
    }
}

impl What {
    fn level(self) -> Result<Level, Failure> {
        match self {
            Self {
                grant: Some(grant), ..
            } => Ok(Level::Consent(GrantId::parse(grant)?)),
            Self {
                contract: Some(contract),
                ..
            } => Ok(Level::Contract(ContractId::parse(contract)?)),
            Self {
                partner: Some(partner),
                ..
            } => Ok(Level::Partner(PartnerId::parse(partner)?)),
            Self {
                whole_bank: true, ..
            } => Ok(Level::Bank),
            Self { .. } => Err("say what is meant".into()),
        }
    }
}

pub(super) async fn run(command: ConsentCommand) -> Result<(), Failure> {
    match command {
        ConsentCommand::Revoke {
            of,
            reason,
            for_whom,
        } => {
            let at = At::open(&of).await?;
            let on = at.on();
            let done = on.revoke(for_whom.into(), reason, of.act.order()).await?;
            report(&done, "the consent is revoked");
        }
        ConsentCommand::RemoveAccount {
            of,
            account,
            reason,
            for_whom,
        } => {
            let at = At::open(&of).await?;
            let account = AccountId::parse(account)?;
            let by = for_whom.into();
            let removed = at
                .on()
                .remove_account(&account, by, reason, of.act.order())
                .await?;
            let ended = matches!(&removed, Done::Changed(facts) if facts.len() > 1);
            report(
                &removed,
                if ended {
                    "that was its last account: the consent has ended"
                } else {
                    "the account is out of the consent"
                },
            );
        }
        ConsentCommand::HandOver { of, to_user } => {
            let at = At::open(&of).await?;
            let to = UserId::parse(to_user)?;
            report(
                &at.on().hand_over(&to, of.act.order()).await?,
                "another user answers for the consent",
            );
        }
        ConsentCommand::Suspend(Suspension { act, what, cause }) => {
            let (pool, bank) = (connect(&Settings::read(&act.config)?).await?, act.bank()?);
            let bus = Bus::new(pool.clone());
            let level = what.level()?;
            let done = level.suspend((&pool, &bus), &bank, cause, act.order());
            report(&done.await?, "it is suspended");
        }
        ConsentCommand::Restore(Suspension { act, what, cause }) => {
            let (pool, bank) = (connect(&Settings::read(&act.config)?).await?, act.bank()?);
            let bus = Bus::new(pool.clone());
            let level = what.level()?;
            let done = level.restore((&pool, &bus), &bank, cause, act.order());
            report(&done.await?, "this cause is lifted");
        }
    }
    Ok(())
}

/// A consent, with what it takes to act on it.
struct At {
    pool: sqlx::PgPool,
    bus: Bus,
    bank: BankCode,
    grant: GrantId,
}

impl At {
    async fn open(of: &OneConsent) -> Result<Self, Failure> {
        let pool = connect(&Settings::read(&of.act.config)?).await?;
        Ok(Self {
            bus: Bus::new(pool.clone()),
            pool,
            bank: of.act.bank()?,
            grant: GrantId::parse(of.grant.as_str())?,
        })
    }

    fn on(&self) -> OnConsent<'_> {
        OnConsent {
            pool: &self.pool,
            bus: &self.bus,
            bank: &self.bank,
            grant: &self.grant,
        }
    }
}

fn report<E>(done: &Done<E>, changed: &str) {
    say(match done {
        Done::Changed(_) => changed,
        Done::Already => "nothing to do: it is so already",
        Done::Before => "nothing to do: this key was used for the same before",
    });
}
