//! Publishes the log, in its order and exactly once for whoever reads what is committed.
//!
//! A *session* is the life of one producer: it takes the transactional id over, which fences any older
//! instance, and only then reads the offset topic. After an error or an unknown outcome the producer is
//! thrown away and the next session begins there again.

mod client;
mod position;
mod problem;
mod session;
mod told_position;
mod transactions;

use std::time::{Duration, Instant};

use public_events::{Encoding, Names, topics::TopicNames};
use sqlx::PgPool;
use tokio::{sync::watch, time};

pub use position::{Known, Position, read};
pub use problem::Problem;

use self::session::Session;
use crate::{lease::Term, metrics::METRICS, settings::KafkaSettings};

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A session that worked this long begins the next without a long pause.
const WORKED: Duration = Duration::from_secs(60);

/// What a publisher needs.
pub struct Publisher {
    /// As the relay's role.
    pub pool: PgPool,
    /// The cluster.
    pub kafka: KafkaSettings,
    /// Its own.
    pub transactional_id: String,
    /// Where to.
    pub topics: TopicNames,
    /// What partners' ids are made with.
    pub names: Names,
    /// How values are written.
    pub encoding: Encoding,
    /// Most events of one transaction.
    pub batch_max: u32,
    /// Goes on after this number where everything up to it is archived and not in Kafka.
    pub begin_after: Option<i64>,
}

/// How the publisher is, for health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Not begun, or between sessions without an error.
    Starting,
    /// What was published is in the log; records go out.
    Publishing,
    /// In the operator's words.
    Failing(String),
}

impl Publisher {
    /// Publishes while `leads_until` lies ahead. Ends only with the term; `state` tells how it is.
    pub async fn run(
        &self,
        term: &Term,
        leads_until: watch::Receiver<Instant>,
        log_end: watch::Receiver<i64>,
        state: &watch::Sender<State>,
    ) {
        let mut pause = FIRST_PAUSE;
        loop {
            let began = Instant::now();
            let problem =
                match Session::begin(self, term, leads_until.clone(), log_end.clone()).await {
                    Ok(session) => {
                        state.send_replace(State::Publishing);
                        session.run().await
                    }
                    Err(problem) => problem,
                };
            METRICS.publisher_failed(problem.label());
            if matches!(problem, Problem::TermOver | Problem::Fenced(_)) {
                tracing::warn!(%problem, "publishing ends with the term");
                state.send_replace(State::Starting);
                return;
            }
            tracing::error!(%problem, pause_milliseconds = pause.as_millis(), "nothing is published");
            state.send_replace(State::Failing(problem.to_string()));
            time::sleep(pause).await;
            pause = if began.elapsed() > WORKED {
                FIRST_PAUSE
            } else {
                (pause * 2).min(LONGEST_PAUSE)
            };
        }
    }
}
