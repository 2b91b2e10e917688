//! `consent-relay topics`: the topics that the relay writes to, who may read them, and whether the
//! cluster has them so. Topics are made here and never by a producer in passing: one made by the way
//! would have another number of partitions, and no compaction.

mod access;
mod cluster;
mod partners;
mod plan;
mod settings;

use std::io::{self, Write};
use std::process::ExitCode;

use public_events::topics::TopicNames;
use rdkafka::{ClientConfig, error::KafkaError};
use sqlx::PgPool;

pub use partners::PartnerAtBankId;
pub use plan::{PlannedTopic, plan};
pub use settings::{BadTopicSettings, TopicSettings};

/// What to do with the topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Subcommand)]
pub enum TopicsCommand {
    /// Prints the topics that there should be, and the commands that give access to them.
    Print,
    /// Makes the topics that are missing, and tells how the others differ. Nothing that is there is
    /// changed; ends with 1 where anything differs.
    Apply,
}

/// Why the topics could not be printed or made.
#[derive(Debug, thiserror::Error)]
pub enum TopicsError {
    /// The settings make no topics.
    #[error(transparent)]
    Settings(#[from] BadTopicSettings),
    /// The partners could not be read.
    #[error("the partners could not be read: {0}")]
    Database(#[from] sqlx::Error),
    /// A stored id is none.
    #[error("a partner at a bank has no readable id: {0}")]
    Id(#[from] consent_domain::InvalidId),
    /// The cluster could not be asked.
    #[error("Kafka: {0}")]
    Kafka(#[from] KafkaError),
    /// The cluster refused to make a topic.
    #[error("{topic} could not be made: {why}")]
    NotCreated {
        /// The topic.
        topic: String,
        /// The broker's reason.
        why: rdkafka::types::RDKafkaErrorCode,
    },
    /// A topic was made, but the brokers don't know it yet.
    #[error("{topic} was made, but the brokers don't show it yet; apply again")]
    NotShown {
        /// The topic.
        topic: String,
    },
    /// Nobody reads the output.
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Runs the command; `kafka` holds the addresses and credentials of somebody who may make topics.
///
/// # Errors
/// [`TopicsError`].
pub async fn run(
    command: TopicsCommand,
    settings: &TopicSettings,
    kafka: &ClientConfig,
    pool: &PgPool,
    out: &mut impl Write,
) -> Result<ExitCode, TopicsError> {
    let names = settings.names()?;
    let partners = partners::all(pool).await?;
    let planned = plan(settings, &names, &partners);
    match command {
        TopicsCommand::Print => {
            for topic in &planned {
                writeln!(out, "{topic}")?;
            }
            write_access(settings, &names, &partners, out)?;
            Ok(ExitCode::SUCCESS)
        }
        TopicsCommand::Apply => {
            let as_planned = apply(&planned, kafka, out).await?;
            write_access(settings, &names, &partners, out)?;
            Ok(if as_planned {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
    }
}

/// Makes what is missing; whether everything is as planned then.
async fn apply(
    planned: &[PlannedTopic],
    kafka: &ClientConfig,
    out: &mut impl Write,
) -> Result<bool, TopicsError> {
    let cluster = cluster::Cluster::connect(kafka)?;
    let before = cluster.describe(planned).await?;
    let missing: Vec<&PlannedTopic> = planned
        .iter()
        .filter(|topic| !before.contains_key(&topic.name))
        .collect();
    let made = cluster.create(&missing).await?;
    // What was just made is read back, too: a cluster may have rules of its own.
    let found = if missing.is_empty() {
        before
    } else {
        cluster.describe_all(planned).await?
    };
    let mut as_planned = true;
    for topic in planned {
        let differences = found
            .get(&topic.name)
            .map_or_else(Vec::new, |found| topic.differences(found));
        let state = if made.contains(&topic.name) {
            "made"
        } else if differences.is_empty() {
            "in order"
        } else {
            "there"
        };
        writeln!(out, "{state:<10}{}", topic.name)?;
        for difference in differences {
            as_planned = false;
            writeln!(out, "differs   {}: {difference}", topic.name)?;
        }
    }
    Ok(as_planned)
}

fn write_access(
    settings: &TopicSettings,
    names: &TopicNames,
    partners: &[PartnerAtBankId],
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(
        out,
        "\n# Access. The client library has no calls for it; run these with the cluster's tools:"
    )?;
    for command in access::commands(settings, names, partners) {
        writeln!(out, "{command}")?;
    }
    Ok(())
}
