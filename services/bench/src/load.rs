//! `bench load`: fills an empty database with the life of banks, partners and contracts of some years.
//!
//! Every event is decided by the domain's own rules and written as the service would have left it: the same
//! columns, in the order of its time, with the projections' rows and the log. See
//! `docs/decisions/0045-generated-load.md`.

mod chance;
mod commit;
mod customer;
mod field;
mod life;
mod platform;
mod server;
mod simulation;
mod told;
mod walk;
mod write;

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Instant as Clock};

use chrono::{TimeDelta, Utc};
use consent_domain::Instant;
use sqlx::{Connection as _, PgConnection};
use tokio::sync::{Mutex, mpsc};

use self::{
    simulation::Simulation,
    write::{Last, Numbered, make_log_partitions, settle, take_transaction_ids},
};
use crate::error::BenchError;

pub use server::{LoadArguments, run, start_server};

/// The time that is simulated.
const SPAN: TimeDelta = TimeDelta::days(3 * 365);
/// Connections that write at once.
const WRITERS: usize = 3;
/// Batches that wait for a writer.
const QUEUE: usize = 6;

/// What is loaded.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// About how many events; never fewer by more than the chance of a sample.
    pub events: u32,
    /// The same seed and end make the same events.
    pub seed: u64,
    /// When the last of them is, at most.
    pub until: Instant,
}

/// What was loaded.
#[derive(Debug, Clone, Copy)]
pub struct Loaded {
    /// Events.
    pub events: i64,
    /// Commits that they came in.
    pub commits: u64,
}

/// What a sample of contracts says about how many are needed.
struct Sample {
    contracts: u32,
    commits: u64,
}

impl Load {
    /// Of so many events, until now.
    pub fn of(events: u32, seed: u64) -> Self {
        // PostgreSQL keeps microseconds; the simulation should not know more.
        let now = Utc::now();
        let until = Instant::from_timestamp(now.timestamp(), 0).unwrap_or(now);
        Self {
            events,
            seed,
            until,
        }
    }

    /// Fills the database, which is migrated and has no event, as its owner; tells how it goes.
    ///
    /// # Errors
    /// [`BenchError`]; what was written until then stays.
    pub async fn into_database(
        self,
        owner_url: &str,
        tell: impl Fn(String),
    ) -> Result<Loaded, BenchError> {
        insist_on_emptiness(owner_url).await?;
        let sampling = tokio::task::spawn_blocking(move || self.sample());
        let sample = sampling.await.map_err(BenchError::wrong)??;
        tell(format!(
            "{} contracts over three years to {}; {} transaction ids are taken",
            sample.contracts,
            self.until.format("%F"),
            sample.commits
        ));
        let first = take_transaction_ids(owner_url, sample.commits).await?;
        make_log_partitions(owner_url, i64::from(self.events) * 11 / 10).await?;
        let (loaded, last) = self.write(owner_url, &sample, first, &tell).await?;
        tell(format!(
            "{} events in {} commits, the last of {}; statistics follow",
            loaded.events,
            loaded.commits,
            last.at.format("%F %T")
        ));
        settle(owner_url, &last).await?;
        Ok(loaded)
    }

    fn simulation(self, contracts: u32) -> Result<Simulation, BenchError> {
        Simulation::begin(self.seed, contracts, self.until - SPAN, self.until)
    }

    /// Lives of some contracts, unwritten: how many events and commits one of them makes.
    fn sample(self) -> Result<Sample, BenchError> {
        let contracts = (self.events / 100).clamp(500, 20_000);
        let (mut events, mut commits) = (0_u64, 0_u64);
        let mut simulation = self.simulation(contracts)?;
        while let Some(batch) = simulation.next()? {
            for commit in &batch.commits {
                commits += 1;
                events += u64::try_from(commit.events()).map_err(BenchError::wrong)?;
            }
        }
        let wanted = u64::from(self.events);
        // One in a hundred more: a sample errs.
        let contracts = u64::from(contracts) * wanted * 101 / (events * 100).max(1) + 1;
        Ok(Sample {
            contracts: u32::try_from(contracts).map_err(BenchError::wrong)?,
            commits: wanted * commits * 11 / (events * 10).max(1) + 1_000,
        })
    }

