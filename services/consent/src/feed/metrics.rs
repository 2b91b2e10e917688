//! What is counted of the feed.

use std::sync::{LazyLock, atomic::AtomicU64};

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::{Registry, Unit},
};

#[derive(Default)]
struct Metrics {
    answers: Counter,
    events: Counter,
    held: Counter,
    waiting: Gauge,
    log_end: Gauge,
    sequencer_leads: Gauge,
    backlog: Gauge<f64, AtomicU64>,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::default);

/// Adds them to the process's registry.
pub(crate) fn register(registry: &mut Registry) {
    let m = &*METRICS;
    registry.register(
        "feed_answers",
        "Answers of the partners' feed",
        m.answers.clone(),
    );
    registry.register("feed_events", "Events in those answers", m.events.clone());
    registry.register(
        "feed_held",
        "Readings that ended at an event that this release can't read: a partner's feed stands still",
        m.held.clone(),
    );
    registry.register(
        "feed_waiting",
        "Requests that wait for events",
        m.waiting.clone(),
    );
    registry.register(
        "feed_log_end",
        "The last number of the log, which the feed can give",
        m.log_end.clone(),
    );
    registry.register(
        "feed_sequencer_leads",
        "Whether a relay leads: without one the log, and so the feed, stands still",
        m.sequencer_leads.clone(),
    );
    registry.register_with_unit(
        "feed_oldest_unlogged_event_age",
        "Age of the oldest event that has no number in the log; 0: there is none",
        Unit::Seconds,
        m.backlog.clone(),
    );
}

/// A request was answered with events, or none.
pub(super) fn answered(events: usize) {
    METRICS.answers.inc();
    METRICS
        .events
        .inc_by(u64::try_from(events).unwrap_or(u64::MAX));
}

/// A feed stands still.
pub(crate) fn held() {
    METRICS.held.inc();
}

pub(super) fn waiting(count: usize) {
    METRICS
        .waiting
        .set(i64::try_from(count).unwrap_or(i64::MAX));
}

pub(super) fn log_end(end: i64, led: bool) {
    METRICS.log_end.set(end);
    METRICS.sequencer_leads.set(i64::from(led));
}

pub(super) fn backlog(seconds: f64) {
    METRICS.backlog.set(seconds);
}
