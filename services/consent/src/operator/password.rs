//! Logging in at the console. A guess is counted before it is looked at, so that guesses side by side, on
//! whatever replicas, are never more than the limit; an unknown id is counted too, and answered alike.

use sqlx::{PgPool, Row as _};
use tracing::Instrument as _;
use zeroize::Zeroizing;

use super::{
    Act, Admitted, Operator, OperatorId, Subject, Via, acts::Entry, bearer::operator_of_row,
    password_hash, session,
};
use crate::{app::App, protocol::digest::sha256, request_context::RequestContext, store::sql_span};

/// Wrong passwords in a row that lock an id.
pub const WRONG_MAX: i32 = 5;
/// How long a lock lasts, in minutes.
pub const LOCK_MINUTES: i32 = 15;

/// Why a login failed.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Unknown, wrong, disabled or locked: one answer for all.
    #[error("the id or the password is wrong, or the id is locked")]
    Refused,
    /// The database's.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// A login that succeeded.
pub struct LoggedIn {
    /// To be set in the browser.
    pub cookie: session::SessionCookie,
    /// Who.
    pub who: Admitted,
}

/// Logs an operator in: counts the guess, compares, and opens a session. Recorded as `log_in`.
///
/// # Errors
/// [`LoginError`].
pub async fn log_in(
    app: &App,
    id: &str,
    password: Zeroizing<String>,
    request: RequestContext,
) -> Result<LoggedIn, LoginError> {
    // What can't be an id is counted and compared like one that nobody has.
    let id = OperatorId::parse(id).ok();
    let guess = reserve(&app.pool, id.as_ref()).await?;
    let stored = guess.password_hash.filter(|_| guess.is_allowed);
    let is_right = password_hash::verify(password, stored).await;
    let act = || Act::on("log_in", Subject::of_kind("console"));
    match guess.operator {
        Some(operator) if is_right => {
            forgive(&app.pool, &operator.id).await?;
            let opened = session::open(&app.pool, &operator.id).await?;
            let who = Admitted {
                operator,
                via: Via::Console,
                credential: opened.session_id,
                request,
            };
            who.record(&app.pool, act()).await?;
            Ok(LoggedIn {
                cookie: opened.cookie,
                who,
            })
        }
        Some(operator) if guess.is_allowed => {
            let entry = Entry {
                operator: operator.id.as_str(),
                via: Via::Console,
                credential: None,
                bank: None,
                request_id: Some(&request.request_id),
                outcome: "refused",
            };
            entry.write(&app.pool, act()).await?;
            Err(LoginError::Refused)
        }
        // While it is locked, and for ids that nobody has, no rows at an attacker's will.
        _ => Err(LoginError::Refused),
    }
}

struct Guess {
    operator: Option<Operator>,
    password_hash: Option<String>,
    is_allowed: bool,
}

/// Counts a guess before it is looked at: one statement, and the same work for every id.
async fn reserve(pool: &PgPool, id: Option<&OperatorId>) -> Result<Guess, sqlx::Error> {
    let typed = id.map(OperatorId::as_str);
    // Ids that nobody has share 1024 counters, so that the table is bounded.
    let [first, second, ..] = sha256(typed.unwrap_or_default().as_bytes());
    let unknown = i32::from(u16::from_be_bytes([first, second]) % 1024);
    let row = sqlx::query(
        "WITH known AS (
            SELECT o.operator_id, o.name, p.password_hash
            FROM operators o JOIN operator_passwords p USING (operator_id)
            WHERE o.operator_id = $1 AND o.disabled_at IS NULL),
         counted AS (
            INSERT INTO operator_login_counters AS c (slot, wrong)
            SELECT coalesce((SELECT 'known:' || operator_id FROM known), 'unknown:' || $2::int), 1
            ON CONFLICT (slot) DO UPDATE SET
                wrong = CASE WHEN c.locked_until <= now() THEN 1
                    ELSE least(c.wrong + 1, $3 + 1) END,
                locked_until = CASE WHEN c.locked_until <= now() THEN NULL
                    WHEN c.wrong + 1 >= $3
                        THEN coalesce(c.locked_until, now() + make_interval(mins => $4)) END
            RETURNING wrong)
         SELECT counted.wrong, known.* FROM counted LEFT JOIN known ON true",
    )
    .bind(typed)
    .bind(unknown)
    .bind(WRONG_MAX)
    .bind(LOCK_MINUTES)
    .fetch_one(pool)
    .instrument(sql_span("count login"))
    .await?;
    let wrong: i32 = row.try_get("wrong")?;
    let known: Option<String> = row.try_get("operator_id")?;
    Ok(Guess {
        operator: known.map(|_| operator_of_row(&row)).transpose()?,
        password_hash: row.try_get("password_hash")?,
        is_allowed: wrong <= WRONG_MAX,
    })
}

async fn forgive(pool: &PgPool, id: &OperatorId) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE operator_login_counters SET wrong = 0, locked_until = NULL
         WHERE slot = 'known:' || $1",
    )
    .bind(id.as_str())
    .execute(pool)
    .instrument(sql_span("forgive login"))
    .await
    .map(drop)
}
