//! Guesses of passwords and PINs: each is reserved in a command of its own before the bank is asked,
//! so that however many requests run side by side, on however many replicas, never more than the
//! limit reach the bank. A guess stays reserved until its verdict is known.

use sqlx::{PgPool, Row as _, postgres::PgRow};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{metrics, store::sql_span};

/// What is guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuessKind {
    /// A password.
    Login,
    /// A 照会用暗証番号.
    Pin,
}

impl GuessKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Pin => "pin",
        }
    }

    fn of(text: &str) -> Self {
        if text == "login" {
            Self::Login
        } else {
            Self::Pin
        }
    }
}

/// The limit that applies to a scope of guesses.
#[derive(Debug, Clone, Copy)]
pub struct GuessLimit {
    /// Wrong guesses in a row that lock.
    pub wrong: u32,
    /// How long the lock lasts, in seconds; none: until a reset.
    pub lock_seconds: Option<u32>,
}

/// A guess to be made.
#[derive(Debug, Clone)]
pub struct Guess<'a> {
    /// The bank.
    pub bank: &'a str,
    /// Password or PIN.
    pub kind: GuessKind,
    /// Whose counter it is: for a login a keyed digest of the login id, for a PIN contract and scope.
    pub scope: &'a str,
    /// The form's key.
    pub command_key: &'a str,
    /// Which guess of that form.
    pub ordinal: i32,
    /// Keyed digest of what is guessed.
    pub secret_mac: &'a [u8],
}

/// What came of a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reservation {
    /// Ask the bank under this id; also where the same form had reserved it before and the verdict is
    /// not known: the bank counts an id once.
    Ask(Uuid),
    /// The same form's guess was judged before.
    Known(Uuid, Settled),
    /// The limit was reached: the bank is not asked.
    Locked,
    /// Guesses under way may reach the limit; until they are judged the bank is not asked.
    Busy,
    /// The form's key was used for another guess.
    KeyReused,
}

/// A verdict as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// Right: the counter starts anew.
    Match,
    /// Wrong: counted.
    Mismatch,
    /// Locked at the bank: not counted.
    BankLocked,
    /// The bank did not take it: not counted.
    Outage,
    /// The bank never saw it and never will: not counted.
    Void,
}

impl Settled {
    fn as_str(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Mismatch => "mismatch",
            Self::BankLocked => "bank_locked",
            Self::Outage => "outage",
            Self::Void => "void",
        }
    }

    fn find(text: &str) -> Option<Self> {
        [
            Self::Match,
            Self::Mismatch,
            Self::BankLocked,
            Self::Outage,
            Self::Void,
        ]
        .into_iter()
        .find(|settled| settled.as_str() == text)
    }
}

/// Whether a scope is locked after a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// It is not.
    Open,
    /// This verdict locked it.
    Reached,
}

/// Reserves a guess: one statement, one commit. The counter's row is what rivals wait on, so that
/// wrong and open guesses together never pass the limit.
///
/// # Errors
/// The database's.
pub async fn reserve(
    pool: &PgPool,
    guess: &Guess<'_>,
    limit: GuessLimit,
) -> Result<Reservation, sqlx::Error> {
    match find(pool, guess).await? {
        // The bank never took it, so it is no guess: the same form may try again.
        Some(Reservation::Known(attempt, Settled::Outage | Settled::Void)) => {
            forget(pool, attempt).await?;
        }
        Some(earlier) => return Ok(earlier),
        None => {}
    }
    let reserved = sqlx::query(
        "WITH counter AS (
            INSERT INTO guess_counters AS c (bank, kind, guess_scope, open)
            VALUES ($1, $2, $3, 1)
            ON CONFLICT (bank, kind, guess_scope) DO UPDATE SET
                open = c.open + 1,
                wrong = CASE WHEN c.locked_until <= now() THEN 0 ELSE c.wrong END,
                locked_until = NULL,
                touched_at = now()
            WHERE (c.locked_until IS NULL AND c.wrong + c.open < $4)
               OR (c.locked_until <= now() AND c.open < $4)
            RETURNING 1
         )
         INSERT INTO guesses (attempt_id, bank, kind, guess_scope, command_key, ordinal, secret_mac)
         SELECT $5, $1, $2, $3, $6, $7, $8 FROM counter
         RETURNING attempt_id",
    )
    .bind(guess.bank)
    .bind(guess.kind.as_str())
    .bind(guess.scope)
    .bind(i32::try_from(limit.wrong).unwrap_or(i32::MAX))
    .bind(Uuid::new_v4())
    .bind(guess.command_key)
    .bind(guess.ordinal)
    .bind(guess.secret_mac)
    .fetch_optional(pool)
    .instrument(sql_span("reserve guess"))
    .await;
    match reserved {
        Ok(Some(row)) => Ok(Reservation::Ask(row.try_get("attempt_id")?)),
        Ok(None) => refused(pool, guess, limit).await,
        Err(sqlx::Error::Database(error)) if error.constraint() == Some("guesses_of_form") => {
            // The same form a moment earlier, on another connection: its guess is this guess.
            find(pool, guess)
                .await
                .map(|found| found.unwrap_or(Reservation::Busy))
        }
        Err(error) => Err(error),
    }
}

