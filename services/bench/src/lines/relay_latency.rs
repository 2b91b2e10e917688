//! How long after its commit an event reaches a reader of committed records, at a steady rate.
//!
//! Writers follow the clock, not the answers: what stands still makes every event after it late.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use consent::store::Bus;
use tokio::{sync::OnceCell, task::spawn_blocking, time};
use uuid::Uuid;

use super::commands::{execute, linkage_of};
use crate::{
    error::BenchError,
    flow::COMMANDS,
    ground::Ground,
    line::{Contender, Line, Pair, Preparing, SPREAD_MAX, Unit},
    records::{Arrivals, Listener, Plain, Record, now_microseconds},
    relay_ground::{Outlet, Source, publishing},
};

/// Ten events are eight commands: 500 events a second.
const BETWEEN_EVENTS: Duration = Duration::from_micros(2_000);
const BETWEEN_COMMANDS: Duration = Duration::from_micros(2_500);
/// Linkages that live at a time; the commands of each come one after the other.
const LANES: u32 = 64;
/// Until the lanes stand at different commands of a life, so that the rate is steady.
const WARM_UP: Duration = Duration::from_millis(1_600);
/// Least share of the rate that must have been written for a result.
const WRITTEN_MIN: f64 = 0.90;
/// As the relay has it.
const LINGER: Duration = Duration::from_millis(1);
/// Lives whose records the reference writes again and again.
const SAMPLE: u64 = 20;

/// Half of the events.
pub const MEDIAN: Line = Line {
    name: "relay-latency-p50",
    ours: "commit to reader of committed records at 500 events/s, median",
    reference: "the same records by librdkafka alone",
    unit: Unit::Milliseconds,
    spread_max: SPREAD_MAX,
    aim: None,
    prepare: |ground| prepare(ground, Quantile::P50),
};
/// All but one in a hundred.
pub const TAIL: Line = Line {
    name: "relay-latency-p99",
    ours: "the same, all but one in a hundred",
    reference: "the same",
    unit: Unit::Milliseconds,
    // Of a round's 2,000 events twenty decide.
    spread_max: 1.0,
    aim: None,
    prepare: |ground| prepare(ground, Quantile::P99),
};

#[derive(Clone, Copy)]
enum Quantile {
    P50,
    P99,
}

/// Of one measurement, in milliseconds.
#[derive(Clone, Copy)]
struct Measured {
    p50: f64,
    p99: f64,
    longest: f64,
    /// Events written, as a share of those that the rate asks for.
    written: f64,
}

/// What is needed to measure, and what the first line of a round left for the second.
struct Latencies {
    source: Source,
    beside: Outlet,
    sample: Vec<Vec<Record>>,
    left: [Mutex<Option<Measured>>; 2],
}

/// Both lines look at the same events.
static MADE: OnceCell<Arc<Latencies>> = OnceCell::const_new();

fn prepare(ground: &Ground, quantile: Quantile) -> Preparing<'_> {
    Box::pin(async move {
        let made = MADE.get_or_try_init(|| Latencies::prepared(ground)).await?;
        let side = |side| Observer {
            latencies: Arc::clone(made),
            side,
            quantile,
            rounds: Vec::new(),
        };
        Ok(Pair {
            ours: Box::new(side(Side::Relay)),
            reference: Box::new(side(Side::Plain)),
        })
    })
}

impl Latencies {
    /// With a sample of what the relay publishes.
    async fn prepared(ground: &Ground) -> Result<Arc<Self>, BenchError> {
        let relay = ground.relay().await?;
        let source = relay.source("bench_latency").await?;
        for done in 0..SAMPLE * COMMANDS {
            let (linkage, number) = linkage_of("sample", 0, done);
            execute(&source.bus, &linkage, number).await?;
        }
        let events: i64 = sqlx::query_scalar("SELECT count(*) FROM events")
            .fetch_one(&source.pool)
            .await?;
        let running = source.outlet.start_relay().await?;
        source.outlet.published_up_to(events).await?;
        running.stop().await;
        let mut sample: BTreeMap<i64, Vec<Record>> = BTreeMap::new();
        for record in source.outlet.records().await? {
            sample.entry(record.sequence).or_default().push(record);
        }
        Ok(Arc::new(Self {
            beside: relay.beside(&source).await?,
            source,
            sample: sample.into_values().collect(),
            left: [Mutex::new(None), Mutex::new(None)],
        }))
    }

