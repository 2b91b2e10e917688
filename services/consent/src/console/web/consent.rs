//! A consent's page.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::TimeDelta;
use consent_domain::{
    BankCode, GrantId, Instant, Stream as _,
    consent::{Consent, ConsentEvent, ConsentStream},
};
use serde_json::json;

use super::{
    names_at_bank::{partners, wider_suspensions},
    refused::Refused,
    visit::{Sent, frame_at, locale, show as show_page},
};
use crate::{
    access_record::totals_of,
    app::App,
    console::{
        block::Tone,
        consent_page::{Arrival, Cause, ConsentView, ReadLine},
        ended_page::arrivals,
        names,
        page::Section,
        sentence, words,
    },
    ended_consents::{EndsBetween, Notices, between},
    history::{self, Told},
    operator::{Act, Console, Reads, Subject},
    pages::Locale,
    store::Actor,
};

/// Ends of one instant: of a bulk revocation a few may share one.
const ENDS_AT_ONCE: i64 = 1_000;

pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Reads>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Refused> {
    let grant = GrantId::parse(path.1.as_str()).map_err(|_| Refused::NOT_FOUND)?;
    let sent = Sent::of_query(&request);
    let as_of = sent.find("at").and_then(names::of_input);
    let act = Act {
        code: "read_consent",
        subject: Subject::new("consent", grant.as_str()),
        detail: json!({ "as_of": as_of }),
    };
    at.record_read(&app.pool, act).await?;
    let locale = locale(&app, &request);
    let facts = history::of_consent(&app.pool, &at.bank, &grant).await?;
    let consent = fold(&facts);
    let terms = consent.terms().ok_or(Refused::NOT_FOUND)?;
    let partner = terms.partner.to_string();
    let now: Instant = sqlx::query_scalar("SELECT now()")
        .fetch_one(&app.pool)
        .await?;
    let levels = (&at.bank, terms.contract.as_str(), partner.as_str());
    let wider = wider_suspensions(&app.pool, locale, levels).await?;
    let services = partners(&app.pool, &at.bank).await?;
    let causes = causes(locale, &facts, &consent);
    let arrived = arrivals_of_end(&app, locale, &at.bank, &grant, &facts).await?;
    let view = ConsentView {
        grant: grant.to_string(),
        service: services
            .into_iter()
            .find(|(id, _)| *id == partner)
            .map(|(_, name)| name),
        facts,
        now,
        as_of,
        wider,
        causes,
        reads: reads(&app, locale, &at.bank, &grant).await?,
        arrivals: arrived,
        role: at.role,
        said: sent.find("m").and_then(|code| said(locale, code)),
    };
    let frame = frame_at(&app, &request, &at, &at.cookie, Section::Consents).await?;
    show_page(&view.page(frame))
}

/// What was read under it.
async fn reads(
    app: &App,
    locale: Locale,
    bank: &BankCode,
    grant: &GrantId,
) -> Result<Vec<ReadLine>, Refused> {
    let totals = totals_of(&app.pool, bank, std::slice::from_ref(grant)).await?;
    let lines = totals.into_iter().map(|total| ReadLine {
        account: total
            .account
            .map(|account| account.to_string())
            .unwrap_or_default(),
        task: names::read_kind(locale, total.task).to_owned(),
        first: total.first_read_at,
        last: total.last_read_at,
        reads: total.reads,
        rows: total.rows,
    });
    Ok(lines.collect())
}

/// Whether the notices of its end arrived; none while it has not ended.
async fn arrivals_of_end(
    app: &App,
    locale: Locale,
    bank: &BankCode,
    grant: &GrantId,
    facts: &[Told],
) -> Result<Vec<Arrival>, Refused> {
    let Some(last) = facts.last().filter(|fact| is_end(&fact.event)) else {
        return Ok(Vec::new());
    };
    let asked = EndsBetween {
        bank: bank.clone(),
        from: last.recorded_at,
        to: last.recorded_at + TimeDelta::microseconds(1),
        partner: None,
        causation_id: None,
        notices: Notices::Any,
        after: None,
        limit: ENDS_AT_ONCE,
    };
    let ended = between(&app.pool, &asked).await?;
    let found = ended.iter().find(|ended| ended.grant_id == grant.as_str());
    Ok(found
        .map(|ended| arrivals(locale, ended))
        .unwrap_or_default())
}

fn is_end(event: &ConsentEvent) -> bool {
    matches!(
        event,
        ConsentEvent::AccessExpired { .. }
            | ConsentEvent::AccessRevoked { .. }
            | ConsentEvent::AccessSuperseded { .. }
    )
}

/// The state that facts lead to.
pub(super) fn fold(facts: &[Told]) -> Consent {
    let mut consent = Consent::Absent;
    for fact in facts {
        ConsentStream::evolve(&mut consent, &fact.event);
    }
    consent
}

/// What came of an act, by the word that its redirect carries.
fn said(locale: Locale, code: &str) -> Option<(String, Tone)> {
    let w = words::of(locale);
    let (text, tone) = match code {
        "done" => (w.done, Tone::Good),
        "already" => (w.done_before, Tone::Caution),
        "ended" => (w.refused_ended, Tone::Bad),
        _ => return None,
    };
    Some((text.to_owned(), tone))
}

/// What stopped it: the end, or each suspension that stands, with what led to that.
fn causes(locale: Locale, facts: &[Told], consent: &Consent) -> Vec<Cause> {
    let stopped = facts
        .iter()
        .rev()
        .filter(|fact| match (&fact.event, consent) {
            (ConsentEvent::AccessSuspended { cause }, Consent::Live { suspended, .. }) => {
                suspended.contains(*cause)
            }
            (
                ConsentEvent::AccessExpired { .. }
                | ConsentEvent::AccessRevoked { .. }
                | ConsentEvent::AccessSuperseded { .. },
                _,
            ) => true,
            _ => false,
        });
    stopped.flat_map(|fact| chain(locale, fact)).collect()
}

fn chain(locale: Locale, fact: &Told) -> Vec<Cause> {
    let sentence = sentence::of(locale, &fact.event);
    let mut details = sentence.details;
    details.push(names::actor(locale, &fact.actor));
    let mut chain = vec![Cause {
        at: Some(fact.holds_since()),
        title: sentence.title,
        details,
    }];
    if let Some(cause) = fact.causation_id {
        let title = match (&fact.actor, locale) {
            (Actor::Operator(_), Locale::Ja) => "操作者の操作",
            (Actor::Operator(_), Locale::En) => "An operator's act",
            (_, Locale::Ja) => "先に起きたこと",
            (_, Locale::En) => "What came before",
        };
        chain.push(Cause {
            at: None,
            title: title.to_owned(),
            details: vec![cause.to_string()],
        });
    }
    chain
}
