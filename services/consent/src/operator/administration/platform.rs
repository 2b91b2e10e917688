use super::{AdministrationError, commit, must_exist};
use crate::operator::{Act, OperatorId, Subject, administration::Administration};
use sqlx::Connection as _;

impl Administration {
    /// Makes an operator one of the platform, who may change partners' records.
    ///
    /// # Errors
    /// [`AdministrationError::Unknown`], the database's.
    pub async fn grant_platform(&mut self, id: &OperatorId) -> Result<(), AdministrationError> {
        let mut transaction = self.owner.begin().await?;
        must_exist(&mut transaction, id).await?;
        sqlx::query(
            "INSERT INTO platform_operators (operator_id) VALUES ($1) ON CONFLICT DO NOTHING",
        )
        .bind(id.as_str())
        .execute(&mut *transaction)
        .await?;
        let act = Act::on("grant_platform", Subject::new("operator", id.as_str()));
        commit(transaction, &self.by, None, act).await
    }

    /// Takes that away. `false`: it was none.
    ///
    /// # Errors
    /// The database's.
    pub async fn remove_platform(&mut self, id: &OperatorId) -> Result<bool, AdministrationError> {
        let mut transaction = self.owner.begin().await?;
        let removed = sqlx::query("DELETE FROM platform_operators WHERE operator_id = $1")
            .bind(id.as_str())
            .execute(&mut *transaction)
            .await?;
        if removed.rows_affected() == 0 {
            return Ok(false);
        }
        let act = Act::on("remove_platform", Subject::new("operator", id.as_str()));
        commit(transaction, &self.by, None, act).await?;
        Ok(true)
    }
}
