//! What is counted, for `/metrics` of the operators' listener. Labels are words from short lists that
//! stand in the code: never an id, never anything that somebody typed. One registry a process.

use std::{
    sync::{LazyLock, atomic::AtomicU64},
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use sqlx::PgPool;

/// The media type of [`text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds in seconds: a page without the bank, a page with it, the bank's deadline and beyond.
const SECONDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
];

/// Questions of one read, up to the most.
const QUESTIONS: [f64; 7] = [1.0, 2.0, 4.0, 16.0, 64.0, 128.0, 256.0];

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    /// The template, e.g. `/{bank}/journeys/{journey}/login`.
    route: String,
    method: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    route: String,
    method: &'static str,
    /// `2xx` and so on.
    status: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CommandDone {
    /// The first stream's type.
    stream: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfStream {
    stream: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Judged {
    /// `login` or `pin`.
    kind: &'static str,
    verdict: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct BankCall {
    rpc: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfRpc {
    rpc: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Decided {
    result: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Ended {
    end: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfTable {
    table: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ConnectionState {
    state: &'static str,
}

type Durations<L> = Family<L, Histogram, fn() -> Histogram>;

fn durations<L: Clone + std::hash::Hash + Eq>() -> Durations<L> {
    Family::new_with_constructor(|| Histogram::new(SECONDS))
}

struct Metrics {
    registry: Registry,
    http_requests: Family<Answered, Counter>,
    http_durations: Durations<Route>,
    commands: Family<CommandDone, Counter>,
    conflict_retries: Family<OfStream, Counter>,
    guesses: Family<Judged, Counter>,
    bank_calls: Family<BankCall, Counter>,
    bank_durations: Durations<OfRpc>,
    decisions: Family<Decided, Counter>,
    decision_reads: Histogram,
    journeys_begun: Counter,
    journeys_ended: Family<Ended, Counter>,
    sweeper_interval: Gauge<f64, AtomicU64>,
    sweeper_rounds: Counter,
    sweeper_failures: Counter,
    oldest_unsettled_guess: Gauge<f64, AtomicU64>,
    connections: Family<ConnectionState, Gauge>,
    removed: Family<OfTable, Counter>,
    partitions_missing: Family<OfTable, Gauge>,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::registered);

impl Metrics {
    fn new() -> Self {
        Self {
            registry: Registry::with_prefix("renkei"),
            http_requests: Family::default(),
            http_durations: durations(),
            commands: Family::default(),
            conflict_retries: Family::default(),
            guesses: Family::default(),
            bank_calls: Family::default(),
            bank_durations: durations(),
            decisions: Family::default(),
            decision_reads: Histogram::new(QUESTIONS),
            journeys_begun: Counter::default(),
            journeys_ended: Family::default(),
            sweeper_interval: Gauge::default(),
            sweeper_rounds: Counter::default(),
            sweeper_failures: Counter::default(),
            oldest_unsettled_guess: Gauge::default(),
            connections: Family::default(),
            removed: Family::default(),
            partitions_missing: Family::default(),
        }
    }

    fn registered() -> Self {
        let mut m = Self::new();
        let seconds = || Unit::Seconds;
        let r = &mut m.registry;
        r.register(
            "http_requests",
            "Answers by route template",
            m.http_requests.clone(),
        );
        r.register_with_unit(
            "http_request_duration",
            "From the request's head to the answer's",
            seconds(),
            m.http_durations.clone(),
        );
        r.register(
            "commands",
            "Commands by the stream that they decide on",
            m.commands.clone(),
        );
        r.register(
            "command_conflict_retries",
            "Attempts after another command came first",
            m.conflict_retries.clone(),
        );
        r.register(
            "guesses",
            "Passwords and PINs by what came of them",
            m.guesses.clone(),
        );
        r.register("bank_calls", "Calls of the bank port", m.bank_calls.clone());
        r.register_with_unit(
            "bank_call_duration",
            "How long the bank took",
            seconds(),
            m.bank_durations.clone(),
        );
        r.register(
            "decisions",
            "Answers to resource servers",
            m.decisions.clone(),
        );
        r.register(
            "decision_read_questions",
            "Questions that one read of the database answered",
            m.decision_reads.clone(),
        );
        r.register(
            "journeys_begun",
            "Requests that partners pushed",
            m.journeys_begun.clone(),
        );
        r.register(
            "journeys_ended",
            "Journeys by their end",
            m.journeys_ended.clone(),
        );
        r.register_with_unit(
            "sweeper_interval",
            "How often this replica sweeps; 0: it does not",
            seconds(),
            m.sweeper_interval.clone(),
        );
        r.register(
            "sweeper_rounds",
            "Rounds of the sweeper",
            m.sweeper_rounds.clone(),
        );
        r.register(
            "sweeper_failed_rounds",
            "Rounds that failed",
            m.sweeper_failures.clone(),
        );
        r.register_with_unit(
            "oldest_unsettled_guess_age",
            "Age of the oldest guess without a verdict, at the last round; 0: there is none",
            seconds(),
            m.oldest_unsettled_guess.clone(),
        );
        r.register(
            "database_connections",
            "Connections of the pool",
            m.connections.clone(),
        );
        r.register(
            "retention_removed",
            "Rows that were past their time",
            m.removed.clone(),
        );
        r.register(
            "partition_missing",
            "1: the partition that is needed next is not there",
            m.partitions_missing.clone(),
        );
        crate::access_record::register_metrics(r);
        crate::feed::metrics::register(r);
        crate::security_events::register_metrics(r);
        crate::operator::acts::register_metrics(r);
        m
    }
}

/// Everything, as a scrape reads it.
///
/// # Errors
/// None in practice: writing to a string does not fail.
pub fn text(pool: &PgPool) -> Result<String, std::fmt::Error> {
    let (open, idle) = (
        i64::from(pool.size()),
        i64::try_from(pool.num_idle()).unwrap_or(i64::MAX),
    );
    for (state, count) in [("idle", idle), ("in_use", open.saturating_sub(idle).max(0))] {
        METRICS
            .connections
            .get_or_create(&ConnectionState { state })
            .set(count);
    }
    let mut text = String::new();
    encode(&mut text, &METRICS.registry)?;
    Ok(text)
}

/// A request was answered.
pub fn http_answered(route: &str, method: &'static str, status: u16, took: Duration) {
    let class = match status {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    };
    let route = route.to_owned();
    METRICS
        .http_requests
        .get_or_create(&Answered {
            route: route.clone(),
            method,
            status: class,
        })
        .inc();
    METRICS
        .http_durations
        .get_or_create(&Route { route, method })
        .observe(took.as_secs_f64());
}

/// A command ended.
pub fn command_done(stream: &'static str, outcome: &'static str) {
    METRICS
        .commands
        .get_or_create(&CommandDone { stream, outcome })
        .inc();
}

/// A command is decided anew.
pub fn conflict_retried(stream: &'static str) {
    METRICS
        .conflict_retries
        .get_or_create(&OfStream { stream })
        .inc();
}

/// A fact was committed: journeys begin and end by facts.
pub fn fact_committed(event_type: &str) {
    let end = match event_type {
        "ConsentRequested" => {
            METRICS.journeys_begun.inc();
            return;
        }
        "AccessAuthorized" => "authorized",
        "JourneyCancelled" => "cancelled",
        "AccessDeclined" => "declined",
        "JourneyTimedOut" => "timed_out",
        "JourneyFailed" => "failed",
        _ => return,
    };
    METRICS.journeys_ended.get_or_create(&Ended { end }).inc();
}

/// A guess was judged, or refused before the bank was asked.
pub fn guess_judged(kind: &'static str, verdict: &'static str) {
    METRICS
        .guesses
        .get_or_create(&Judged { kind, verdict })
        .inc();
}

/// The bank answered, or did not.
pub fn bank_called(rpc: &'static str, outcome: &'static str, took: Duration) {
    METRICS
        .bank_calls
        .get_or_create(&BankCall { rpc, outcome })
        .inc();
    METRICS
        .bank_durations
        .get_or_create(&OfRpc { rpc })
        .observe(took.as_secs_f64());
}

/// A resource server was answered.
pub fn decided(result: &'static str) {
    METRICS.decisions.get_or_create(&Decided { result }).inc();
}

/// A read for that many decisions starts.
pub fn decisions_read(questions: usize) {
    let questions = u32::try_from(questions).unwrap_or(u32::MAX);
    METRICS.decision_reads.observe(f64::from(questions));
}

/// How often this replica sweeps; zero: it does not.
pub fn sweeps_every(interval: Duration) {
    METRICS.sweeper_interval.set(interval.as_secs_f64());
}

/// A round of the sweeper ended well.
pub fn sweep_done() {
    METRICS.sweeper_rounds.inc();
}

/// A round of the sweeper failed.
pub fn sweep_failed() {
    METRICS.sweeper_rounds.inc();
    METRICS.sweeper_failures.inc();
}

/// The age of the oldest guess whose verdict is unknown.
pub fn oldest_unsettled_guess(seconds: f64) {
    METRICS.oldest_unsettled_guess.set(seconds);
}

/// Rows of a table were past their time.
pub fn removed(table: &'static str, rows: u64) {
    METRICS
        .removed
        .get_or_create(&OfTable { table })
        .inc_by(rows);
}

/// Whether a table's next partition is missing.
pub fn partition_missing(table: &'static str, missing: bool) {
    METRICS
        .partitions_missing
        .get_or_create(&OfTable { table })
        .set(i64::from(missing));
}
