//! The partner's own events over HTTP: `GET {issuer}/notifications`, for partners who can't reach Kafka.
//! The log is read by the partner, translated as for Kafka, and given in the log's order.

mod admission;
pub mod arrivals;
pub(crate) mod metrics;
pub mod page;
mod query;

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CONTENT_TYPE, LINK},
    web,
};
use tokio::time::{Instant, sleep_until};

pub(crate) use admission::{Reader, admit, admit_for};

use crate::{app::App, problem::Problem, protocol::issuer::Issuer};
use arrivals::Waiter;
use page::Page;
use query::FeedQuery;

/// The media type of CloudEvents' JSON batch format.
pub(crate) const MEDIA_TYPE: &str = "application/cloudevents-batch+json";

/// `GET {issuer}/notifications`
#[utoipa::path(
    get,
    path = "/{bank}/notifications",
    tag = "notifications",
    operation_id = "read_notifications",
    summary = "The partner's own events at this bank, from any point on",
    description = "Events that concern the partner, in the one order of the log, as CloudEvents in the JSON \
        batch format. Begin with `after=0`, handle what comes, then follow the `Link` with `rel=\"next\"`: \
        its `after` is what to store. Any earlier number gives the same events again, as long as they are not \
        archived: then the answer is 410 with the number to begin after. With `wait` an empty \
        answer is put off until something comes, or the seconds have passed.",
    params(crate::openapi::BankPath, query::Described),
    responses((
        status = 200,
        description = "Events, none or more",
        body = [crate::openapi::CloudEvent],
        content_type = "application/cloudevents-batch+json",
        headers(("Link" = String, description = "`rel=\"next\"`: the address that goes on from here"))
    )),
    security(("partner_token" = ["notifications"]))
)]
pub(crate) async fn read(
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let reader = admit(&app, &request, &path).await?;
    let query = FeedQuery::parse(request.query_string())?;
    let page = next_page(&app, &reader, &query).await?;
    metrics::answered(page.events.len());
    let events: Vec<serde_json::Value> = page.events.iter().map(|event| event.to_json()).collect();
    let body = serde_json::to_vec(&events).map_err(|_| Problem::INTERNAL)?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, MEDIA_TYPE))
        .insert_header((
            LINK,
            next_link(&app.issuer(&reader.bank), &query, page.next),
        ))
        .body(body))
}

fn next_link(issuer: &Issuer, query: &FeedQuery, next: i64) -> String {
    let address = issuer.endpoint("notifications");
    let (limit, wait) = (query.limit, query.wait.as_secs());
    format!("<{address}?after={next}&limit={limit}&wait={wait}>; rel=\"next\"")
}

/// The next page; where it is empty, what comes within the time that the query waits.
async fn next_page(app: &App, reader: &Reader, query: &FeedQuery) -> Result<Page, Problem> {
    let deadline = Instant::now() + query.wait;
    let mut after = query.after;
    let mut waiter = match query.wait {
        Duration::ZERO => None,
        // Before the first reading: what comes in between is not slept through.
        _ => Some(app.feed.arrivals.wait_for(reader.of())?),
    };
    loop {
        let mut connection = app.pool.acquire().await?;
        let names = &app.feed.names;
        let page = page::read(&mut connection, names, reader.of(), after, query.limit).await?;
        let archived_to = page::archived_to(&mut connection).await?;
        drop(connection);
        if after < archived_to {
            return Err(Problem::archived(archived_to));
        }
        if page.is_held() {
            reader.of().tell_held(&page);
            return Err(Problem::EVENT_UNREADABLE);
        }
        if !page.events.is_empty() {
            return Ok(page);
        }
        if page.next == query.after && page::is_ahead(&app.pool, after).await? {
            return Err(Problem::AHEAD_OF_LOG);
        }
        after = page.next;
        if page.is_full || arrives(waiter.as_mut(), deadline).await {
            // Seconds may have passed in waiting: the token is looked at again.
            reader.is_still_admitted(app).await?;
            continue;
        }
        return Ok(page);
    }
}

/// Waits until something comes for the reader; `false`: not in time.
async fn arrives(waiter: Option<&mut Waiter>, deadline: Instant) -> bool {
    let Some(waiter) = waiter else { return false };
    tokio::select! {
        came = waiter.arrives() => came,
        () = sleep_until(deadline) => false,
    }
}

/// What the feed needs beside the database.
pub struct Feed {
    /// Who waits, and for what.
    pub arrivals: arrivals::Arrivals,
    /// How public events name what facts call by the bank's own ids.
    pub names: public_events::Names,
}
