//! What is counted, for `/metrics`. Labels are words from short lists: never an id.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

/// The media type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Seconds = Gauge<f64, AtomicU64>;

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Cause {
    cause: &'static str,
}

/// Everything that is counted; one a process.
pub struct Metrics {
    registry: Registry,
    leads: Gauge,
    takeovers: Counter,
    log_end: Gauge<i64, AtomicI64>,
    published: Gauge<i64, AtomicI64>,
    appended: Counter,
    sequencer_failures: Counter,
    oldest_waiting: Seconds,
    gate: Seconds,
    unpublished: Gauge,
    oldest_unpublished: Seconds,
    records: Counter,
    transactions: Counter,
    publisher_failures: Family<Cause, Counter>,
    parked_ever: Family<Cause, Counter>,
    parked: Gauge,
    waiting_behind: Gauge,
}

/// Of this process.
pub static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::registered);

impl Metrics {
    fn registered() -> Self {
        let mut m = Self {
            registry: Registry::with_prefix("renkei_relay"),
            leads: Gauge::default(),
            takeovers: Counter::default(),
            log_end: Gauge::default(),
            published: Gauge::default(),
            appended: Counter::default(),
            sequencer_failures: Counter::default(),
            oldest_waiting: Gauge::default(),
            gate: Gauge::default(),
            unpublished: Gauge::default(),
            oldest_unpublished: Gauge::default(),
            records: Counter::default(),
            transactions: Counter::default(),
            publisher_failures: Family::default(),
            parked_ever: Family::default(),
            parked: Gauge::default(),
            waiting_behind: Gauge::default(),
        };
        m.register_sequencer();
        m.register_publisher();
        m
    }

    fn register_sequencer(&mut self) {
        let r = &mut self.registry;
        r.register(
            "leads",
            "1 while this instance holds the lease",
            self.leads.clone(),
        );
        r.register(
            "takeovers",
            "Times that this instance took the lease",
            self.takeovers.clone(),
        );
        r.register(
            "log_end",
            "The log's last number, as this leader knows it",
            self.log_end.clone(),
        );
        r.register(
            "appended_events",
            "Events appended to the log",
            self.appended.clone(),
        );
        r.register(
            "sequencer_failures",
            "Rounds that the database refused",
            self.sequencer_failures.clone(),
        );
        r.register_with_unit(
            "oldest_unsequenced_event_age",
            "Age of the oldest event that is not in the log; 0: there is none",
            Unit::Seconds,
            self.oldest_waiting.clone(),
        );
        r.register_with_unit(
            "gate_age",
            "Age of the oldest open writing transaction of the cluster, which the log waits for",
            Unit::Seconds,
            self.gate.clone(),
        );
    }

    fn register_publisher(&mut self) {
        let r = &mut self.registry;
        r.register(
            "published",
            "The last number that is in Kafka",
            self.published.clone(),
        );
        r.register(
            "unpublished_events",
            "Events of the log that are not in Kafka yet",
            self.unpublished.clone(),
        );
        r.register_with_unit(
            "oldest_unpublished_event_age",
            "How long the oldest of them has been in the log; 0: there is none",
            Unit::Seconds,
            self.oldest_unpublished.clone(),
        );
        r.register(
            "records",
            "Records in committed transactions",
            self.records.clone(),
        );
        r.register(
            "transactions",
            "Committed Kafka transactions",
            self.transactions.clone(),
        );
        r.register(
            "publisher_failures",
            "Times that the publisher had to begin anew, by cause",
            self.publisher_failures.clone(),
        );
        r.register(
            "parked",
            "Events that were parked, by cause",
            self.parked_ever.clone(),
        );
        r.register(
            "parked_now",
            "Events that stand still until an operator acts",
            self.parked.clone(),
        );
        r.register(
            "waiting_behind_parked",
            "Events that wait behind a parked one of their stream",
            self.waiting_behind.clone(),
        );
    }

    /// Everything, as a scrape reads it.
    ///
    /// # Errors
    /// None in practice: writing to a string does not fail.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    pub(crate) fn took_over(&self) {
        self.leads.set(1);
        self.takeovers.inc();
    }

    pub(crate) fn stepped_down(&self) {
        self.leads.set(0);
    }

    pub(crate) fn appended(&self, count: u32, last: i64) {
        self.appended.inc_by(count.into());
        self.log_end.inner().fetch_max(last, Ordering::Relaxed);
    }

    pub(crate) fn sequencer_failed(&self) {
        self.sequencer_failures.inc();
    }

    pub(crate) fn waiting(&self, oldest: Option<Duration>) {
        self.oldest_waiting
            .set(oldest.unwrap_or_default().as_secs_f64());
    }

    pub(crate) fn gate(&self, age: Duration) {
        self.gate.set(age.as_secs_f64());
    }

    pub(crate) fn committed(&self, records: usize, published: i64) {
        self.transactions.inc();
        self.records.inc_by(u64::try_from(records).unwrap_or(0));
        self.published.set(published);
    }

    pub(crate) fn published_is(&self, published: i64) {
        self.published.set(published);
    }

    pub(crate) fn lag(&self, events: i64, oldest: Duration) {
        self.unpublished.set(events);
        self.oldest_unpublished.set(oldest.as_secs_f64());
    }

    pub(crate) fn publisher_failed(&self, cause: &'static str) {
        self.publisher_failures
            .get_or_create(&Cause { cause })
            .inc();
    }

    pub(crate) fn parked(&self, cause: &'static str) {
        self.parked_ever.get_or_create(&Cause { cause }).inc();
    }

    pub(crate) fn parked_now(&self, parked: i64, waiting: i64) {
        self.parked.set(parked);
        self.waiting_behind.set(waiting);
    }
}
