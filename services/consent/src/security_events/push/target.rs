//! Push targets as they stand in the database.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use chrono::{DateTime, Utc};
use consent_domain::{BankCode, ClientId, PartnerId};
use public_events::{Names, PublicEvent};
use sqlx::{FromRow, PgConnection, PgExecutor, PgPool, postgres::types::PgInterval};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::back_off;
use crate::{
    entropy::{opaque_id, random_bytes},
    feed::{
        arrivals::Whose,
        page::{self, Page},
    },
    keys::Keys,
    partner_administration::{Sight, Spending, spend},
    partners::find_client,
    protocol::{
        key_wrap::{DoesNotOpen, KeyEncryptionKey, WrappedKey},
        shared_key::KeyPurpose,
    },
    security_events::refused::{self, Refusal},
    store::{CommandKey, StoreError},
};

/// A lease lasts this long after each event taken; a request ends well before.
const LEASE: Duration = Duration::from_secs(30);
/// Events read at a time.
const PAGE: u32 = 50;
/// An event that is refused so often, with an error about itself, is set aside.
const REFUSALS_MAX: i32 = 5;
/// Longest Authorization header, in bytes.
const AUTHORIZATION_BYTES_MAX: usize = 8 * 1024;

/// Why a target could not be set or removed.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// No such client at the bank.
    #[error("no partner has this client id, or no bank this code")]
    UnknownClient,
    /// There is none to remove.
    #[error("the partner has no push target at this bank")]
    NoTarget,
    /// Empty, too long, or not printable ASCII.
    #[error("the Authorization must be one line of printable ASCII, at most 8192 bytes")]
    Authorization,
    /// The log has no such number: not yet, or it is archived.
    #[error("the log has not come to this number, or it is archived")]
    OutsideOfLog,
    /// The target is not the one that was seen.
    #[error("the push target was changed in the meantime")]
    ChangedMeanwhile,
    /// The key of the order was used for something else.
    #[error("this key was used for something else")]
    KeyReused,
    /// The key-encryption key does not do.
    #[error(transparent)]
    Wrapping(#[from] DoesNotOpen),
    /// The database's.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The value of an Authorization header. Wiped on drop, never printed.
pub struct Authorization(Zeroizing<String>);

impl Authorization {
    /// Reads a value; white space around it is dropped.
    ///
    /// # Errors
    /// [`TargetError::Authorization`].
    pub fn parse(text: &Zeroizing<String>) -> Result<Self, TargetError> {
        let value = Zeroizing::new(text.trim().to_owned());
        let fits = (1..=AUTHORIZATION_BYTES_MAX).contains(&value.len());
        if fits && value.bytes().all(|byte| matches!(byte, 0x20..=0x7E)) {
            Ok(Self(value))
        } else {
            Err(TargetError::Authorization)
        }
    }

    /// Tells two values apart without telling either.
    pub(crate) fn mac(&self, keys: &Keys) -> String {
        keys.mac_text(KeyPurpose::Form, &["push authorization", &self.0])
    }
}

/// A target as an operator sets it.
pub struct PushTarget<'a> {
    /// The bank.
    pub bank: &'a BankCode,
    /// The partner's client.
    pub client: &'a ClientId,
    /// Checked before.
    pub url: &'a str,
    /// What the receiver asks for.
    pub authorization: Option<Authorization>,
    /// Of a new target: the first event is the one after this number of the log; none: the log's end.
    pub after: Option<i64>,
}

/// A target as it stands.
#[derive(Debug, Clone, FromRow)]
pub struct TargetState {
    /// The bank's code.
    pub bank: String,
    /// The partner's client.
    pub client_id: String,
    /// Where to.
    pub url: String,
    /// Of the log.
    pub delivered_to: i64,
    /// How many events of the partner wait, up to 1000.
    pub waiting: i64,
    /// In a row.
    pub failures: i32,
    /// Why, in our words.
    pub last_failure: Option<String>,
    /// When it is tried again.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Who set it.
    pub set_by: String,
}

fn wrapped_name(bank: &str, partner: &str) -> String {
    format!("push_target:{bank}:{partner}")
}

/// What is seen of a partner's target at a bank: where it leads, and when that was set.
///
/// # Errors
/// The database's.
pub async fn sight_of_target(
    executor: impl PgExecutor<'_>,
    bank: &BankCode,
    partner: &PartnerId,
) -> Result<Sight, sqlx::Error> {
    let seen: Option<(String, DateTime<Utc>)> =
        sqlx::query_as("SELECT url, set_at FROM push_targets WHERE bank = $1 AND partner = $2")
            .bind(bank.as_str())
            .bind(partner.as_str())
            .fetch_optional(executor)
            .await?;
    Ok(Sight::of(&seen))
}

