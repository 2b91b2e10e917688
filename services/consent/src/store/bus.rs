use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use consent_domain::{DomainEvent as _, Instant, Stream};
use cqrs_es::{AggregateError, CqrsFramework};
use rand::Rng as _;
use sqlx::PgPool;
use telemetry::TraceParent;
use tracing::{Instrument as _, Span};

use super::{
    Act, Companion, NoStream, Projected, World,
    command_store::{CommandContext, CommandStore, Companions, Report, Spent, Target},
    spans::command_span,
};
use crate::metrics;

/// How often a command is decided anew after a conflict.
const ATTEMPTS: u32 = 6;

/// Executes commands: the key first, then the decision, then one append; conflicts are retried.
#[derive(Clone)]
pub struct Bus {
    pool: PgPool,
}

/// What a command did.
pub enum Executed<A: Stream, B: Stream = NoStream> {
    /// It was decided now.
    Committed(Committed<A, B>),
    /// Its key was spent before: this is the recorded outcome.
    Repeated(Spent),
}

/// A command that was decided and, where it changed anything, committed.
pub struct Committed<A: Stream, B: Stream = NoStream> {
    /// The first stream's new facts; none where the world was so already.
    pub first_events: Vec<A::Event>,
    /// The second stream's.
    pub second_events: Vec<B::Event>,
    /// The first stream's state after them.
    pub first: A::State,
    /// The second stream's.
    pub second: B::State,
    /// The time of the decision, by the database's clock.
    pub now: Instant,
}

/// Why a command did nothing.
#[derive(Debug, thiserror::Error)]
pub enum CommandError<R: std::error::Error> {
    /// The domain refused it.
    #[error(transparent)]
    Refused(R),
    /// Others came first, again and again.
    #[error("too many conflicts; try again")]
    Busy,
    /// A rule between rows stands against it: the name of the unique constraint.
    #[error("violates {0}")]
    Violates(String),
    /// The database can't be reached or reported something unexpected.
    #[error("the event store failed: {0}")]
    Store(Box<dyn std::error::Error + Send + Sync>),
}

enum Failure {
    Conflict,
    Violates(String),
    Fatal,
}

impl Bus {
    /// Over that pool.
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Executes a command on one stream.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn execute<A, R>(
        &self,
        stream_id: String,
        context: CommandContext,
        decide: impl Fn(&A::State, Instant) -> Result<Vec<A::Event>, R> + Send + Sync + 'static,
        companions: impl Fn(&[A::Event], &A::State, Instant) -> Vec<Companion> + Send + Sync + 'static,
    ) -> Result<Executed<A>, CommandError<R>>
    where
        A: Projected,
        R: std::error::Error + Send + Sync + 'static,
    {
        let act = Act::<A, NoStream, R>::new(move |state, &(), now| {
            decide(state, now).map(|events| (events, Vec::new()))
        });
        self.run(
            Target {
                first: stream_id,
                second: None,
            },
            context,
            act,
            Arc::new(move |events, _, state, now| companions(events, state, now)),
        )
        .await
    }

