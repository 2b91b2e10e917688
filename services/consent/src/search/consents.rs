//! Consents of a bank: by partner, contract, account, status, reason and time.

use consent_domain::{
    AccountId, BankCode, ContractId, Instant, PartnerId, consent::RevocationReason,
};
use serde::Serialize;
use sqlx::{FromRow, Postgres, QueryBuilder};
use utoipa::ToSchema;

use super::{Place, Placed, Search, Span};

/// How a consent stands, by the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It may be read, as far as it says itself.
    Live,
    /// Suspended for a cause of its own.
    Suspended,
    /// Its time passed, recorded or not.
    Expired,
    /// Somebody ended it.
    Revoked,
    /// Another one took its place.
    Superseded,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Live,
        Self::Suspended,
        Self::Expired,
        Self::Revoked,
        Self::Superseded,
    ];

    /// The status's name in searches.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Suspended => "suspended",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Superseded => "superseded",
        }
    }

    /// The status of that name, if there is one.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// In which consents is looked, and in which order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Among {
    /// All of the bank, in the order of their beginnings.
    Begun {
        /// When they began.
        began: Span,
    },
    /// Those of a status, in the order of their ends, to come or past; without one, all that have ended.
    Ending {
        /// The status.
        status: Option<Status>,
        /// Of revoked ones, why.
        reason: Option<RevocationReason>,
        /// When they end or ended.
        ends: Span,
    },
    /// Those of one contract or account, in the order of their beginnings: few, so whatever else is asked is
    /// looked for among them.
    Few(Few),
}

/// What is looked for among the consents of a contract or an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Few {
    /// The contract.
    pub contract: Option<ContractId>,
    /// An account that they cover, or covered last.
    pub account: Option<AccountId>,
    /// The status.
    pub status: Option<Status>,
    /// Of revoked ones, why.
    pub reason: Option<RevocationReason>,
    /// When they began.
    pub began: Span,
    /// When they end or ended.
    pub ends: Span,
}

/// A search for consents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentSearch {
    /// The bank.
    pub bank: BankCode,
    /// Only this partner's.
    pub partner: Option<PartnerId>,
    /// Which.
    pub among: Among,
}

/// A consent that was found; ids only, no name.
#[derive(Debug, Clone, Serialize, FromRow, ToSchema)]
pub struct FoundConsent {
    /// Where it stands in the order.
    #[serde(skip)]
    at: Instant,
    #[serde(skip)]
    stream_id: String,
    /// The grant.
    pub grant_id: String,
    /// The partner.
    pub partner: String,
    /// The partner's OAuth client.
    pub client: String,
    /// The contract (団体), as the bank names it.
    pub contract: String,
    /// `live`, `suspended`, `expired`, `revoked` or `superseded`, by the clock.
    #[schema(example = "live")]
    pub status: String,
    /// Of a revoked one: why, as a code.
    pub reason: Option<String>,
    /// Of a revoked one: who.
    pub ended_by: Option<String>,
    /// Of a superseded one: the grant that took its place.
    pub superseded_by: Option<String>,
    /// The causes of its own for which it is suspended.
    pub suspended: Vec<String>,
    /// How many accounts it covers, or covered last.
    pub account_count: i32,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub began_at: Instant,
    /// When its last fact was recorded.
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Instant,
    /// The first instant at which it no longer holds by its own terms.
    #[schema(value_type = String, format = DateTime)]
    pub valid_until: Instant,
    /// When it ended; none while it has not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Instant>,
}

impl Placed for FoundConsent {
    fn place(&self) -> Place {
        Place {
            at: self.at,
            stream: self.stream_id.clone(),
        }
    }
}

/// What is shown of the rows `c`, whose order hangs on the column given.
fn shown(order: &str) -> String {
    format!(
        "SELECT c.{order} AS at, c.stream_id, split_part(c.stream_id, ':', 2) AS grant_id, c.partner,
            c.client, c.contract,
            CASE WHEN c.status = 'live' AND c.ends_at <= now() THEN 'expired'
                WHEN c.word = 'suspended' THEN 'suspended' ELSE c.status END AS status,
            CASE c.status WHEN 'revoked' THEN c.state ->> 'reason' END AS reason,
            CASE c.status WHEN 'revoked' THEN c.state ->> 'by' END AS ended_by,
            CASE c.status WHEN 'superseded' THEN c.state ->> 'by' END AS superseded_by,
            ARRAY(SELECT jsonb_array_elements_text(c.state -> 'suspended')) AS suspended,
            cardinality(c.accounts) AS account_count, c.began_at, c.changed_at, c.valid_until,
            CASE WHEN c.status <> 'live' OR c.ends_at <= now() THEN c.ends_at END AS ended_at
         FROM "
    )
}

impl Search for ConsentSearch {
    type Found = FoundConsent;

