//! Delivery by push (RFC 8935): each target's events in the log's order, one replica at a time, until
//! they are taken. What is at a target stands in the database; a replica that dies loses its lease.

mod address;
mod back_off;
mod delivery;
mod metrics;
mod target;

use std::{sync::Arc, time::Duration};

use actix_web::web;
use tokio::{sync::Semaphore, time::sleep};

pub use address::{TargetPolicy, TargetRefused, check_target};
pub use delivery::{Pusher, PusherError};
pub(crate) use metrics::register;
pub use target::{
    Authorization, PushTarget, TargetError, TargetSeen, TargetState, list_targets, remove_target,
    remove_target_seen, set_target, set_target_seen, sight_of_target,
};

use crate::app::App;
use delivery::Outcome;
use target::Lease;

/// How often targets with something to deliver are looked for.
const EVERY: Duration = Duration::from_millis(500);
/// Targets that one replica delivers to at once.
const AT_ONCE: usize = 8;

/// Delivers until it is dropped.
pub(crate) async fn run(app: web::Data<App>, pusher: Pusher) {
    let (pusher, places) = (Arc::new(pusher), Arc::new(Semaphore::new(AT_ONCE)));
    let mut deliveries = tokio::task::JoinSet::new();
    loop {
        sleep(EVERY).await;
        while deliveries.try_join_next().is_some() {}
        if let Err(error) = metrics::look(&app.pool).await {
            tracing::warn!(%error, "the push targets could not be looked at");
        }
        while let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            match target::claim(&app.pool).await {
                Ok(Some(lease)) => {
                    let (app, pusher) = (app.clone(), Arc::clone(&pusher));
                    deliveries.spawn(async move {
                        deliver(&app, &pusher, lease).await;
                        drop(place);
                    });
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(%error, "no push target could be taken on");
                    break;
                }
            }
        }
    }
}

/// Delivers in order while the target takes what it is given and the lease is ours.
async fn deliver(app: &App, pusher: &Pusher, lease: Lease) {
    let ended = match try_to_deliver(app, pusher, &lease).await {
        Ok(()) => target::release(&app.pool, &lease).await,
        Err(error) => Err(error),
    };
    if let Err(error) = ended {
        // The lease runs out by itself.
        tracing::warn!(%error, "a delivery broke off");
    }
}

async fn try_to_deliver(app: &App, pusher: &Pusher, lease: &Lease) -> Result<(), sqlx::Error> {
    // Only the first event of a lease may have been refused before.
    let mut first = true;
    loop {
        let mut connection = app.pool.acquire().await?;
        let page = lease.next_events(&mut connection, &app.feed.names).await?;
        drop(connection);
        if page.is_held() {
            lease.whose.tell_held(&page);
            return lease
                .failed(&app.pool, "the next event can't be read by this release")
                .await;
        }
        if page.events.is_empty() && page.next == lease.delivered_to() {
            return Ok(());
        }
        for event in &page.events {
            let number = event.attributes.global_sequence;
            let still_ours = match pusher.send(app, lease, event).await {
                Outcome::Taken => {
                    metrics::delivered();
                    lease.delivered(&app.pool, number).await?
                }
                Outcome::Refused { error, description } => {
                    if !(first && lease.is_last_attempt()) {
                        metrics::failed();
                        return lease.refused(&app.pool).await;
                    }
                    lease
                        .set_aside(&app.pool, event, &error, &description)
                        .await?
                }
                Outcome::Failed(why) => {
                    metrics::failed();
                    return lease.failed(&app.pool, why).await;
                }
            };
            first = false;
            if !still_ours {
                tracing::warn!("a delivery was taken over by another replica");
                return Ok(());
            }
        }
        if page.events.is_empty() && !lease.delivered(&app.pool, page.next).await? {
            return Ok(());
        }
    }
}
