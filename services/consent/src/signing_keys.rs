//! Rotation of the keys that sign: publish, activate, retire, and revoke one that got out. Each act is one
//! transaction with its record, so a rotation that is interrupted goes on from where the database says it is.
//! Replicas read what was done by themselves ([`crate::keys::watch`]). Why it is so: docs/decisions/0051.

use chrono::{DateTime, TimeDelta, Utc};
use consent_domain::BankCode;
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{FromRow, PgPool, Postgres, Transaction, postgres::PgPoolOptions};

use crate::{
    operator::{Act, Order, Subject, record_by_command_line},
    protocol::{
        key_wrap::KeyEncryptionKey,
        keys::{
            KeyError, NewSigningKey, PUBLISHED_SECONDS, RETIRED_SECONDS, SigningKeyState,
            insert_signing_key, must_open_stored,
        },
    },
};

/// Why a key was not changed. Nothing was, then.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// The database's.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A key could not be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// There is none.
    #[error("there is no signing key {0}; `consent signing-key list` tells which there are")]
    Unknown(String),
    /// That is not on the platform.
    #[error("bank {0} is not registered")]
    UnknownBank(BankCode),
    /// One at a time: the key set stays small, and a publication that is repeated makes no second key.
    #[error(
        "{0} is published and waits to sign: activate it, or retire it, before another is published"
    )]
    AlreadyPublished(String),
    /// Verifiers may not know it yet.
    #[error(
        "{kid} was published too short a time ago: there may be verifiers that don't know it until \
         {may_sign_from}; activate it then, or now with --now"
    )]
    TooEarly {
        /// The key.
        kid: String,
        /// By then all do.
        may_sign_from: DateTime<Utc>,
    },
    /// It signs no more.
    #[error("{kid} is {}; publish another one", .state.as_str())]
    Over {
        /// The key.
        kid: String,
        /// What it is.
        state: SigningKeyState,
    },
    /// Nothing would be left to sign with.
    #[error("{0} signs, and no other key would: activate another one, which retires it")]
    Needed(String),
}

/// When a published key is to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Once every verifier knows it.
    Known,
    /// At once: see [`Activated::breaks`].
    Now,
}

/// A signing key, without what is secret.
#[derive(Debug, Clone, FromRow, Serialize)]
pub struct SigningKeyRecord {
    /// Its id.
    pub kid: String,
    /// Whose; none: every bank's that has no own.
    pub bank: Option<String>,
    /// Where it is in its life.
    #[sqlx(try_from = "String")]
    pub state: SigningKeyState,
    /// In the key set since.
    pub published_at: DateTime<Utc>,
    /// Every verifier knows it from here on.
    pub may_sign_from: DateTime<Utc>,
    /// It signs, or signed, since; none: it never did, or a release before this one made it sign.
    pub signs_since: Option<DateTime<Utc>>,
    /// It signed until.
    pub signed_until: Option<DateTime<Utc>>,
    /// It left the key set, or will: the last token that it signed has ended then.
    pub in_key_set_until: Option<DateTime<Utc>>,
    /// It was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// What was done with it: `[{act, by, at, reason}]`, the oldest first. The key that a first start made has
    /// none.
    pub acts: Value,
}

/// A key that was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Published {
    /// The key.
    pub kid: String,
    /// It may sign from here on.
    pub may_sign_from: DateTime<Utc>,
}

/// A key that signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Activated {
    /// The key.
    pub kid: String,
    /// The one that signed before; none: this one did, or the key of every bank did.
    pub retired: Option<String>,
    /// What fails, where it was too early.
    pub breaks: Option<&'static str>,
}

/// A key that signs no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retired {
    /// The key.
    pub kid: String,
    /// It is in the key set until here.
    pub in_key_set_until: DateTime<Utc>,
}

/// A key that nobody is to believe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Revoked {
    /// The key.
    pub kid: String,
    /// Since when.
    pub revoked_at: DateTime<Utc>,
    /// The one that signs in its place, where it signed and the bank has one of its own.
    pub signs_now: Option<String>,
    /// What fails.
    pub breaks: &'static str,
}

const EARLY: &str = "Replicas sign with the new key within 5 seconds, some before others publish it. A resource \
    server or partner that has fetched the key set before refuses the new tokens until it fetches it anew: \
    account-api does at the first such token, but once in 10 seconds, and answers 401 until then (503 where it \
    can't reach the issuer); others within the 5 minutes of Cache-Control.";
