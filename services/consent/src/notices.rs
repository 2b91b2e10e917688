//! Notices to customers (お知らせメール): to the master user and to whoever acted, at a link, a change,
//! an end and a lock. They commit with the facts that they tell of; the bank sends them afterwards.

use crate::store::sql_span;
use consent_domain::{AccountId, BankCode, ContractId, Instant, PartnerId, UserId};
use renkei_proto::bank::v1::NoticeKind as WireKind;
use sqlx::{PgPool, Row as _};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{
    app::App,
    bank_port::NoticeToSend,
    entropy,
    pages::Locale,
    partners::bank_record,
    store::{Statement, StoreError, state_of},
};

/// What a notice tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// A partner may read from now on.
    Linked,
    /// What it may read changed.
    Changed,
    /// It may no longer read.
    Ended,
    /// A login is locked.
    LoginLocked,
    /// A PIN is locked.
    PinLocked,
    /// A partner may not read for the time being.
    Suspended,
    /// A suspension was lifted.
    Restored,
    /// It may no longer read soon.
    Expiring,
}

impl NoticeKind {
    const ALL: [Self; 8] = [
        Self::Linked,
        Self::Changed,
        Self::Ended,
        Self::LoginLocked,
        Self::PinLocked,
        Self::Suspended,
        Self::Restored,
        Self::Expiring,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Linked => "linked",
            Self::Changed => "changed",
            Self::Ended => "ended",
            Self::LoginLocked => "login_locked",
            Self::PinLocked => "pin_locked",
            Self::Suspended => "suspended",
            Self::Restored => "restored",
            Self::Expiring => "expiring",
        }
    }

    /// Whether it tells of a linkage, which the customer may want to look at.
    fn is_of_linkage(self) -> bool {
        match self {
            Self::Linked
            | Self::Changed
            | Self::Ended
            | Self::Suspended
            | Self::Restored
            | Self::Expiring => true,
            Self::LoginLocked | Self::PinLocked => false,
        }
    }

    fn on_wire(self) -> WireKind {
        match self {
            Self::Linked => WireKind::Linked,
            Self::Changed => WireKind::Changed,
            Self::Ended => WireKind::Ended,
            Self::LoginLocked => WireKind::LoginLocked,
            Self::PinLocked => WireKind::PinLocked,
            Self::Suspended => WireKind::Suspended,
            Self::Restored => WireKind::Restored,
            Self::Expiring => WireKind::Expiring,
        }
    }
}

/// A notice to be sent; a row of `notices`.
#[derive(Debug, Clone)]
pub struct Notice {
    id: Uuid,
    bank: BankCode,
    kind: NoticeKind,
    contract: ContractId,
    actor: Option<UserId>,
    partner: Option<PartnerId>,
    accounts: Vec<AccountId>,
    ends_at: Option<Instant>,
}

impl Notice {
    /// Tells of a linkage.
    pub fn of_linkage(
        kind: NoticeKind,
        bank: BankCode,
        (contract, actor): (ContractId, Option<UserId>),
        partner: PartnerId,
        accounts: impl IntoIterator<Item = AccountId>,
    ) -> Self {
        Self {
            id: entropy::opaque_id(),
            bank,
            kind,
            contract,
            actor,
            partner: Some(partner),
            accounts: accounts.into_iter().collect(),
            ends_at: None,
        }
    }

    /// Tells that a linkage ends then.
    pub fn of_expiry(self, ends_at: Instant) -> Self {
        Self {
            kind: NoticeKind::Expiring,
            ends_at: Some(ends_at),
            ..self
        }
    }

    /// Tells of a lock; who made the last guess is not always known.
    pub fn of_lock(
        kind: NoticeKind,
        bank: BankCode,
        contract: ContractId,
        actor: Option<UserId>,
    ) -> Self {
        Self {
            id: entropy::opaque_id(),
            bank,
            kind,
            contract,
            actor,
            partner: None,
            accounts: Vec::new(),
            ends_at: None,
        }
    }

