//! How fast the relay gets through a backlog: events that are committed but in no log yet, until the
//! last of them is committed in Kafka.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use consent::store::Bus;

use super::commands::{execute, linkage_of};
use crate::{
    error::BenchError,
    flow::COMMANDS,
    line::{Contender, Line, Pair, Preparing, SPREAD_MAX, Unit},
    records::{Plain, Record},
    relay_ground::{Outlet, RelayGround, Source},
};
use crate::{ground::Ground, records::now_microseconds};

/// Writers of the backlog; it is not measured.
const WRITERS: usize = 32;
const EVENTS_PER_LIFE: usize = 10;
/// As the library has it.
const LINGER: Duration = Duration::from_millis(5);

/// Against the client library's own bulk.
pub const AGAINST_BULK: Line = Line {
    name: "relay-drain",
    ours: "events/s of a backlog, from the relay's start to the last commit in Kafka",
    reference: "the same records by librdkafka alone, in one transaction",
    unit: Unit::PerSecond,
    spread_max: SPREAD_MAX,
    aim: Some(0.10),
    prepare,
};

fn prepare(ground: &Ground) -> Preparing<'_> {
    Box::pin(async move {
        let relay = Arc::clone(ground.relay().await?);
        let source = relay.source("bench_drain").await?;
        let events = fill(&source, ground.pace.backlog()).await?;
        relay.analyze(&source).await?;
        let mut drain = Drain {
            relay,
            source,
            events,
            facts: BTreeMap::new(),
        };
        // Once unmeasured: it tells what the reference has to write.
        let (outlet, _) = drain.once().await?;
        let records = outlet.records().await?;
        drain.insist_on_exactly_once(&outlet, &records)?;
        let bulk = Bulk {
            to: drain.relay.beside(&drain.source).await?,
            from: outlet,
            events,
            records: Arc::new(records),
        };
        Ok(Pair {
            ours: Box::new(drain),
            reference: Box::new(bulk),
        })
    })
}

/// Writes about so many events, and gives how many there are.
async fn fill(source: &Source, backlog: usize) -> Result<i64, BenchError> {
    let lives = u64::try_from(backlog.div_ceil(EVENTS_PER_LIFE * WRITERS)).unwrap_or_default();
    let run = now_microseconds().to_string();
    let writing: Vec<_> = (0..WRITERS)
        .map(|writer| tokio::spawn(write(source.bus.clone(), run.clone(), writer, lives)))
        .collect();
    for writer in writing {
        writer.await.map_err(BenchError::wrong)??;
    }
    let events = sqlx::query_scalar("SELECT count(*) FROM events")
        .fetch_one(&source.pool)
        .await?;
    // The database is copied from now on, which nobody may look at meanwhile.
    source.pool.close().await;
    Ok(events)
}

async fn write(bus: Bus, run: String, writer: usize, lives: u64) -> Result<(), BenchError> {
    for done in 0..lives * COMMANDS {
        let (linkage, number) = linkage_of(&run, writer, done);
        execute(&bus, &linkage, number).await?;
    }
    Ok(())
}

struct Drain {
    relay: Arc<RelayGround>,
    source: Source,
    events: i64,
    facts: BTreeMap<&'static str, f64>,
}

impl Drain {
    /// A copy of the backlog, published; and how long that took.
    async fn once(&mut self) -> Result<(Outlet, Duration), BenchError> {
        let outlet = self.relay.copy(&self.source).await?;
        let begun = Instant::now();
        let running = outlet.start_relay().await?;
        let [first, last] = outlet.published_up_to(self.events).await?;
        let took = last.duration_since(begun);
        running.stop().await;
        let until_first = first.duration_since(begun).as_secs_f64() * 1000.0;
        self.facts
            .insert("milliseconds_until_first_commit", until_first);
        Ok((outlet, took))
    }

    #[expect(clippy::cast_precision_loss, reason = "counts that f64 holds exactly")]
    fn insist_on_exactly_once(
        &mut self,
        outlet: &Outlet,
        records: &[Record],
    ) -> Result<(), BenchError> {
        let platform = outlet.topics()?.platform();
        let told = records.iter().filter(|record| record.topic == platform);
        let dense = told.map(|record| record.sequence).eq(1..=self.events);
        if !dense {
            return Err(BenchError::wrong("not every event was published once"));
        }
        let bytes: usize = records.iter().map(Record::bytes).sum();
        self.facts.extend([
            ("events", self.events as f64),
            (
                "records_per_event",
                records.len() as f64 / self.events as f64,
            ),
            ("bytes_per_record", bytes as f64 / records.len() as f64),
        ]);
        Ok(())
    }
}

#[async_trait(?Send)]
impl Contender for Drain {
    async fn measure(&mut self, _period: Duration) -> Result<f64, BenchError> {
        let (_, took) = self.once().await?;
        Ok(per_second(self.events, took))
    }

    async fn facts(&mut self) -> Result<BTreeMap<&'static str, f64>, BenchError> {
        Ok(self.facts.clone())
    }
}

struct Bulk {
    records: Arc<Vec<Record>>,
    events: i64,
    from: Outlet,
    to: Outlet,
}

#[async_trait(?Send)]
impl Contender for Bulk {
    async fn measure(&mut self, _period: Duration) -> Result<f64, BenchError> {
        let bootstrap = self.to.bootstrap().to_owned();
        let records = Arc::clone(&self.records);
        let topics: BTreeMap<String, String> = records
            .iter()
            .map(|record| {
                let here = self.to.same_topic(&self.from, &record.topic)?;
                Ok((record.topic.clone(), here))
            })
            .collect::<Result<_, BenchError>>()?;
        let publishing = tokio::task::spawn_blocking(move || {
            let plain = Plain::begin(&bootstrap, LINGER)?;
            let begun = Instant::now();
            plain.transact(|plain| {
                for record in records.iter() {
                    let topic = topics.get(&record.topic).unwrap_or(&record.topic);
                    plain.send(record, topic, None)?;
                }
                Ok(())
            })?;
            Ok::<_, BenchError>(begun.elapsed())
        });
        let took = publishing.await.map_err(BenchError::wrong)??;
        Ok(per_second(self.events, took))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count that f64 holds exactly")]
fn per_second(count: i64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}