    /// The relay, as facts are written.
    async fn of_relay(&self, period: Duration) -> Result<Measured, BenchError> {
        let Source {
            bus, pool, outlet, ..
        } = &self.source;
        let running = outlet.start_relay().await?;
        publishing(&running).await?;
        let (bootstrap, topic) = (outlet.bootstrap().to_owned(), outlet.topics()?.platform());
        let listener = spawn_blocking(move || Listener::begin(&bootstrap, &topic));
        let listener = listener.await.map_err(BenchError::wrong)??;
        let begun = now_microseconds();
        write(bus, WARM_UP + period).await?;
        let arrivals = spawn_blocking(move || listener.end());
        let arrivals = arrivals.await.map_err(BenchError::wrong)??;
        running.stop().await;
        let from = begun + microseconds(WARM_UP);
        // An event is recorded by the statement whose end is its commit.
        let written: Vec<(Uuid, i64)> = sqlx::query_as(
            "SELECT event_id, at FROM (
                 SELECT event_id, (extract(epoch FROM recorded_at) * 1000000)::bigint AS at FROM events
             ) e WHERE at >= $1 AND at < $2",
        )
        .bind(from)
        .bind(from + microseconds(period))
        .fetch_all(pool)
        .await?;
        measured(&written, &arrivals, period)
    }

    /// The client library alone, one transaction after the other with what is due.
    fn of_plain(&self, period: Duration) -> Result<Measured, BenchError> {
        let plain = Plain::begin(self.beside.bootstrap(), LINGER)?;
        let platform = self.beside.topics()?.platform();
        let listener = Listener::begin(self.beside.bootstrap(), &platform)?;
        let topics: BTreeMap<&str, String> = self
            .sample
            .iter()
            .flatten()
            .map(|record| {
                let beside = self.beside.same_topic(&self.source.outlet, &record.topic)?;
                Ok((record.topic.as_str(), beside))
            })
            .collect::<Result<_, BenchError>>()?;
        let (begun, begun_at) = (Instant::now(), now_microseconds());
        let mut events = self.sample.iter().cycle().zip(0u32..).peekable();
        let due = |number: u32| BETWEEN_EVENTS * number;
        let mut sent = Vec::new();
        while let Some((_, next)) = events.peek()
            && due(*next) < WARM_UP + period
        {
            std::thread::sleep(due(*next).saturating_sub(begun.elapsed()));
            plain.transact(|plain| {
                let now = begun.elapsed();
                while let Some((event, number)) = events.next_if(|(_, next)| due(*next) <= now) {
                    let id = Uuid::now_v7();
                    for record in event {
                        let topic = topics.get(record.topic.as_str());
                        plain.send(record, topic.unwrap_or(&record.topic), Some(id))?;
                    }
                    sent.push((id, begun_at + microseconds(due(number))));
                }
                Ok(())
            })?;
        }
        let arrivals = listener.end()?;
        let from = begun_at + microseconds(WARM_UP);
        sent.retain(|(_, at)| (from..from + microseconds(period)).contains(at));
        measured(&sent, &arrivals, period)
    }
}

fn microseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Executes commands for that long, each at its time.
async fn write(bus: &Bus, period: Duration) -> Result<(), BenchError> {
    let begun = time::Instant::now();
    let run = now_microseconds().to_string();
    let lanes: Vec<_> = (0..LANES)
        .map(|lane| tokio::spawn(live(bus.clone(), run.clone(), lane, begun, period)))
        .collect();
    for lane in lanes {
        lane.await.map_err(BenchError::wrong)??;
    }
    Ok(())
}

async fn live(
    bus: Bus,
    run: String,
    lane: u32,
    begun: time::Instant,
    period: Duration,
) -> Result<(), BenchError> {
    let lives_of = usize::try_from(lane).map_err(BenchError::wrong)?;
    // Each begins as many turns later, so that the lanes spread over the commands of a life.
    let late = lane % u32::try_from(COMMANDS).unwrap_or(1);
    for done in 0u32.. {
        let due = BETWEEN_COMMANDS * ((done + late) * LANES + lane);
        if due >= period {
            break;
        }
        time::sleep_until(begun + due).await;
        let (linkage, number) = linkage_of(&run, lives_of, done.into());
        execute(&bus, &linkage, number).await?;
    }
    Ok(())
}