const REVOKED: &str = "Every token of this key is refused from now on, and so are event tokens of it by whoever \
    fetches the key set anew. Partners get new tokens with their refresh tokens, which stay good. Replicas sign \
    with the other key within 5 seconds; if it was not published for 66 minutes, new tokens are refused as after \
    activate --now.";

/// Changes signing keys, with the settings of the service.
pub struct Rotation {
    /// Of one connection: what an act leaves undone is rolled back when it goes back there.
    pool: PgPool,
    wrapping: KeyEncryptionKey,
}

/// A row that is about to change.
#[derive(FromRow)]
struct Found {
    bank: Option<String>,
    #[sqlx(try_from = "String")]
    state: SigningKeyState,
    not_before: DateTime<Utc>,
    retired_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
}

impl Rotation {
    /// Connects to the service's database.
    ///
    /// # Errors
    /// The database's.
    pub async fn connect(
        database_url: &str,
        wrapping: KeyEncryptionKey,
    ) -> Result<Self, sqlx::Error> {
        Ok(Self {
            pool: PgPoolOptions::new()
                .max_connections(1)
                .connect(database_url)
                .await?,
            wrapping,
        })
    }

    /// The keys of every bank and of each, or those that a bank's tokens may be signed with; the oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn list(
        &mut self,
        bank: Option<&BankCode>,
    ) -> Result<Vec<SigningKeyRecord>, sqlx::Error> {
        sqlx::query_as(
            "SELECT kid, bank, state, created_at AS published_at, not_before AS may_sign_from,
                activated_at AS signs_since, revoked_at,
                CASE WHEN activated_at IS NOT NULL THEN coalesce(retired_at, revoked_at) END AS signed_until,
                least(revoked_at, retired_at + $2) AS in_key_set_until,
                coalesce((SELECT jsonb_agg(jsonb_build_object('act', a.act, 'by', a.operator,
                        'at', a.acted_at, 'reason', a.detail -> 'reason') ORDER BY a.act_id)
                    FROM operator_acts a WHERE a.subject_kind = 'signing_key' AND a.subject_id = k.kid
                        AND (a.bank = k.bank OR (a.bank IS NULL AND k.bank IS NULL))), '[]') AS acts
             FROM signing_keys k WHERE $1::text IS NULL OR bank IS NULL OR bank = $1
             ORDER BY bank NULLS FIRST, created_at, kid",
        )
        .bind(bank.map(BankCode::as_str))
        .bind(TimeDelta::seconds(RETIRED_SECONDS))
        .fetch_all(&self.pool)
        .await
    }

    /// Puts a new key into the key set, of a bank or of every bank. It does not sign yet.
    ///
    /// # Errors
    /// [`RotationError::UnknownBank`], [`RotationError::AlreadyPublished`], [`RotationError::Key`], the
    /// database's.
    pub async fn publish(
        &mut self,
        bank: Option<&BankCode>,
        order: &Order,
    ) -> Result<Published, RotationError> {
        let mut transaction = begin(&self.pool).await?;
        if let Some(bank) = bank {
            must_be_registered(&mut transaction, bank).await?;
        }
        if let Some(waiting) = published(&mut transaction, bank.map(BankCode::as_str)).await? {
            return Err(RotationError::AlreadyPublished(waiting));
        }
        let now = now(&mut transaction).await?;
        let may_sign_from = now + TimeDelta::seconds(PUBLISHED_SECONDS);
        let new = NewSigningKey::published(bank, may_sign_from, now);
        let kid = make(&mut transaction, &self.wrapping, new).await?;
        let detail = json!({ "reason": order.reason, "may_sign_from": may_sign_from });
        let whose = bank.map(BankCode::as_str);
        commit(
            transaction,
            order,
            whose,
            ("publish_signing_key", &kid, detail),
        )
        .await?;
        Ok(Published { kid, may_sign_from })
    }

    /// Lets a published key sign; the one that signed retires. One that signs already is left as it is.
    ///
    /// # Errors
    /// [`RotationError::Unknown`], [`RotationError::TooEarly`], [`RotationError::Over`], the database's.
    pub async fn activate(
        &mut self,
        kid: &str,
        readiness: Readiness,
        order: &Order,
    ) -> Result<Activated, RotationError> {
        let mut transaction = begin(&self.pool).await?;
        let found = find(&mut transaction, kid).await?;
        let early = found.now < found.not_before;
        match found.state {
            SigningKeyState::Published => {}
            SigningKeyState::Active => {
                return Ok(Activated {
                    kid: kid.to_owned(),
                    retired: None,
                    breaks: None,
                });
            }
            state => {
                return Err(RotationError::Over {
                    kid: kid.to_owned(),
                    state,
                });
            }
        }
        if early && readiness == Readiness::Known {
            return Err(RotationError::TooEarly {
                kid: kid.to_owned(),
                may_sign_from: found.not_before,
            });
        }
        let whose = found.bank.as_deref();
        let retired: Option<String> = sqlx::query_scalar(
            "UPDATE signing_keys SET state = 'retired', retired_at = now()
             WHERE state = 'active' AND bank IS NOT DISTINCT FROM $1 RETURNING kid",
        )
        .bind(whose)
        .fetch_optional(&mut *transaction)
        .await?;
        let_sign(&mut transaction, kid).await?;
        let detail = json!({ "reason": order.reason, "retired": retired, "early": early });
        commit(
            transaction,
            order,
            whose,
            ("activate_signing_key", kid, detail),
        )
        .await?;
        Ok(Activated {
            kid: kid.to_owned(),
            retired,
            breaks: early.then_some(EARLY),
        })
    }

    /// Takes a key back that was published and is not wanted, or a bank's own, for which every bank's signs from
    /// then on. (The key of every bank retires when another is activated.)
    ///
    /// # Errors
    /// [`RotationError::Unknown`], [`RotationError::Needed`], [`RotationError::Over`], the database's.
    pub async fn retire(&mut self, kid: &str, order: &Order) -> Result<Retired, RotationError> {
        let mut transaction = begin(&self.pool).await?;
        let found = find(&mut transaction, kid).await?;
        let retired = |at: DateTime<Utc>| Retired {
            kid: kid.to_owned(),
            in_key_set_until: at + TimeDelta::seconds(RETIRED_SECONDS),
        };
        match (found.state, &found.bank, found.retired_at) {
            (SigningKeyState::Retired, _, Some(at)) => return Ok(retired(at)),
            (SigningKeyState::Revoked | SigningKeyState::Retired, ..) => {
                return Err(RotationError::Over {
                    kid: kid.to_owned(),
                    state: found.state,
                });
            }
            (SigningKeyState::Active, None, _) => {
                return Err(RotationError::Needed(kid.to_owned()));
            }
            (SigningKeyState::Active, Some(_), _) | (SigningKeyState::Published, ..) => {}
        }
        sqlx::query("UPDATE signing_keys SET state = 'retired', retired_at = now() WHERE kid = $1")
            .bind(kid)
            .execute(&mut *transaction)
            .await?;
        let detail = json!({ "reason": order.reason });
        let whose = found.bank.as_deref();
        commit(
            transaction,
            order,
            whose,
            ("retire_signing_key", kid, detail),
        )
        .await?;
        Ok(retired(found.now))
    }

    /// Revokes a key that got out: it leaves the key set, every token of it is refused by the next decision, and
    /// where it signed another one does: the published one, else a new one, else (of a bank) every bank's.
    /// One that is revoked already is left as it is.
    ///
    /// # Errors
    /// [`RotationError::Unknown`], [`RotationError::Key`], the database's.
    pub async fn revoke(&mut self, kid: &str, order: &Order) -> Result<Revoked, RotationError> {
        let mut transaction = begin(&self.pool).await?;
        let found = find(&mut transaction, kid).await?;
        let revoked = |revoked_at, signs_now| Revoked {
            kid: kid.to_owned(),
            revoked_at,
            signs_now,
            breaks: REVOKED,
        };
        if let Some(at) = found.revoked_at {
            return Ok(revoked(at, None));
        }
        sqlx::query("UPDATE signing_keys SET state = 'revoked', revoked_at = now() WHERE kid = $1")
            .bind(kid)
            .execute(&mut *transaction)
            .await?;
        let whose = found.bank.as_deref();
        let signs_now = if found.state == SigningKeyState::Active {
            replace(&mut transaction, &self.wrapping, &found).await?
        } else {
            None
        };
        let of_unknown_key = revoke_tokens_of_unknown_key(&mut transaction).await?;
        let detail = json!({
            "reason": order.reason, "was": found.state, "signs_now": signs_now,
            "tokens_of_unknown_key": of_unknown_key,
        });
        commit(
            transaction,
            order,
            whose,
            ("revoke_signing_key", kid, detail),
        )
        .await?;
        Ok(revoked(found.now, signs_now))
    }
}

