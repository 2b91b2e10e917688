//! Why a consent stopped, or is stopped now: a chain from the nearest cause back to the one that began it, as far
//! as facts, notices and acts name each other.

use consent_domain::{
    Instant, Stream as _,
    consent::{Consent, ConsentEvent, ConsentStream, RevocationReason},
};
use uuid::Uuid;

use super::{
    Life, Told,
    as_of::{Obstacle, level_name, obstacles, status_at},
    life::CauseKind,
};

/// Why reads are not possible.
#[derive(Debug, Clone, PartialEq)]
pub struct Why {
    /// `live` where nothing stands against reads; else the status, or `suspended` for a level above.
    pub status: &'static str,
    /// One chain for each thing that stands against reads, each beginning with what is nearest.
    pub chains: Vec<Vec<Link>>,
}

/// One link of a chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// What, as a code: a fact's type, `bank_notice`, `operator_act` or `validity_passed`.
    pub what: String,
    /// The reason, cause or kind, as a code.
    pub code: Option<String>,
    /// Since when it holds, or when it happened.
    pub at: Instant,
    /// When it was recorded, or came.
    pub recorded_at: Option<Instant>,
    /// `customer`, `partner`, `operator`, `system` or `bank`.
    pub actor_kind: &'static str,
    /// Who.
    pub actor_id: Option<String>,
    /// The fact's, notice's or act's id.
    pub id: Option<Uuid>,
    /// At which level it stands, where it is a suspension.
    pub level: Option<&'static str>,
}

/// Why a consent can't be read now; no chain where it can.
pub fn why(life: &Life) -> Why {
    let consent = ConsentStream::replay(life.consent.iter().map(|fact| &fact.event));
    let status = status_at(&consent, life.now);
    let chains = match status {
        "expired" | "revoked" | "superseded" => vec![of_end(life, &consent)],
        _ => obstacles(life, life.now)
            .iter()
            .map(|obstacle| of_obstacle(life, obstacle))
            .collect(),
    };
    let status = match status {
        "live" if !chains.is_empty() => "suspended",
        status => status,
    };
    Why { status, chains }
}

fn link<E>(fact: &Told<E>, what: &str, code: Option<&str>) -> Link {
    Link {
        what: what.to_owned(),
        code: code.map(str::to_owned),
        at: fact.holds_since(),
        recorded_at: Some(fact.recorded_at),
        actor_kind: fact.actor.kind(),
        actor_id: fact.actor.id().map(str::to_owned),
        id: Some(fact.event_id),
        level: None,
    }
}

/// From the end backwards.
fn of_end(life: &Life, consent: &Consent) -> Vec<Link> {
    let end = life.consent.iter().rev().find(|fact| {
        matches!(
            fact.event,
            ConsentEvent::AccessExpired { .. }
                | ConsentEvent::AccessRevoked { .. }
                | ConsentEvent::AccessSuperseded { .. }
        )
    });
    let mut chain = Vec::new();
    match end.map(|fact| (fact, &fact.event)) {
        Some((fact, ConsentEvent::AccessRevoked { reason, .. })) => {
            chain.push(link(fact, "AccessRevoked", Some(reason.as_str())));
            if *reason == RevocationReason::NoAccountLeft {
                chain.extend(last_account(life, fact));
            }
            chain.extend(causes(life, fact.causation_id, &mut Vec::new()));
        }
        Some((fact, ConsentEvent::AccessSuperseded { by, .. })) => {
            chain.push(link(fact, "AccessSuperseded", Some(by.as_str())));
            chain.extend(causes(life, fact.causation_id, &mut Vec::new()));
        }
        // By the clock, whether or not anybody has recorded it yet.
        expired => {
            chain.extend(expired.map(|(fact, _)| link(fact, "AccessExpired", None)));
            chain.extend(consent.terms().map(|terms| passed(terms.valid_until)));
            chain.extend(warnings(life));
        }
    }
    chain
}

fn passed(valid_until: Instant) -> Link {
    Link {
        what: "validity_passed".to_owned(),
        code: None,
        at: valid_until,
        recorded_at: None,
        actor_kind: "system",
        actor_id: None,
        id: None,
        level: None,
    }
}

/// The fact that took the last account out, which commits with the end.
fn last_account(life: &Life, end: &Told) -> Option<Link> {
    let before = life.consent.iter().rev();
    before
        .filter(|fact| fact.sequence < end.sequence)
        .find_map(|fact| match &fact.event {
            ConsentEvent::AccountRemoved { reason, .. } => {
                Some(link(fact, "AccountRemoved", Some(reason.as_str())))
            }
            _ => None,
        })
}

/// The warnings of the last period, and what began that period: the customer knew.
fn warnings(life: &Life) -> Vec<Link> {
    let mut links = Vec::new();
    for fact in life.consent.iter().rev() {
        match &fact.event {
            ConsentEvent::ExpiryWarned { days_left, .. } => {
                links.push(link(fact, "ExpiryWarned", Some(&days_left.to_string())));
            }
            ConsentEvent::AccessGranted { .. } => {
                links.push(link(fact, "AccessGranted", None));
                break;
            }
            ConsentEvent::AccessAmended { .. } => {
                links.push(link(fact, "AccessAmended", None));
                break;
            }
            ConsentEvent::AccessRenewed { .. } => {
                links.push(link(fact, "AccessRenewed", None));
                break;
            }
            _ => {}
        }
    }
    links
}

fn of_obstacle(life: &Life, obstacle: &Obstacle) -> Vec<Link> {
    let mut seen = Vec::new();
    let mut chain = causes(life, Some(obstacle.event_id), &mut seen);
    if let Some(first) = chain.first_mut() {
        first.level = Some(level_name(obstacle.level));
        first.code = Some(obstacle.what.as_str().to_owned());
    }
    chain
}

/// What an id leads to: a fact that is known here and what caused it, or a notice or an act.
fn causes(life: &Life, id: Option<Uuid>, seen: &mut Vec<Uuid>) -> Vec<Link> {
    let Some(id) = id else { return Vec::new() };
    // Facts name earlier ones; a loop could only come from a spoilt store.
    if seen.contains(&id) {
        return Vec::new();
    }
    seen.push(id);
    if let Some((first, further)) = find_fact(life, id) {
        let mut chain = vec![first];
        chain.extend(causes(life, further, seen));
        return chain;
    }
    let Some(cause) = life.cause_of(id) else {
        return Vec::new();
    };
    let (what, actor_kind) = match cause.kind {
        CauseKind::BankNotice => ("bank_notice", "bank"),
        CauseKind::OperatorAct => ("operator_act", "operator"),
    };
    vec![Link {
        what: what.to_owned(),
        code: Some(cause.code.clone()),
        at: cause.occurred_at.unwrap_or(cause.recorded_at),
        recorded_at: Some(cause.recorded_at),
        actor_kind,
        actor_id: cause.operator.clone(),
        id: Some(cause.id),
        level: None,
    }]
}

/// A fact of any of the streams, with what caused it.
fn find_fact(life: &Life, id: Uuid) -> Option<(Link, Option<Uuid>)> {
    fn of<E: consent_domain::DomainEvent>(
        facts: &[Told<E>],
        id: Uuid,
    ) -> Option<(Link, Option<Uuid>)> {
        let fact = facts.iter().find(|fact| fact.event_id == id)?;
        Some((link(fact, fact.event.event_type(), None), fact.causation_id))
    }
    of(&life.consent, id)
        .or_else(|| of(&life.contract, id))
        .or_else(|| of(&life.partner, id))
        .or_else(|| of(&life.bank, id))
}
