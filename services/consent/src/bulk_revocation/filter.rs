use consent_domain::{AccountId, BankCode, ClientId, ContractId, Instant, PartnerId};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use utoipa::ToSchema;

/// Which live consents of a bank; each member narrows it. At least one is needed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConsentFilter)]
pub struct Filter {
    /// Of this partner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, example = "p-3f2a")]
    pub partner: Option<PartnerId>,
    /// Of this OAuth client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub client: Option<ClientId>,
    /// Of this contract (団体), by the bank's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub contract: Option<ContractId>,
    /// With this account in the scope, by the bank's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub account: Option<AccountId>,
    /// Begun at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub began_from: Option<Instant>,
    /// Begun before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub began_before: Option<Instant>,
    /// Only suspended ones, or only those that are not; a suspension at another level than the consent's
    /// own does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub status: Option<SuspendedOrNot>,
}

/// Whether a live consent is suspended at its own level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuspendedOrNot {
    /// It is not.
    Active,
    /// For one cause at least.
    Suspended,
}

impl Filter {
    /// Whether it names nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The consents that it means now, in the order of their ids: columns `frozen_at`, `stream_id`,
    /// `contract`, `partner`.
    pub(super) fn select(&self, bank: &BankCode) -> QueryBuilder<'static, Postgres> {
        let mut sql = QueryBuilder::new("");
        self.push(&mut sql, bank);
        sql
    }

    fn push(&self, sql: &mut QueryBuilder<'static, Postgres>, bank: &BankCode) {
        let among = match &self.account {
            None => "consent_current",
            // Apart, so that nothing but the accounts' index leads to them.
            Some(account) => {
                sql.push("WITH of_account AS MATERIALIZED (SELECT * FROM consent_current WHERE accounts @> ")
                    .push_bind(vec![format!("{bank}:{account}")])
                    .push(") ");
                "of_account"
            }
        };
        sql.push("SELECT statement_timestamp() AS frozen_at, stream_id, contract, partner FROM ")
            .push(among)
            .push(" WHERE status = 'live' AND valid_until > statement_timestamp() AND bank = ")
            .push_bind(bank.to_string());
        let ids = [
            (
                " AND partner = ",
                self.partner.as_ref().map(ToString::to_string),
            ),
            (
                " AND client = ",
                self.client.as_ref().map(ToString::to_string),
            ),
            (
                " AND contract = ",
                self.contract.as_ref().map(ToString::to_string),
            ),
        ];
        for (condition, id) in ids {
            if let Some(id) = id {
                sql.push(condition).push_bind(id);
            }
        }
        if let Some(from) = self.began_from {
            sql.push(" AND began_at >= ").push_bind(from);
        }
        if let Some(before) = self.began_before {
            sql.push(" AND began_at < ").push_bind(before);
        }
        match self.status {
            None => {}
            Some(SuspendedOrNot::Active) => {
                sql.push(" AND state -> 'suspended' IS NULL");
            }
            Some(SuspendedOrNot::Suspended) => {
                sql.push(" AND state -> 'suspended' IS NOT NULL");
            }
        }
        sql.push(" ORDER BY stream_id");
    }

    /// How the database finds them, as its JSON plan with the rows that it looked at.
    ///
    /// # Errors
    /// The database's.
    pub async fn explain(
        &self,
        connection: &mut PgConnection,
        bank: &BankCode,
    ) -> Result<serde_json::Value, sqlx::Error> {
        let mut sql = QueryBuilder::new("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ");
        self.push(&mut sql, bank);
        sql.build_query_scalar().fetch_one(connection).await
    }
}
