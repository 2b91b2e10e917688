//! What held at a moment, and why a consent stopped, against one read by primary key.

use std::time::Duration;

use async_trait::async_trait;
use consent::history::{
    as_of::as_of,
    life::{Depth, of_grant},
    why::why,
};
use consent_domain::{BankCode, GrantId};
use sqlx::PgPool;

use super::latency::median_milliseconds;
use crate::{
    error::BenchError,
    ground::{BANK, Ground},
    line::{Contender, Line, Pair, Preparing, SPREAD_MAX, Unit},
};

/// Consents that are asked about, all over the table.
const ASKED: i64 = 2_000;

/// The state at a moment.
pub const AS_OF: Line = line("as-of", "ms for a consent as of a moment", |ground| {
    prepare(ground, Question::AsOf)
});
/// The chain of causes.
pub const WHY: Line = line("why", "ms for why a consent stopped", |ground| {
    prepare(ground, Question::Why)
});

const fn line(
    name: &'static str,
    ours: &'static str,
    prepare: fn(&Ground) -> Preparing<'_>,
) -> Line {
    Line {
        name,
        ours,
        reference: "its row by primary key",
        unit: Unit::Milliseconds,
        spread_max: SPREAD_MAX,
        aim: Some(8.0),
        prepare,
    }
}

#[derive(Clone, Copy)]
enum Question {
    AsOf,
    Why,
    Row,
}

fn prepare(ground: &Ground, question: Question) -> Preparing<'_> {
    Box::pin(async move {
        let filled = ground.loaded()?.larger().await?;
        let grants = grants(&filled.pool).await?;
        let asking = |question| -> Result<Box<dyn Contender>, BenchError> {
            Ok(Box::new(Asking {
                pool: filled.pool.clone(),
                bank: BankCode::parse(BANK).map_err(BenchError::wrong)?,
                grants: grants.clone(),
                next: 0,
                question,
            }))
        };
        Ok(Pair {
            ours: asking(question)?,
            reference: asking(Question::Row)?,
        })
    })
}

/// Consents of the bank that have ended or not, in no order that the table has.
async fn grants(pool: &PgPool) -> Result<Vec<GrantId>, BenchError> {
    let streams: Vec<String> = sqlx::query_scalar(
        "SELECT stream_id FROM consent_current WHERE bank = $1 ORDER BY hashtext(stream_id) LIMIT $2",
    )
    .bind(BANK)
    .bind(ASKED)
    .fetch_all(pool)
    .await?;
    let ids = streams.iter().filter_map(|stream| stream.split_once(':'));
    ids.map(|(_, grant)| GrantId::parse(grant).map_err(BenchError::wrong))
        .collect()
}

struct Asking {
    pool: PgPool,
    bank: BankCode,
    grants: Vec<GrantId>,
    next: usize,
    question: Question,
}

impl Asking {
    async fn ask(&mut self) -> Result<(), BenchError> {
        let grant = self.grants.get(self.next % self.grants.len().max(1));
        let grant = grant.ok_or_else(|| BenchError::wrong("no consent to ask about"))?;
        self.next += 1;
        match self.question {
            Question::AsOf => {
                let life = of_grant(&self.pool, &self.bank, grant, Depth::Life).await;
                let life = life.map_err(BenchError::wrong)?;
                let began = life
                    .consent
                    .first()
                    .map_or(life.now, |fact| fact.recorded_at);
                // Halfway between its beginning and now.
                std::hint::black_box(as_of(&life, began + (life.now - began) / 2));
            }
            Question::Why => {
                let life = of_grant(&self.pool, &self.bank, grant, Depth::Life).await;
                std::hint::black_box(why(&life.map_err(BenchError::wrong)?));
            }
            Question::Row => {
                let row: Option<sqlx::types::Json<serde_json::Value>> =
                    sqlx::query_scalar("SELECT state FROM consent_current WHERE stream_id = $1")
                        .bind(format!("{}:{grant}", self.bank))
                        .fetch_optional(&self.pool)
                        .await?;
                std::hint::black_box(row);
            }
        }
        Ok(())
    }
}

#[async_trait(?Send)]
impl Contender for Asking {
    async fn measure(&mut self, period: Duration) -> Result<f64, BenchError> {
        median_milliseconds!(period, { self.ask().await? })
    }
}
