//! `POST {issuer}/security-events/poll` (RFC 8936). How far a partner was given its events, and which of
//! those it has not acknowledged, stands in the database: any replica goes on.

use std::{collections::BTreeMap, time::Duration};

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use public_events::PublicEvent;
use serde::Serialize;
use sqlx::{PgConnection, PgPool};
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    poll_request::Poll,
    refused::{self, Refusal},
    token::{Recipient, sign},
};
use crate::{
    app::App,
    feed::{Reader, admit, arrivals::Whose, page},
    problem::Problem,
};

/// How long an empty answer is put off.
const WAIT: Duration = Duration::from_secs(30);
/// Tokens that may be out without an acknowledgement; more are given when some are acknowledged.
const UNACKNOWLEDGED_MAX: i64 = 1000;

/// What a poll is answered with (RFC 8936 2.3).
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PollAnswer)]
pub(crate) struct Answer {
    /// Security Event Tokens by `jti`.
    #[schema(example = json!({"0196384e-7c5a-7c3e-9d5f-0a6b1c2d3e4f": "eyJ0eXAiOiJzZWNldmVudCtqd3QifQ.e30.c2lnbmF0dXJl"}))]
    sets: BTreeMap<Uuid, String>,
    /// Whether there are more now.
    more_available: bool,
}

/// `POST {issuer}/security-events/poll`
#[utoipa::path(
    post,
    path = "/{bank}/security-events/poll",
    tag = "notifications",
    operation_id = "poll_security_events",
    summary = "The same events as Security Event Tokens (RFC 8936)",
    description = "Each event as a signed token (RFC 8417): `iss` is the bank's issuer, `aud` the client, \
        `jti` the event's id, `toe` when it took effect, `sub_id` the grant, `events` one member: \
        `urn:renkei:event:` and the event's type, with its data. Verify it with the keys of `jwks_uri`. What \
        is not acknowledged comes again with the next poll.",
    params(crate::openapi::BankPath),
    request_body(content = super::poll_request::Body, content_type = "application/json"),
    responses((status = 200, description = "Tokens, none or more", body = Answer)),
    security(("partner_token" = ["notifications"]))
)]
pub(crate) async fn poll(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let reader = admit(&app, &request, &path).await?;
    let poll = Poll::parse(&request, &body)?;
    let whose = reader.of();
    settle(&app.pool, &whose, &poll).await?;
    if poll.events_max == 0 {
        return answer(&app, &reader, HandedOut::default()).await;
    }
    let deadline = Instant::now() + WAIT;
    let mut waiter = match poll.return_immediately {
        true => None,
        false => Some(app.feed.arrivals.wait_for(whose.clone())?),
    };
    loop {
        let handed_out = hand_out(&app, &whose, poll.events_max).await?;
        if !handed_out.events.is_empty() || handed_out.more_available {
            return answer(&app, &reader, handed_out).await;
        }
        let arrived = match waiter.as_mut() {
            Some(waiter) => timeout_at(deadline, waiter.arrives())
                .await
                .unwrap_or(false),
            None => false,
        };
        if !arrived {
            return answer(&app, &reader, handed_out).await;
        }
        reader.is_still_admitted(&app).await?;
    }
}

async fn answer(
    app: &App,
    reader: &Reader,
    handed_out: HandedOut,
) -> Result<HttpResponse, Problem> {
    let key = app.keys.signing_key(&app.pool, &reader.bank).await;
    let key = key.map_err(|error| Problem::unavailable(&error))?;
    let recipient = Recipient {
        issuer: &app.issuer(&reader.bank),
        client_id: reader.claims.client_id.as_str(),
    };
    let sets = handed_out
        .events
        .iter()
        .map(|event| {
            let token = sign(&key, &recipient, event, handed_out.now);
            (event.attributes.id, token)
        })
        .collect();
    Ok(HttpResponse::Ok().json(Answer {
        sets,
        more_available: handed_out.more_available,
    }))
}