/// Of events with their times and arrivals.
#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds of minutes, and counts"
)]
fn measured(
    written: &[(Uuid, i64)],
    arrivals: &Arrivals,
    period: Duration,
) -> Result<Measured, BenchError> {
    let planned = period.as_secs_f64() / BETWEEN_EVENTS.as_secs_f64();
    let mut latencies = Vec::with_capacity(written.len());
    for (id, at) in written {
        let arrived = arrivals.get(id);
        let arrived = arrived.ok_or_else(|| BenchError::wrong(format!("{id} never arrived")))?;
        latencies.push((arrived - at) as f64 / 1000.0);
    }
    latencies.sort_by(f64::total_cmp);
    Ok(Measured {
        p50: quantile(&latencies, 50),
        p99: quantile(&latencies, 99),
        longest: quantile(&latencies, 100),
        written: written.len() as f64 / planned,
    })
}

/// By the nearest rank; 0 of none.
fn quantile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    let index = rank.saturating_sub(1);
    sorted.get(index).copied().unwrap_or_default()
}

#[derive(Clone, Copy)]
enum Side {
    Relay,
    Plain,
}

struct Observer {
    latencies: Arc<Latencies>,
    side: Side,
    quantile: Quantile,
    rounds: Vec<Measured>,
}

impl Observer {
    async fn observe(&self, period: Duration) -> Result<Measured, BenchError> {
        match self.side {
            Side::Relay => self.latencies.of_relay(period).await,
            Side::Plain => {
                let latencies = Arc::clone(&self.latencies);
                let observing = spawn_blocking(move || latencies.of_plain(period));
                observing.await.map_err(BenchError::wrong)?
            }
        }
    }

    fn least_written(&self) -> f64 {
        let shares = self.rounds.iter().map(|round| round.written);
        shares.fold(f64::MAX, f64::min)
    }

    /// Where a measurement of this side is left for the other line.
    fn left(&self) -> std::sync::MutexGuard<'_, Option<Measured>> {
        let [relay, plain] = &self.latencies.left;
        let side = match self.side {
            Side::Relay => relay,
            Side::Plain => plain,
        };
        side.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait(?Send)]
impl Contender for Observer {
    async fn measure(&mut self, period: Duration) -> Result<f64, BenchError> {
        let left = match self.quantile {
            Quantile::P50 => None,
            Quantile::P99 => self.left().take(),
        };
        let measured = match left {
            Some(measured) => measured,
            None => self.observe(period).await?,
        };
        self.rounds.push(measured);
        Ok(match self.quantile {
            Quantile::P50 => {
                *self.left() = Some(measured);
                measured.p50
            }
            Quantile::P99 => measured.p99,
        })
    }

    async fn facts(&mut self) -> Result<BTreeMap<&'static str, f64>, BenchError> {
        let longest = self.rounds.iter().map(|round| round.longest);
        Ok(BTreeMap::from([
            ("longest_ms", longest.fold(0.0, f64::max)),
            ("least_written_share", self.least_written()),
        ]))
    }

    fn complaint(&self) -> Option<String> {
        let least = self.least_written();
        (least < WRITTEN_MIN).then(|| {
            format!(
                "only {:.0} % of 500 events/s could be written in a round",
                least * 100.0
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_measured_values_by_the_nearest_rank() {
        let latencies: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!(quantile(&latencies, 50).to_bits(), 100f64.to_bits());
        assert_eq!(quantile(&latencies, 99).to_bits(), 198f64.to_bits());
        assert_eq!(quantile(&latencies, 100).to_bits(), 200f64.to_bits());
        assert_eq!(quantile(&[], 99).to_bits(), 0f64.to_bits());
    }

    #[test]
    fn an_event_that_never_arrives_is_no_latency_of_nothing() {
        let written: Vec<_> = (0..500).map(|at| (Uuid::from_u128(at), 0)).collect();
        let mut arrivals: Arrivals = written.iter().map(|(id, _)| (*id, 2_000)).collect();
        let period = Duration::from_secs(1);
        let all = measured(&written, &arrivals, period).unwrap();
        assert_eq!(
            (all.p99.to_bits(), all.written.to_bits()),
            (2f64.to_bits(), 1f64.to_bits())
        );
        arrivals.remove(&Uuid::from_u128(7));
        assert!(measured(&written, &arrivals, period).is_err());
    }
}
