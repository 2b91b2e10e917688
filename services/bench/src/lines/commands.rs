//! Commands in process: the service's own bus, pool and store; no HTTP, no bank.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use actix_web::web;
use async_trait::async_trait;
use consent::{
    app::App,
    store::{Actor, Bus, CommandContext, CommandError, CommandKey, Executed, Projected},
};

use consent_domain::{consent::ConsentStream, contract::ContractStream};

use super::{insert, stock::Stock};
use crate::{
    error::BenchError,
    flow::{COMMANDS, Command, Decide, Linkage, Refused, Sender},
    ground::{BANK, Ground, PARTNER},
    in_flight::rate_in_flight,
    line::{Contender, Line, Pair, SPREAD_MAX, Unit},
};

/// Commands in flight.
pub const IN_FLIGHT: usize = 32;

/// Against what the disk and the database allow.
pub const AGAINST_INSERT: Line = Line {
    name: "commands",
    ours: "commands/s, 32 in flight",
    reference: "pgbench, one-row durable INSERT, 32 clients",
    unit: Unit::PerSecond,
    spread_max: SPREAD_MAX,
    aim: Some(0.30),
    prepare: |ground| {
        Box::pin(async move {
            let ours = Commands::prepared(ground).await?;
            Ok(Pair {
                ours: Box::new(ours),
                reference: Box::new(insert::durable_insert(ground).await?),
            })
        })
    },
};

/// Against the store that cqrs-es comes with.
pub const AGAINST_STOCK: Line = Line {
    name: "commands-stock",
    ours: "commands/s, 32 in flight",
    reference: "the same on stock postgres-es with one GenericQuery view",
    unit: Unit::PerSecond,
    spread_max: SPREAD_MAX,
    aim: Some(1.8),
    prepare: |ground| {
        Box::pin(async move {
            Ok(Pair {
                ours: Box::new(Commands::prepared(ground).await?),
                reference: Box::new(Stock::prepared(ground).await?),
            })
        })
    },
};

/// The flow's commands on the service's bus.
struct Commands {
    app: web::Data<App>,
    facts: BTreeMap<&'static str, f64>,
}

impl Commands {
    /// Runs the flow once and counts what it wrote.
    async fn prepared(ground: &Ground) -> Result<Self, BenchError> {
        let app = ground.app().clone();
        let linkage = unlike_any_other();
        for number in 0..COMMANDS {
            execute(&app.bus, &linkage, number).await?;
        }
        let (events, commits): (i64, i64) = sqlx::query_as(
            "SELECT count(*), count(DISTINCT transaction_id) FROM events
             WHERE aggregate_id IN ($1, $2)",
        )
        .bind(linkage.contract_stream())
        .bind(linkage.consent_stream())
        .fetch_one(&ground.pool)
        .await?;
        let of_flow = |count: i64| i32::try_from(count).map(f64::from).unwrap_or_default();
        let facts = BTreeMap::from([
            ("commands_per_flow", of_flow(8)),
            ("events_per_flow", of_flow(events)),
            ("commits_per_flow", of_flow(commits)),
            (
                "database_connections",
                f64::from(app.pool.options().get_max_connections()),
            ),
        ]);
        Ok(Self { app, facts })
    }
}

/// A linkage that no other run has.
pub fn unlike_any_other() -> Linkage {
    Linkage {
        name: uuid::Uuid::new_v4().simple().to_string(),
    }
}

/// The linkages of one measurement: each task lives through one after the other.
pub fn linkage_of(run: &str, task: usize, done: u64) -> (Linkage, u64) {
    let name = format!("{run}-{task}-{}", done / COMMANDS);
    (Linkage { name }, done % COMMANDS)
}

#[async_trait(?Send)]
impl Contender for Commands {
    async fn measure(&mut self, period: Duration) -> Result<f64, BenchError> {
        let app = self.app.clone();
        let run = uuid::Uuid::new_v4().simple().to_string();
        rate_in_flight(IN_FLIGHT, period, move |task, done| {
            let (linkage, number) = linkage_of(&run, task, done);
            let app = app.clone();
            async move { execute(&app.bus, &linkage, number).await }
        })
        .await
    }

    async fn facts(&mut self) -> Result<BTreeMap<&'static str, f64>, BenchError> {
        Ok(self.facts.clone())
    }
}

/// Executes the flow's command of that number.
///
/// # Errors
/// As [`decided`].
pub async fn execute(bus: &Bus, linkage: &Linkage, number: u64) -> Result<(), BenchError> {
    let (command, sender) = linkage.command(number);
    let context = context(linkage, sender, number);
    match command {
        Command::Contract(decide) => {
            decided::<ContractStream>(bus, linkage.contract_stream(), context, decide).await
        }
        Command::Consent(decide) => {
            decided::<ConsentStream>(bus, linkage.consent_stream(), context, decide).await
        }
    }
}

/// Executes a command, and insists that it changed something.
///
/// # Errors
/// [`BenchError::Wrong`].
pub async fn decided<S: Projected>(
    bus: &Bus,
    stream: String,
    context: CommandContext,
    decide: Decide<S>,
) -> Result<(), BenchError> {
    let decide = Arc::clone(&decide);
    let executed: Result<Executed<S>, CommandError<Refused>> = bus
        .execute(
            stream,
            context,
            move |state, now| decide(state, now),
            |_, _, _| Vec::new(),
        )
        .await;
    match executed.map_err(BenchError::wrong)? {
        Executed::Committed(committed) if !committed.first_events.is_empty() => Ok(()),
        Executed::Committed(_) => Err(BenchError::wrong("a command changed nothing")),
        Executed::Repeated(_) => Err(BenchError::wrong("a command's key was spent before")),
    }
}

/// As a page's form gives it.
pub fn context(linkage: &Linkage, sender: Sender, number: u64) -> CommandContext {
    CommandContext {
        bank: Some(BANK.to_owned()),
        partner: Some(PARTNER.to_owned()),
        contract: Some(format!("c-{}", linkage.name)),
        request_id: Some("018f3c5a-0000-7000-8000-000000000000".to_owned()),
        key: (sender == Sender::Form).then(|| CommandKey {
            key: format!("{}-{number}", linkage.name),
            content_mac: vec![7; 32],
            outcome: "/2963/journeys/j-1/accounts".to_owned(),
            if_unchanged: None,
        }),
        ..CommandContext::of(Actor::Customer(Some("u-1".to_owned())))
    }
}
