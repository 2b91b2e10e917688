//! cqrs-es as its documentation shows it: the stock PostgreSQL store, its own pool, one view that a
//! `GenericQuery` keeps. The domain decides and folds as it does under the service's store.

use std::{collections::HashMap, fmt, marker::PhantomData, sync::Arc, time::Duration};

use async_trait::async_trait;
use consent_domain::{DomainEvent as _, Stream, consent::ConsentStream, contract::ContractStream};
use cqrs_es::{
    Aggregate, DomainEvent, EventEnvelope, View, event_sink::EventSink, persist::GenericQuery,
};
use demo::postgres::{create_database, with_database};
use postgres_es::{PostgresCqrs, PostgresViewRepository, default_postgress_pool, postgres_cqrs};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::commands::{IN_FLIGHT, linkage_of};
use crate::{
    error::BenchError,
    flow::{Command, Decide, Linkage, Refused},
    ground::{BANK, Ground},
    in_flight::rate_in_flight,
    line::Contender,
};

const DATABASE: &str = "stock_store";

/// The tables of postgres-es's documentation.
const TABLES: &str = "
    CREATE TABLE events (
        aggregate_type text                        NOT NULL,
        aggregate_id   text                        NOT NULL,
        sequence       bigint CHECK (sequence >= 0) NOT NULL,
        event_type     text                        NOT NULL,
        event_version  text                        NOT NULL,
        payload        json                        NOT NULL,
        metadata       json                        NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, sequence)
    );
    CREATE TABLE contract_view (
        view_id text NOT NULL, version bigint CHECK (version >= 0) NOT NULL,
        payload json NOT NULL, PRIMARY KEY (view_id)
    );
    CREATE TABLE consent_view (LIKE contract_view INCLUDING ALL)";

/// A stream's state as cqrs-es's aggregate, and as its view.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct Folded<S: Stream> {
    state: S::State,
    #[serde(skip)]
    stream: PhantomData<fn() -> S>,
}

impl<S: Stream> Default for Folded<S> {
    fn default() -> Self {
        Self {
            state: S::State::default(),
            stream: PhantomData,
        }
    }
}

impl<S: Stream> fmt::Debug for Folded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(S::TYPE)
    }
}

/// An event of the stream; its JSON is the stream's own.
#[derive(Serialize, Deserialize)]
#[serde(bound = "", transparent)]
struct Fact<S: Stream>(S::Event);

impl<S: Stream> Clone for Fact<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: Stream> PartialEq for Fact<S> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<S: Stream> fmt::Debug for Fact<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<S: Stream> DomainEvent for Fact<S> {
    fn event_type(&self) -> String {
        self.0.event_type().to_owned()
    }

    fn event_version(&self) -> String {
        self.0.event_version().to_owned()
    }
}

impl<S: Stream> Aggregate for Folded<S> {
    const TYPE: &'static str = S::TYPE;
    type Command = Decide<S>;
    type Event = Fact<S>;
    type Error = Refused;
    type Services = ();

    async fn handle(
        &mut self,
        decide: Decide<S>,
        _services: &(),
        sink: &EventSink<Self>,
    ) -> Result<(), Refused> {
        for event in decide(&self.state, chrono::Utc::now())? {
            sink.write(Fact(event), self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Fact<S>) {
        S::evolve(&mut self.state, &event.0);
    }
}

impl<S: Stream> View<Self> for Folded<S> {
    fn update(&mut self, event: &EventEnvelope<Self>) {
        S::evolve(&mut self.state, &event.payload.0);
    }
}

/// The flow's commands on the stock store.
pub struct Stock(Arc<Frameworks>);

struct Frameworks {
    contract: PostgresCqrs<Folded<ContractStream>>,
    consent: PostgresCqrs<Folded<ConsentStream>>,
}

fn framework<S: Stream>(pool: &PgPool, view: &str) -> PostgresCqrs<Folded<S>> {
    let views = PostgresViewRepository::<Folded<S>, Folded<S>>::new(view, pool.clone());
    let query = GenericQuery::new(Arc::new(views));
    postgres_cqrs(pool.clone(), vec![Box::new(query)], ())
}

impl Stock {
    /// On a database of its own.
    ///
    /// # Errors
    /// The database's.
    pub async fn prepared(ground: &Ground) -> Result<Self, BenchError> {
        create_database(ground.admin_url.as_str(), DATABASE).await?;
        let url = with_database(ground.admin_url.as_str(), DATABASE)?;
        let pool = default_postgress_pool(&url).await;
        sqlx::raw_sql(TABLES).execute(&pool).await?;
        Ok(Self(Arc::new(Frameworks {
            contract: framework(&pool, "contract_view"),
            consent: framework(&pool, "consent_view"),
        })))
    }
}

#[async_trait(?Send)]
impl Contender for Stock {
    async fn measure(&mut self, period: Duration) -> Result<f64, BenchError> {
        let frameworks = Arc::clone(&self.0);
        let run = uuid::Uuid::new_v4().simple().to_string();
        rate_in_flight(IN_FLIGHT, period, move |task, done| {
            let (linkage, number) = linkage_of(&run, task, done);
            let frameworks = Arc::clone(&frameworks);
            async move { execute(&frameworks, &linkage, number).await }
        })
        .await
    }
}

async fn execute(
    frameworks: &Frameworks,
    linkage: &Linkage,
    number: u64,
) -> Result<(), BenchError> {
    let executed = match linkage.command(number).0 {
        Command::Contract(decide) => {
            let stream = linkage.contract_stream();
            let executing = frameworks
                .contract
                .execute_with_metadata(&stream, decide, metadata());
            executing.await
        }
        Command::Consent(decide) => {
            let stream = linkage.consent_stream();
            let executing = frameworks
                .consent
                .execute_with_metadata(&stream, decide, metadata());
            executing.await
        }
    };
    executed.map_err(BenchError::wrong)
}

/// What the service's store writes beside each event.
fn metadata() -> HashMap<String, String> {
    [
        ("bank", BANK),
        ("actor_kind", "customer"),
        ("actor_id", "u-1"),
        ("request_id", "018f3c5a-0000-7000-8000-000000000000"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}
