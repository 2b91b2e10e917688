//! What operators decide about a bulk revocation: each step once, by whom, written with the change.

use consent_domain::{BankCode, Instant};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{BulkError, BulkRevocation, COLUMNS, State};

/// How long a preview may be approved, and an approval used, in seconds: a day.
pub(super) const VALID_SECONDS: f64 = 86_400.0;

/// What an operator wants of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A second person approves what was previewed, named by its digest in lower-case hex.
    Approve {
        /// The digest that this person saw.
        digest: String,
    },
    /// Revocations begin.
    Start,
    /// They stop for the time being; a batch that a replica holds, at most a second's worth, is finished.
    Pause,
    /// They go on.
    Resume,
    /// They end; what was revoked stays revoked.
    Cancel,
}

/// What a step leads to.
enum Next {
    /// It is so already, by the same operator.
    AsIs,
    /// A new state.
    To(State),
}

impl Step {
    fn act(&self) -> &'static str {
        match self {
            Self::Approve { .. } => "approved",
            Self::Start => "started",
            Self::Pause => "paused",
            Self::Resume => "resumed",
            Self::Cancel => "cancelled",
        }
    }

    fn decide(&self, it: &BulkRevocation, operator: &str, now: Instant) -> Result<Next, BulkError> {
        match self {
            Self::Approve { digest } => approve(it, operator, digest, now),
            Self::Start => start(it, operator, now),
            Self::Pause => match it.state {
                State::Running => Ok(Next::To(State::Paused)),
                State::Paused => Ok(Next::AsIs),
                other => Err(BulkError::WrongState(other)),
            },
            Self::Resume => match it.state {
                State::Paused => Ok(Next::To(State::Running)),
                State::Running => Ok(Next::AsIs),
                other => Err(BulkError::WrongState(other)),
            },
            Self::Cancel => match it.state {
                State::Previewed | State::Approved | State::Running | State::Paused => {
                    Ok(Next::To(State::Cancelled))
                }
                State::Cancelled => Ok(Next::AsIs),
                other @ (State::Preparing | State::Completed) => Err(BulkError::WrongState(other)),
            },
        }
    }
}

fn approve(
    it: &BulkRevocation,
    operator: &str,
    digest: &str,
    now: Instant,
) -> Result<Next, BulkError> {
    if it.state == State::Preparing {
        return Err(BulkError::WrongState(it.state));
    }
    if it.requested_by == operator {
        return Err(BulkError::SamePerson);
    }
    if it.digest().as_deref() != Some(digest) {
        return Err(BulkError::DigestDiffers);
    }
    if it.approved_by.as_deref() == Some(operator) {
        return Ok(Next::AsIs);
    }
    match it.state {
        State::Previewed if expired(it, now) => Err(BulkError::Expired),
        State::Previewed => Ok(Next::To(State::Approved)),
        other => Err(BulkError::WrongState(other)),
    }
}

fn start(it: &BulkRevocation, operator: &str, now: Instant) -> Result<Next, BulkError> {
    if it.started_by.as_deref() == Some(operator) {
        return Ok(Next::AsIs);
    }
    match it.state {
        State::Previewed if it.needs_approval => Err(BulkError::NeedsApproval),
        State::Previewed | State::Approved if expired(it, now) => Err(BulkError::Expired),
        State::Previewed | State::Approved => Ok(Next::To(State::Running)),
        other => Err(BulkError::WrongState(other)),
    }
}

fn expired(it: &BulkRevocation, now: Instant) -> bool {
    it.valid_until.is_none_or(|until| until <= now)
}

/// Takes a step. One that was taken before, by the same operator where it matters who, changes nothing.
///
/// # Errors
/// [`BulkError`].
pub async fn take(
    pool: &PgPool,
    bank: &BankCode,
    id: Uuid,
    operator: &str,
    step: &Step,
) -> Result<BulkRevocation, BulkError> {
    let mut transaction = pool.begin().await?;
    let found: Option<BulkRevocation> = sqlx::query_as(&format!(
        "SELECT {COLUMNS} FROM bulk_revocations WHERE bank = $1 AND bulk_id = $2 FOR UPDATE",
    ))
    .bind(bank.as_str())
    .bind(id)
    .fetch_optional(&mut *transaction)
    .await?;
    let it = found.ok_or(BulkError::Unknown)?;
    let now: Instant = sqlx::query_scalar("SELECT clock_timestamp()")
        .fetch_one(&mut *transaction)
        .await?;
    let state = match step.decide(&it, operator, now)? {
        Next::AsIs => return Ok(it),
        Next::To(state) => state,
    };
    let changed = change(&mut transaction, &it, operator, step, state).await?;
    transaction.commit().await?;
    Ok(changed)
}

async fn change(
    connection: &mut PgConnection,
    it: &BulkRevocation,
    operator: &str,
    step: &Step,
    state: State,
) -> Result<BulkRevocation, sqlx::Error> {
    sqlx::query(
        "INSERT INTO bulk_revocation_acts (bank, bulk_id, act, operator) VALUES ($1, $2, $3, $4)",
    )
    .bind(&it.bank)
    .bind(it.bulk_id)
    .bind(step.act())
    .bind(operator)
    .execute(&mut *connection)
    .await?;
    let with = match step {
        Step::Approve { .. } => {
            ", approved_by = $4, approved_at = now(), valid_until = now() + make_interval(secs => $5)"
        }
        Step::Start => ", started_by = $4, started_at = now()",
        Step::Cancel => ", ended_at = now()",
        Step::Pause | Step::Resume => "",
    };
    // Every placeholder has to be used: the conditions after `bulk_id` hold always.
    sqlx::query_as(&format!(
        "UPDATE bulk_revocations SET state = $3 {with}
         WHERE bank = $1 AND bulk_id = $2 AND $4::text IS NOT NULL AND $5::float8 > 0
         RETURNING {COLUMNS}"
    ))
    .bind(&it.bank)
    .bind(it.bulk_id)
    .bind(state.as_str())
    .bind(operator)
    .bind(VALID_SECONDS)
    .fetch_one(connection)
    .await
}
