//! Banks and partners: registered by operators as events, read from the projections.

use crate::store::sql_span;
use std::collections::{BTreeMap, BTreeSet};
use tracing::Instrument as _;

use consent_domain::{
    BankCode, ClientId, Instant, PartnerId,
    bank::{Bank, BankRecord, BankRefusal, BankSettings, BankStream},
    bank_notice::NoticeEffects,
    linkage_rules::LinkageRules,
    operator_rules::OperatorRules,
    partner::{
        Partner, PartnerAtBank, PartnerAtBankStream, PartnerRecord, PartnerRefusal, PartnerStream,
    },
    scope::Task,
};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::{PgPool, Row as _};

use crate::{
    bank_pages::check_texts,
    journey::stream_id,
    pages::TextsError,
    partner_administration::{By, changed},
    protocol::client::{Client, ClientRegistration, RedirectUriPolicy, RegistrationRefused},
    store::{Actor, Bus, CommandContext, CommandError, StoreError, state_of, state_of_row},
};

/// A partner as one bank sees it.
#[derive(Debug, Clone)]
pub struct PartnerAtBankRecord {
    /// Its id.
    pub partner: PartnerId,
    /// Its record.
    pub record: PartnerRecord,
    /// The record's version.
    pub record_version: u32,
    /// Whether the bank's customers may link to it.
    pub enabled: bool,
    /// When this was read, by the database's clock.
    pub now: Instant,
}

/// A partner's registration as an operator writes it (JSON).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartnerRegistration {
    /// Its id on the platform.
    pub partner_id: PartnerId,
    /// OAuth client id.
    pub client_id: ClientId,
    /// Registered company name.
    pub legal_name: String,
    /// The service's name.
    pub service_name: String,
    /// Registration number (電子決済等代行業者).
    pub registration_number: String,
    /// Where customers may complain.
    pub complaint_contact: String,
    /// To whom the partner passes data on.
    #[serde(default)]
    pub onward_recipients: Vec<String>,
    /// Redirect URIs, compared byte for byte.
    pub redirect_uris: Vec<String>,
    /// Public keys, a JWK set; every key has a `kid`.
    pub jwks: Value,
    /// The banks whose customers may link to it.
    pub banks: BTreeSet<BankCode>,
}

/// A bank's registration as an operator writes it (TOML).
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "toml::Table")]
pub struct BankRegistration {
    /// Four digits.
    pub code: BankCode,
    /// Its record.
    pub record: BankRecord,
}