/// Under which key a target is changed, and the one that this was decided on.
#[derive(Debug, Default)]
pub struct TargetSeen {
    /// A repeat under it does nothing more.
    pub key: Option<CommandKey>,
    /// Refused where it is another by now.
    pub seen: Option<Sight>,
}

impl TargetSeen {
    /// `false`: done before. One change of a partner's target at a time.
    async fn admit(
        self,
        connection: &mut PgConnection,
        bank: &BankCode,
        partner: &PartnerId,
    ) -> Result<bool, TargetError> {
        sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind(wrapped_name(bank.as_str(), partner.as_str()))
            .execute(&mut *connection)
            .await?;
        match spend(connection, bank.as_str(), self.key.as_ref()).await? {
            Spending::First => {}
            Spending::Before => return Ok(false),
            Spending::Another => return Err(TargetError::KeyReused),
        }
        match self.seen {
            Some(seen) if seen != sight_of_target(connection, bank, partner).await? => {
                Err(TargetError::ChangedMeanwhile)
            }
            _ => Ok(true),
        }
    }
}

/// Sets a partner's target at a bank. One that is there keeps its place in the log and is tried at once.
///
/// # Errors
/// [`TargetError`].
pub async fn set_target(
    pool: &PgPool,
    kek: &KeyEncryptionKey,
    target: PushTarget<'_>,
    operator: &str,
) -> Result<(), TargetError> {
    set_target_seen(pool, kek, target, (operator, TargetSeen::default())).await
}

/// The same, where the target is still the one that was seen.
///
/// # Errors
/// [`TargetError`].
pub async fn set_target_seen(
    pool: &PgPool,
    kek: &KeyEncryptionKey,
    target: PushTarget<'_>,
    (operator, seen): (&str, TargetSeen),
) -> Result<(), TargetError> {
    let found = find_client(pool, target.bank, target.client).await?;
    let partner = found.ok_or(TargetError::UnknownClient)?.partner;
    let wrapped = match &target.authorization {
        None => None,
        Some(authorization) => Some(kek.wrap(
            &wrapped_name(target.bank.as_str(), partner.as_str()),
            authorization.0.as_bytes(),
            *random_bytes(),
        )?),
    };
    let (ciphertext, nonce) = wrapped.map(|w| (w.ciphertext, w.nonce)).unzip();
    let mut transaction = pool.begin().await?;
    if !seen.admit(&mut transaction, target.bank, &partner).await? {
        return Ok(());
    }
    let set = sqlx::query(
        "INSERT INTO push_targets (bank, partner, client_id, url, authorization_wrapped,
             authorization_nonce, set_by, delivered_to)
         SELECT $1, $2, $3, $4, $5, $6, $7, coalesce($8, global_sequence) FROM sequencer
         WHERE coalesce($8, global_sequence) BETWEEN archived_to() AND global_sequence
         ON CONFLICT (bank, partner) DO UPDATE SET client_id = excluded.client_id, url = excluded.url,
             authorization_wrapped = excluded.authorization_wrapped,
             authorization_nonce = excluded.authorization_nonce, set_by = excluded.set_by,
             set_at = now(), failures = 0, refusals = 0, next_attempt_at = '-infinity', last_failure = NULL,
             failed_at = NULL, lease = NULL, leased_until = '-infinity',
             delivered_to = coalesce($8, push_targets.delivered_to)",
    )
    .bind(target.bank.as_str())
    .bind(partner.as_str())
    .bind(target.client.as_str())
    .bind(target.url)
    .bind(ciphertext)
    .bind(nonce)
    .bind(operator)
    .bind(target.after)
    .execute(&mut *transaction)
    .await?;
    if set.rows_affected() == 0 {
        return Err(TargetError::OutsideOfLog);
    }
    let act = ("set", target.url);
    record_act(&mut transaction, target.bank, &partner, act, operator).await?;
    Ok(transaction.commit().await?)
}

/// Removes a partner's target at a bank.
///
/// # Errors
/// [`TargetError`].
pub async fn remove_target(
    pool: &PgPool,
    bank: &BankCode,
    client: &ClientId,
    operator: &str,
) -> Result<(), TargetError> {
    let seen = (operator, TargetSeen::default());
    remove_target_seen(pool, bank, client, seen).await
}

