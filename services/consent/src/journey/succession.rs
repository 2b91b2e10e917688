//! What a new linkage ends by the bank's rule: which linkages, in the customer's words, and their ends,
//! which commit with 許可.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use consent_domain::{
    DomainEvent as _, GrantId, Instant, Stream as _,
    consent::{Consent, ConsentEvent, ConsentStream},
    journey::{JourneyEvent, LinkageBasis},
    linkage_rules::{NewLinkageSupersedes, Service},
};
use sqlx::Row as _;
use tracing::Instrument as _;

use super::{at_step::AtStep, linkages::LiveLinkage, respond::PageError, visit::stream_id};
use crate::{
    lifecycle, metrics,
    pages::Texts,
    store::{Actor, CommandContext, Companion, EndedConsent, StoreError, sql_span},
};

/// A linkage that ends with 許可.
pub(super) struct Outgoing {
    linkage: LiveLinkage,
    service_name: String,
    allowed_at: DateTime<Utc>,
}

impl Outgoing {
    pub(super) fn grant(&self) -> &GrantId {
        &self.linkage.grant
    }

    pub(super) fn consent(&self) -> &Consent {
        &self.linkage.consent
    }

    /// As the customer knows it.
    pub(super) fn words(&self, texts: &Texts) -> String {
        texts.linkage(&self.service_name, self.allowed_at)
    }
}

/// The bank's rule, where it lets what this journey makes end others.
fn rule(at: &AtStep<'_>) -> Option<NewLinkageSupersedes> {
    let rules = &at.visit.record.settings.linkage_rules;
    match (&at.login.basis, rules.new_linkage_supersedes) {
        (LinkageBasis::Amends { .. }, _) | (_, NewLinkageSupersedes::Nothing) => None,
        (LinkageBasis::New | LinkageBasis::Beside, rule) => Some(rule),
    }
}

/// The streams of all linkages that were looked at for what ends, where something may end: one that is made in
/// between was not, and would stay beside what is meant to end it.
pub(super) fn known(at: &AtStep<'_>, linkages: &[LiveLinkage]) -> Option<Vec<String>> {
    let stream = |linkage: &LiveLinkage| stream_id(&at.visit.bank, linkage.grant.as_str());
    rule(at).map(|_| linkages.iter().map(stream).collect())
}

/// The linkages of the contract that end where this journey makes a new one.
pub(super) async fn outgoing(
    at: &AtStep<'_>,
    linkages: &[LiveLinkage],
) -> Result<Vec<Outgoing>, PageError> {
    let Some(rule) = rule(at) else {
        return Ok(Vec::new());
    };
    if linkages.is_empty() {
        return Ok(Vec::new());
    }
    let new = Service {
        client: at.journey.request.client.clone(),
        registration_number: at.visit.partner.registration_number.clone(),
    };
    let described = describe(at, linkages).await;
    let described = described.map_err(|error| at.visit.error(error))?;
    Ok(described
        .into_iter()
        .filter(|(service, _)| rule.ends(service, &new))
        .map(|(_, outgoing)| outgoing)
        .collect())
}

/// Whose service each is, and when it was first allowed.
async fn describe(
    at: &AtStep<'_>,
    linkages: &[LiveLinkage],
) -> Result<Vec<(Service, Outgoing)>, StoreError> {
    let streams: Vec<String> = linkages
        .iter()
        .map(|linkage| stream_id(&at.visit.bank, linkage.grant.as_str()))
        .collect();
    let partners: Vec<&str> = linkages.iter().map(|l| l.partner.as_str()).collect();
    let rows = sqlx::query(
        "SELECT q.number, c.began_at,
            p.state #>> '{record,service_name}' AS service_name,
            p.state #>> '{record,registration_number}' AS registration_number
         FROM UNNEST($1::text[], $2::text[]) WITH ORDINALITY AS q (stream, partner, number)
         JOIN partner_current p ON p.stream_id = q.partner
         JOIN consent_current c ON c.stream_id = q.stream
         ORDER BY q.number",
    )
    .bind(&streams)
    .bind(&partners)
    .fetch_all(&at.visit.app.pool)
    .instrument(sql_span("linkages that may end"))
    .await?;
    let mut described = Vec::new();
    for row in rows {
        let number = usize::try_from(row.try_get::<i64, _>("number")?).unwrap_or_default();
        let Some(linkage) = number.checked_sub(1).and_then(|at| linkages.get(at)) else {
            continue;
        };
        let service = Service {
            client: linkage.client.clone(),
            registration_number: row.try_get("registration_number")?,
        };
        let outgoing = Outgoing {
            linkage: linkage.clone(),
            service_name: row.try_get("service_name")?,
            allowed_at: row.try_get("began_at")?,
        };
        described.push((service, outgoing));
    }
    Ok(described)
}

/// The ends that commit with 許可, and what the customer is told of them.
pub(super) struct Ends {
    bank: consent_domain::BankCode,
    actor: Actor,
    context: CommandContext,
    outgoing: BTreeMap<GrantId, LiveLinkage>,
}

impl Ends {
    pub(super) fn of(at: &AtStep<'_>, outgoing: Vec<Outgoing>) -> Self {
        let context = at.visit.command(Some(&at.session.subject), None);
        Self {
            bank: at.visit.bank.clone(),
            actor: context.actor.clone(),
            context,
            outgoing: outgoing
                .into_iter()
                .map(|it| (it.linkage.grant.clone(), it.linkage))
                .collect(),
        }
    }

    /// Of the linkages that the journey's facts name as superseded.
    pub(super) fn at(&self, facts: &[JourneyEvent], now: Instant) -> Vec<Companion> {
        let authorized = facts.iter().find_map(|fact| match fact {
            JourneyEvent::AccessAuthorized {
                grant,
                client,
                supersedes,
                ..
            } => Some((grant, client, supersedes)),
            _ => None,
        });
        let Some((by, client, superseded)) = authorized else {
            return Vec::new();
        };
        let fact = ConsentEvent::AccessSuperseded {
            by: by.clone(),
            by_client: Some(client.clone()),
        };
        superseded
            .iter()
            .filter_map(|grant| self.outgoing.get(grant))
            .map(|linkage| self.end(linkage, &fact, now))
            .collect()
    }

    fn end(&self, linkage: &LiveLinkage, fact: &ConsentEvent, now: Instant) -> Companion {
        let mut after = linkage.consent.clone();
        ConsentStream::evolve(&mut after, fact);
        let facts = std::slice::from_ref(fact);
        Companion::EndConsent(Box::new(EndedConsent {
            stream: stream_id(&self.bank, linkage.grant.as_str()),
            version: linkage.version,
            before: linkage.consent.clone(),
            fact: fact.clone(),
            told: lifecycle::notices(&self.bank, &self.actor, facts, &after),
            context: self.context.clone(),
            now,
        }))
    }
}

/// Counts the ends that these facts of a journey brought.
pub(super) fn count(facts: &[JourneyEvent]) {
    for fact in facts {
        if let JourneyEvent::AccessAuthorized {
            grant, supersedes, ..
        } = fact
        {
            for _ in supersedes {
                let ended = ConsentEvent::AccessSuperseded {
                    by: grant.clone(),
                    by_client: None,
                };
                metrics::fact_committed(ended.event_type());
            }
        }
    }
}
