//! What is counted of the access record.

use std::sync::LazyLock;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};

/// Records of one statement, up to the most.
const RECORDS: [f64; 7] = [1.0, 2.0, 4.0, 16.0, 64.0, 128.0, 256.0];

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

struct Metrics {
    reports: Family<Outcome, Counter>,
    statements: Histogram,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    reports: Family::default(),
    statements: Histogram::new(RECORDS),
});

/// Adds them to the process's registry.
pub(crate) fn register(registry: &mut Registry) {
    registry.register(
        "access_reports",
        "Reads of data that the account API reported, by what came of the report",
        METRICS.reports.clone(),
    );
    registry.register(
        "access_statement_records",
        "Records that one statement of the access record wrote",
        METRICS.statements.clone(),
    );
}

/// A report was answered.
pub(super) fn reported(outcome: &'static str) {
    METRICS.reports.get_or_create(&Outcome { outcome }).inc();
}

/// A statement for that many records starts.
pub(super) fn statement(records: usize) {
    let records = u32::try_from(records).unwrap_or(u32::MAX);
    METRICS.statements.observe(f64::from(records));
}
