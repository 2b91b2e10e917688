//! The rebuild of every projection against reading and folding the same events, and nothing else.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use consent::{
    rebuild::{Purpose, rebuild},
    store::{Actor, Bus, CommandContext, Projected},
};
use consent_domain::{
    PinScopeId,
    bank::BankStream,
    consent::ConsentStream,
    contract::{ContractStream, ResetBy},
    journey::JourneyStream,
    partner::{PartnerAtBankStream, PartnerStream},
};
use futures_util::TryStreamExt as _;
use sqlx::{Connection as _, PgConnection, Row as _, ValueRef as _};

use crate::{
    error::BenchError,
    ground::Ground,
    line::{Contender, Line, Pair, Preparing, SPREAD_MAX, Unit},
    loaded_ground::Filled,
};

/// Who write while the equality is looked at.
const WRITERS: usize = 4;

/// Against a read and a fold.
pub const AGAINST_FOLD: Line = Line {
    name: "rebuild",
    ours: "events/s of a rebuild of every projection, compared row for row",
    reference: "the same events read in order and folded, by one connection",
    unit: Unit::PerSecond,
    spread_max: SPREAD_MAX,
    aim: Some(0.40),
    prepare,
};

fn prepare(ground: &Ground) -> Preparing<'_> {
    Box::pin(async move {
        let filled = ground.loaded()?.smaller().await?;
        let owner_url = filled.urls.owner_url.clone();
        let written = insist_on_equality_under_writes(filled).await?;
        let mut ours = Rebuild {
            owner_url: owner_url.clone(),
            facts: BTreeMap::from([("written_during_the_check", written)]),
        };
        ours.once().await?;
        Ok(Pair {
            ours: Box::new(ours),
            reference: Box::new(Fold { owner_url }),
        })
    })
}

/// Rebuilds once while others write. Gives how many facts they wrote.
#[expect(clippy::cast_precision_loss, reason = "a count that f64 holds exactly")]
async fn insist_on_equality_under_writes(filled: &Filled) -> Result<f64, BenchError> {
    let contracts: Vec<String> = sqlx::query_scalar(
        "SELECT stream_id FROM contract_current WHERE standing <> 'ended' ORDER BY stream_id LIMIT 400",
    )
    .fetch_all(&filled.pool)
    .await?;
    let enough = Arc::new(AtomicBool::new(false));
    let writing: Vec<_> = contracts
        .chunks(contracts.len().div_ceil(WRITERS).max(1))
        .map(|own| {
            let bus = Bus::new(filled.pool.clone());
            tokio::spawn(write_until(bus, own.to_vec(), Arc::clone(&enough)))
        })
        .collect();
    let rebuilt = rebuild(&filled.urls.owner_url, Purpose::Verify).await;
    enough.store(true, Ordering::Relaxed);
    let mut written = 0;
    for writer in writing {
        written += writer.await.map_err(BenchError::wrong)??;
    }
    let rebuilt = rebuilt.map_err(BenchError::wrong)?;
    insist(
        rebuilt
            .iter()
            .map(|projection| projection.differences)
            .sum(),
    )?;
    if written == 0 {
        return Err(BenchError::wrong(
            "nothing was written while the projections were rebuilt",
        ));
    }
    Ok(written as f64)
}

fn insist(differences: i64) -> Result<(), BenchError> {
    if differences == 0 {
        return Ok(());
    }
    Err(BenchError::Wrong(format!(
        "{differences} rows of the projections are not what the events say"
    )))
}