async fn find(pool: &PgPool, guess: &Guess<'_>) -> Result<Option<Reservation>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT attempt_id, verdict, secret_mac, guess_scope FROM guesses
         WHERE bank = $1 AND command_key = $2 AND ordinal = $3",
    )
    .bind(guess.bank)
    .bind(guess.command_key)
    .bind(guess.ordinal)
    .fetch_optional(pool)
    .instrument(sql_span("find guess"))
    .await?;
    row.map(|row| earlier(guess, &row)).transpose()
}

/// What an earlier reservation of the same form means for this one.
fn earlier(guess: &Guess<'_>, row: &PgRow) -> Result<Reservation, sqlx::Error> {
    let mac: Vec<u8> = row.try_get("secret_mac")?;
    let scope: String = row.try_get("guess_scope")?;
    if mac != guess.secret_mac || scope != guess.scope {
        return Ok(Reservation::KeyReused);
    }
    let attempt: Uuid = row.try_get("attempt_id")?;
    let verdict: String = row.try_get("verdict")?;
    Ok(match Settled::find(&verdict) {
        None => Reservation::Ask(attempt),
        Some(settled) => Reservation::Known(attempt, settled),
    })
}

async fn forget(pool: &PgPool, attempt: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM guesses WHERE attempt_id = $1 AND verdict IN ('outage', 'void')")
        .bind(attempt)
        .execute(pool)
        .instrument(sql_span("forget guess"))
        .await
        .map(drop)
}

/// Why nothing was reserved, in one statement. A bank that lowers its limit below what is counted
/// locks the scope here, with the next guess.
async fn refused(
    pool: &PgPool,
    guess: &Guess<'_>,
    limit: GuessLimit,
) -> Result<Reservation, sqlx::Error> {
    let row = sqlx::query(
        "WITH lowered AS (
            UPDATE guess_counters SET touched_at = now(),
                locked_until = coalesce(now() + make_interval(secs => $7), 'infinity')
            WHERE bank = $1 AND kind = $4 AND guess_scope = $5
              AND locked_until IS NULL AND wrong >= $6
            RETURNING 1
         )
         SELECT EXISTS (SELECT FROM lowered) OR coalesce(c.locked_until > now(), false) AS locked,
            g.attempt_id, g.verdict, g.secret_mac, g.guess_scope
         FROM (SELECT 1) one
         LEFT JOIN guesses g ON g.bank = $1 AND g.command_key = $2 AND g.ordinal = $3
         LEFT JOIN guess_counters c ON c.bank = $1 AND c.kind = $4 AND c.guess_scope = $5",
    )
    .bind(guess.bank)
    .bind(guess.command_key)
    .bind(guess.ordinal)
    .bind(guess.kind.as_str())
    .bind(guess.scope)
    .bind(i32::try_from(limit.wrong).unwrap_or(i32::MAX))
    .bind(limit.lock_seconds.map(f64::from))
    .fetch_one(pool)
    .instrument(sql_span("judge refused guess"))
    .await?;
    // With the last guess left, a twin of this form may be what holds it.
    if row.try_get::<Option<Uuid>, _>("attempt_id")?.is_some() {
        return earlier(guess, &row);
    }
    let (reservation, word) = if row.try_get("locked")? {
        (Reservation::Locked, "refused_locked")
    } else {
        (Reservation::Busy, "refused_busy")
    };
    metrics::guess_judged(guess.kind.as_str(), word);
    Ok(reservation)
}

/// Whether a scope is locked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locked {
    /// It is: the bank is not asked.
    Yes,
    /// It is not.
    No,
}

/// Whether the scope of a guess is locked.
///
/// # Errors
/// The database's.
pub async fn locked(pool: &PgPool, guess: &Guess<'_>) -> Result<Locked, sqlx::Error> {
    let locked: Option<bool> = sqlx::query_scalar(
        "SELECT locked_until > now() FROM guess_counters
         WHERE bank = $1 AND kind = $2 AND guess_scope = $3 AND locked_until IS NOT NULL",
    )
    .bind(guess.bank)
    .bind(guess.kind.as_str())
    .bind(guess.scope)
    .fetch_optional(pool)
    .instrument(sql_span("find lock of guesses"))
    .await?;
    Ok(if locked == Some(true) {
        Locked::Yes
    } else {
        Locked::No
    })
}

