//! Whole journeys over HTTP: from the pushed request through six pages to the tokens, with the partner
//! and the browser in this process too.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use demo::agent::{
    browser::Browser,
    partner::{ParRequest, PartnerClient},
    walk::{Choices, Credentials, Mark, RowChoice, Task, Walk, walk},
};
use sqlx::PgPool;

use super::insert;
use crate::{
    error::BenchError,
    ground::{CUSTOMERS, PASSWORD, PIN, account_label, login_id},
    in_flight::rate_on_this_thread,
    line::{Contender, Line, Pair, SPREAD_MAX, Unit},
};

/// Customers at once.
const IN_FLIGHT: usize = 16;

/// Beside what the database could write meanwhile.
pub const AGAINST_INSERT: Line = Line {
    name: "journeys",
    ours: "whole journeys/s over HTTP, 16 customers",
    reference: "pgbench, one-row durable INSERT, 32 clients",
    unit: Unit::PerSecond,
    spread_max: SPREAD_MAX,
    aim: None,
    prepare: |ground| {
        Box::pin(async move {
            let partner = ground.partner_client()?;
            // Every clone knows it then.
            partner.metadata().await.map_err(BenchError::wrong)?;
            Ok(Pair {
                ours: Box::new(Journeys {
                    partner,
                    pool: ground.pool.clone(),
                    before: Written::now(&ground.pool).await?,
                }),
                reference: Box::new(insert::durable_insert(ground).await?),
            })
        })
    },
};

struct Journeys {
    partner: PartnerClient,
    pool: PgPool,
    before: Written,
}

/// What the journeys wrote.
#[derive(Clone, Copy)]
struct Written {
    events: i64,
    commits: i64,
    journeys: i64,
}

impl Written {
    async fn now(pool: &PgPool) -> Result<Self, BenchError> {
        let (events, commits, journeys) = sqlx::query_as(
            "SELECT count(*), count(DISTINCT transaction_id),
                count(*) FILTER (WHERE event_type = 'PartnerConnected')
             FROM events",
        )
        .fetch_one(pool)
        .await?;
        Ok(Self {
            events,
            commits,
            journeys,
        })
    }
}

#[async_trait(?Send)]
impl Contender for Journeys {
    async fn measure(&mut self, period: Duration) -> Result<f64, BenchError> {
        let partner = self.partner.clone();
        rate_on_this_thread(IN_FLIGHT, period, move |task, _| {
            Box::pin(journey(partner.clone(), task % CUSTOMERS))
        })
        .await
    }

    async fn facts(&mut self) -> Result<BTreeMap<&'static str, f64>, BenchError> {
        let (before, after) = (self.before, Written::now(&self.pool).await?);
        let difference = |a: i64, b: i64| i32::try_from(a - b).map(f64::from).unwrap_or(f64::NAN);
        let journeys = difference(after.journeys, before.journeys);
        Ok(BTreeMap::from([
            (
                "events_per_journey",
                difference(after.events, before.events) / journeys,
            ),
            (
                "commits_of_commands_per_journey",
                difference(after.commits, before.commits) / journeys,
            ),
        ]))
    }
}

async fn journey(partner: PartnerClient, customer: usize) -> Result<(), BenchError> {
    let walked = walk(&Walk {
        browser: Browser::try_new().map_err(BenchError::wrong)?,
        partner,
        request: ParRequest::for_both_tasks(),
        choices: Choices {
            credentials: Credentials {
                login_id: login_id(customer),
                password: PASSWORD.to_owned(),
            },
            tasks: Task::ALL.into(),
            rows: vec![RowChoice {
                account: account_label(customer),
                mark: Mark::Tick,
                pin: Some(PIN.to_owned()),
            }],
        },
        account_api: None,
    })
    .await
    .map_err(BenchError::wrong)?;
    match walked.tokens() {
        Some(_) => Ok(()),
        None => Err(BenchError::wrong("a journey ended without tokens")),
    }
}
