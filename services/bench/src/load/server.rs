//! The command `bench load`, and the PostgreSQL of its own that it starts where none is given.

use std::path::PathBuf;

use clap::Args;
use consent::provision::{Provisioned, provision};
use consent_domain::Instant;
use demo::postgres::{PrivateOptions, PrivateServer, State};
use sqlx::{Connection as _, PgConnection};

use super::Load;
use crate::{error::BenchError, run::say};

const DATABASE: &str = "renkei_load";
/// For a load and for reading what was loaded: more memory than tests take, fewer checkpoints, and no page
/// is written twice. A machine that fails while it loads loses the load.
const SETTINGS: [&str; 6] = [
    "shared_buffers=1GB",
    "max_wal_size=1GB",
    "checkpoint_timeout=30min",
    "full_page_writes=off",
    "wal_compression=on",
    "maintenance_work_mem=256MB",
];

/// Fills an empty database with generated events of three years.
#[derive(Args)]
pub struct LoadArguments {
    /// About how many events.
    #[arg(long, default_value_t = 1_000_000)]
    events: u32,
    /// The same seed and end make the same events.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// When the last event is, at most; now by default.
    #[arg(long)]
    until: Option<Instant>,
    /// The owner's address of a migrated database without events; a PostgreSQL of its own is started else.
    #[arg(long, hide_env_values = true)]
    database_url: Option<String>,
    /// Names the PostgreSQL of its own, whose data is kept; target/load by default.
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Ends the PostgreSQL of its own after the load, in place of running until Ctrl-C.
    #[arg(long)]
    once: bool,
}

/// Loads.
///
/// # Errors
/// [`BenchError`].
pub async fn run(arguments: LoadArguments) -> Result<(), BenchError> {
    let mut load = Load::of(arguments.events, arguments.seed);
    load.until = arguments.until.unwrap_or(load.until);
    if let Some(owner_url) = &arguments.database_url {
        load.into_database(owner_url, |text| say(&text)).await?;
        return Ok(());
    }
    let directory = match arguments.directory {
        Some(directory) => std::path::absolute(directory)?,
        None => demo::places::target_directory()?.join("load"),
    };
    let server = start_server("load", State::KeptFor(directory))?;
    say(&format!(
        "PostgreSQL {} in {}",
        server.version(),
        server.directory().display()
    ));
    let urls = provision(&server.admin_url(), DATABASE).await?;
    let held = events_of(&urls).await?;
    if held == 0 {
        load.into_database(&urls.owner_url, |text| say(&text))
            .await?;
    } else {
        say(&format!(
            "It holds {held} events already, and nothing is loaded; remove that directory to begin anew."
        ));
    }
    if !arguments.once {
        say(&format!(
            "It runs until Ctrl-C.\n  owner    {}\n  service  {}\n  auditor  {}",
            urls.owner_url, urls.service_url, urls.auditor_url
        ));
        tokio::signal::ctrl_c().await?;
    }
    server.stop();
    Ok(())
}

/// Starts a PostgreSQL with the settings of a load.
///
/// # Errors
/// Where it can't be started.
pub fn start_server(name: &str, state: State) -> Result<PrivateServer, BenchError> {
    let options = PrivateOptions {
        name: name.to_owned(),
        state,
        log: None,
    };
    Ok(PrivateServer::start_with(&options, &SETTINGS)?)
}

async fn events_of(urls: &Provisioned) -> Result<i64, BenchError> {
    let mut owner = PgConnection::connect(&urls.owner_url).await?;
    let held = sqlx::query_scalar("SELECT count(*) FROM events")
        .fetch_one(&mut owner)
        .await?;
    owner.close().await?;
    Ok(held)
}
