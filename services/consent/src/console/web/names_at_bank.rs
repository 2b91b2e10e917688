//! What a bank's pages call partners, and what stands in the way of a whole contract, partner or bank.

use consent_domain::BankCode;
use sqlx::PgPool;
use tracing::Instrument as _;

use crate::{pages::Locale, store::sql_span};

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

/// Which levels above a consent are suspended or ended, in words.
///
/// # Errors
/// The database's.
pub(super) async fn wider_suspensions(
    pool: &PgPool,
    locale: Locale,
    (bank, contract, partner): (&BankCode, &str, &str),
) -> Result<Vec<String>, sqlx::Error> {
    let (of_contract, of_partner, of_bank): (Option<String>, Option<String>, Option<String>) =
        sqlx::query_as(
            "SELECT (SELECT standing FROM contract_current WHERE stream_id = $1 || ':' || $2),
             (SELECT standing FROM partner_at_bank_current WHERE stream_id = $1 || ':' || $3),
             (SELECT standing FROM bank_current WHERE stream_id = $1)",
        )
        .bind(bank.as_str())
        .bind(contract)
        .bind(partner)
        .fetch_one(pool)
        .instrument(sql_span("standing above a consent"))
        .await?;
    let levels = [
        (of_contract, "契約（団体）", "the contract"),
        (of_partner, "連携事業者", "the partner at this bank"),
        (of_bank, "金庫", "the bank"),
    ];
    let words = levels.into_iter().filter_map(|(standing, ja, en)| {
        let standing = standing.filter(|word| word != "clear")?;
        Some(match (locale, standing.as_str()) {
            (Locale::Ja, "ended") => format!("{ja}：終了"),
            (Locale::Ja, _) => format!("{ja}：停止中"),
            (Locale::En, "ended") => format!("{en}: ended"),
            (Locale::En, _) => format!("{en}: suspended"),
        })
    });
    Ok(words.collect())
}
