//! Legal holds: what is held is neither destroyed nor forgotten, until the hold is lifted. Placing and lifting
//! are acts of the database's owner; each is a row that stays.

use chrono::{DateTime, Utc};
use consent_domain::{BankCode, ContractId, GrantId, PartnerId};
use serde::Serialize;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use crate::operator::Order;

/// What is held, at one bank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// Everything of a contract.
    Contract(ContractId),
    /// One consent.
    Grant(GrantId),
    /// Everything of a partner.
    Partner(PartnerId),
}

/// A hold as it stands.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize)]
pub struct Hold {
    /// Its id.
    pub hold_id: Uuid,
    /// The bank's code.
    pub bank: String,
    /// Where a contract is held.
    pub contract: Option<String>,
    /// Where one consent is held.
    pub grant_id: Option<String>,
    /// Where a partner is held.
    pub partner: Option<String>,
    /// Why.
    pub reason: String,
    /// Who placed it.
    pub placed_by: String,
    /// When.
    pub placed_at: DateTime<Utc>,
    /// Who lifted it; none: it stands.
    pub lifted_by: Option<String>,
    /// When.
    pub lifted_at: Option<DateTime<Utc>>,
    /// Why.
    pub lift_reason: Option<String>,
}

/// Places a hold. It waits for a removal or destruction that runs, and holds for all that come later.
///
/// # Errors
/// The database's.
pub async fn place(
    owner: &mut PgConnection,
    bank: &BankCode,
    held: &Held,
    order: &Order,
) -> Result<Uuid, sqlx::Error> {
    let (contract, grant, partner) = match held {
        Held::Contract(id) => (Some(id.as_str()), None, None),
        Held::Grant(id) => (None, Some(id.to_string()), None),
        Held::Partner(id) => (None, None, Some(id.as_str())),
    };
    sqlx::query_scalar(
        "INSERT INTO legal_holds (bank, contract, grant_id, partner, reason, placed_by)
         VALUES ($1, $2, $3, $4, $5, $6) RETURNING hold_id",
    )
    .bind(bank.as_str())
    .bind(contract)
    .bind(grant)
    .bind(partner)
    .bind(&order.reason)
    .bind(&order.by)
    .fetch_one(owner)
    .await
}

/// Lifts a hold; false: there is none that stands under this id.
///
/// # Errors
/// The database's.
pub async fn lift(
    owner: &mut PgConnection,
    hold: Uuid,
    order: &Order,
) -> Result<bool, sqlx::Error> {
    let lifted = sqlx::query(
        "UPDATE legal_holds SET lifted_by = $2, lift_reason = $3, lifted_at = now()
         WHERE hold_id = $1 AND lifted_at IS NULL",
    )
    .bind(hold)
    .bind(&order.by)
    .bind(&order.reason)
    .execute(owner)
    .await?;
    Ok(lifted.rows_affected() == 1)
}

/// Every hold, those that stand first.
///
/// # Errors
/// The database's.
pub async fn list(connection: &mut PgConnection) -> Result<Vec<Hold>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM legal_holds ORDER BY lifted_at IS NOT NULL, bank, placed_at, hold_id",
    )
    .fetch_all(connection)
    .await
}
