//! Who leads: a lease on the database's clock, with a number that every takeover raises. A session or
//! an advisory lock would not do: a stopped process keeps both.

use std::time::{Duration, Instant};

use sqlx::{PgPool, postgres::types::PgInterval};

/// One time of leading: the holder and the fencing number that its appends carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The instance.
    pub holder: String,
    /// Raised by every takeover.
    pub fence: i64,
}

/// The lease as one instance sees it.
#[derive(Debug, Clone)]
pub struct Lease {
    pool: PgPool,
    holder: String,
    duration: Duration,
}

impl Lease {
    /// For an instance of that name, which must be its alone.
    pub fn new(pool: PgPool, holder: String, duration: Duration) -> Self {
        Self {
            pool,
            holder,
            duration,
        }
    }

    /// How long a lease lasts without being renewed.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// Takes the lease where nobody holds it.
    ///
    /// # Errors
    /// The database's.
    pub async fn acquire(&self) -> Result<Option<Term>, sqlx::Error> {
        let fence: Option<i64> = sqlx::query_scalar(
            "UPDATE sequencer SET holder = $1, fence = fence + 1, expires_at = clock_timestamp() + $2
             WHERE expires_at <= clock_timestamp() RETURNING fence",
        )
        .bind(&self.holder)
        .bind(self.interval())
        .fetch_optional(&self.pool)
        .await?;
        Ok(fence.map(|fence| Term {
            holder: self.holder.clone(),
            fence,
        }))
    }

    /// Puts the end off; `None` where the lease is somebody else's or over. Gives until when this
    /// process may think that it leads: counted from before the database was asked.
    ///
    /// # Errors
    /// The database's.
    pub async fn renew(&self, term: &Term) -> Result<Option<Instant>, sqlx::Error> {
        let asked = Instant::now();
        let renewed = sqlx::query(
            "UPDATE sequencer SET expires_at = clock_timestamp() + $3
             WHERE holder = $1 AND fence = $2 AND expires_at > clock_timestamp()",
        )
        .bind(&term.holder)
        .bind(term.fence)
        .bind(self.interval())
        .execute(&self.pool)
        .await?;
        Ok((renewed.rows_affected() == 1).then(|| asked + self.duration))
    }

    /// Gives the lease back, so that a standby need not wait for its end.
    ///
    /// # Errors
    /// The database's.
    pub async fn release(&self, term: &Term) -> Result<(), sqlx::Error> {
        sqlx::query(
            "UPDATE sequencer SET expires_at = '-infinity' WHERE holder = $1 AND fence = $2",
        )
        .bind(&term.holder)
        .bind(term.fence)
        .execute(&self.pool)
        .await
        .map(drop)
    }

    fn interval(&self) -> PgInterval {
        PgInterval {
            months: 0,
            days: 0,
            microseconds: i64::try_from(self.duration.as_micros()).unwrap_or(i64::MAX),
        }
    }
}
