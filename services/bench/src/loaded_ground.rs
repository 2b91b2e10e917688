//! What the lines about many events stand on: two databases of one server, the larger with ten times as many
//! generated events as the smaller, each filled when the first line asks for it.

use std::time::Instant;

use consent::{
    provision::{Provisioned, provision},
    search::connections,
};
use demo::postgres::{PrivateServer, State};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::sync::OnceCell;

use crate::{
    error::BenchError,
    load::{Load, start_server},
    run::say,
};

/// The same for every run: figures of two runs are of the same field.
const SEED: u64 = 1;
const CONNECTIONS: u32 = 8;

/// See the module.
pub struct LoadedGround {
    server: PrivateServer,
    larger_events: u32,
    smaller: OnceCell<Filled>,
    larger: OnceCell<Filled>,
}

/// A database with generated events.
pub struct Filled {
    /// Its addresses.
    pub urls: Provisioned,
    /// As the service role.
    pub pool: PgPool,
    /// As the service searches for operators.
    pub searches: PgPool,
}

impl LoadedGround {
    /// Starts the server.
    ///
    /// # Errors
    /// [`BenchError`].
    pub fn start(larger_events: u32) -> Result<Self, BenchError> {
        Ok(Self {
            server: start_server("bench-load", State::Fresh)?,
            larger_events,
            smaller: OnceCell::new(),
            larger: OnceCell::new(),
        })
    }

    /// The database with a tenth.
    ///
    /// # Errors
    /// [`BenchError`].
    pub async fn smaller(&self) -> Result<&Filled, BenchError> {
        let fill = || self.fill("renkei_bench_smaller", self.larger_events / 10);
        self.smaller.get_or_try_init(fill).await
    }

    /// The database with all.
    ///
    /// # Errors
    /// [`BenchError`].
    pub async fn larger(&self) -> Result<&Filled, BenchError> {
        let fill = || self.fill("renkei_bench_larger", self.larger_events);
        self.larger.get_or_try_init(fill).await
    }

    async fn fill(&self, database: &str, events: u32) -> Result<Filled, BenchError> {
        let begun = Instant::now();
        let urls = provision(&self.server.admin_url(), database).await?;
        let load = Load::of(events, SEED);
        let loaded = load.into_database(&urls.owner_url, |_| ()).await?;
        say(&format!(
            "loaded {} events in {:.0} s",
            loaded.events,
            begun.elapsed().as_secs_f64()
        ));
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .connect(&urls.service_url)
            .await?;
        let searches = connections(urls.service_url.parse()?);
        Ok(Filled {
            urls,
            pool,
            searches,
        })
    }
}
