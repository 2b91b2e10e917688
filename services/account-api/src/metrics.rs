//! What is counted, for `/metrics` of the operators' listener. Labels are words from short lists that
//! stand in the code: never an id, never anything that a caller sent. One registry a process.

use std::sync::LazyLock;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::{counter::Counter, family::Family, histogram::Histogram};
use prometheus_client::registry::{Registry, Unit};

/// The media type of [`text`].
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds in seconds: a refusal, a read, the deadlines behind and their sum.
const SECONDS: [f64; 10] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0];

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    /// The template, e.g. `/v1/accounts/{account_id}/balance`.
    route: String,
    method: &'static str,
    /// `2xx` and so on.
    status: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: String,
    method: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfCode {
    code: &'static str,
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

type Durations<L> = Family<L, Histogram, fn() -> Histogram>;

fn durations<L: Clone + std::hash::Hash + Eq>() -> Durations<L> {
    Family::new_with_constructor(|| Histogram::new(SECONDS))
}

struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    request_durations: Durations<Route>,
    problems: Family<OfCode, Counter>,
    bank_calls: Family<BankCall, Counter>,
    bank_durations: Durations<OfRpc>,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::registered);

impl Metrics {
    fn registered() -> Self {
        let mut m = Self {
            registry: Registry::with_prefix("renkei"),
            requests: Family::default(),
            request_durations: durations(),
            problems: Family::default(),
            bank_calls: Family::default(),
            bank_durations: durations(),
        };
        let r = &mut m.registry;
        r.register(
            "http_requests",
            "Answers by route template",
            m.requests.clone(),
        );
        r.register_with_unit(
            "http_request_duration",
            "From the request's head to the answer's",
            Unit::Seconds,
            m.request_durations.clone(),
        );
        r.register(
            "problems",
            "Answers without data by code",
            m.problems.clone(),
        );
        r.register("bank_calls", "Calls of the bank port", m.bank_calls.clone());
        r.register_with_unit(
            "bank_call_duration",
            "How long the bank took",
            Unit::Seconds,
            m.bank_durations.clone(),
        );
        m
    }
}

/// Everything, as a scrape reads it.
///
/// # Errors
///
/// None in practice: writing to a string does not fail.
pub(crate) fn text() -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    encode(&mut text, &METRICS.registry)?;
    Ok(text)
}

/// A request was answered, with a problem where there is a code.
pub(crate) fn answered(
    route: &str,
    method: &'static str,
    status: u16,
    code: Option<&'static str>,
    took: Duration,
) {
    let class = match status {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    };
    let route = route.to_owned();
    let answered = Answered {
        route: route.clone(),
        method,
        status: class,
    };
    METRICS.requests.get_or_create(&answered).inc();
    METRICS
        .request_durations
        .get_or_create(&Route { route, method })
        .observe(took.as_secs_f64());
    if let Some(code) = code {
        METRICS.problems.get_or_create(&OfCode { code }).inc();
    }
}

/// The bank answered, or did not.
pub(crate) fn bank_called(rpc: &'static str, outcome: &'static str, took: Duration) {
    METRICS
        .bank_calls
        .get_or_create(&BankCall { rpc, outcome })
        .inc();
    METRICS
        .bank_durations
        .get_or_create(&OfRpc { rpc })
        .observe(took.as_secs_f64());
}
