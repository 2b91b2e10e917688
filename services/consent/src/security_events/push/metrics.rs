//! What is counted of deliveries.

use std::sync::{LazyLock, atomic::AtomicU64};

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::{Registry, Unit},
};
use sqlx::PgPool;

#[derive(Default)]
struct Metrics {
    delivered: Counter,
    failed: Counter,
    targets: Gauge,
    failing: Gauge,
    oldest: Gauge<f64, AtomicU64>,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::default);

/// Adds them to the process's registry.
pub(crate) fn register(registry: &mut Registry) {
    let m = &*METRICS;
    registry.register(
        "push_delivered",
        "Tokens that push targets took",
        m.delivered.clone(),
    );
    registry.register(
        "push_failed",
        "Sendings that failed or were refused",
        m.failed.clone(),
    );
    registry.register("push_targets", "Push targets", m.targets.clone());
    registry.register(
        "push_targets_failing",
        "Push targets whose last sending failed; consent push-target list tells which and why",
        m.failing.clone(),
    );
    registry.register_with_unit(
        "push_longest_failure",
        "For how long the target that fails longest has been given nothing; 0: none fails",
        Unit::Seconds,
        m.oldest.clone(),
    );
}

pub(super) fn delivered() {
    METRICS.delivered.inc();
}

pub(super) fn failed() {
    METRICS.failed.inc();
}

pub(super) async fn look(pool: &PgPool) -> Result<(), sqlx::Error> {
    let (targets, failing, longest): (i64, i64, f64) = sqlx::query_as(
        "SELECT count(*), count(*) FILTER (WHERE failures > 0),
             coalesce(max(extract(epoch FROM now() - coalesce(delivered_at, set_at)))
                 FILTER (WHERE failures > 0), 0)::float8
         FROM push_targets",
    )
    .fetch_one(pool)
    .await?;
    METRICS.targets.set(targets);
    METRICS.failing.set(failing);
    METRICS.oldest.set(longest);
    Ok(())
}
