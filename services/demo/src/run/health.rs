//! Waiting until a service answers.

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::time::sleep;

use super::error::RunError;
use crate::agent::trust::Trust;
use crate::postgres::last_lines;
use crate::process::Service;

const HEALTHY_WITHIN: Duration = Duration::from_secs(60);
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);

/// How a healthy service is known.
#[derive(Debug, Clone)]
pub(super) enum Probe {
    /// A GET of this URL is answered with 2xx.
    Answers(String),
    /// This address takes connections.
    Connects(SocketAddr),
}

/// Waits, for at most a minute, and as long as the service runs.
pub(super) async fn until_healthy(
    service: &mut Service,
    probe: &Probe,
    trust: &Trust,
) -> Result<(), RunError> {
    let started = Instant::now();
    let client = trust
        .client(ANSWERS_WITHIN)
        .map_err(|error| unhealthy(service, format!("can't be asked: {error}")))?;
    while started.elapsed() < HEALTHY_WITHIN {
        let healthy = match probe {
            Probe::Answers(url) => client
                .get(url)
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success()),
            Probe::Connects(address) => TcpStream::connect(address).await.is_ok(),
        };
        // Somebody else may answer at the address: the service itself must be there, too.
        let name = service.command().name;
        let ended = service
            .find_end()
            .map_err(|source| RunError::Service { name, source })?;
        match ended {
            Some(status) => return Err(unhealthy(service, format!("ended ({status})"))),
            None if healthy => return Ok(()),
            None => sleep(POLL).await,
        }
    }
    Err(unhealthy(
        service,
        format!("is not healthy after {} s", HEALTHY_WITHIN.as_secs()),
    ))
}

fn unhealthy(service: &Service, reason: String) -> RunError {
    let command = service.command();
    let text = fs::read_to_string(&command.log).unwrap_or_default();
    RunError::Unhealthy {
        name: command.name,
        reason,
        log: command.log.clone(),
        tail: last_lines(&text),
    }
}