/// The same, where the target is still the one that was seen.
///
/// # Errors
/// [`TargetError`].
pub async fn remove_target_seen(
    pool: &PgPool,
    bank: &BankCode,
    client: &ClientId,
    (operator, seen): (&str, TargetSeen),
) -> Result<(), TargetError> {
    let found = find_client(pool, bank, client).await?;
    let whose = found.ok_or(TargetError::NoTarget)?.partner;
    let mut transaction = pool.begin().await?;
    if !seen.admit(&mut transaction, bank, &whose).await? {
        return Ok(());
    }
    let removed: Option<(String, String)> = sqlx::query_as(
        "DELETE FROM push_targets WHERE bank = $1 AND client_id = $2 RETURNING partner, url",
    )
    .bind(bank.as_str())
    .bind(client.as_str())
    .fetch_optional(&mut *transaction)
    .await?;
    let (partner, url) = removed.ok_or(TargetError::NoTarget)?;
    let partner = PartnerId::parse(partner).map_err(|_| TargetError::NoTarget)?;
    record_act(
        &mut transaction,
        bank,
        &partner,
        ("removed", &url),
        operator,
    )
    .await?;
    Ok(transaction.commit().await?)
}

async fn record_act(
    connection: &mut PgConnection,
    bank: &BankCode,
    partner: &PartnerId,
    (act, url): (&str, &str),
    operator: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO push_target_acts (bank, partner, act, url, operator) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(bank.as_str())
    .bind(partner.as_str())
    .bind(act)
    .bind(url)
    .bind(operator)
    .execute(connection)
    .await
    .map(drop)
}

/// Events of a target's partner beyond what was delivered, by the index `event_log_of_partner`.
const WAITING: &str = "SELECT FROM event_log l
    WHERE (l.bank, l.partner, l.global_sequence) > (t.bank, t.partner, t.delivered_to)
        AND (l.bank, l.partner, l.global_sequence) <= (t.bank, t.partner, 9223372036854775807)
        AND l.aggregate_type NOT IN ('journey', 'contract', 'partner', 'bank')";

/// Every target.
///
/// # Errors
/// The database's.
pub async fn list_targets(pool: &PgPool) -> Result<Vec<TargetState>, sqlx::Error> {
    sqlx::query_as(&format!(
        "SELECT bank, client_id, url, delivered_to, failures, last_failure, set_by,
             (SELECT count(*) FROM ({WAITING} LIMIT 1000) w) AS waiting,
             CASE WHEN failures > 0 AND isfinite(next_attempt_at) THEN next_attempt_at END AS next_attempt_at
         FROM push_targets t ORDER BY bank, client_id"
    ))
    .fetch_all(pool)
    .await
}

/// A target that this process delivers to.
pub(super) struct Lease {
    pub whose: Whose,
    pub client_id: String,
    pub url: String,
    wrapped: Option<WrappedKey>,
    refusals: i32,
    delivered_to: AtomicI64,
    id: Uuid,
}

#[derive(FromRow)]
struct Claimed {
    bank: String,
    partner: String,
    client_id: String,
    url: String,
    authorization_wrapped: Option<Vec<u8>>,
    authorization_nonce: Option<Vec<u8>>,
    refusals: i32,
    delivered_to: i64,
}

fn interval(duration: Duration) -> PgInterval {
    PgInterval {
        months: 0,
        days: 0,
        microseconds: i64::try_from(duration.as_micros()).unwrap_or(i64::MAX),
    }
}

/// Takes on a target that has something to deliver, is due, and is nobody's now.
pub(super) async fn claim(pool: &PgPool) -> Result<Option<Lease>, sqlx::Error> {
    let id = opaque_id();
    let claimed: Option<Claimed> = sqlx::query_as(&format!(
        "UPDATE push_targets SET lease = $1, leased_until = clock_timestamp() + $2
         WHERE (bank, partner) = (
             SELECT t.bank, t.partner FROM push_targets t
             WHERE t.leased_until <= clock_timestamp() AND t.next_attempt_at <= clock_timestamp()
                 AND EXISTS ({WAITING})
             ORDER BY t.next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED
         )
         RETURNING bank, partner, client_id, url, authorization_wrapped, authorization_nonce,
             refusals, delivered_to"
    ))
    .bind(id)
    .bind(interval(LEASE))
    .fetch_optional(pool)
    .await?;
    let Some(row) = claimed else { return Ok(None) };
    let invalid = |error: consent_domain::InvalidId| sqlx::Error::Decode(error.into());
    Ok(Some(Lease {
        whose: Whose {
            bank: BankCode::parse(row.bank).map_err(invalid)?,
            partner: PartnerId::parse(row.partner).map_err(invalid)?,
        },
        client_id: row.client_id,
        url: row.url,
        wrapped: row
            .authorization_wrapped
            .zip(row.authorization_nonce)
            .map(|(ciphertext, nonce)| WrappedKey { ciphertext, nonce }),
        refusals: row.refusals,
        delivered_to: AtomicI64::new(row.delivered_to),
        id,
    }))
}