/// Takes acknowledgements and errors; whoever acknowledges what it was not given changes nothing.
async fn settle(pool: &PgPool, whose: &Whose, poll: &Poll) -> Result<(), sqlx::Error> {
    let refused = poll.refused.iter().map(|(jti, _)| *jti);
    let settled: Vec<Uuid> = poll.acknowledged.iter().copied().chain(refused).collect();
    if settled.is_empty() {
        return Ok(());
    }
    let mut transaction = pool.begin().await?;
    let known: Vec<Uuid> = sqlx::query_scalar(
        "DELETE FROM unacknowledged_events WHERE bank = $1 AND partner = $2 AND jti = ANY($3)
         RETURNING jti",
    )
    .bind(whose.bank.as_str())
    .bind(whose.partner.as_str())
    .bind(&settled)
    .fetch_all(&mut *transaction)
    .await?;
    for (jti, error) in poll.refused.iter().filter(|(jti, _)| known.contains(jti)) {
        let refusal = Refusal {
            delivery: "poll",
            jti: *jti,
            error: &error.err,
            description: &error.description,
        };
        refused::record(&mut *transaction, whose, &refusal).await?;
    }
    transaction.commit().await
}

/// What one poll gives.
#[derive(Default)]
struct HandedOut {
    events: Vec<PublicEvent>,
    more_available: bool,
    now: DateTime<Utc>,
}

/// What was not acknowledged first, then what is new. Polls of one partner come after each other.
async fn hand_out(app: &App, whose: &Whose, most: u32) -> Result<HandedOut, Problem> {
    let mut transaction = app.pool.begin().await?;
    let names = &app.feed.names;
    let (handed_out_to, now) = lock(&mut transaction, whose).await?;
    let unacknowledged = unacknowledged(&mut transaction, whose).await?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let again: Vec<i64> = unacknowledged.iter().copied().take(most).collect();
    let mut more_available = unacknowledged.len() > again.len();
    let mut page = page::read_numbers(&mut transaction, names, whose.clone(), &again).await?;
    let room = u32::try_from(most - again.len()).unwrap_or_default();
    let out = i64::try_from(unacknowledged.len()).unwrap_or(i64::MAX);
    if page.held_at.is_none() && room > 0 && out < UNACKNOWLEDGED_MAX {
        let new = page::read(&mut transaction, names, whose.clone(), handed_out_to, room).await?;
        more_available |= new.is_full;
        record(&mut transaction, whose, &new).await?;
        page.held_at = new.held_at;
        page.events.extend(new.events);
    }
    transaction.commit().await?;
    if page.is_held() {
        whose.tell_held(&page);
        return Err(Problem::EVENT_UNREADABLE);
    }
    Ok(HandedOut {
        events: page.events,
        more_available,
        now,
    })
}

/// How far the partner was given its events; others wait until the transaction ends.
async fn lock(
    connection: &mut PgConnection,
    whose: &Whose,
) -> Result<(i64, DateTime<Utc>), sqlx::Error> {
    // Who polls for the first time begins where the log does.
    sqlx::query(
        "INSERT INTO event_polls (bank, partner, handed_out_to) VALUES ($1, $2, archived_to())
         ON CONFLICT DO NOTHING",
    )
    .bind(whose.bank.as_str())
    .bind(whose.partner.as_str())
    .execute(&mut *connection)
    .await?;
    sqlx::query_as(
        "SELECT handed_out_to, now() FROM event_polls WHERE bank = $1 AND partner = $2 FOR UPDATE",
    )
    .bind(whose.bank.as_str())
    .bind(whose.partner.as_str())
    .fetch_one(connection)
    .await
}

async fn unacknowledged(
    connection: &mut PgConnection,
    whose: &Whose,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT global_sequence FROM unacknowledged_events WHERE bank = $1 AND partner = $2
         ORDER BY global_sequence",
    )
    .bind(whose.bank.as_str())
    .bind(whose.partner.as_str())
    .fetch_all(connection)
    .await
}

async fn record(
    connection: &mut PgConnection,
    whose: &Whose,
    new: &page::Page,
) -> Result<(), sqlx::Error> {
    let attributes = || new.events.iter().map(|event| &event.attributes);
    let numbers: Vec<i64> = attributes().map(|event| event.global_sequence).collect();
    let ids: Vec<Uuid> = attributes().map(|event| event.id).collect();
    sqlx::query(
        "WITH given AS (
             INSERT INTO unacknowledged_events (bank, partner, global_sequence, jti)
             SELECT $1, $2, * FROM unnest($3::bigint[], $4::uuid[])
         )
         UPDATE event_polls SET handed_out_to = $5
         WHERE bank = $1 AND partner = $2 AND handed_out_to < $5",
    )
    .bind(whose.bank.as_str())
    .bind(whose.partner.as_str())
    .bind(numbers)
    .bind(ids)
    .bind(new.next)
    .execute(connection)
    .await
    .map(drop)
}