/// What came of recording a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It is the guess's verdict from now on.
    Now(Lock),
    /// The guess had this verdict before, and keeps it, whatever the bank says later.
    Before(Settled),
}

/// Records a verdict, once: one statement, one commit.
///
/// # Errors
/// The database's.
pub async fn settle(
    pool: &PgPool,
    attempt: Uuid,
    settled: Settled,
    limit: GuessLimit,
) -> Result<Recorded, sqlx::Error> {
    let reached: Option<(bool, String)> = sqlx::query_as(
        "WITH guess AS (
            UPDATE guesses SET verdict = $2, settled_at = now()
            WHERE attempt_id = $1 AND verdict = 'reserved'
            RETURNING bank, kind, guess_scope
         )
         UPDATE guess_counters c SET
            open = c.open - 1,
            wrong = CASE $2 WHEN 'match' THEN 0 WHEN 'mismatch' THEN c.wrong + 1 ELSE c.wrong END,
            locked_until = CASE
                WHEN $2 = 'mismatch' AND c.wrong + 1 >= $3
                    THEN coalesce(now() + make_interval(secs => $4), 'infinity')
                WHEN $2 = 'match' THEN NULL
                ELSE c.locked_until END,
            touched_at = now()
         FROM guess g
         WHERE c.bank = g.bank AND c.kind = g.kind AND c.guess_scope = g.guess_scope
         RETURNING c.locked_until IS NOT NULL, c.kind",
    )
    .bind(attempt)
    .bind(settled.as_str())
    .bind(i32::try_from(limit.wrong).unwrap_or(i32::MAX))
    .bind(limit.lock_seconds.map(f64::from))
    .fetch_optional(pool)
    .instrument(sql_span("settle guess"))
    .await?;
    let Some((locked, kind)) = reached else {
        return before(pool, attempt, settled).await.map(Recorded::Before);
    };
    metrics::guess_judged(GuessKind::of(&kind).as_str(), settled.as_str());
    Ok(Recorded::Now(match (settled, locked) {
        (Settled::Mismatch, true) => Lock::Reached,
        _ => Lock::Open,
    }))
}

/// The verdict that a guess has; one that is gone was none.
async fn before(pool: &PgPool, attempt: Uuid, settled: Settled) -> Result<Settled, sqlx::Error> {
    let verdict: Option<String> =
        sqlx::query_scalar("SELECT verdict FROM guesses WHERE attempt_id = $1")
            .bind(attempt)
            .fetch_optional(pool)
            .instrument(sql_span("find verdict of guess"))
            .await?;
    let before = verdict.as_deref().and_then(Settled::find);
    let before = before.unwrap_or(Settled::Void);
    if before != settled {
        tracing::error!(%attempt, ?before, now = ?settled, "the bank contradicts itself");
    }
    Ok(before)
}

/// A guess whose verdict has been unknown for a while.
#[derive(Debug, Clone)]
pub struct Unsettled {
    /// The id that the bank knows it by, if it saw it.
    pub attempt: Uuid,
    /// The bank.
    pub bank: String,
    /// Password or PIN.
    pub kind: GuessKind,
    /// Whose counter it is.
    pub scope: String,
}

/// How long ago the oldest guess without a verdict was reserved, in seconds; none: all are judged.
///
/// # Errors
/// The database's.
pub async fn oldest_unsettled_seconds(pool: &PgPool) -> Result<Option<f64>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT extract(epoch FROM now() - min(reserved_at))::float8 FROM guesses
         WHERE verdict = 'reserved'",
    )
    .fetch_one(pool)
    .instrument(sql_span("find oldest unsettled guess"))
    .await
}

/// Guesses reserved more than `older_than_seconds` ago without a verdict: of each bank the 32 oldest, so
/// that a bank that gives no verdicts does not hold up another's.
///
/// # Errors
/// The database's.
pub async fn unsettled(
    pool: &PgPool,
    older_than_seconds: f64,
) -> Result<Vec<Unsettled>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT attempt_id, bank, kind, guess_scope FROM (
            SELECT *, row_number() OVER (PARTITION BY bank ORDER BY reserved_at) AS place
            FROM guesses
            WHERE verdict = 'reserved' AND reserved_at < now() - make_interval(secs => $1)) old
         WHERE place <= 32",
    )
    .bind(older_than_seconds)
    .fetch_all(pool)
    .instrument(sql_span("find unsettled guesses"))
    .await?;
    rows.into_iter()
        .map(|row| {
            let kind: String = row.try_get("kind")?;
            Ok(Unsettled {
                attempt: row.try_get("attempt_id")?,
                bank: row.try_get("bank")?,
                kind: GuessKind::of(&kind),
                scope: row.try_get("guess_scope")?,
            })
        })
        .collect()
}
