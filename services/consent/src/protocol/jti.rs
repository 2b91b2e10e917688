//! One use of each `jti`, among any number of parallel requests, replicas and restarts.

use crate::store::sql_span;
use chrono::{DateTime, Utc};
use consent_domain::{BankCode, ClientId};
use sqlx::PgExecutor;
use tracing::Instrument as _;

use super::digest::sha256;

/// What the `jti` belongs to; ids of different kinds do not meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JtiPurpose {
    /// A client assertion.
    ClientAssertion,
}

impl JtiPurpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::ClientAssertion => "client_assertion",
        }
    }
}

/// What came of spending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JtiUse {
    /// The first use.
    Fresh,
    /// It was used before.
    Replayed,
}

/// Records the use of a `jti`. Run it on the pool, after the signature was checked and outside
/// any transaction: what rolls back was not spent.
///
/// # Errors
/// The database's; the request must then fail, because nothing is known about the `jti`.
pub async fn spend_jti(
    executor: impl PgExecutor<'_>,
    bank: &BankCode,
    client_id: &ClientId,
    purpose: JtiPurpose,
    jti: &str,
    expires_at: DateTime<Utc>,
) -> Result<JtiUse, sqlx::Error> {
    let inserted = sqlx::query(
        "INSERT INTO used_jtis (bank, client_id, purpose, jti_hash, expires_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
    )
    .bind(bank.as_str())
    .bind(client_id.as_str())
    .bind(purpose.as_str())
    .bind(sha256(jti.as_bytes()))
    .bind(expires_at)
    .execute(executor)
    .instrument(sql_span("spend jti"))
    .await?;
    Ok(if inserted.rows_affected() == 1 {
        JtiUse::Fresh
    } else {
        JtiUse::Replayed
    })
}

/// Deletes ids that expired so many minutes ago or earlier: a replica whose clock is behind must not
/// accept what was forgotten. Returns how many.
///
/// # Errors
/// The database's.
pub async fn purge_used_jtis(
    executor: impl PgExecutor<'_>,
    kept_minutes: i32,
) -> Result<u64, sqlx::Error> {
    sqlx::query("DELETE FROM used_jtis WHERE expires_at < now() - make_interval(mins => $1)")
        .bind(kept_minutes)
        .execute(executor)
        .instrument(sql_span("purge used jtis"))
        .await
        .map(|deleted| deleted.rows_affected())
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::super::test_database::TestDatabase;
    use super::super::test_keys::CLIENT_ID;
    use super::*;

    fn bank(code: &str) -> BankCode {
        BankCode::parse(code).unwrap()
    }

    fn client() -> ClientId {
        ClientId::parse(CLIENT_ID).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn of_fifty_parallel_uses_one_is_fresh() {
        let database = TestDatabase::create().await;
        let expires_at = Utc::now() + Duration::minutes(1);
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let pool = database.pool().clone();
                tokio::spawn(async move {
                    let purpose = JtiPurpose::ClientAssertion;
                    spend_jti(&pool, &bank("2963"), &client(), purpose, "n1", expires_at)
                        .await
                        .unwrap()
                })
            })
            .collect();
        let mut fresh = 0;
        for task in tasks {
            fresh += usize::from(task.await.unwrap() == JtiUse::Fresh);
        }
        assert_eq!(fresh, 1);
        database.drop().await;
    }

    #[tokio::test]
    async fn banks_and_clients_do_not_meet_and_the_purge_keeps_live_ids() {
        let database = TestDatabase::create().await;
        let pool = database.pool();
        let purpose = JtiPurpose::ClientAssertion;
        let other = ClientId::parse("other").unwrap();
        let old = Utc::now() - Duration::minutes(11);
        let live = Utc::now() - Duration::minutes(1);
        for (code, client, expires_at) in [
            ("2963", client(), old),
            ("2951", client(), live),
            ("2963", other, live),
        ] {
            let used = spend_jti(pool, &bank(code), &client, purpose, "n1", expires_at)
                .await
                .unwrap();
            assert_eq!(used, JtiUse::Fresh);
        }
        assert_eq!(purge_used_jtis(pool, 10).await.unwrap(), 1);
        let again = spend_jti(pool, &bank("2951"), &client(), purpose, "n1", live)
            .await
            .unwrap();
        assert_eq!(again, JtiUse::Replayed);
        database.drop().await;
    }
}
