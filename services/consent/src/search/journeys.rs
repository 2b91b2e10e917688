//! Journeys of a bank: where are they stuck, and how did they end?

use consent_domain::{BankCode, Instant, JourneyId, PartnerId, journey::Step};
use serde::Serialize;
use sqlx::{FromRow, Postgres, QueryBuilder};
use utoipa::ToSchema;

use super::{Place, Placed, Search, Span};

/// How a journey stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JourneyStatus {
    /// Under way.
    InProgress,
    /// Ended with 許可.
    Authorized,
    /// The customer declined at step 6.
    Declined,
    /// The customer left.
    Cancelled,
    /// Its time passed.
    TimedOut,
    /// It could not go on.
    Failed,
}

impl JourneyStatus {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::InProgress,
        Self::Authorized,
        Self::Declined,
        Self::Cancelled,
        Self::TimedOut,
        Self::Failed,
    ];

    /// The status's name in searches.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Authorized => "authorized",
            Self::Declined => "declined",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::Failed => "failed",
        }
    }

    /// The status of that name, if there is one.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether the record of the end says where that was.
    pub fn has_stage(self) -> bool {
        !matches!(self, Self::Authorized | Self::Declined)
    }
}

/// The bank's steps, 2 to 6.
pub const STAGES: [Step; 5] = [
    Step::Login,
    Step::Tasks,
    Step::Accounts,
    Step::Confirm,
    Step::Authorize,
];

/// A step's name in searches.
pub fn stage_name(step: Step) -> &'static str {
    match step {
        Step::Login => "login",
        Step::Tasks => "tasks",
        Step::Accounts => "accounts",
        Step::Confirm => "confirm",
        Step::Authorize => "authorize",
    }
}

/// The name of a stage in a journey's state.
fn stored_stage(step: Step) -> &'static str {
    match step {
        Step::Login => "awaiting_login",
        Step::Tasks => "choosing_tasks",
        Step::Accounts => "choosing_accounts",
        Step::Confirm => "confirming",
        Step::Authorize => "authorizing",
    }
}

/// Which journey, where one is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OneJourney {
    /// By its id.
    Id(JourneyId),
    /// By the SHA-256 of the `request_uri` that the partner got for it.
    RequestUri([u8; 32]),
}

/// A search for journeys, in the order of their beginnings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JourneySearch {
    /// The bank.
    pub bank: BankCode,
    /// One only.
    pub one: Option<OneJourney>,
    /// Only this partner's.
    pub partner: Option<PartnerId>,
    /// Only of this status.
    pub status: Option<JourneyStatus>,
    /// The step that is next, or at which it ended; goes with a status that has one. Of those in progress
    /// all are looked at: there is an hour's worth of them.
    pub stage: Option<Step>,
    /// When they began.
    pub began: Span,
}

/// A journey that was found; ids only, no name.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct FoundJourney {
    #[serde(skip)]
    stream_id: String,
    /// The journey.
    pub journey_id: String,
    /// The partner.
    pub partner: String,
    /// The partner's OAuth client.
    pub client: String,
    /// The contract (団体), once somebody has logged in.
    pub contract: Option<String>,
    /// `in_progress`, `authorized`, `declined`, `cancelled`, `timed_out` or `failed`.
    #[schema(example = "in_progress")]
    pub status: String,
    /// The step that is next, or at which it ended: `login`, `tasks`, `accounts`, `confirm`, `authorize`.
    pub stage: Option<String>,
    /// Of a failed or timed-out one: why.
    pub reason: Option<String>,
    /// Of an authorized one: the grant that it made or changed.
    pub grant_id: Option<String>,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub began_at: Instant,
    /// When its last fact was recorded.
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Instant,
    /// When its time is over.
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Instant,
}

impl Placed for FoundJourney {
    fn place(&self) -> Place {
        Place {
            at: self.began_at,
            stream: self.stream_id.clone(),
        }
    }
}

