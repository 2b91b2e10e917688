//! Wraps every stored key anew when the key-encryption key is changed: what the service keeps wrapped in the
//! database opens under one key afterwards. How to go about it: docs/signing-keys.md.

use serde::Serialize;
use serde_json::json;
use sqlx::{Connection as _, FromRow, PgConnection};

use crate::{
    entropy::random_bytes,
    operator::{Act, Order, Subject, record_by_command_line},
    protocol::key_wrap::{KeyEncryptionKey, WrappedKey},
};

/// Where wrapped keys are: how to read them with the names that they are bound to, and how to put one back.
struct Place {
    table: &'static str,
    read: &'static str,
    write: &'static str,
}

const PLACES: [Place; 3] = [
    Place {
        table: "shared_keys",
        read: "SELECT 'shared_key:' || name AS name, key_wrapped AS ciphertext, key_nonce AS nonce
               FROM shared_keys",
        write: "UPDATE shared_keys SET key_wrapped = $2, key_nonce = $3 WHERE 'shared_key:' || name = $1",
    },
    Place {
        table: "signing_keys",
        read: "SELECT 'signing_key:' || kid AS name, private_key_wrapped AS ciphertext,
                   private_key_nonce AS nonce
               FROM signing_keys",
        write: "UPDATE signing_keys SET private_key_wrapped = $2, private_key_nonce = $3
                WHERE 'signing_key:' || kid = $1",
    },
    Place {
        table: "push_targets",
        read: "SELECT 'push_target:' || bank || ':' || partner AS name,
                   authorization_wrapped AS ciphertext, authorization_nonce AS nonce
               FROM push_targets WHERE authorization_wrapped IS NOT NULL",
        write: "UPDATE push_targets SET authorization_wrapped = $2, authorization_nonce = $3
                WHERE 'push_target:' || bank || ':' || partner = $1",
    },
];

/// What to do with keys that another key-encryption key wrapped.
#[derive(Debug, Clone)]
pub enum Purpose {
    /// Count them.
    Check,
    /// Wrap them anew, for whoever orders it.
    Rewrap(Order),
}

/// The wrapped keys of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WrappedKeys {
    /// The table.
    pub table: &'static str,
    /// `key_encryption_key` wraps so many, those wrapped anew among them.
    pub under_the_key: u64,
    /// So many were wrapped by an additional key; they were wrapped anew, or are to be.
    pub under_additional_keys: u64,
    /// The names of those that no configured key opens.
    pub unopened: Vec<String>,
}

#[derive(FromRow)]
struct Row {
    name: String,
    ciphertext: Vec<u8>,
    nonce: Vec<u8>,
}

/// Looks at every wrapped key, and wraps it anew by `wrapping` where that is the purpose. All that open are
/// wrapped anew in one transaction; a repeat finds nothing to do.
///
/// # Errors
/// The database's; nothing was changed, then.
pub async fn rewrap(
    connection: &mut PgConnection,
    wrapping: &KeyEncryptionKey,
    purpose: &Purpose,
) -> Result<Vec<WrappedKeys>, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    if let Purpose::Rewrap(_) = purpose {
        // In the order of every act on signing keys, which takes that table's lock first.
        sqlx::query(
            "LOCK TABLE signing_keys, shared_keys, push_targets IN SHARE ROW EXCLUSIVE MODE",
        )
        .execute(&mut *transaction)
        .await?;
    }
    let mut looked_at = Vec::new();
    for place in &PLACES {
        looked_at.push(look(&mut transaction, wrapping, purpose, place).await?);
    }
    if let Purpose::Rewrap(order) = purpose {
        let act = Act {
            code: "rewrap_keys",
            subject: Subject::of_kind("key_encryption_key"),
            detail: json!({ "reason": order.reason, "keys": looked_at }),
        };
        record_by_command_line(&mut *transaction, &order.by, None, act).await?;
    }
    transaction.commit().await?;
    Ok(looked_at)
}

async fn look(
    connection: &mut PgConnection,
    wrapping: &KeyEncryptionKey,
    purpose: &Purpose,
    place: &Place,
) -> Result<WrappedKeys, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(place.read)
        .fetch_all(&mut *connection)
        .await?;
    let mut keys = WrappedKeys {
        table: place.table,
        under_the_key: 0,
        under_additional_keys: 0,
        unopened: Vec::new(),
    };
    for Row {
        name,
        ciphertext,
        nonce,
    } in rows
    {
        let stored = WrappedKey { ciphertext, nonce };
        match wrapping.rewrap(&name, &stored, *random_bytes()) {
            Ok(None) => keys.under_the_key += 1,
            Ok(Some(anew)) => {
                keys.under_additional_keys += 1;
                if let Purpose::Rewrap(_) = purpose {
                    sqlx::query(place.write)
                        .bind(&name)
                        .bind(anew.ciphertext)
                        .bind(anew.nonce)
                        .execute(&mut *connection)
                        .await?;
                    keys.under_the_key += 1;
                }
            }
            Err(_) => keys.unopened.push(name),
        }
    }
    Ok(keys)
}