/// One act at a time; who reads is not kept waiting.
async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    sqlx::query("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE")
        .execute(&mut *transaction)
        .await?;
    Ok(transaction)
}

async fn now(transaction: &mut Transaction<'_, Postgres>) -> Result<DateTime<Utc>, sqlx::Error> {
    sqlx::query_scalar("SELECT now()")
        .fetch_one(&mut **transaction)
        .await
}

async fn find(
    transaction: &mut Transaction<'_, Postgres>,
    kid: &str,
) -> Result<Found, RotationError> {
    sqlx::query_as(
        "SELECT bank, state, not_before, retired_at, revoked_at, now() FROM signing_keys WHERE kid = $1",
    )
    .bind(kid)
    .fetch_optional(&mut **transaction)
    .await?
    .ok_or_else(|| RotationError::Unknown(kid.to_owned()))
}

async fn must_be_registered(
    transaction: &mut Transaction<'_, Postgres>,
    bank: &BankCode,
) -> Result<(), RotationError> {
    let registered: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM bank_current WHERE stream_id = $1)")
            .bind(bank.as_str())
            .fetch_one(&mut **transaction)
            .await?;
    if registered {
        Ok(())
    } else {
        Err(RotationError::UnknownBank(bank.clone()))
    }
}

/// The key that waits to sign, of a bank or of every bank.
async fn published(
    transaction: &mut Transaction<'_, Postgres>,
    whose: Option<&str>,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT kid FROM signing_keys WHERE state = 'published' AND bank IS NOT DISTINCT FROM $1
         ORDER BY not_before, kid LIMIT 1",
    )
    .bind(whose)
    .fetch_optional(&mut **transaction)
    .await
}