/// Gives a target back.
pub(super) async fn release(pool: &PgPool, lease: &Lease) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE push_targets SET lease = NULL, leased_until = '-infinity' WHERE lease = $1")
        .bind(lease.id)
        .execute(pool)
        .await
        .map(drop)
}

impl Lease {
    pub(super) fn delivered_to(&self) -> i64 {
        self.delivered_to.load(Ordering::Relaxed)
    }

    /// The header to send, where there is one.
    pub(super) fn authorization(
        &self,
        kek: &KeyEncryptionKey,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, DoesNotOpen> {
        let name = wrapped_name(self.whose.bank.as_str(), self.whose.partner.as_str());
        self.wrapped
            .as_ref()
            .map(|wrapped| kek.unwrap(&name, wrapped))
            .transpose()
    }

    pub(super) async fn next_events(
        &self,
        connection: &mut PgConnection,
        names: &Names,
    ) -> Result<Page, sqlx::Error> {
        page::read(
            connection,
            names,
            self.whose.clone(),
            self.delivered_to(),
            PAGE,
        )
        .await
    }

    /// Whether one more refusal of the lease's first event sets it aside.
    pub(super) fn is_last_attempt(&self) -> bool {
        self.refusals + 1 >= REFUSALS_MAX
    }

    /// The target has everything up to a number; `false`: the lease is another's now.
    pub(super) async fn delivered(&self, pool: &PgPool, number: i64) -> Result<bool, sqlx::Error> {
        let updated = sqlx::query(
            "UPDATE push_targets SET delivered_to = $2, delivered_at = now(), failures = 0, refusals = 0,
                 last_failure = NULL, failed_at = NULL, leased_until = clock_timestamp() + $3
             WHERE lease = $1 AND leased_until > clock_timestamp()",
        )
        .bind(self.id)
        .bind(number)
        .bind(interval(LEASE))
        .execute(pool)
        .await?;
        self.delivered_to.store(number, Ordering::Relaxed);
        Ok(updated.rows_affected() == 1)
    }

    /// Keeps the refusal of an event for operators, and goes on behind it.
    pub(super) async fn set_aside(
        &self,
        pool: &PgPool,
        event: &PublicEvent,
        error: &str,
        description: &str,
    ) -> Result<bool, sqlx::Error> {
        let refusal = Refusal {
            delivery: "push",
            jti: event.attributes.id,
            error,
            description,
        };
        refused::record(pool, &self.whose, &refusal).await?;
        self.delivered(pool, event.attributes.global_sequence).await
    }

    /// The event was refused, not for the last time; the next attempt comes later.
    pub(super) async fn refused(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE push_targets SET refusals = refusals + 1 WHERE lease = $1")
            .bind(self.id)
            .execute(pool)
            .await?;
        self.failed(pool, "the receiver refused the token (400)")
            .await
    }

    /// The next attempt comes later; the target is given back.
    pub(super) async fn failed(&self, pool: &PgPool, why: &'static str) -> Result<(), sqlx::Error> {
        let failures: Option<i32> =
            sqlx::query_scalar("SELECT failures FROM push_targets WHERE lease = $1")
                .bind(self.id)
                .fetch_optional(pool)
                .await?;
        let Some(failures) = failures.map(|before| before.saturating_add(1)) else {
            return Ok(());
        };
        tracing::warn!(
            bank = %self.whose.bank, partner = %self.whose.partner, failures, why,
            "a push target did not take an event"
        );
        sqlx::query(
            "UPDATE push_targets SET failures = $2, last_failure = $3, failed_at = now(),
                 next_attempt_at = clock_timestamp() + $4, lease = NULL, leased_until = '-infinity'
             WHERE lease = $1",
        )
        .bind(self.id)
        .bind(failures)
        .bind(why)
        .bind(interval(back_off::after(failures.unsigned_abs())))
        .execute(pool)
        .await
        .map(drop)
    }
}
