//! Bank sessions of these pages: on the server, found by the cookie's hash. A row is also the record of a
//! login outside a journey.

use chrono::TimeDelta;
use consent_domain::{
    ContractId, Instant, UserId,
    journey::{LoginMethod, UserRole},
};
use sqlx::{PgPool, Row as _, postgres::PgRow};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{
    bank_port::Subject,
    journey::{BrowserCookie, Names},
    store::{CommandKey, sql_span},
};

/// However much is done in it, a session ends so many hours after its login; the cookie lives as long.
const LONGEST_HOURS: i32 = 2;

/// A bank session as the database has it.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// Who logged in.
    pub subject: Subject,
    /// Master or general user, as the bank said at the login.
    pub role: UserRole,
    /// What the pages call them.
    pub names: Names,
    /// The bank's attempt that the login was.
    pub attempt: Uuid,
    /// When they logged in.
    pub login_at: Instant,
    /// Idle time that ends it, in seconds.
    pub idle_seconds: u32,
    /// When it ends whatever is done.
    pub ends_at: Instant,
    /// Since when nothing was done.
    pub last_seen_at: Instant,
    /// Whether it goes on.
    pub life: Life,
}

/// Whether a session goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Alive,
    /// Its time is over.
    Over,
    /// The customer logged out.
    LoggedOut,
}

/// The columns of a session `s`, for a page's read.
pub(super) const COLUMNS: &str = "
    s.contract, s.bank_user, s.role, s.attempt_id, s.names_sealed, s.idle_seconds, s.last_seen_at,
    s.login_at, s.ended_at, s.last_seen_at + make_interval(secs => s.idle_seconds) AS idle_at";

impl Session {
    /// The session of a page's read, if the cookie is one's.
    pub(super) fn read(
        row: &PgRow,
        cookie: &BrowserCookie,
        now: Instant,
    ) -> Result<Option<Self>, sqlx::Error> {
        let Some(contract) = row.try_get::<Option<String>, _>("contract")? else {
            return Ok(None);
        };
        let user: String = row.try_get("bank_user")?;
        let role: String = row.try_get("role")?;
        let names: Vec<u8> = row.try_get("names_sealed")?;
        let (Ok(contract), Ok(user), Some(names)) = (
            ContractId::parse(contract),
            UserId::parse(user),
            Names::open(&names, cookie),
        ) else {
            return Ok(None);
        };
        let (idle_at, login_at): (Instant, Instant) =
            (row.try_get("idle_at")?, row.try_get("login_at")?);
        let ends_at = login_at + TimeDelta::hours(LONGEST_HOURS.into());
        let logged_out: Option<Instant> = row.try_get("ended_at")?;
        let idle_seconds: i32 = row.try_get("idle_seconds")?;
        Ok(Some(Self {
            subject: Subject { contract, user },
            role: role_of(&role),
            names,
            attempt: row.try_get("attempt_id")?,
            login_at,
            idle_seconds: u32::try_from(idle_seconds).unwrap_or(0),
            ends_at,
            last_seen_at: row.try_get("last_seen_at")?,
            life: match logged_out {
                Some(_) => Life::LoggedOut,
                None if idle_at <= now || ends_at <= now => Life::Over,
                None => Life::Alive,
            },
        }))
    }
}

fn role_of(word: &str) -> UserRole {
    match word {
        "master" => UserRole::Master,
        _ => UserRole::General,
    }
}

fn word_of(role: UserRole) -> &'static str {
    match role {
        UserRole::Master => "master",
        UserRole::General => "general",
    }
}

fn word_of_method(method: LoginMethod) -> &'static str {
    match method {
        LoginMethod::Password => "password",
        LoginMethod::Certificate => "certificate",
    }
}

/// A login that the bank let in.
pub(super) struct Opened {
    pub subject: Subject,
    pub role: UserRole,
    pub names: Names,
    pub method: LoginMethod,
    pub attempt: Uuid,
}

/// Opens a session under a cookie, which so many idle seconds end, and spends the form's key, at once. A form
/// that is sent again finds the key spent, and opens none.
///
/// # Errors
/// The database's.
pub(super) async fn open(
    pool: &PgPool,
    (bank, idle_seconds): (&str, u32),
    (cookie, names_sealed): (&BrowserCookie, Vec<u8>),
    login: &Opened,
    key: &CommandKey,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "WITH spent AS (
            INSERT INTO command_keys (bank, command_key, content_mac, outcome)
            VALUES ($1, $2, $3, $4) ON CONFLICT (bank, command_key) DO NOTHING RETURNING bank)
         INSERT INTO customer_sessions (session_hash, bank, contract, bank_user, role, attempt_id,
            names_sealed, idle_seconds, method)
         SELECT $5, bank, $6, $7, $8, $9, $10, $11, $12 FROM spent",
    )
    .bind(bank)
    .bind(&key.key)
    .bind(&key.content_mac)
    .bind(&key.outcome)
    .bind(cookie.hash().to_vec())
    .bind(login.subject.contract.as_str())
    .bind(login.subject.user.as_str())
    .bind(word_of(login.role))
    .bind(login.attempt)
    .bind(names_sealed)
    .bind(i32::try_from(idle_seconds).unwrap_or(i32::MAX))
    .bind(word_of_method(login.method))
    .execute(pool)
    .instrument(sql_span("open customer session"))
    .await
    .map(drop)
}

/// Notes that the customer looked at a page.
///
/// # Errors
/// The database's.
pub(super) async fn touch(pool: &PgPool, cookie: &BrowserCookie) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE customer_sessions SET last_seen_at = now()
         WHERE session_hash = $1 AND ended_at IS NULL
           AND last_seen_at + make_interval(secs => idle_seconds) > now()
           AND login_at + make_interval(hours => $2) > now()",
    )
    .bind(cookie.hash().to_vec())
    .bind(LONGEST_HOURS)
    .execute(pool)
    .instrument(sql_span("touch customer session"))
    .await
    .map(drop)
}

/// Ends it, for good.
///
/// # Errors
/// The database's.
pub(super) async fn end(pool: &PgPool, cookie: &BrowserCookie) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE customer_sessions SET ended_at = now() WHERE session_hash = $1 AND ended_at IS NULL",
    )
    .bind(cookie.hash().to_vec())
    .execute(pool)
    .instrument(sql_span("end customer session"))
    .await
    .map(drop)
}

/// Forgets the logins of more than 30 days ago.
///
/// # Errors
/// The database's.
pub(crate) async fn forget(pool: &PgPool, kept_days: i32) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM customer_sessions WHERE login_at < now() - make_interval(days => $1)")
        .bind(kept_days)
        .execute(pool)
        .instrument(sql_span("forget customer sessions"))
        .await
        .map(drop)
}