async fn let_sign(
    transaction: &mut Transaction<'_, Postgres>,
    kid: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE signing_keys SET state = 'active', activated_at = now() WHERE kid = $1")
        .bind(kid)
        .execute(&mut **transaction)
        .await
        .map(drop)
}

/// Lets another key sign for one that was just revoked. `None`: a bank's own, and every bank's signs for it.
async fn replace(
    transaction: &mut Transaction<'_, Postgres>,
    wrapping: &KeyEncryptionKey,
    revoked: &Found,
) -> Result<Option<String>, RotationError> {
    if let Some(waiting) = published(transaction, revoked.bank.as_deref()).await? {
        let_sign(transaction, &waiting).await?;
        return Ok(Some(waiting));
    }
    if revoked.bank.is_some() {
        return Ok(None);
    }
    let new = NewSigningKey::active(None, revoked.now);
    make(transaction, wrapping, new).await.map(Some)
}

/// Makes a key, unless the settings' key-encryption key is not the one that the stored keys open with: no
/// replica could open the new one, nor any key after it.
async fn make(
    transaction: &mut Transaction<'_, Postgres>,
    wrapping: &KeyEncryptionKey,
    new: NewSigningKey<'_>,
) -> Result<String, RotationError> {
    must_open_stored(&mut **transaction, wrapping).await?;
    Ok(insert_signing_key(&mut **transaction, wrapping, new).await?)
}

/// The release before recorded no key with a token: any of them may have signed it. Ended ones too: who has
/// the key can sign a token of that id that has not ended. Gives how many.
async fn revoke_tokens_of_unknown_key(
    transaction: &mut Transaction<'_, Postgres>,
) -> Result<u64, sqlx::Error> {
    let revoked = sqlx::query(
        "UPDATE issued_access_tokens SET revoked_at = now()
         WHERE kid IS NULL AND revoked_at IS NULL",
    )
    .execute(&mut **transaction)
    .await?;
    Ok(revoked.rows_affected())
}

/// The change and its record, together.
async fn commit(
    mut transaction: Transaction<'_, Postgres>,
    order: &Order,
    whose: Option<&str>,
    (code, kid, detail): (&'static str, &str, Value),
) -> Result<(), sqlx::Error> {
    let act = Act {
        code,
        subject: Subject::new("signing_key", kid),
        detail,
    };
    let bank = whose.map(BankCode::parse).transpose();
    let bank = bank.map_err(|error| sqlx::Error::Decode(error.into()))?;
    record_by_command_line(&mut *transaction, &order.by, bank.as_ref(), act).await?;
    transaction.commit().await
}