    fn push_sql(&self, sql: &mut QueryBuilder<'_, Postgres>, after: Option<&Place>, limit: i64) {
        let order = match &self.among {
            Among::Begun { began } => {
                sql.push(shown("began_at")).push("consent_current c WHERE");
                self.push_owner(sql);
                began.push(sql, "c.began_at");
                push_after(sql, "c.began_at", after);
                "began_at"
            }
            Among::Ending {
                status,
                reason,
                ends,
            } => {
                sql.push(shown("ends_at")).push("(");
                for (number, branch) in branches(*status, *reason).into_iter().enumerate() {
                    sql.push(if number == 0 { "(" } else { " UNION ALL (" });
                    sql.push("SELECT * FROM consent_current c WHERE");
                    self.push_owner(sql);
                    sql.push(" AND c.word = ").push_bind(branch.word);
                    sql.push(branch.by_clock);
                    ends.push(sql, "c.ends_at");
                    push_after(sql, "c.ends_at", after);
                    // Each range in its order, so that they are merged and none is read to its end.
                    sql.push(" ORDER BY c.ends_at DESC, c.stream_id DESC LIMIT ")
                        .push_bind(limit)
                        .push(")");
                }
                sql.push(") c");
                "ends_at"
            }
            Among::Few(few) => {
                self.push_few(sql, few);
                push_after(sql, "c.began_at", after);
                "began_at"
            }
        };
        sql.push(format!(" ORDER BY c.{order} DESC, c.stream_id DESC LIMIT "))
            .push_bind(limit);
    }

    fn text(&self) -> String {
        format!("{self:?}")
    }
}

impl ConsentSearch {
    fn push_owner(&self, sql: &mut QueryBuilder<'_, Postgres>) {
        sql.push(" c.bank = ").push_bind(self.bank.to_string());
        if let Some(partner) = &self.partner {
            sql.push(" AND c.partner = ").push_bind(partner.to_string());
        }
    }

    fn push_few(&self, sql: &mut QueryBuilder<'_, Postgres>, few: &Few) {
        match (&few.account, &few.contract) {
            // Apart, so that nothing but the accounts' index leads to them.
            (Some(account), _) => {
                sql.push(
                    "WITH c AS MATERIALIZED (SELECT * FROM consent_current WHERE accounts @> ",
                );
                sql.push_bind(vec![format!("{}:{account}", self.bank)]);
                sql.push(") ").push(shown("began_at")).push("c WHERE");
            }
            (None, _) => {
                sql.push(shown("began_at")).push("consent_current c WHERE");
            }
        }
        self.push_owner(sql);
        if let Some(contract) = &few.contract {
            sql.push(" AND c.contract = ")
                .push_bind(contract.to_string());
        }
        if few.status.is_some() || few.reason.is_some() {
            let mut separator = " AND (";
            for branch in branches(few.status, few.reason) {
                sql.push(separator)
                    .push("(c.word = ")
                    .push_bind(branch.word);
                sql.push(branch.by_clock).push(")");
                separator = " OR ";
            }
            sql.push(")");
        }
        few.began.push(sql, "c.began_at");
        few.ends.push(sql, "c.ends_at");
    }
}

fn push_after(sql: &mut QueryBuilder<'_, Postgres>, column: &str, after: Option<&Place>) {
    if let Some(place) = after {
        sql.push(format!(" AND ({column}, c.stream_id) < ("))
            .push_bind(place.at)
            .push(", ")
            .push_bind(place.stream.clone())
            .push(")");
    }
}

/// Rows of one word, with what the clock says of them.
struct Branch {
    word: String,
    by_clock: &'static str,
}

const TO_COME: &str = " AND c.ends_at > now()";
const PAST: &str = " AND c.ends_at <= now()";

/// The words that a status and a reason are made of. Each is a range of an index in its own right, and the
/// ranges are merged.
fn branches(status: Option<Status>, reason: Option<RevocationReason>) -> Vec<Branch> {
    let branch = |word: &str, by_clock| Branch {
        word: word.to_owned(),
        by_clock,
    };
    // A live one past its time has ended, whether or not anybody has recorded it yet.
    let expired = || ["live", "suspended", "expired"].map(|word| branch(word, PAST));
    let revoked = || {
        let reasons = RevocationReason::ALL.into_iter();
        reasons
            .filter(|each| reason.is_none_or(|wanted| wanted == *each))
            .map(|each| branch(&format!("revoked:{}", each.as_str()), ""))
    };
    match status {
        Some(Status::Live) => vec![branch("live", TO_COME)],
        Some(Status::Suspended) => vec![branch("suspended", TO_COME)],
        Some(Status::Expired) => expired().into(),
        Some(Status::Superseded) => vec![branch("superseded", "")],
        Some(Status::Revoked) => revoked().collect(),
        None if reason.is_some() => revoked().collect(),
        None => expired()
            .into_iter()
            .chain([branch("superseded", "")])
            .chain(revoked())
            .collect(),
    }
}
