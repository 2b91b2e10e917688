//! Bearer tokens of the operators' API: 256 random bits, of which only the SHA-256 is stored.

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use consent_domain::BankCode;
use sqlx::{PgPool, Row as _};
use tracing::Instrument as _;
use uuid::Uuid;

use super::{Operator, OperatorId, Role};
use crate::{entropy, problem::Problem, protocol::digest::sha256, store::sql_span};

/// So that scanners for leaked secrets know them.
const PREFIX: &str = "rko_";
/// Longer ones are refused before they are looked at.
const LENGTH_MAX: usize = 128;

/// A new token: to be shown once, and its hash.
pub(super) fn mint() -> (String, [u8; 32]) {
    let token = format!("{PREFIX}{}", entropy::random_token().expose());
    let hash = sha256(token.as_bytes());
    (token, hash)
}

/// The hash of the token in a request.
///
/// # Errors
/// Without a token, with more than one, or with something else.
pub(super) fn presented(headers: &HeaderMap) -> Result<[u8; 32], Problem> {
    let mut sent = headers.get_all(AUTHORIZATION);
    let first = sent.next().ok_or(Problem::OPERATOR_TOKEN_MISSING)?;
    if sent.next().is_some() {
        return Err(Problem::UNSUPPORTED_TOKEN_USE);
    }
    let text = first
        .to_str()
        .map_err(|_| Problem::OPERATOR_TOKEN_INVALID)?;
    let (scheme, token) = text
        .split_once(' ')
        .ok_or(Problem::OPERATOR_TOKEN_INVALID)?;
    if !scheme.eq_ignore_ascii_case("bearer") || token.len() > LENGTH_MAX {
        return Err(Problem::OPERATOR_TOKEN_INVALID);
    }
    Ok(sha256(token.trim().as_bytes()))
}

/// Whose token it is.
pub(super) struct Bearer {
    pub token: Uuid,
    pub operator: Operator,
    /// At the bank that was asked about.
    pub role: Option<Role>,
}

/// Whose token that is, while it is good; with the role at a bank, in the same statement. Notes the use, at
/// most once a minute.
///
/// # Errors
/// The database's.
pub(super) async fn find(
    pool: &PgPool,
    hash: [u8; 32],
    bank: Option<&BankCode>,
) -> Result<Option<Bearer>, sqlx::Error> {
    let row = sqlx::query(
        "WITH used AS (
            UPDATE operator_tokens SET last_used_at = now()
            WHERE token_hash = $1 AND revoked_at IS NULL AND expires_at > now()
                AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute'))
         SELECT t.token_id, o.operator_id, o.name, r.role
         FROM operator_tokens t
         JOIN operators o USING (operator_id)
         LEFT JOIN operator_roles r ON r.operator_id = o.operator_id AND r.bank = $2
         WHERE t.token_hash = $1 AND t.revoked_at IS NULL AND t.expires_at > now()
            AND o.disabled_at IS NULL",
    )
    .bind(hash.as_slice())
    .bind(bank.map(BankCode::as_str))
    .fetch_optional(pool)
    .instrument(sql_span("operator's token"))
    .await?;
    row.map(|row| {
        Ok(Bearer {
            token: row.try_get("token_id")?,
            operator: operator_of_row(&row)?,
            role: role_of_row(&row)?,
        })
    })
    .transpose()
}

pub(super) fn operator_of_row(row: &sqlx::postgres::PgRow) -> Result<Operator, sqlx::Error> {
    let id: String = row.try_get("operator_id")?;
    Ok(Operator {
        id: OperatorId::parse(id).map_err(|error| sqlx::Error::Decode(error.into()))?,
        name: row.try_get("name")?,
    })
}

pub(super) fn role_of_row(row: &sqlx::postgres::PgRow) -> Result<Option<Role>, sqlx::Error> {
    let role: Option<String> = row.try_get("role")?;
    Ok(role.as_deref().and_then(Role::find))
}
