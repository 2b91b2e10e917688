//! Making operators, by the command line and as the database's owner: the service role may not
//! (docs/decisions/0038). Each change commits with the record of who made it.

mod platform;

use chrono::TimeDelta;
use consent_domain::{BankCode, Instant};
use serde::Serialize;
use serde_json::json;
use sqlx::{Connection as _, PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::{
    Act, OperatorId, Role, Subject, bearer, password_hash, password_hash::HashError,
    record_by_command_line,
};
use crate::entropy;

/// Longest life of a token, in days.
pub const TOKEN_DAYS_MAX: u32 = 366;

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum AdministrationError {
    /// The database's.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// There is one already.
    #[error("operator {0} exists already")]
    Exists(OperatorId),
    /// There is none.
    #[error("there is no operator {0}")]
    Unknown(OperatorId),
    /// There is none.
    #[error("there is no such token")]
    UnknownToken,
    /// That is not on the platform.
    #[error("bank {0} is not registered")]
    UnknownBank(BankCode),
    /// A life of a token.
    #[error("a token lives 1 to 366 days")]
    TokenDays,
    /// A name.
    #[error("a name has 1 to 100 characters")]
    Name,
    /// The password can't be used.
    #[error(transparent)]
    Password(#[from] HashError),
}

/// Changes operators, as the database's owner.
pub struct Administration {
    owner: PgConnection,
    /// Who does it, for the record.
    by: String,
}

/// A token that was made; it is shown once.
#[derive(Debug, Serialize)]
pub struct IssuedToken {
    /// Names it in the record, and to revoke it.
    pub token_id: Uuid,
    /// The token itself.
    pub token: String,
    /// When it ends.
    pub expires_at: Instant,
}

impl Administration {
    /// Connects as the owner; `by` is recorded with each change.
    ///
    /// # Errors
    /// The database's.
    pub async fn connect(owner_url: &str, by: impl Into<String>) -> Result<Self, sqlx::Error> {
        Ok(Self {
            owner: PgConnection::connect(owner_url).await?,
            by: by.into(),
        })
    }

    /// Adds an operator, without role or credential.
    ///
    /// # Errors
    /// [`AdministrationError::Exists`], [`AdministrationError::Name`], the database's.
    pub async fn add(&mut self, id: &OperatorId, name: &str) -> Result<(), AdministrationError> {
        check_name(name)?;
        let mut transaction = self.owner.begin().await?;
        let added = sqlx::query(
            "INSERT INTO operators (operator_id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(id.as_str())
        .bind(name)
        .execute(&mut *transaction)
        .await?;
        if added.rows_affected() == 0 {
            return Err(AdministrationError::Exists(id.clone()));
        }
        let act = Act::on("add_operator", Subject::new("operator", id.as_str()));
        commit(transaction, &self.by, None, act).await
    }

    /// Gives an operator a role at a bank, in place of the one that it has there.
    ///
    /// # Errors
    /// [`AdministrationError::Unknown`], [`AdministrationError::UnknownBank`], the database's.
    pub async fn grant_role(
        &mut self,
        id: &OperatorId,
        bank: &BankCode,
        role: Role,
    ) -> Result<(), AdministrationError> {
        let mut transaction = self.owner.begin().await?;
        must_exist(&mut transaction, id).await?;
        let on_platform: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM bank_current WHERE stream_id = $1)")
                .bind(bank.as_str())
                .fetch_one(&mut *transaction)
                .await?;
        if !on_platform {
            return Err(AdministrationError::UnknownBank(bank.clone()));
        }
        sqlx::query(
            "INSERT INTO operator_roles (operator_id, bank, role) VALUES ($1, $2, $3)
             ON CONFLICT (operator_id, bank) DO UPDATE SET role = excluded.role, granted_at = now()",
        )
        .bind(id.as_str())
        .bind(bank.as_str())
        .bind(role.as_str())
        .execute(&mut *transaction)
        .await?;
        let act = Act {
            code: "grant_role",
            subject: Subject::new("operator", id.as_str()),
            detail: json!({ "role": role }),
        };
        commit(transaction, &self.by, Some(bank), act).await
    }

    /// Takes an operator's role at a bank away. `false`: there was none.
    ///
    /// # Errors
    /// The database's.
    pub async fn remove_role(
        &mut self,
        id: &OperatorId,
        bank: &BankCode,
    ) -> Result<bool, AdministrationError> {
        let mut transaction = self.owner.begin().await?;
        let removed =
            sqlx::query("DELETE FROM operator_roles WHERE operator_id = $1 AND bank = $2")
                .bind(id.as_str())
                .bind(bank.as_str())
                .execute(&mut *transaction)
                .await?;
        if removed.rows_affected() == 0 {
            return Ok(false);
        }
        let act = Act::on("remove_role", Subject::new("operator", id.as_str()));
        commit(transaction, &self.by, Some(bank), act).await?;
        Ok(true)
    }

    /// Makes a token for the API.
    ///
    /// # Errors
    /// [`AdministrationError::Unknown`], [`AdministrationError::TokenDays`], the database's.
    pub async fn issue_token(
        &mut self,
        id: &OperatorId,
        name: &str,
        days: u32,
    ) -> Result<IssuedToken, AdministrationError> {
        check_name(name)?;
        if !(1..=TOKEN_DAYS_MAX).contains(&days) {
            return Err(AdministrationError::TokenDays);
        }
        let mut transaction = self.owner.begin().await?;
        must_exist(&mut transaction, id).await?;
        let (token, hash) = bearer::mint();
        let token_id = entropy::opaque_id();
        let expires_at: Instant = sqlx::query_scalar(
            "INSERT INTO operator_tokens (token_id, operator_id, name, token_hash, expires_at)
             VALUES ($1, $2, $3, $4, now() + $5) RETURNING expires_at",
        )
        .bind(token_id)
        .bind(id.as_str())
        .bind(name)
        .bind(hash.as_slice())
        .bind(TimeDelta::days(days.into()))
        .fetch_one(&mut *transaction)
        .await?;
        let act = Act {
            code: "issue_token",
            subject: Subject::new("operator", id.as_str()),
            detail: json!({ "token_id": token_id, "expires_at": expires_at }),
        };
        commit(transaction, &self.by, None, act).await?;
        Ok(IssuedToken {
            token_id,
            token,
            expires_at,
        })
    }

    /// Ends a token.
    ///
    /// # Errors
    /// [`AdministrationError::UnknownToken`], the database's.
    pub async fn revoke_token(&mut self, token_id: Uuid) -> Result<(), AdministrationError> {
        let mut transaction = self.owner.begin().await?;
        let operator: Option<String> = sqlx::query_scalar(
            "UPDATE operator_tokens SET revoked_at = coalesce(revoked_at, now())
             WHERE token_id = $1 RETURNING operator_id",
        )
        .bind(token_id)
        .fetch_optional(&mut *transaction)
        .await?;
        let operator = operator.ok_or(AdministrationError::UnknownToken)?;
        let act = Act {
            code: "revoke_token",
            subject: Subject::new("operator", operator),
            detail: json!({ "token_id": token_id }),
        };
        commit(transaction, &self.by, None, act).await
    }

    /// Sets the console's password, and ends the sessions that there are. A lock ends, too.
    ///
    /// # Errors
    /// [`AdministrationError::Unknown`], [`AdministrationError::Password`], the database's.
    pub async fn set_password(
        &mut self,
        id: &OperatorId,
        password: &str,
    ) -> Result<(), AdministrationError> {
        let hash = password_hash::hash(password)?;
        let mut transaction = self.owner.begin().await?;
        must_exist(&mut transaction, id).await?;
        sqlx::query(
            "INSERT INTO operator_passwords (operator_id, password_hash) VALUES ($1, $2)
             ON CONFLICT (operator_id) DO UPDATE
                SET password_hash = excluded.password_hash, set_at = now()",
        )
        .bind(id.as_str())
        .bind(hash)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("DELETE FROM operator_login_counters WHERE slot = 'known:' || $1")
            .bind(id.as_str())
            .execute(&mut *transaction)
            .await?;
        end_sessions(&mut transaction, id).await?;
        let act = Act::on("set_password", Subject::new("operator", id.as_str()));
        commit(transaction, &self.by, None, act).await
    }

    /// Disables an operator: no token, password or session of it is good any more. It stays, because the
    /// record names it.
    ///
    /// # Errors
    /// [`AdministrationError::Unknown`], the database's.
    pub async fn disable(&mut self, id: &OperatorId) -> Result<(), AdministrationError> {
        let mut transaction = self.owner.begin().await?;
        must_exist(&mut transaction, id).await?;
        sqlx::query(
            "UPDATE operators SET disabled_at = coalesce(disabled_at, now()) WHERE operator_id = $1",
        )
        .bind(id.as_str())
        .execute(&mut *transaction)
        .await?;
        end_sessions(&mut transaction, id).await?;
        let act = Act::on("disable_operator", Subject::new("operator", id.as_str()));
        commit(transaction, &self.by, None, act).await
    }

    /// Lets a disabled operator in again.
    ///
    /// # Errors
    /// [`AdministrationError::Unknown`], the database's.
    pub async fn enable(&mut self, id: &OperatorId) -> Result<(), AdministrationError> {
        let mut transaction = self.owner.begin().await?;
        must_exist(&mut transaction, id).await?;
        sqlx::query("UPDATE operators SET disabled_at = NULL WHERE operator_id = $1")
            .bind(id.as_str())
            .execute(&mut *transaction)
            .await?;
        let act = Act::on("enable_operator", Subject::new("operator", id.as_str()));
        commit(transaction, &self.by, None, act).await
    }

    /// Every operator with roles and tokens, as JSON; no secret.
    ///
    /// # Errors
    /// The database's.
    pub async fn list(&mut self) -> Result<Vec<serde_json::Value>, AdministrationError> {
        Ok(sqlx::query_scalar(
            "SELECT jsonb_build_object(
                'id', o.operator_id, 'name', o.name, 'created_at', o.created_at,
                'disabled_at', o.disabled_at,
                'password_set_at', (SELECT set_at FROM operator_passwords p
                    WHERE p.operator_id = o.operator_id),
                'roles', coalesce((SELECT jsonb_object_agg(r.bank, r.role ORDER BY r.bank)
                    FROM operator_roles r WHERE r.operator_id = o.operator_id), '{}'),
                'tokens', coalesce((SELECT jsonb_agg(jsonb_build_object(
                        'token_id', t.token_id, 'name', t.name, 'expires_at', t.expires_at,
                        'revoked_at', t.revoked_at, 'last_used_at', t.last_used_at)
                        ORDER BY t.created_at)
                    FROM operator_tokens t WHERE t.operator_id = o.operator_id), '[]'))
             FROM operators o ORDER BY o.operator_id",
        )
        .fetch_all(&mut self.owner)
        .await?)
    }
}

fn check_name(name: &str) -> Result<(), AdministrationError> {
    if (1..=100).contains(&name.chars().count()) {
        Ok(())
    } else {
        Err(AdministrationError::Name)
    }
}

async fn must_exist(
    transaction: &mut Transaction<'_, Postgres>,
    id: &OperatorId,
) -> Result<(), AdministrationError> {
    let exists: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM operators WHERE operator_id = $1)")
            .bind(id.as_str())
            .fetch_one(&mut **transaction)
            .await?;
    if exists {
        Ok(())
    } else {
        Err(AdministrationError::Unknown(id.clone()))
    }
}

async fn end_sessions(
    transaction: &mut Transaction<'_, Postgres>,
    id: &OperatorId,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE operator_sessions SET ended_at = now() WHERE operator_id = $1 AND ended_at IS NULL",
    )
    .bind(id.as_str())
    .execute(&mut **transaction)
    .await
    .map(drop)
}

/// The change and its record, together.
async fn commit(
    mut transaction: Transaction<'_, Postgres>,
    by: &str,
    bank: Option<&BankCode>,
    act: Act,
) -> Result<(), AdministrationError> {
    record_by_command_line(&mut *transaction, by, bank, act).await?;
    transaction.commit().await?;
    Ok(())
}
