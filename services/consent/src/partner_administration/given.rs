//! How an order about a partner is given: under which key, and on what was seen.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use sqlx::PgConnection;

use crate::{
    lifecycle::{FOUND_DONE, act_key},
    operator::OperatorId,
    operator_orders::OrderKey,
    protocol::digest::sha256,
    store::{CommandKey, Spent},
};

/// Beside what is ordered. Without either a repeat is told by the state alone, and nothing in particular was seen.
#[derive(Debug, Clone)]
pub struct Given<S> {
    /// A repeat under the same key does nothing more, for two days, and is answered as the first was.
    pub key: Option<OrderKey>,
    /// What was seen when the order was made: what has changed since is not changed again unseen.
    pub seen: Option<S>,
}

impl<S> Given<S> {
    /// The key as it is stored, apart from another operator's; `content` is what it may be used for again.
    pub(super) fn command_key(&self, operator: &OperatorId, content: &str) -> Option<CommandKey> {
        let key = self.key.as_ref()?;
        Some(CommandKey {
            key: act_key(&format!("operator:{operator}:{}", key.as_str())),
            content_mac: sha256(content.as_bytes()).to_vec(),
            outcome: "done".to_owned(),
            if_unchanged: Some(FOUND_DONE.to_owned()),
        })
    }
}

/// What was seen of something, as 22 characters that differ where it differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight(String);

impl Sight {
    /// Of a state as it stands.
    pub fn of(state: &impl Serialize) -> Self {
        let json = serde_json::to_vec(state).unwrap_or_default();
        let mut text = URL_SAFE_NO_PAD.encode(sha256(&json));
        text.truncate(22);
        Self(text)
    }

    /// As a form sent it back; what is none equals nothing.
    pub fn sent(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// For a form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a key that was spent before was spent on the same.
pub(super) fn is_same(key: Option<&CommandKey>, spent: &Spent) -> bool {
    key.is_some_and(|key| key.content_mac == spent.content_mac)
}

/// What a key was spent on, of an act that is no command on a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spending {
    /// Nothing before: do it.
    First,
    /// The same before.
    Before,
    /// Something else.
    Another,
}

/// Spends a key in the transaction of its act; a twin of it waits for that transaction's end.
///
/// # Errors
/// The database's.
pub(crate) async fn spend(
    connection: &mut PgConnection,
    bank: &str,
    key: Option<&CommandKey>,
) -> Result<Spending, sqlx::Error> {
    let Some(key) = key else {
        return Ok(Spending::First);
    };
    let inserted = sqlx::query(
        "INSERT INTO command_keys (bank, command_key, content_mac, outcome) VALUES ($1, $2, $3, $4)
         ON CONFLICT (bank, command_key) DO NOTHING",
    )
    .bind(bank)
    .bind(&key.key)
    .bind(&key.content_mac)
    .bind(&key.outcome)
    .execute(&mut *connection)
    .await?;
    if inserted.rows_affected() == 1 {
        return Ok(Spending::First);
    }
    let mac: Vec<u8> = sqlx::query_scalar(
        "SELECT content_mac FROM command_keys WHERE bank = $1 AND command_key = $2",
    )
    .bind(bank)
    .bind(&key.key)
    .fetch_one(connection)
    .await?;
    Ok(if mac == key.content_mac {
        Spending::Before
    } else {
        Spending::Another
    })
}

#[cfg(test)]
mod tests {
    use super::Sight;

    #[test]
    fn a_sight_goes_through_a_form_and_differs_with_what_was_seen() {
        let one = Sight::of(&("https://a.example/", 1));
        assert_eq!(Sight::sent(one.as_str()), one);
        assert_ne!(Sight::of(&("https://a.example/", 2)), one);
        assert_eq!(one.as_str().len(), 22);
    }
}