    async fn write(
        self,
        owner_url: &str,
        sample: &Sample,
        first_transaction_id: u64,
        tell: &impl Fn(String),
    ) -> Result<(Loaded, Last), BenchError> {
        let (sender, receiver) = mpsc::channel::<Numbered>(QUEUE);
        let (contracts, reserved) = (sample.contracts, sample.commits);
        let generating = tokio::task::spawn_blocking(move || {
            self.generate(contracts, first_transaction_id, reserved, &sender)
        });
        let receiver = Arc::new(Mutex::new(receiver));
        let (done, mut written) = mpsc::unbounded_channel();
        let mut writers = tokio::task::JoinSet::new();
        for _ in 0..WRITERS {
            let connection = PgConnection::connect(owner_url).await?;
            writers.spawn(write_batches(
                connection,
                Arc::clone(&receiver),
                done.clone(),
            ));
        }
        drop((done, receiver));
        let mut progress = Progress::begin(self.events);
        while let Some(events) = written.recv().await {
            progress.advance(events, tell);
        }
        while let Some(writer) = writers.join_next().await {
            writer.map_err(BenchError::wrong)??;
        }
        generating.await.map_err(BenchError::wrong)?
    }

    /// On a thread of its own: numbers the commits and hands them to the writers.
    fn generate(
        self,
        contracts: u32,
        first_transaction_id: u64,
        reserved: u64,
        sender: &mpsc::Sender<Numbered>,
    ) -> Result<(Loaded, Last), BenchError> {
        let mut simulation = self.simulation(contracts)?;
        let mut last = Last {
            position: 0,
            transaction_id: first_transaction_id,
            at: self.until,
        };
        let mut commits = 0_u64;
        while let Some(batch) = simulation.next()? {
            let count = u64::try_from(batch.commits.len()).map_err(BenchError::wrong)?;
            let at = batch.commits.last().map(|commit| commit.at);
            let numbered = Numbered {
                transaction_id: first_transaction_id + commits,
                position: last.position + 1,
                batch,
            };
            last.position += i64::try_from(numbered.events()).map_err(BenchError::wrong)?;
            commits += count;
            if commits > reserved {
                return Err(BenchError::wrong("more commits than the sample foretold"));
            }
            last.at = at.unwrap_or(last.at);
            if sender.blocking_send(numbered).is_err() {
                return Err(BenchError::wrong("the writers have ended"));
            }
        }
        last.transaction_id = first_transaction_id + commits.saturating_sub(1);
        let loaded = Loaded {
            events: last.position,
            commits,
        };
        Ok((loaded, last))
    }
}

async fn write_batches(
    mut connection: PgConnection,
    batches: Arc<Mutex<mpsc::Receiver<Numbered>>>,
    done: mpsc::UnboundedSender<usize>,
) -> Result<(), BenchError> {
    sqlx::query("SET synchronous_commit = off")
        .execute(&mut connection)
        .await?;
    loop {
        let next = batches.lock().await.recv().await;
        let Some(batch) = next else { break };
        batch.write(&mut connection).await?;
        // Nobody may be there to hear it.
        let _ = done.send(batch.events());
    }
    Ok(connection.close().await?)
}

async fn insist_on_emptiness(owner_url: &str) -> Result<(), BenchError> {
    let mut owner = PgConnection::connect(owner_url).await?;
    let held: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM events)")
        .fetch_one(&mut owner)
        .await?;
    owner.close().await?;
    if held {
        return Err(BenchError::wrong(
            "the database holds events already; a load takes an empty one",
        ));
    }
    Ok(())
}

/// Tells every twentieth part.
struct Progress {
    begun: Clock,
    events: usize,
    all: usize,
    told: usize,
}

impl Progress {
    fn begin(all: u32) -> Self {
        Self {
            begun: Clock::now(),
            events: 0,
            all: usize::try_from(all).unwrap_or(usize::MAX),
            told: 0,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a count that f64 holds exactly")]
    fn advance(&mut self, events: usize, tell: &impl Fn(String)) {
        self.events += events;
        let part = self.events * 20 / self.all.max(1);
        if part > self.told {
            self.told = part;
            let rate = self.events as f64 / self.begun.elapsed().as_secs_f64();
            tell(format!("{:>10} events, {rate:.0}/s", self.events));
        }
    }
}
