//! Everything that bears on one consent, in one statement: its own facts, what its contract, its partner at the
//! bank and its bank say to reads, the journeys that led to it, and the notices and acts that caused any of it.

use consent_domain::{
    BankCode, GrantId, Instant, JourneyId, Stream,
    bank::{BankEvent, BankStream},
    consent::{ConsentEvent, ConsentStream},
    contract::{ContractEvent, ContractStream},
    journey::{JourneyEvent, JourneyStream},
    partner::{PartnerAtBankEvent, PartnerAtBankStream},
};
use sqlx::{PgPool, Row as _, postgres::PgRow};
use tracing::Instrument as _;
use uuid::Uuid;

use super::{COLUMNS, HistoryError, Told, told};
use crate::{journey::stream_id, store::sql_span};

/// What bears on a consent. Each list is in its stream's order.
#[derive(Debug, Clone)]
pub struct Life {
    /// The database's time, to which all of it is complete.
    pub now: Instant,
    /// Its own facts; none where there is no such consent.
    pub consent: Vec<Told<ConsentEvent>>,
    /// Of its contract: what stands against reads, and what the bank told of users and accounts.
    pub contract: Vec<Told<ContractEvent>>,
    /// Of its partner at the bank.
    pub partner: Vec<Told<PartnerAtBankEvent>>,
    /// Of its bank: suspensions, and the records that hold its settings.
    pub bank: Vec<Told<BankEvent>>,
    /// Of the journeys that led to it.
    pub journeys: Vec<(JourneyId, Told<JourneyEvent>)>,
    /// What else caused any of its facts or of those above.
    pub causes: Vec<Cause>,
}

/// What caused facts and is none itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// What facts name it by.
    pub id: Uuid,
    /// A notice of the bank, or an operator's act.
    pub kind: CauseKind,
    /// The notice's kind or the act's code.
    pub code: String,
    /// When it came or was recorded.
    pub recorded_at: Instant,
    /// When it happened, as the bank says.
    pub occurred_at: Option<Instant>,
    /// The operator.
    pub operator: Option<String>,
}

/// What a cause is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CauseKind {
    /// The bank told something of the contract.
    BankNotice,
    /// An operator did something.
    OperatorAct,
}

/// Which facts of a contract bear on its consents; the others are registrations and locks.
const OF_CONTRACT: [&str; 10] = [
    "ContractSuspended",
    "ContractRestored",
    "ContractClosed",
    "PasswordChanged",
    "CertificateChanged",
    "UserRemoved",
    "RightRemoved",
    "AccountClosed",
    "AccountRenumbered",
    "BranchMerged",
];

/// How much is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Without the journeys.
    Life,
    /// With them.
    Origin,
}

/// Reads what bears on a consent; one statement.
///
/// # Errors
/// [`HistoryError`].
pub async fn of_grant(
    pool: &PgPool,
    bank: &BankCode,
    grant: &GrantId,
    depth: Depth,
) -> Result<Life, HistoryError> {
    let sql = format!(
        "WITH e AS MATERIALIZED (SELECT * FROM facts_bearing_on_consent($1, $2, $3, $4))
         SELECT now() AS now, {COLUMNS} FROM e
         UNION ALL SELECT now(), 'bank_notice', '', 0, n.content ->> 'kind', '1', '{{}}', n.notice_id,
            n.received_at, n.occurred_at, 'bank', NULL, NULL, NULL
         FROM bank_notices n
         WHERE n.bank = $1 AND n.content IS NOT NULL AND n.notice_id IN (SELECT causation_id FROM e)
         UNION ALL SELECT now(), 'operator_act', '', 0, a.act, '1', '{{}}', a.act_id, a.acted_at, NULL,
            'operator', a.operator, NULL, a.request_id
         FROM operator_acts a
         WHERE a.act_id IN (SELECT causation_id FROM e) AND a.bank = $1
         ORDER BY 2, 3, 4"
    );
    let rows = sqlx::query(&sql)
        .bind(bank.as_str())
        .bind(stream_id(bank, grant.as_str()))
        .bind(&OF_CONTRACT[..])
        .bind(depth == Depth::Origin)
        .fetch_all(pool)
        .instrument(sql_span("life of a consent"))
        .await?;
    Life::of_rows(&rows)
}

impl Life {
    fn of_rows(rows: &[PgRow]) -> Result<Self, HistoryError> {
        let mut life = Self {
            now: Instant::UNIX_EPOCH,
            consent: Vec::new(),
            contract: Vec::new(),
            partner: Vec::new(),
            bank: Vec::new(),
            journeys: Vec::new(),
            causes: Vec::new(),
        };
        for row in rows {
            life.now = row.try_get("now")?;
            life.take(row)?;
        }
        Ok(life)
    }

    fn take(&mut self, row: &PgRow) -> Result<(), HistoryError> {
        let kind: String = row.try_get("aggregate_type")?;
        match kind.as_str() {
            <ConsentStream as Stream>::TYPE => self.consent.push(told::<ConsentStream>(row)?),
            <ContractStream as Stream>::TYPE => self.contract.push(told::<ContractStream>(row)?),
            <PartnerAtBankStream as Stream>::TYPE => {
                self.partner.push(told::<PartnerAtBankStream>(row)?)
            }
            <BankStream as Stream>::TYPE => self.bank.push(told::<BankStream>(row)?),
            <JourneyStream as Stream>::TYPE => {
                let stream: String = row.try_get("aggregate_id")?;
                let id = stream.split_once(':').map_or("", |(_, id)| id);
                let id = JourneyId::parse(id).map_err(|error| sqlx::Error::Decode(error.into()))?;
                self.journeys.push((id, told::<JourneyStream>(row)?));
            }
            "bank_notice" => self.causes.push(cause(row, CauseKind::BankNotice)?),
            _ => self.causes.push(cause(row, CauseKind::OperatorAct)?),
        }
        Ok(())
    }

    /// What caused a fact, where it is known here.
    pub fn cause_of(&self, id: Uuid) -> Option<&Cause> {
        self.causes.iter().find(|cause| cause.id == id)
    }
}

fn cause(row: &PgRow, kind: CauseKind) -> Result<Cause, sqlx::Error> {
    Ok(Cause {
        id: row.try_get("event_id")?,
        kind,
        code: row.try_get("event_type")?,
        recorded_at: row.try_get("recorded_at")?,
        occurred_at: row.try_get("effective_at")?,
        operator: row.try_get("actor_id")?,
    })
}
