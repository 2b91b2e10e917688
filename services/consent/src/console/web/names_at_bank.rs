//! What a bank's pages call partners.

use consent_domain::BankCode;
use sqlx::PgPool;
use tracing::Instrument as _;

use crate::store::sql_span;

/// Partners that the bank has or had to do with: id and name of the service, by name.
///
/// # Errors
/// The database's.
pub(super) async fn partners(
    pool: &PgPool,
    bank: &BankCode,
) -> Result<Vec<(String, String)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT p.stream_id, p.state #>> '{record,service_name}'
         FROM partner_current p JOIN partner_at_bank_current a ON a.stream_id = $1 || ':' || p.stream_id
         WHERE p.state #>> '{record,service_name}' IS NOT NULL ORDER BY 2, 1",
    )
    .bind(bank.as_str())
    .fetch_all(pool)
    .instrument(sql_span("names of partners"))
    .await
}
