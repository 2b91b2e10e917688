//! Who waits for events, and the one task of a process that sees them come: it looks at the log's end,
//! reads whom the new numbers concern, and wakes those. However many wait, the database is asked once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use consent_domain::{BankCode, PartnerId};
use sqlx::PgPool;
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval},
};

use super::metrics;
use crate::problem::Problem;

/// Requests that may wait in one process.
const WAITING_MAX: usize = 1000;
/// Requests of one partner at one bank that may wait in one process.
const WAITING_OF_ONE_MAX: usize = 8;
/// More new numbers than this wake everybody who waits, without asking whom they concern.
const NUMBERS_MAX: i64 = 10_000;
/// How often the log's end is looked at.
const EVERY: Duration = Duration::from_millis(200);
/// How often it is looked whether events wait for a number.
const BACKLOG_EVERY: Duration = Duration::from_secs(5);

/// Whose events: a partner's at a bank.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Whose {
    /// The bank.
    pub bank: BankCode,
    /// The partner.
    pub partner: PartnerId,
}

/// Those who wait.
#[derive(Clone, Default)]
pub struct Arrivals {
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    by_partner: HashMap<Whose, Bell>,
    count: usize,
    /// Nobody waits any more: the process ends.
    closed: bool,
}

struct Bell {
    rings: watch::Sender<()>,
    count: usize,
}

/// One who waits; leaves when dropped.
pub(crate) struct Waiter {
    rings: watch::Receiver<()>,
    whose: Whose,
    arrivals: Arrivals,
}

impl Arrivals {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on nothing that comes for the partner is missed.
    ///
    /// # Errors
    /// `too_many_waiting`.
    pub(crate) fn wait_for(&self, whose: Whose) -> Result<Waiter, Problem> {
        let mut waiting = self.waiting();
        let of_one = waiting.by_partner.get(&whose).map_or(0, |bell| bell.count);
        if waiting.closed || waiting.count >= WAITING_MAX || of_one >= WAITING_OF_ONE_MAX {
            return Err(Problem::TOO_MANY_WAITING);
        }
        waiting.count += 1;
        metrics::waiting(waiting.count);
        let bell = waiting
            .by_partner
            .entry(whose.clone())
            .or_insert_with(|| Bell {
                rings: watch::Sender::new(()),
                count: 0,
            });
        bell.count += 1;
        Ok(Waiter {
            rings: bell.rings.subscribe(),
            whose,
            arrivals: self.clone(),
        })
    }

    fn ring(&self, whose: &Whose) {
        if let Some(bell) = self.waiting().by_partner.get(whose) {
            bell.rings.send_replace(());
        }
    }

    fn ring_all(&self) {
        for bell in self.waiting().by_partner.values() {
            bell.rings.send_replace(());
        }
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        self.waiting().count
    }

    /// Ends every wait, and those to come: the process ends.
    pub fn close(&self) {
        let mut waiting = self.waiting();
        waiting.closed = true;
        // The receivers learn it from their senders' end.
        waiting.by_partner.clear();
    }

    /// Wakes those for whom something comes, until it is dropped.
    pub async fn watch(self, pool: PgPool) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen: Option<i64> = None;
        let mut backlog_at = Instant::now();
        loop {
            ticks.tick().await;
            match self.look(&pool, seen).await {
                Ok(end) => seen = Some(end),
                Err(error) => tracing::warn!(%error, "the log's end could not be looked at"),
            }
            if backlog_at.elapsed() >= BACKLOG_EVERY {
                backlog_at = Instant::now();
                if let Err(error) = look_at_backlog(&pool).await {
                    tracing::warn!(%error, "the log's backlog could not be looked at");
                }
            }
        }
    }

    /// Gives the log's end. Whoever came to wait after it was read reads the log after that, too.
    async fn look(&self, pool: &PgPool, seen: Option<i64>) -> Result<i64, sqlx::Error> {
        let (end, led): (i64, bool) =
            sqlx::query_as("SELECT global_sequence, expires_at > clock_timestamp() FROM sequencer")
                .fetch_one(pool)
                .await?;
        metrics::log_end(end, led);
        let Some(seen) = seen else {
            self.ring_all();
            return Ok(end);
        };
        if end <= seen || self.count() == 0 {
            return Ok(end);
        }
        if end - seen > NUMBERS_MAX {
            self.ring_all();
            return Ok(end);
        }
        let concerned: Vec<(String, String)> = sqlx::query_as(
            "SELECT DISTINCT bank, partner FROM event_log
             WHERE global_sequence > $1 AND global_sequence <= $2
                 AND bank IS NOT NULL AND partner IS NOT NULL
                 AND aggregate_type NOT IN ('journey', 'contract', 'partner', 'bank')",
        )
        .bind(seen)
        .bind(end)
        .fetch_all(pool)
        .await?;
        for (bank, partner) in concerned {
            if let (Ok(bank), Ok(partner)) = (BankCode::parse(bank), PartnerId::parse(partner)) {
                self.ring(&Whose { bank, partner });
            }
        }
        Ok(end)
    }
}

/// How long the oldest committed event has waited for its number in the log: no relay, or a gate that
/// is held.
async fn look_at_backlog(pool: &PgPool) -> Result<(), sqlx::Error> {
    let oldest: Option<f64> = sqlx::query_scalar(
        "SELECT extract(epoch FROM clock_timestamp() - e.recorded_at)::float8
         FROM sequencer s, LATERAL (
             SELECT recorded_at FROM events
             WHERE (transaction_id, position) > (s.transaction_id, s.position)
                 AND position > s.position_floor
             ORDER BY transaction_id, position LIMIT 1
         ) e",
    )
    .fetch_optional(pool)
    .await?;
    metrics::backlog(oldest.unwrap_or(0.0).max(0.0));
    Ok(())
}

impl Waiter {
    /// Something came; `false`: nobody waits any more.
    pub(crate) async fn arrives(&mut self) -> bool {
        self.rings.changed().await.is_ok()
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut waiting = self.arrivals.waiting();
        waiting.count = waiting.count.saturating_sub(1);
        metrics::waiting(waiting.count);
        if let Some(bell) = waiting.by_partner.get_mut(&self.whose) {
            bell.count = bell.count.saturating_sub(1);
            if bell.count == 0 {
                waiting.by_partner.remove(&self.whose);
            }
        }
    }
}
