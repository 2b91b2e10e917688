//! Copies committed events into the log while its term lasts.

use std::time::Duration;

use tokio::{sync::watch, time};

use crate::{
    committed_tail::{Appended, CommittedTail},
    lease::Term,
    metrics::METRICS,
};

/// How the sequencer goes about it.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How often it looks for new events while there are none.
    pub poll: Duration,
    /// Most events of one append.
    pub batch_max: u32,
}

/// After the database failed.
const AFTER_ERROR: Duration = Duration::from_millis(500);

/// Appends until the term is over, and tells the log's last number as it grows. An error of the database
/// is waited out: the events stay where they are.
pub async fn run<T: CommittedTail>(
    tail: &T,
    term: &Term,
    pace: Pace,
    log_end: &watch::Sender<i64>,
) {
    loop {
        match round(tail, term, pace.batch_max).await {
            Ok(Appended::Fenced) => {
                tracing::warn!(fence = term.fence, "the term is over: nothing was appended");
                return;
            }
            Ok(Appended::Events { count, last }) => {
                METRICS.appended(count, last);
                log_end.send_if_modified(|end| {
                    let grew = last > *end;
                    *end = last.max(*end);
                    grew
                });
                if count < pace.batch_max {
                    time::sleep(pace.poll).await;
                }
            }
            Err(error) => {
                METRICS.sequencer_failed();
                tracing::error!(%error, "events could not be appended to the log; trying again");
                time::sleep(AFTER_ERROR).await;
            }
        }
    }
}

/// One look, and an append where there is something. The look writes nothing, so an idle system stays
/// idle.
async fn round<T: CommittedTail>(
    tail: &T,
    term: &Term,
    batch_max: u32,
) -> Result<Appended, T::Error> {
    let waiting = tail.waiting().await?;
    METRICS.waiting(waiting.oldest);
    if !waiting.ready {
        return Ok(Appended::Events { count: 0, last: 0 });
    }
    tail.append(term, batch_max).await
}

/// Watches the transaction that everything later waits for, and says who it is.
pub async fn watch_gate<T: CommittedTail>(tail: &T, every: Duration, alarm: Duration) {
    loop {
        match tail.held_back().await {
            Ok(held) => {
                METRICS.gate(held.as_ref().map_or(Duration::ZERO, |held| held.age));
                if let Some(held) = held.filter(|held| held.age >= alarm) {
                    tracing::warn!(
                        age_seconds = held.age.as_secs(),
                        by = held.by,
                        "an open transaction holds the log back"
                    );
                }
            }
            Err(error) => tracing::warn!(%error, "the gate could not be looked at"),
        }
        time::sleep(every).await;
    }
}
