//! What the operators' API says of one consent: ids and codes, never a name or a number.

use chrono::{DateTime, NaiveDate, Utc};
use consent_domain::{DomainEvent, GrantId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    history::{
        Life, Told,
        as_of::{AsOf, Obstacle, level_name, obstacles, status_at},
        life::CauseKind,
        why::{Link, Why},
    },
    store::Actor,
};

/// Who acted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActorAnswer {
    /// `customer`, `partner`, `operator`, `system` or `bank`.
    #[schema(example = "customer")]
    kind: &'static str,
    /// Who, where that is known.
    id: Option<String>,
}

impl From<&Actor> for ActorAnswer {
    fn from(actor: &Actor) -> Self {
        Self {
            kind: actor.kind(),
            id: actor.id().map(str::to_owned),
        }
    }
}

/// How a consent stood at a moment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Standing {
    /// The grant.
    grant_id: String,
    /// The moment.
    as_of: DateTime<Utc>,
    /// Always `effective`: a fact holds from its effective time where it has one, else from when it was recorded.
    time_basis: &'static str,
    /// `absent` (not begun), `live`, `suspended`, `expired`, `revoked` or `superseded`: what it says itself.
    status: &'static str,
    /// Whether its client could read, all levels considered.
    readable: bool,
    /// If not, the first reason, in words.
    why_not: Option<String>,
    /// The partner.
    partner: Option<String>,
    /// The partner's OAuth client.
    client: Option<String>,
    /// The contract (団体).
    contract: Option<String>,
    /// The user who answered for it.
    user: Option<String>,
    /// What could be read, as far as it says itself.
    scope: Vec<ScopeAnswer>,
    /// First day of statements; none: as far as the bank goes.
    history_from: Option<NaiveDate>,
    /// When its period began.
    valid_from: Option<DateTime<Utc>>,
    /// The first instant at which it no longer holds.
    valid_until: Option<DateTime<Utc>>,
    /// The fact that allowed what it said.
    allowed_by: Option<FactAnswer>,
    /// What stood against reads, nearest to the customer first.
    suspended_by: Vec<ObstacleAnswer>,
    /// The bank's settings.
    settings: Option<Value>,
    /// Facts that held then and were recorded later: whoever looked then could not know them.
    known_later: Vec<Uuid>,
}

/// What could be read of an account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScopeAnswer {
    /// The account, as the bank names it.
    account: String,
    /// `balance`, `transactions`.
    tasks: Vec<&'static str>,
}

/// What stood against reads.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ObstacleAnswer {
    /// `consent`, `contract`, `partner_at_bank` or `bank`.
    level: &'static str,
    /// A cause of suspension, `contract_closed` or `partner_disabled`.
    cause: &'static str,
    /// Since when.
    since: DateTime<Utc>,
    /// The fact.
    event_id: Uuid,
}

impl From<&Obstacle> for ObstacleAnswer {
    fn from(obstacle: &Obstacle) -> Self {
        Self {
            level: level_name(obstacle.level),
            cause: obstacle.what.as_str(),
            since: obstacle.since,
            event_id: obstacle.event_id,
        }
    }
}

/// A fact.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FactAnswer {
    /// Of which stream: `consent`, `journey`, `contract`, `partner_at_bank`, `bank`; or `bank_notice` and
    /// `operator_act`, which caused facts and are none.
    stream: &'static str,
    /// Of which journey.
    #[serde(skip_serializing_if = "Option::is_none")]
    journey_id: Option<String>,
    /// The fact's type.
    #[schema(example = "AccessGranted")]
    r#type: String,
    /// Its id.
    event_id: Uuid,
    /// When it was recorded.
    recorded_at: DateTime<Utc>,
    /// Since when it holds, where that is another time.
    effective_at: Option<DateTime<Utc>>,
    /// Who acted.
    actor: ActorAnswer,
    /// The fact, notice or act that led to it.
    causation_id: Option<Uuid>,
    /// The request that brought it.
    request_id: Option<String>,
    /// What it says: ids and codes.
    details: Value,
}

impl FactAnswer {
    fn of<E: DomainEvent>(stream: &'static str, fact: &Told<E>) -> Self {
        let name = fact.event.event_type();
        let details = serde_json::to_value(&fact.event).unwrap_or_default();
        Self {
            stream,
            journey_id: None,
            r#type: name.to_owned(),
            event_id: fact.event_id,
            recorded_at: fact.recorded_at,
            effective_at: fact.effective_at,
            actor: (&fact.actor).into(),
            causation_id: fact.causation_id,
            request_id: fact.request_id.clone(),
            details: details.get(name).cloned().unwrap_or(details),
        }
    }
}

impl Standing {
    pub(crate) fn of(grant: &GrantId, then: &AsOf) -> Self {
        let terms = then.consent.terms();
        let scope = terms
            .map(|terms| &terms.scope)
            .into_iter()
            .flat_map(|scope| {
                scope.accounts().into_iter().map(|account| ScopeAnswer {
                    tasks: scope
                        .tasks_of(&account)
                        .iter()
                        .map(|task| task.as_str())
                        .collect(),
                    account: account.to_string(),
                })
            });
        let settings = then.settings.as_ref();
        Self {
            grant_id: grant.to_string(),
            as_of: then.at,
            time_basis: "effective",
            status: status_at(&then.consent, then.at),
            readable: then.readable.is_ok(),
            why_not: then.readable.err().map(|denial| denial.to_string()),
            partner: terms.map(|terms| terms.partner.to_string()),
            client: terms.map(|terms| terms.client.to_string()),
            contract: terms.map(|terms| terms.contract.to_string()),
            user: terms.map(|terms| terms.user.to_string()),
            scope: scope.collect(),
            history_from: terms.and_then(|terms| terms.history_from),
            valid_from: terms.map(|terms| terms.valid_from),
            valid_until: terms.map(|terms| terms.valid_until),
            allowed_by: then
                .allowed_by
                .as_ref()
                .map(|fact| FactAnswer::of("consent", fact)),
            suspended_by: then.obstacles.iter().map(ObstacleAnswer::from).collect(),
            settings: settings.and_then(|settings| serde_json::to_value(settings).ok()),
            known_later: then.known_later.clone(),
        }
    }
}

