//! Keys that go out of use at a time: until then the old and the new one are both good, so that a partner
//! changes over without an interruption.

use consent_domain::{
    Instant, PartnerId,
    partner::{Partner, PartnerStream},
};
use sqlx::{FromRow, PgExecutor, PgPool};

use super::{By, RecordChange, RecordRefusal, Sight, Spending, change_record, spend};
use crate::{
    protocol::client::RedirectUriPolicy,
    store::{Bus, CommandError, CommandKey, StoreError, state_of},
};

/// A key whose last day is known.
#[derive(Debug, Clone, FromRow)]
pub struct KeyRetirement {
    /// Which key.
    pub kid: String,
    /// From when on it is refused, within a sweep.
    pub retire_at: Instant,
    /// Who said so.
    pub set_by: String,
}

/// The keys of a partner whose last day is known.
///
/// # Errors
/// [`StoreError`].
pub async fn retirements(
    executor: impl PgExecutor<'_>,
    partner: &PartnerId,
) -> Result<Vec<KeyRetirement>, StoreError> {
    Ok(sqlx::query_as(
        "SELECT kid, retire_at, set_by FROM partner_key_retirements WHERE partner = $1 ORDER BY kid",
    )
    .bind(partner.as_str())
    .fetch_all(executor)
    .await?)
}

/// What is seen of the keys' last days.
pub fn sight_of_keys(going: &[KeyRetirement]) -> Sight {
    let days: Vec<(&str, Instant)> = going
        .iter()
        .map(|gone| (gone.kid.as_str(), gone.retire_at))
        .collect();
    Sight::of(&days)
}

/// Why a key does not go.
#[derive(Debug, thiserror::Error)]
pub enum RetirementRefused {
    /// There is no such partner, or key.
    #[error("no such key")]
    UnknownKey,
    /// Another last day was set since.
    #[error("the keys' last days were changed in the meantime")]
    ChangedMeanwhile,
    /// The key of the order was used for something else.
    #[error("this key was used for something else")]
    KeyReused,
    /// No key would be left.
    #[error("it is the last key that stays")]
    LastKey,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for RetirementRefused {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Lets a key go at a time; one that goes already gets the new time. `seen`: the last days that this was
/// decided on, where that matters.
///
/// # Errors
/// [`RetirementRefused`].
pub async fn retire_key(
    pool: &PgPool,
    partner: &PartnerId,
    kid: &str,
    (at, operator): (Instant, &str),
    (key, seen): (Option<CommandKey>, Option<Sight>),
) -> Result<(), RetirementRefused> {
    let state = state_of::<PartnerStream>(pool, partner.as_str()).await?;
    let Partner::Registered { record, .. } = state else {
        return Err(RetirementRefused::UnknownKey);
    };
    let mut transaction = pool.begin().await?;
    // One at a time: two that go at once could leave none.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('keys-of-partner:' || $1, 0))")
        .bind(partner.as_str())
        .execute(&mut *transaction)
        .await?;
    match spend(&mut transaction, "", key.as_ref()).await? {
        Spending::First => {}
        Spending::Before => return Ok(()),
        Spending::Another => return Err(RetirementRefused::KeyReused),
    }
    if !record.keys.contains_key(kid) {
        // Who chose it from what was shown is told that it has gone.
        return Err(match seen {
            Some(_) => RetirementRefused::ChangedMeanwhile,
            None => RetirementRefused::UnknownKey,
        });
    }
    let going = retirements(&mut *transaction, partner).await?;
    let is_so = going
        .iter()
        .any(|gone| gone.kid == kid && gone.retire_at == at);
    if !is_so && seen.is_some_and(|seen| seen != sight_of_keys(&going)) {
        return Err(RetirementRefused::ChangedMeanwhile);
    }
    let stays = record
        .keys
        .keys()
        .filter(|other| *other != kid)
        .any(|other| !going.iter().any(|gone| gone.kid == **other));
    if !stays {
        return Err(RetirementRefused::LastKey);
    }
    sqlx::query(
        "INSERT INTO partner_key_retirements (partner, kid, retire_at, set_by) VALUES ($1, $2, $3, $4)
         ON CONFLICT (partner, kid) DO UPDATE
             SET retire_at = excluded.retire_at, set_by = excluded.set_by, set_at = now()",
    )
    .bind(partner.as_str())
    .bind(kid)
    .bind(at)
    .bind(operator)
    .execute(&mut *transaction)
    .await?;
    Ok(transaction.commit().await?)
}

/// Takes keys out whose time has come.
///
/// # Errors
/// [`StoreError`]; what could not be taken out now waits for the next round.
pub(crate) async fn retire_due(
    pool: &PgPool,
    bus: &Bus,
    policy: RedirectUriPolicy,
) -> Result<(), StoreError> {
    let due: Vec<(String, String)> = sqlx::query_as(
        "SELECT partner, kid FROM partner_key_retirements WHERE retire_at <= now() ORDER BY retire_at LIMIT 50",
    )
    .fetch_all(pool)
    .await?;
    for (partner, kid) in due {
        let whom = PartnerId::parse(partner.as_str())?;
        let change = (RecordChange::RemoveKey(kid.clone()), None);
        match change_record(bus, policy, &whom, change, By::system()).await {
            // A record that would be none without it keeps it, and stays on the list.
            Err(CommandError::Refused(RecordRefusal::Client(_) | RecordRefusal::Partner(_))) => {
                tracing::error!(%partner, "a partner's last key can't be retired");
            }
            Err(
                error @ (CommandError::Busy | CommandError::Store(_) | CommandError::Violates(_)),
            ) => {
                tracing::warn!(%partner, %error, "a key is not retired yet");
            }
            Ok(_) | Err(CommandError::Refused(_)) => {
                sqlx::query(
                    "DELETE FROM partner_key_retirements
                     WHERE partner = $1 AND kid = $2 AND retire_at <= now()",
                )
                .bind(&partner)
                .bind(&kid)
                .execute(pool)
                .await?;
            }
        }
    }
    Ok(())
}