/// Locks and unlocks a PIN of one contract after the other. Gives how many facts that made.
async fn write_until(
    bus: Bus,
    contracts: Vec<String>,
    enough: Arc<AtomicBool>,
) -> Result<u64, BenchError> {
    let scope = PinScopeId::parse("p-bench").map_err(BenchError::wrong)?;
    let mut written = 0;
    for contract in contracts.iter().cycle() {
        if enough.load(Ordering::Relaxed) {
            break;
        }
        let (bank, _) = contract.split_once(':').unwrap_or_default();
        let context = CommandContext {
            bank: Some(bank.to_owned()),
            ..CommandContext::of(Actor::System)
        };
        let scope = scope.clone();
        bus.execute::<ContractStream, std::convert::Infallible>(
            contract.clone(),
            context,
            move |state, _| {
                let outcome = if state.is_pin_locked(&scope) {
                    state.unlock_pin(&scope, ResetBy::Operator)
                } else {
                    state.lock_pin(&scope, 5)
                };
                Ok(outcome.into_events())
            },
            |_, _, _| Vec::new(),
        )
        .await
        .map_err(BenchError::wrong)?;
        written += 1;
    }
    Ok(written)
}

struct Rebuild {
    owner_url: String,
    facts: BTreeMap<&'static str, f64>,
}

impl Rebuild {
    /// Gives the events per second.
    #[expect(clippy::cast_precision_loss, reason = "counts that f64 holds exactly")]
    async fn once(&mut self) -> Result<f64, BenchError> {
        let begun = Instant::now();
        let rebuilt = rebuild(&self.owner_url, Purpose::Verify)
            .await
            .map_err(BenchError::wrong)?;
        let took = begun.elapsed();
        insist(
            rebuilt
                .iter()
                .map(|projection| projection.differences)
                .sum(),
        )?;
        let events: u64 = rebuilt.iter().map(|projection| projection.events).sum();
        let streams: u64 = rebuilt.iter().map(|projection| projection.streams).sum();
        self.facts
            .extend([("events", events as f64), ("rows", streams as f64)]);
        Ok(events as f64 / took.as_secs_f64())
    }
}

#[async_trait(?Send)]
impl Contender for Rebuild {
    async fn measure(&mut self, _period: Duration) -> Result<f64, BenchError> {
        self.once().await
    }

    async fn facts(&mut self) -> Result<BTreeMap<&'static str, f64>, BenchError> {
        Ok(self.facts.clone())
    }
}

struct Fold {
    owner_url: String,
}

#[async_trait(?Send)]
impl Contender for Fold {
    #[expect(clippy::cast_precision_loss, reason = "a count that f64 holds exactly")]
    async fn measure(&mut self, _period: Duration) -> Result<f64, BenchError> {
        let mut connection = PgConnection::connect(&self.owner_url).await?;
        // As the rebuild's own readers have it.
        sqlx::query("SET work_mem = '128MB'")
            .execute(&mut connection)
            .await?;
        let begun = Instant::now();
        let events = fold::<JourneyStream>(&mut connection).await?
            + fold::<ConsentStream>(&mut connection).await?
            + fold::<ContractStream>(&mut connection).await?
            + fold::<PartnerStream>(&mut connection).await?
            + fold::<PartnerAtBankStream>(&mut connection).await?
            + fold::<BankStream>(&mut connection).await?;
        let took = begun.elapsed();
        connection.close().await?;
        Ok(events as f64 / took.as_secs_f64())
    }
}

/// Folds the streams of a type, one after the other, and forgets each. Gives how many events it read.
async fn fold<S: Projected>(connection: &mut PgConnection) -> Result<u64, BenchError> {
    let mut rows = sqlx::query(
        "SELECT aggregate_id, payload FROM events WHERE aggregate_type = $1
         ORDER BY aggregate_id, sequence",
    )
    .bind(S::TYPE)
    .fetch(connection);
    let (mut stream, mut state, mut events) = (String::new(), S::State::default(), 0);
    while let Some(row) = rows.try_next().await? {
        let id: &str = row.try_get(0)?;
        if id != stream {
            id.clone_into(&mut stream);
            std::hint::black_box(std::mem::take(&mut state));
        }
        let payload = row.try_get_raw(1)?;
        let payload = if payload.is_null() {
            ""
        } else {
            payload.as_str().map_err(sqlx::Error::Decode)?
        };
        let event: S::Event = serde_json::from_str(payload).map_err(BenchError::wrong)?;
        S::evolve(&mut state, &event);
        events += 1;
    }
    std::hint::black_box(state);
    Ok(events)
}
