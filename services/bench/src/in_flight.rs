use std::{
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::{JoinHandle, LocalSet, spawn_local};

use crate::error::BenchError;

/// How long a load runs before it is counted.
const WARM_UP_SHARE: u32 = 8;

/// Lets `tasks` tasks do `once` again and again on every core, and gives how often per second it was
/// done in all. `once` gets the task's number and how many it has done.
///
/// # Errors
/// The first that any of them meets.
pub async fn rate_in_flight<F, Done>(
    tasks: usize,
    period: Duration,
    once: F,
) -> Result<f64, BenchError>
where
    F: Fn(usize, u64) -> Done + Send + Sync + 'static,
    Done: Future<Output = Result<(), BenchError>> + Send,
{
    let (once, phases) = (Arc::new(once), Arc::new(Phases::default()));
    let running = (0..tasks)
        .map(|task| {
            let (once, phases) = (Arc::clone(&once), Arc::clone(&phases));
            tokio::spawn(async move { phases.repeat(|done| once(task, done)).await })
        })
        .collect();
    phases.count(running, period).await
}

/// The same on this thread, for what can't leave it.
///
/// # Errors
/// As [`rate_in_flight`].
pub async fn rate_on_this_thread<F, Done>(
    tasks: usize,
    period: Duration,
    once: F,
) -> Result<f64, BenchError>
where
    F: Fn(usize, u64) -> Done + 'static,
    Done: Future<Output = Result<(), BenchError>>,
{
    let (once, phases) = (Rc::new(once), Arc::new(Phases::default()));
    let counted = async {
        let running = (0..tasks)
            .map(|task| {
                let (once, phases) = (Rc::clone(&once), Arc::clone(&phases));
                spawn_local(async move { phases.repeat(|done| once(task, done)).await })
            })
            .collect();
        phases.count(running, period).await
    };
    LocalSet::new().run_until(counted).await
}

/// Where a measurement stands.
#[derive(Default)]
struct Phases {
    counting: AtomicBool,
    over: AtomicBool,
}

impl Phases {
    /// How often it was done while it counted.
    async fn repeat<Done>(&self, once: impl Fn(u64) -> Done) -> Result<u64, BenchError>
    where
        Done: Future<Output = Result<(), BenchError>>,
    {
        let (mut done, mut counted) = (0, 0);
        while !self.over.load(Ordering::Relaxed) {
            once(done).await?;
            done += 1;
            if self.counting.load(Ordering::Relaxed) {
                counted += 1;
            }
        }
        Ok(counted)
    }

    /// What is done after the end is counted too, and so is the time that it takes.
    async fn count(
        &self,
        running: Vec<JoinHandle<Result<u64, BenchError>>>,
        period: Duration,
    ) -> Result<f64, BenchError> {
        tokio::time::sleep(period / WARM_UP_SHARE).await;
        self.counting.store(true, Ordering::Relaxed);
        let started = Instant::now();
        tokio::time::sleep(period).await;
        self.over.store(true, Ordering::Relaxed);
        let mut counted = 0;
        for task in running {
            counted += task.await.map_err(BenchError::wrong)??;
        }
        Ok(per_second(counted, started.elapsed()))
    }
}

/// Counts here stay far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "a count that f64 holds exactly")]
fn per_second(count: u64, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64()
}