/// A consent's story, in the order of recording.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Story {
    /// The grant.
    grant_id: String,
    /// To when it is complete.
    told_at: DateTime<Utc>,
    /// What happened.
    facts: Vec<FactAnswer>,
}

impl Story {
    pub(crate) fn of(grant: &GrantId, life: &Life) -> Self {
        let mut facts: Vec<FactAnswer> = Vec::new();
        for (journey, fact) in &life.journeys {
            facts.push(FactAnswer {
                journey_id: Some(journey.to_string()),
                ..FactAnswer::of("journey", fact)
            });
        }
        facts.extend(life.consent.iter().map(|f| FactAnswer::of("consent", f)));
        let touched = Touched::of(life);
        let contract = life.contract.iter().filter(|f| touched.is_by(f));
        facts.extend(contract.map(|f| FactAnswer::of("contract", f)));
        let partner = life.partner.iter().filter(|f| touched.is_by(f));
        facts.extend(partner.map(|f| FactAnswer::of("partner_at_bank", f)));
        // A bank's record is no fact of this consent; its suspensions are.
        let bank = life.bank.iter().filter(|f| {
            let name = f.event.event_type();
            touched.is_by(f) && matches!(name, "BankSuspended" | "BankRestored")
        });
        facts.extend(bank.map(|f| FactAnswer::of("bank", f)));
        let told: Vec<Option<Uuid>> = facts.iter().map(|fact| fact.causation_id).collect();
        let causes = life.causes.iter().filter(|c| told.contains(&Some(c.id)));
        facts.extend(causes.map(|cause| FactAnswer {
            stream: match cause.kind {
                CauseKind::BankNotice => "bank_notice",
                CauseKind::OperatorAct => "operator_act",
            },
            journey_id: None,
            r#type: cause.code.clone(),
            event_id: cause.id,
            recorded_at: cause.recorded_at,
            effective_at: cause.occurred_at,
            actor: ActorAnswer {
                kind: match cause.kind {
                    CauseKind::BankNotice => "bank",
                    CauseKind::OperatorAct => "operator",
                },
                id: cause.operator.clone(),
            },
            causation_id: None,
            request_id: None,
            details: Value::Null,
        }));
        // Stable: facts of one commit stay in their stream's order.
        facts.sort_by_key(|fact| fact.recorded_at);
        Self {
            grant_id: grant.to_string(),
            told_at: life.now,
            facts,
        }
    }
}

/// The time of a consent's life, and what stood when it began.
struct Touched {
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    before: Vec<Uuid>,
}

impl Touched {
    fn of(life: &Life) -> Self {
        let from = life.consent.first().map(Told::holds_since);
        let last = life.consent.last().filter(|last| {
            let name = last.event.event_type();
            matches!(name, "AccessExpired" | "AccessRevoked" | "AccessSuperseded")
        });
        let before = from.map_or_else(Vec::new, |from| obstacles(life, from));
        Self {
            from,
            to: last.map(Told::holds_since),
            before: before
                .into_iter()
                .map(|standing| standing.event_id)
                .collect(),
        }
    }

    fn is_by<E>(&self, fact: &Told<E>) -> bool {
        let at = fact.holds_since();
        let within = self.from.is_some_and(|from| at >= from) && self.to.is_none_or(|to| at <= to);
        within || self.before.contains(&fact.event_id)
    }
}

/// Why a consent stopped.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WhyAnswer {
    /// The grant.
    grant_id: String,
    /// `live` where nothing stands against reads; else what it says itself, or `suspended`.
    status: &'static str,
    /// One for each thing that stands against reads.
    chains: Vec<Vec<LinkAnswer>>,
}

/// A link of a chain of causes; each was caused by the next.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkAnswer {
    /// A fact's type, `validity_passed`, `bank_notice` or `operator_act`.
    #[schema(example = "AccessRevoked")]
    what: String,
    /// The reason, the cause, the days that were left, the notice's kind, or the act.
    #[schema(example = "contract_closed")]
    code: Option<String>,
    /// Of a suspension: `consent`, `contract`, `partner_at_bank` or `bank`.
    level: Option<&'static str>,
    /// Since when it holds, or when it happened.
    at: DateTime<Utc>,
    /// When it was recorded, or came.
    recorded_at: Option<DateTime<Utc>>,
    /// Who acted.
    actor: ActorAnswer,
    /// The fact's, notice's or act's id.
    id: Option<Uuid>,
}

impl From<Link> for LinkAnswer {
    fn from(link: Link) -> Self {
        Self {
            what: link.what,
            code: link.code,
            level: link.level,
            at: link.at,
            recorded_at: link.recorded_at,
            actor: ActorAnswer {
                kind: link.actor_kind,
                id: link.actor_id,
            },
            id: link.id,
        }
    }
}

impl WhyAnswer {
    pub(crate) fn of(grant: &GrantId, why: Why) -> Self {
        let chains = why.chains.into_iter();
        Self {
            grant_id: grant.to_string(),
            status: why.status,
            chains: chains
                .map(|chain| chain.into_iter().map(LinkAnswer::from).collect())
                .collect(),
        }
    }
}
