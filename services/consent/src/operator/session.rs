//! Sessions of the console: the browser holds a random id and nothing else, the database its SHA-256.

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite},
};
use consent_domain::BankCode;
use sqlx::{PgPool, Row as _};
use tracing::Instrument as _;
use uuid::Uuid;

use super::{
    Operator, OperatorId, Role,
    bearer::{operator_of_row, role_of_row},
};
use crate::{
    app::{App, CookiePolicy},
    entropy,
    protocol::digest::sha256,
    store::sql_span,
};

/// Idle time that ends a session, in minutes.
pub const IDLE_MINUTES: i32 = 15;
/// Longest session, in hours.
pub const TOTAL_HOURS: i32 = 8;
/// 32 bytes in base64url.
const VALUE_LENGTH: usize = 43;

/// What the browser holds: before the login any random id, then the session's.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionCookie(String);

fn name(app: &App) -> String {
    format!("{}renkei-operator", app.cookies.prefix())
}

impl SessionCookie {
    /// A new one, good for nothing but the login form.
    pub fn mint() -> Self {
        Self(entropy::random_token().expose().to_owned())
    }

    /// The browser's, if it has one of that form.
    pub fn find(app: &App, request: &HttpRequest) -> Option<Self> {
        let value = request.cookie(&name(app))?.value().to_owned();
        let fits = value.len() == VALUE_LENGTH
            && value
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        fits.then_some(Self(value))
    }

    /// The `Set-Cookie` of it, until the browser is closed.
    pub fn set(&self, app: &App) -> Cookie<'static> {
        Cookie::build(name(app), self.0.clone())
            .path("/")
            .http_only(true)
            .same_site(SameSite::Strict)
            .secure(app.cookies == CookiePolicy::HostOnly)
            .finish()
    }

    /// The `Set-Cookie` that takes it away.
    pub fn removal(app: &App) -> Cookie<'static> {
        let mut cookie = Self(String::new()).set(app);
        cookie.make_removal();
        cookie
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    fn hash(&self) -> [u8; 32] {
        sha256(self.0.as_bytes())
    }
}

pub(super) struct Opened {
    pub cookie: SessionCookie,
    pub session_id: Uuid,
}

pub(super) async fn open(pool: &PgPool, operator: &OperatorId) -> Result<Opened, sqlx::Error> {
    let (cookie, session_id) = (SessionCookie::mint(), entropy::opaque_id());
    sqlx::query(
        "INSERT INTO operator_sessions (session_hash, session_id, operator_id, expires_at)
         VALUES ($1, $2, $3, now() + make_interval(hours => $4))",
    )
    .bind(cookie.hash().as_slice())
    .bind(session_id)
    .bind(operator.as_str())
    .bind(TOTAL_HOURS)
    .execute(pool)
    .instrument(sql_span("open operator's session"))
    .await?;
    Ok(Opened { cookie, session_id })
}

/// A session that is good.
pub(super) struct Session {
    pub session_id: Uuid,
    pub operator: Operator,
    /// At the bank that was asked about.
    pub role: Option<Role>,
}

/// The session of a cookie, while it is good; notes that it was used, at most every ten seconds.
///
/// # Errors
/// The database's.
pub(super) async fn find(
    pool: &PgPool,
    cookie: &SessionCookie,
    bank: Option<&BankCode>,
) -> Result<Option<Session>, sqlx::Error> {
    let row = sqlx::query(
        "WITH used AS (
            UPDATE operator_sessions SET last_seen_at = now()
            WHERE session_hash = $1 AND ended_at IS NULL AND expires_at > now()
                AND last_seen_at > now() - make_interval(mins => $3)
                AND last_seen_at < now() - interval '10 seconds')
         SELECT s.session_id, o.operator_id, o.name, r.role
         FROM operator_sessions s
         JOIN operators o USING (operator_id)
         LEFT JOIN operator_roles r ON r.operator_id = o.operator_id AND r.bank = $2
         WHERE s.session_hash = $1 AND s.ended_at IS NULL AND s.expires_at > now()
            AND s.last_seen_at > now() - make_interval(mins => $3) AND o.disabled_at IS NULL",
    )
    .bind(cookie.hash().as_slice())
    .bind(bank.map(BankCode::as_str))
    .bind(IDLE_MINUTES)
    .fetch_optional(pool)
    .instrument(sql_span("operator's session"))
    .await?;
    row.map(|row| {
        Ok(Session {
            session_id: row.try_get("session_id")?,
            operator: operator_of_row(&row)?,
            role: role_of_row(&row)?,
        })
    })
    .transpose()
}

/// Ends the session of a cookie.
///
/// # Errors
/// The database's.
pub async fn end(pool: &PgPool, cookie: &SessionCookie) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE operator_sessions SET ended_at = now() WHERE session_hash = $1 AND ended_at IS NULL",
    )
    .bind(cookie.hash().as_slice())
    .execute(pool)
    .instrument(sql_span("end operator's session"))
    .await
    .map(drop)
}

/// Forgets sessions that ended, or could no longer be used, so many days ago.
///
/// # Errors
/// The database's.
pub async fn forget_old(pool: &PgPool, kept_days: i32) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query(
        "DELETE FROM operator_sessions WHERE expires_at < now() - make_interval(days => $1)",
    )
    .bind(kept_days)
    .execute(pool)
    .instrument(sql_span("forget operators' sessions"))
    .await?;
    Ok(deleted.rows_affected())
}
