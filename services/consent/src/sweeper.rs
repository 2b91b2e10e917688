//! What no request does: records the ends that the clock decided, learns verdicts that are still
//! unknown, forgets what is old. Any number of replicas may sweep at once: each act is a command that
//! finds itself done, or a statement that touches a row once.

use std::time::{Duration, Instant};

use actix_web::web;
use consent_domain::{
    BankCode, JourneyId,
    consent::{ConsentRefusal, ConsentStream},
    journey::{EndJourney, Journey, JourneyStream, SessionAtTimeOut},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tracing::Instrument as _;

use crate::{
    access_record,
    app::App,
    bank_port::Verdict,
    funnel::count_ended,
    guess::{self, GuessKind, Settled, Unsettled},
    journey::{login_limit, pin_limit, was_alive},
    journey_end::end_journey,
    lifecycle::{bank_told::complete_open, expire_due, warn_due},
    metrics, notices, partner_administration,
    partners::bank_record,
    pin_locks::record_missing_locks,
    redirect_policy, retention,
    store::{Actor, CommandContext, CommandError, StoreError, sql_span, state_of},
};

/// Guesses without a verdict are asked for after this many seconds: by then no request waits for
/// them.
const UNSETTLED_AFTER_SECONDS: f64 = 30.0;
/// Most verdicts that are asked for at once, of all banks: what 13 banks may have waiting.
const VERDICTS_AT_ONCE: usize = 13 * 32;
/// Most streams that one round ends.
const BATCH: i64 = 200;

/// Sweeps until the task is dropped.
pub async fn run(app: web::Data<App>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut looked_at: Option<Instant> = None;
    // A start has other things to do.
    let mut first = true;
    loop {
        ticks.tick().await;
        let span = tracing::info_span!("sweep");
        let look = !first && looked_at.is_none_or(|at| at.elapsed() >= look_every(&app));
        first = false;
        let swept = async {
            round(&app).await?;
            if look {
                look_for_what_is_over(&app).await?;
                looked_at = Some(Instant::now());
            }
            Ok::<(), StoreError>(())
        };
        match swept.instrument(span.clone()).await {
            Ok(()) => metrics::sweep_done(),
            Err(error) => {
                metrics::sweep_failed();
                span.in_scope(
                    || tracing::warn!(%error, "a sweep failed; the next one tries again"),
                );
            }
        }
    }
}

fn look_every(app: &App) -> Duration {
    let minutes = u64::from(app.retention.look_every_minutes.unsigned_abs());
    Duration::from_secs(60 * minutes)
}

/// What is done now and then: removes what is kept for long, and looks for partitions.
///
/// # Errors
/// [`StoreError`]; what was removed before stays removed.
pub async fn look_for_what_is_over(app: &App) -> Result<(), StoreError> {
    retention::remove_what_is_over(&app.pool, &app.retention).await?;
    retention::watch_partitions(&app.pool).await.map(drop)
}

/// One round.
///
/// # Errors
/// [`StoreError`]; what was swept before stays swept.
pub async fn round(app: &App) -> Result<(), StoreError> {
    access_record::make_partitions_ahead(&app.pool).await?;
    end_late_journeys(app).await?;
    expire_due(&app.pool, &app.bus).await?;
    warn_due(&app.pool, &app.bus).await?;
    complete_open(&app.pool, &app.bus).await?;
    partner_administration::end_contracts(&app.pool, &app.bus).await?;
    partner_administration::tell_of_ends(&app.pool).await?;
    partner_administration::retire_due(&app.pool, &app.bus, redirect_policy(app.cookies)).await?;
    learn_verdicts(app).await?;
    let oldest = guess::oldest_unsettled_seconds(&app.pool).await?;
    metrics::oldest_unsettled_guess(oldest.unwrap_or(0.0));
    record_missing_locks(app).await?;
    record_connections(app).await?;
    notices::send_due(app).await?;
    count_ended(&app.pool).await?;
    retention::forget(&app.pool, &app.retention).await?;
    Ok(())
}

fn system(bank: &BankCode, partner: Option<String>, contract: Option<String>) -> CommandContext {
    CommandContext {
        bank: Some(bank.to_string()),
        partner,
        contract,
        ..CommandContext::of(Actor::System)
    }
}

fn report<R: std::error::Error>(stream: &str, error: &CommandError<R>) {
    match error {
        // Another replica, or the customer, was first.
        CommandError::Refused(_) | CommandError::Busy => {}
        CommandError::Violates(_) | CommandError::Store(_) => {
            tracing::warn!(stream, %error, "an end could not be recorded");
        }
    }
}

async fn end_late_journeys(app: &App) -> Result<(), StoreError> {
    let late: Vec<String> = sqlx::query_scalar(
        "SELECT stream_id FROM journey_current
         WHERE status = 'in_progress' AND ends_at <= now() ORDER BY ends_at LIMIT $1",
    )
    .bind(BATCH)
    .fetch_all(&app.pool)
    .instrument(sql_span("end late journeys"))
    .await?;
    for stream in late {
        let Some((bank, id)) = stream.split_once(':') else {
            continue;
        };
        let (bank, id) = (BankCode::parse(bank)?, JourneyId::parse(id)?);
        let journey = state_of::<JourneyStream>(&app.pool, &stream).await?;
        let Journey::InProgress(state) = &journey else {
            continue;
        };
        let alive = was_alive(&app.pool, &bank, &id, state.request.ends_at).await?;
        let session = if alive {
            SessionAtTimeOut::Alive
        } else {
            SessionAtTimeOut::None
        };
        let how = EndJourney::ByTime(session);
        let contract = state.login().ok().map(|login| login.contract.to_string());
        let context = system(&bank, Some(state.request.partner.to_string()), contract);
        let ended = end_journey(&app.bus, &bank, &id, &journey, how, context).await;
        if let Err(error) = ended {
            report(&stream, &error);
        }
    }
    Ok(())
}

/// Asks the banks what came of guesses whose verdict is unknown, side by side: one that does not answer
/// costs a round its deadline once.
async fn learn_verdicts(app: &App) -> Result<(), StoreError> {
    let unsettled = guess::unsettled(&app.pool, UNSETTLED_AFTER_SECONDS).await?;
    let learned = stream::iter(unsettled).map(|guess| learn_verdict(app, guess));
    learned
        .buffer_unordered(VERDICTS_AT_ONCE)
        .try_collect()
        .await
}

/// A guess that the bank never saw is void from then on, so it can't be counted later either.
async fn learn_verdict(app: &App, unsettled: Unsettled) -> Result<(), StoreError> {
    let bank = BankCode::parse(unsettled.bank.as_str())?;
    let Some(record) = bank_record(&app.pool, &bank).await? else {
        return Ok(());
    };
    let settled = match app.bank_port.get_verdict(&bank, unsettled.attempt).await {
        Ok(Verdict::Match) => Settled::Match,
        Ok(Verdict::Mismatch) => Settled::Mismatch,
        Ok(Verdict::Locked) => Settled::BankLocked,
        Ok(Verdict::Void) => Settled::Void,
        // Still unknown: it stays reserved.
        Err(_) => return Ok(()),
    };
    let limit = match unsettled.kind {
        GuessKind::Login => login_limit(&record.settings),
        GuessKind::Pin => pin_limit(&record.settings),
    };
    guess::settle(&app.pool, unsettled.attempt, settled, limit).await?;
    Ok(())
}

/// Records `PartnerConnected` where a crash came between the first token of a code and the fact.
async fn record_connections(app: &App) -> Result<(), StoreError> {
    let missing: Vec<(String, String, Option<String>, Option<String>)> = sqlx::query_as(
        "SELECT g.stream_id, k.journey_id, g.partner, g.contract FROM authorization_codes k
         JOIN consent_current g ON g.stream_id = k.bank || ':' || k.grant_id
         WHERE k.used_at < now() - interval '10 seconds' AND k.issued_at > now() - interval '1 day'
           AND g.status = 'live' AND g.state -> 'connected' = 'false'::jsonb
           -- An amendment makes a new code: the token of an earlier one says nothing of it.
           AND NOT EXISTS (SELECT FROM authorization_codes later WHERE later.bank = k.bank
               AND later.grant_id = k.grant_id AND later.issued_at > k.issued_at)
         ORDER BY k.issued_at LIMIT $1",
    )
    .bind(BATCH)
    .fetch_all(&app.pool)
    .instrument(sql_span("record connections"))
    .await?;
    for (stream, journey, partner, contract) in missing {
        let Some((bank, _)) = stream.split_once(':') else {
            continue;
        };
        let (bank, journey) = (BankCode::parse(bank)?, JourneyId::parse(journey)?);
        let connected = app
            .bus
            .execute::<ConsentStream, ConsentRefusal>(
                stream.clone(),
                system(&bank, partner, contract),
                move |consent, now| consent.connect(&journey, now).map(|o| o.into_events()),
                |_, _, _| Vec::new(),
            )
            .await;
        if let Err(error) = connected {
            report(&stream, &error);
        }
    }
    Ok(())
}