/// Why a bank's registration can't be read.
#[derive(Debug, thiserror::Error)]
pub enum MalformedRegistration {
    /// A value is missing or of another type.
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    /// The code is none.
    #[error("code: {0}")]
    Code(#[from] consent_domain::InvalidId),
    /// A text of the bank's own that no page has, or that can't stand there.
    #[error("texts: {0}")]
    Texts(#[from] TextsError),
    /// A key that no record has: a slip of the pen must not pass as a default.
    #[error("unknown key: {0}")]
    UnknownKey(String),
}

impl TryFrom<toml::Table> for BankRegistration {
    type Error = MalformedRegistration;

    fn try_from(mut table: toml::Table) -> Result<Self, Self::Error> {
        let code = table
            .remove("code")
            .and_then(|code| code.as_str().map(str::to_owned));
        let mut known = toml::Table::try_from(BankSettings::default()).unwrap_or_default();
        // Left out of what is stored while it is as by default.
        for group in ["notice_effects", "linkage_rules", "operator_rules"] {
            known.insert(group.to_owned(), toml::Value::Boolean(true));
        }
        let of_operators = toml::Table::try_from(OperatorRules::default()).unwrap_or_default();
        let effects = toml::Table::try_from(NoticeEffects::default()).unwrap_or_default();
        let rules = toml::Table::try_from(LinkageRules::default()).unwrap_or_default();
        let settings = table.get("settings").and_then(toml::Value::as_table);
        let set = |group| settings.and_then(|s| s.get(group)?.as_table());
        let (set_effects, set_rules) = (set("notice_effects"), set("linkage_rules"));
        let set_of_operators = set("operator_rules");
        let record_keys = [
            "name",
            "display_name",
            "phone",
            "hours",
            "display_name_en",
            "hours_en",
            "texts",
            "settings",
        ];
        let unknown = table
            .keys()
            .find(|key| !record_keys.contains(&key.as_str()))
            .or_else(|| settings?.keys().find(|key| !known.contains_key(*key)))
            .or_else(|| set_effects?.keys().find(|key| !effects.contains_key(*key)))
            .or_else(|| set_rules?.keys().find(|key| !rules.contains_key(*key)))
            .or_else(|| {
                let mut set = set_of_operators?.keys();
                set.find(|key| !of_operators.contains_key(*key))
            });
        if let Some(key) = unknown {
            return Err(MalformedRegistration::UnknownKey(key.clone()));
        }
        let record = BankRecord::deserialize(table)?;
        check_texts(&record.texts)?;
        Ok(Self {
            code: BankCode::parse(code.unwrap_or_default())?,
            record,
        })
    }
}

/// Why a partner is not registered anew.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NewPartnerRefusal {
    /// There is one with this id.
    #[error("a partner with this id is registered")]
    Exists,
    /// The key was used for something else.
    #[error("this key was used for something else")]
    KeyReused,
    /// The rule refused it.
    #[error(transparent)]
    Rule(#[from] PartnerRefusal),
}

/// Why a registration was not taken.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// The client's part is refused.
    #[error(transparent)]
    Client(#[from] RegistrationRefused),
    /// A key has no `kid`, or two have the same.
    #[error("every key in jwks needs a kid of its own")]
    KeyId,
    /// The domain refuses the partner.
    #[error(transparent)]
    Partner(#[from] CommandError<PartnerRefusal>),
    /// A partner that was to be new is refused.
    #[error(transparent)]
    NewPartner(#[from] CommandError<NewPartnerRefusal>),
    /// The domain refuses the bank.
    #[error(transparent)]
    Bank(#[from] CommandError<BankRefusal>),
    /// A bank that is not on the platform.
    #[error("bank {0} is not registered")]
    UnknownBank(BankCode),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store failed at a bank.
    #[error("the partner could not be enabled at a bank: {0}")]
    Enabling(Box<dyn std::error::Error + Send + Sync>),
}

/// The context of an operator's command.
fn operator(bank: Option<&BankCode>, partner: Option<&PartnerId>, who: &str) -> CommandContext {
    CommandContext {
        bank: bank.map(ToString::to_string),
        partner: partner.map(ToString::to_string),
        ..CommandContext::of(Actor::Operator(who.to_owned()))
    }
}

/// Registers a bank or changes its record.
///
/// # Errors
/// [`RegistrationError`].
pub async fn register_bank(
    bus: &Bus,
    registration: BankRegistration,
    who: &str,
) -> Result<(), RegistrationError> {
    let code = registration.code.clone();
    bus.execute::<BankStream, BankRefusal>(
        code.to_string(),
        operator(Some(&code), None, who),
        move |bank: &Bank, _| {
            bank.register(&registration.code, &registration.record)
                .map(|outcome| outcome.into_events())
        },
        |_, _, _| Vec::new(),
    )
    .await?;
    Ok(())
}

/// Registers a partner or changes its record, and enables it at its banks (disabling it at others).
///
/// # Errors
/// [`RegistrationError`].
pub async fn register_partner(
    pool: &PgPool,
    bus: &Bus,
    registration: PartnerRegistration,
    policy: RedirectUriPolicy,
    who: &str,
) -> Result<(), RegistrationError> {
    let record = checked_record(&registration, policy)?;
    for bank in &registration.banks {
        if bank_record(pool, bank).await?.is_none() {
            return Err(RegistrationError::UnknownBank(bank.clone()));
        }
    }
    let partner = registration.partner_id.clone();
    let client = record.client_id.clone();
    bus.execute::<PartnerStream, PartnerRefusal>(
        partner.to_string(),
        operator(None, Some(&partner), who),
        {
            let partner = partner.clone();
            move |state: &Partner, _| {
                state
                    .register(&partner, &record)
                    .map(|outcome| outcome.into_events())
            }
        },
        |_, _, _| Vec::new(),
    )
    .await?;
    for bank in all_banks(pool).await? {
        let enabled = registration.banks.contains(&bank);
        let (partner, client) = (partner.clone(), client.clone());
        bus.execute::<PartnerAtBankStream, std::convert::Infallible>(
            stream_id(&bank, partner.as_str()),
            operator(Some(&bank), Some(&partner), who),
            move |state: &PartnerAtBank, _| {
                let outcome = if enabled {
                    state.enable(&partner, &client)
                } else {
                    state.disable(&partner)
                };
                Ok(outcome.into_events())
            },
            |_, _, _| Vec::new(),
        )
        .await
        .map_err(|error| RegistrationError::Enabling(error.into()))?;
    }
    Ok(())
}

/// Registers a partner that is not on the platform, for no bank yet. That there is none is decided with the fact:
/// of two who register it at once, one is refused.
///
/// # Errors
/// [`RegistrationError`].
pub(crate) async fn register_new_partner(
    bus: &Bus,
    registration: &PartnerRegistration,
    policy: RedirectUriPolicy,
    by: By,
) -> Result<(), RegistrationError> {
    let record = checked_record(registration, policy)?;
    let partner = registration.partner_id.clone();
    let key = by.key.clone();
    let executed = bus
        .execute::<PartnerStream, NewPartnerRefusal>(
            partner.to_string(),
            by.context(None, &partner.clone()),
            move |state: &Partner, _| match state {
                Partner::Absent => Ok(state.register(&partner, &record)?.into_events()),
                Partner::Registered { .. } => Err(NewPartnerRefusal::Exists),
            },
            |_, _, _| Vec::new(),
        )
        .await?;
    let reused = CommandError::Refused(NewPartnerRefusal::KeyReused);
    changed(&executed, key.as_ref()).ok_or(reused)?;
    Ok(())
}

/// What a registration means, read as every request reads it: what is refused there is refused here.
fn checked_record(
    registration: &PartnerRegistration,
    policy: RedirectUriPolicy,
) -> Result<PartnerRecord, RegistrationError> {
    let record = record_of(registration)?;
    client_of(&registration.partner_id, &record, policy)?;
    Ok(record)
}

/// The record that a registration means.
///
/// # Errors
/// [`RegistrationError::KeyId`].
fn record_of(registration: &PartnerRegistration) -> Result<PartnerRecord, RegistrationError> {
    let keys = registration
        .jwks
        .get("keys")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let mut by_id = BTreeMap::new();
    for key in keys {
        let kid = key
            .get("kid")
            .and_then(Value::as_str)
            .ok_or(RegistrationError::KeyId)?;
        if by_id.insert(kid.to_owned(), key.to_string()).is_some() {
            return Err(RegistrationError::KeyId);
        }
    }
    Ok(PartnerRecord {
        legal_name: registration.legal_name.clone(),
        service_name: registration.service_name.clone(),
        registration_number: registration.registration_number.clone(),
        complaint_contact: registration.complaint_contact.clone(),
        onward_recipients: registration.onward_recipients.clone(),
        client_id: registration.client_id.clone(),
        redirect_uris: registration.redirect_uris.clone(),
        keys: by_id,
    })
}

/// The OAuth client of a partner's record.
///
/// # Errors
/// [`RegistrationRefused`].
pub fn client_of(
    partner: &PartnerId,
    record: &PartnerRecord,
    policy: RedirectUriPolicy,
) -> Result<Client, RegistrationRefused> {
    let keys: Vec<Value> = record
        .keys
        .values()
        .filter_map(|jwk| serde_json::from_str(jwk).ok())
        .collect();
    let registration = ClientRegistration {
        client_id: record.client_id.clone(),
        partner_id: partner.clone(),
        redirect_uris: record.redirect_uris.clone(),
        jwks: json!({ "keys": keys }),
        scopes: BTreeSet::from(Task::ALL),
    };
    Client::try_new(&registration, policy)
}

/// A bank's record, if it is on the platform.
///
/// # Errors
/// [`StoreError`].
pub async fn bank_record(pool: &PgPool, bank: &BankCode) -> Result<Option<BankRecord>, StoreError> {
    Ok(state_of::<BankStream>(pool, bank.as_str())
        .await?
        .record()
        .cloned())
}

/// Every bank on the platform.
///
/// # Errors
/// [`StoreError`].
pub async fn all_banks(pool: &PgPool) -> Result<Vec<BankCode>, StoreError> {
    let codes: Vec<String> =
        sqlx::query_scalar("SELECT stream_id FROM bank_current ORDER BY stream_id")
            .fetch_all(pool)
            .instrument(sql_span("all banks"))
            .await?;
    codes
        .into_iter()
        .map(|code| Ok(BankCode::parse(code)?))
        .collect()
}

/// A partner by its OAuth client, as one bank sees it; one statement.
///
/// # Errors
/// [`StoreError`].
pub async fn find_client(
    pool: &PgPool,
    bank: &BankCode,
    client: &ClientId,
) -> Result<Option<PartnerAtBankRecord>, StoreError> {
    let row = sqlx::query(
        "SELECT now() AS now, p.stream_id, p.version AS partner_version, p.state_version AS partner_state_version,
            p.state AS partner_state, a.version AS at_bank_version,
            a.state_version AS at_bank_state_version, a.state AS at_bank_state
         FROM partner_current p
         LEFT JOIN partner_at_bank_current a ON a.stream_id = $1 || ':' || p.stream_id
         WHERE p.client = $2",
    )
    .bind(bank.as_str())
    .bind(client.as_str())
    .fetch_optional(pool)
    .instrument(sql_span("find client"))
    .await?;
    let Some(row) = row else { return Ok(None) };
    let stream: String = row.try_get("stream_id")?;
    let (partner, _) = state_of_row::<PartnerStream>(pool, &row, "partner", &stream).await?;
    let at_bank = stream_id(bank, &stream);
    let (at_bank, _) = state_of_row::<PartnerAtBankStream>(pool, &row, "at_bank", &at_bank).await?;
    Ok(match partner {
        Partner::Absent => None,
        Partner::Registered {
            partner,
            record,
            record_version,
            ..
        } => Some(PartnerAtBankRecord {
            partner,
            record,
            record_version,
            enabled: at_bank.is_enabled(),
            now: row.try_get("now")?,
        }),
    })
}

/// Ids of partners on the platform in their order, after one.
///
/// # Errors
/// [`StoreError`].
pub async fn partner_ids(
    pool: &PgPool,
    after: &str,
    limit: i64,
) -> Result<Vec<PartnerId>, StoreError> {
    let ids: Vec<String> = sqlx::query_scalar(
        "SELECT stream_id FROM partner_current WHERE stream_id > $1 ORDER BY stream_id LIMIT $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(pool)
    .instrument(sql_span("partner ids"))
    .await?;
    ids.into_iter()
        .map(|id| Ok(PartnerId::parse(id)?))
        .collect()
}

/// Whether a partner is on the platform.
///
/// # Errors
/// The database's.
pub async fn is_registered(pool: &PgPool, partner: &PartnerId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM partner_current WHERE stream_id = $1)")
        .bind(partner.as_str())
        .fetch_one(pool)
        .instrument(sql_span("is registered"))
        .await
}