const SHOWN: &str = "SELECT c.stream_id, split_part(c.stream_id, ':', 2) AS journey_id, c.partner,
        c.state #>> '{request,client}' AS client,
        coalesce(c.state ->> 'contract', c.state #>> '{stage,login,contract}') AS contract,
        split_part(c.word, ':', 1) AS status,
        coalesce(c.state #>> '{end,step}', CASE c.state #>> '{stage,stage}'
            WHEN 'awaiting_login' THEN 'login' WHEN 'choosing_tasks' THEN 'tasks'
            WHEN 'choosing_accounts' THEN 'accounts' WHEN 'confirming' THEN 'confirm'
            WHEN 'authorizing' THEN 'authorize' END) AS stage,
        coalesce(c.state #>> '{end,code}', c.state #>> '{end,cause}') AS reason,
        c.state #>> '{end,grant}' AS grant_id, c.began_at, c.changed_at, c.ends_at
     FROM ";

impl Search for JourneySearch {
    type Found = FoundJourney;

    fn push_sql(&self, sql: &mut QueryBuilder<'_, Postgres>, after: Option<&Place>, limit: i64) {
        sql.push(SHOWN).push("(");
        for (number, word) in self.words().into_iter().enumerate() {
            sql.push(if number == 0 { "(" } else { " UNION ALL (" });
            sql.push("SELECT * FROM journey_current c WHERE c.bank = ")
                .push_bind(self.bank.to_string());
            self.push_one(sql);
            if let Some(partner) = &self.partner {
                sql.push(" AND c.partner = ").push_bind(partner.to_string());
            }
            if let Some(word) = &word {
                sql.push(" AND c.word = ").push_bind(word.clone());
            }
            if let (Some("in_progress"), Some(step)) = (word.as_deref(), self.stage) {
                sql.push(" AND c.state #>> '{stage,stage}' = ")
                    .push_bind(stored_stage(step));
            }
            self.began.push(sql, "c.began_at");
            if let Some(place) = after {
                sql.push(" AND (c.began_at, c.stream_id) < (")
                    .push_bind(place.at)
                    .push(", ")
                    .push_bind(place.stream.clone())
                    .push(")");
            }
            // Each range in its order, so that they are merged and none is read to its end.
            sql.push(" ORDER BY c.began_at DESC, c.stream_id DESC LIMIT ")
                .push_bind(limit)
                .push(")");
        }
        sql.push(") c ORDER BY c.began_at DESC, c.stream_id DESC LIMIT ")
            .push_bind(limit);
    }

    fn text(&self) -> String {
        format!("{self:?}")
    }
}

impl JourneySearch {
    /// The words that status and stage are made of, each a range of an index; none: all.
    fn words(&self) -> Vec<Option<String>> {
        let Some(status) = self.status else {
            return vec![None];
        };
        let is_ended_somewhere = status.has_stage() && status != JourneyStatus::InProgress;
        if !is_ended_somewhere {
            return vec![Some(status.as_str().to_owned())];
        }
        STAGES
            .into_iter()
            .filter(|step| self.stage.is_none_or(|wanted| wanted == *step))
            .map(|step| Some(format!("{}:{}", status.as_str(), stage_name(step))))
            .collect()
    }

    fn push_one(&self, sql: &mut QueryBuilder<'_, Postgres>) {
        match &self.one {
            None => {}
            Some(OneJourney::Id(id)) => {
                sql.push(" AND c.stream_id = ")
                    .push_bind(format!("{}:{id}", self.bank));
            }
            Some(OneJourney::RequestUri(hash)) => {
                sql.push(" AND c.stream_id = (SELECT p.bank || ':' || p.journey_id FROM pushed_requests p WHERE p.bank = ")
                    .push_bind(self.bank.to_string())
                    .push(" AND p.request_uri_hash = ")
                    .push_bind(hash.to_vec())
                    .push(")");
            }
        }
    }
}