    /// Executes a command on two streams, which commit together.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn execute_pair<A, B, R>(
        &self,
        target: (String, String),
        context: CommandContext,
        act: Act<A, B, R>,
        companions: impl Fn(&[A::Event], &[B::Event], &A::State, Instant) -> Vec<Companion>
        + Send
        + Sync
        + 'static,
    ) -> Result<Executed<A, B>, CommandError<R>>
    where
        A: Projected,
        B: Projected,
        R: std::error::Error + Send + Sync + 'static,
    {
        let target = Target {
            first: target.0,
            second: Some(target.1),
        };
        self.run(target, context, act, Arc::new(companions)).await
    }

    async fn run<A, B, R>(
        &self,
        target: Target,
        mut context: CommandContext,
        act: Act<A, B, R>,
        companions: Companions<A, B>,
    ) -> Result<Executed<A, B>, CommandError<R>>
    where
        A: Projected,
        B: Projected,
        R: std::error::Error + Send + Sync + 'static,
    {
        let span = command_span(A::TYPE);
        // The events name the span that wrote them.
        if let Some(own) = TraceParent::of(&span) {
            context.traceparent = Some(own.to_string());
        }
        let attempts = self.attempt_repeatedly(target, context, act, companions);
        let done = attempts.instrument(span.clone()).await;
        observe(&span, A::TYPE, &done);
        done
    }

    async fn attempt_repeatedly<A, B, R>(
        &self,
        target: Target,
        context: CommandContext,
        act: Act<A, B, R>,
        companions: Companions<A, B>,
    ) -> Result<Executed<A, B>, CommandError<R>>
    where
        A: Projected,
        B: Projected,
        R: std::error::Error + Send + Sync + 'static,
    {
        let mut violated = None;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                metrics::conflict_retried(A::TYPE);
                tokio::time::sleep(jitter(attempt)).await;
            }
            let report = Arc::new(Mutex::new(None::<Report<A, B>>));
            let store = CommandStore {
                pool: self.pool.clone(),
                target: target.clone(),
                context: context.clone(),
                companions: Arc::clone(&companions),
                report: Arc::clone(&report),
            };
            // Cheap, and the store is the framework's by value: one per attempt.
            let framework: CqrsFramework<World<A, B, R>, _> =
                CqrsFramework::new(store, Vec::new(), ());
            let error = match framework.execute(&target.first, act.clone()).await {
                Ok(()) => {
                    let taken = report.lock().unwrap_or_else(PoisonError::into_inner).take();
                    return taken.map(executed).ok_or_else(|| {
                        CommandError::Store("the store reported nothing after a commit".into())
                    });
                }
                Err(AggregateError::UserError(refusal)) => {
                    return Err(CommandError::Refused(refusal));
                }
                Err(AggregateError::AggregateConflict) => continue,
                Err(
                    AggregateError::DatabaseConnectionError(error)
                    | AggregateError::DeserializationError(error)
                    | AggregateError::UnexpectedError(error),
                ) => error,
            };
            match classify(error.as_ref()) {
                Failure::Conflict => {}
                // Read again: the other side of the violation may be this very command's twin.
                Failure::Violates(constraint) if violated.is_none() => violated = Some(constraint),
                Failure::Violates(constraint) => return Err(CommandError::Violates(constraint)),
                Failure::Fatal => return Err(CommandError::Store(error)),
            }
        }
        violated.map_or(Err(CommandError::Busy), |constraint| {
            Err(CommandError::Violates(constraint))
        })
    }
}

fn executed<A: Stream, B: Stream>(report: Report<A, B>) -> Executed<A, B> {
    match report.spent {
        Some(spent) => Executed::Repeated(spent),
        None => Executed::Committed(Committed {
            first_events: report.first_events,
            second_events: report.second_events,
            first: report.first,
            second: report.second,
            now: report.now,
        }),
    }
}

fn observe<A: Stream, B: Stream, R: std::error::Error>(
    span: &Span,
    stream: &'static str,
    done: &Result<Executed<A, B>, CommandError<R>>,
) {
    let outcome = match done {
        Ok(Executed::Committed(it))
            if it.first_events.is_empty() && it.second_events.is_empty() =>
        {
            "unchanged"
        }
        Ok(Executed::Committed(_)) => "committed",
        Ok(Executed::Repeated(_)) => "repeated",
        Err(CommandError::Refused(_)) => "refused",
        Err(CommandError::Busy) => "conflict",
        Err(CommandError::Violates(_)) => "violation",
        Err(CommandError::Store(_)) => "failed",
    };
    span.record("outcome", outcome);
    if matches!(outcome, "conflict" | "violation" | "failed") {
        span.record("otel.status_code", "ERROR");
    }
    metrics::command_done(stream, outcome);
    if let Ok(Executed::Committed(committed)) = done {
        for event in &committed.first_events {
            metrics::fact_committed(event.event_type());
        }
        for event in &committed.second_events {
            metrics::fact_committed(event.event_type());
        }
    }
}

/// 2 to 50 ms, longer with each attempt, so that rivals part.
fn jitter(attempt: u32) -> Duration {
    Duration::from_millis(rand::rng().random_range(2..=u64::from(attempt) * 10))
}

fn classify(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Failure {
    let Some(sqlx::Error::Database(database)) = error.downcast_ref::<sqlx::Error>() else {
        return Failure::Fatal;
    };
    match database.code().as_deref() {
        // append_conflict(); serialization failure; deadlock.
        Some("RK001" | "40001" | "40P01") => Failure::Conflict,
        Some("23505") => match database.constraint() {
            Some(name) if is_stream_key(name) => Failure::Conflict,
            name => Failure::Violates(name.unwrap_or_default().to_owned()),
        },
        _ => Failure::Fatal,
    }
}

/// The primary keys whose violation means that another command came first: a projection's row was
/// created, an event's sequence was taken (in whichever partition), or the same key was spent.
fn is_stream_key(constraint: &str) -> bool {
    constraint.ends_with("_current_pkey")
        || (constraint.starts_with("events_p") && constraint.ends_with("_pkey"))
        || constraint == "command_keys_pkey"
}
