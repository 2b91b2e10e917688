//! Bank sessions: on the server, found by the cookie's hash.

use crate::store::sql_span;
use consent_domain::{BankCode, ContractId, Instant, JourneyId, UserId};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tracing::Instrument as _;

use super::cookie::BrowserCookie;
use crate::{bank_port::Subject, protocol::digest::sha256, sealed};

/// A bank session as the database has it.
#[derive(Debug, Clone)]
pub(super) struct BankSession {
    /// Who logged in.
    pub subject: Subject,
    /// What the pages call them.
    pub names: Names,
    /// Since when nothing was done.
    pub last_seen_at: Instant,
    /// Whether it has ended, and how.
    pub ended: Option<SessionEnd>,
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SessionEnd {
    /// Idle for too long; the journey may be resumed by a new login.
    Idle,
    /// With its journey.
    Journey,
    /// A later login of the same journey took its place.
    Replaced,
}

/// Login name and 団体, for showing only.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Names {
    pub login_name: String,
    pub contract_name: String,
}

impl Names {
    /// Encrypted under a key that only the browser's cookie gives: the database alone can't read it.
    pub(crate) fn seal(&self, cookie: &BrowserCookie) -> Option<Vec<u8>> {
        sealed::seal(&key_of(cookie), "", &serde_json::to_vec(self).ok()?)
    }

    pub(crate) fn open(stored: &[u8], cookie: &BrowserCookie) -> Option<Self> {
        serde_json::from_slice(&sealed::open(&key_of(cookie), "", stored)?).ok()
    }
}

/// The key stands for the session, so that the names need no other name to be bound to.
fn key_of(cookie: &BrowserCookie) -> [u8; 32] {
    sha256(format!("names of a bank session\n{}", cookie.as_str()).as_bytes())
}

/// Reads the columns of `bank_sessions` that a page's read brings along.
pub(super) struct SessionColumns {
    pub contract: String,
    pub user: String,
    pub names_sealed: Vec<u8>,
    pub idle_at: Instant,
    pub last_seen_at: Instant,
    pub end_reason: Option<String>,
    pub latest: Latest,
}

/// Whether a session is the last that its journey opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Latest {
    Yes,
    No,
}

impl BankSession {
    pub(super) fn read(
        columns: SessionColumns,
        cookie: &BrowserCookie,
        now: Instant,
    ) -> Option<Self> {
        let ended = match columns.end_reason {
            Some(_) => Some(SessionEnd::Journey),
            None if columns.latest == Latest::No => Some(SessionEnd::Replaced),
            None if columns.idle_at <= now => Some(SessionEnd::Idle),
            None => None,
        };
        Some(Self {
            subject: Subject {
                contract: ContractId::parse(columns.contract).ok()?,
                user: UserId::parse(columns.user).ok()?,
            },
            names: Names::open(&columns.names_sealed, cookie)?,
            last_seen_at: columns.last_seen_at,
            ended,
        })
    }
}

/// Notes that the customer looked at a page.
///
/// # Errors
/// The database's.
pub(super) async fn touch(pool: &PgPool, cookie: &BrowserCookie) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE bank_sessions SET last_seen_at = now()
         WHERE session_hash = $1 AND ended_at IS NULL
           AND last_seen_at + make_interval(secs => idle_seconds) > now()",
    )
    .bind(cookie.hash().to_vec())
    .execute(pool)
    .instrument(sql_span("touch session"))
    .await
    .map(drop)
}

/// Whether any bank session of the journey was alive at that time.
///
/// # Errors
/// The database's.
pub(crate) async fn was_alive(
    pool: &PgPool,
    bank: &BankCode,
    journey: &JourneyId,
    at: Instant,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM bank_sessions
         WHERE bank = $1 AND journey_id = $2 AND ended_at IS NULL
           AND last_seen_at + make_interval(secs => idle_seconds) > $3)",
    )
    .bind(bank.as_str())
    .bind(journey.as_str())
    .bind(at)
    .fetch_one(pool)
    .instrument(sql_span("find session at time"))
    .await
}