    /// The INSERT that commits with the facts, of that consent where they are one's.
    pub(crate) fn insert(&self, statement: &mut Statement, grant: Option<&str>) -> String {
        let accounts: Vec<String> = self.accounts.iter().map(ToString::to_string).collect();
        let values = [
            statement.bind(self.id),
            statement.bind(self.bank.to_string()),
            statement.bind(self.kind.as_str()),
            statement.bind(self.contract.to_string()),
            statement.bind(self.actor.as_ref().map(ToString::to_string)),
            statement.bind(self.partner.as_ref().map(ToString::to_string)),
            statement.bind(accounts),
            statement.bind(self.ends_at),
            statement.bind(grant.map(str::to_owned)),
        ];
        format!(
            "INSERT INTO notices (notice_id, bank, kind, contract, actor_user, partner, accounts, ends_at,
                 grant_id) VALUES ({})",
            values.join(", ")
        )
    }
}

/// Takes due notices for this replica: another one passes over them until the next try is due.
const TAKE: &str = "
    WITH taken AS (UPDATE notices SET tries = tries + 1,
        next_try_at = now() + make_interval(secs => least(3600, 15 * power(2, least(tries, 8))))
    WHERE notice_id IN (
        SELECT notice_id FROM notices WHERE sent_at IS NULL AND next_try_at <= now()
        ORDER BY next_try_at LIMIT 50 FOR UPDATE SKIP LOCKED)
    RETURNING notice_id, bank, kind, contract, actor_user, partner, accounts, occurred_at,
        ends_at)
    SELECT * FROM taken ORDER BY occurred_at";

/// Sends what is due. A notice that the bank does not take is tried again, each time later, up to an
/// hour apart.
///
/// # Errors
/// [`StoreError`].
pub async fn send_due(app: &App) -> Result<(), StoreError> {
    let rows = sqlx::query(TAKE)
        .fetch_all(&app.pool)
        .instrument(sql_span("take notices"))
        .await?;
    for row in rows {
        let id: Uuid = row.try_get("notice_id")?;
        let kind: String = row.try_get("kind")?;
        let Some(kind) = NoticeKind::ALL
            .into_iter()
            .find(|known| known.as_str() == kind)
        else {
            continue;
        };
        let partner: Option<String> = row.try_get("partner")?;
        let names = partner_names(&app.pool, partner.as_deref()).await?;
        let bank: String = row.try_get("bank")?;
        let notice = NoticeToSend {
            id,
            way_to_linkages: if kind.is_of_linkage() {
                way_to_linkages(app, &bank).await?
            } else {
                Vec::new()
            },
            bank,
            kind: kind.on_wire(),
            contract: row.try_get("contract")?,
            actor: row
                .try_get::<Option<String>, _>("actor_user")?
                .unwrap_or_default(),
            partner: names,
            accounts: row.try_get("accounts")?,
            occurred_at: row.try_get("occurred_at")?,
            ends_at: row.try_get("ends_at")?,
        };
        match app.bank_port.send_notice(notice).await {
            Ok(()) => {
                sqlx::query("UPDATE notices SET sent_at = now() WHERE notice_id = $1")
                    .bind(id)
                    .execute(&app.pool)
                    .instrument(sql_span("settle notice"))
                    .await?;
            }
            Err(failure) => {
                tracing::warn!(notice = %id, error = %failure, "a notice is not sent yet");
            }
        }
    }
    Ok(())
}

/// Where the customer sees and ends linkages, in each language, as the bank words it. No address: why not is in
/// `docs/decisions/0046-mails-name-the-page.md`.
async fn way_to_linkages(app: &App, bank: &str) -> Result<Vec<(&'static str, String)>, StoreError> {
    let bank = BankCode::parse(bank)?;
    let Some(record) = bank_record(&app.pool, &bank).await? else {
        return Ok(Vec::new());
    };
    let pages = app.pages.of(&bank, &record);
    let ways = Locale::ALL
        .into_iter()
        .map(|locale| (locale.tag(), pages.texts(locale).way_to_linkages()));
    Ok(ways.collect())
}

/// Legal name and service name of a partner.
async fn partner_names(
    pool: &PgPool,
    partner: Option<&str>,
) -> Result<(String, String), StoreError> {
    use consent_domain::partner::{Partner, PartnerStream};
    let Some(partner) = partner else {
        return Ok(Default::default());
    };
    Ok(match state_of::<PartnerStream>(pool, partner).await? {
        Partner::Absent => Default::default(),
        Partner::Registered { record, .. } => (record.legal_name, record.service_name),
    })
}
