use std::time::{Duration, Instant};

use sqlx::PgPool;

/// At most this often.
const EVERY: Duration = Duration::from_secs(1);

/// Says in the database how far the log is in Kafka, for operators who ask whether a notice went out.
/// Nothing of the relay depends on it.
#[derive(Default)]
pub(super) struct ToldPosition {
    told: Option<(i64, Instant)>,
}

impl ToldPosition {
    /// Says it, where it is news. A failure is passed over: the next time says more.
    pub(super) async fn tell(&mut self, pool: &PgPool, published: i64) {
        let news = self
            .told
            .is_none_or(|(number, at)| number != published && at.elapsed() >= EVERY);
        if !news {
            return;
        }
        let told = sqlx::query(
            "INSERT INTO relay_positions (published_to) VALUES ($1)
             ON CONFLICT (one) DO UPDATE
                 SET published_to = excluded.published_to, told_at = clock_timestamp()",
        )
        .bind(published)
        .execute(pool)
        .await;
        match told {
            Ok(_) => self.told = Some((published, Instant::now())),
            Err(error) => tracing::warn!(%error, "the published position could not be told"),
        }
    }
}
