//! Constructs the relay and keeps it going: standing by, leading, standing by again.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{App as ActixApp, HttpServer, dev::ServerHandle, web};
use public_events::Names;
use shared_keys::{DoesNotOpen, KeyEncryptionKey, KeyPurpose, SharedKey, WrappedKey};
use sqlx::PgPool;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    database::{self, DatabaseError},
    lease::{Lease, Term},
    lineage::{self, Lineage, LineageError},
    metrics::METRICS,
    operators,
    postgres_tail::PostgresTail,
    publisher::{Publisher, State},
    sequencer::{self, Pace},
    settings::Settings,
    topics::BadTopicSettings,
};
use tls::TlsError;

/// After the database failed, or the lineage is broken.
const AFTER_ERROR: Duration = Duration::from_secs(1);
/// The gate is looked at this often.
const GATE_EVERY: Duration = Duration::from_secs(5);
/// A partition has room for ten million numbers, and is made when half of that is left.
const PARTITIONS_EVERY: Duration = Duration::from_secs(60);
/// For an operator's client to begin its TLS.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// To give the lease back at the end.
const RELEASE_WITHIN: Duration = Duration::from_secs(2);

/// Why the relay could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The listener could not be opened.
    #[error("operator_listen: can't listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The database is not for us.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The order can't be continued.
    #[error(transparent)]
    Lineage(#[from] LineageError),
    /// consent makes it at its first start.
    #[error("the database has no key `pairwise` yet: start the consent service first")]
    NoKey,
    /// The key could not be read.
    #[error("the key `pairwise`: {0}")]
    Key(sqlx::Error),
    /// Not the one that consent has.
    #[error("key_encryption_key: {0}; it must be that of the consent service")]
    KeyDoesNotOpen(#[from] DoesNotOpen),
    /// The table `[topics]`.
    #[error(transparent)]
    Topics(#[from] BadTopicSettings),
    /// The table `[operator_tls]`.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// What this instance does now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Another one leads.
    Standby,
    /// It holds the lease, with this fence.
    Leader(i64),
    /// It can't take part, in the operator's words.
    Unable(String),
}

/// How the relay is, for health.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Over which readiness is asked.
    pub pool: PgPool,
    /// What it does.
    pub role: watch::Receiver<Role>,
    /// How the publisher is, while it leads.
    pub publisher: watch::Receiver<State>,
}

/// The relay while it runs.
pub struct Running {
    /// Where operators listen.
    pub operators: SocketAddr,
    /// How it is.
    pub standing: Standing,
    stop: watch::Sender<bool>,
    relaying: JoinHandle<()>,
    server: ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
}

/// Starts the relay; `listener` is `operator_listen`, already open.
///
/// # Errors
/// [`StartError`]: what no waiting would mend. A cluster that does not answer is no such error.
pub async fn start(settings: Settings, listener: TcpListener) -> Result<Running, StartError> {
    let unspecified = SocketAddr::from(([0, 0, 0, 0], 0));
    let failed = |source| StartError::Listen {
        address: settings.operator_listen,
        source,
    };
    tls::install();
    let operator_tls = settings.operator_tls.as_ref();
    let operator_tls = operator_tls
        .map(|tls| tls.http("operator_tls"))
        .transpose()?;
    let operators_at = listener.local_addr().unwrap_or(unspecified);
    let pool = database::connect(&settings.database_url).await?;
    lineage::compare(&pool).await?;
    let wrapping = settings
        .key_encryption_key
        .clone()
        .accepting(&settings.additional_key_encryption_keys);
    let pairwise = pairwise_key(&pool, &wrapping).await?;
    let topics = settings.topics.names()?;
    let publisher = Publisher {
        pool: pool.clone(),
        transactional_id: settings.transactional_id(),
        topics,
        names: Names::new(settings.public_url.as_str().trim_end_matches('/'), pairwise),
        encoding: settings.encoding,
        batch_max: settings.publisher.batch_max,
        begin_after: settings.publisher.begin_after,
        kafka: settings.kafka.clone(),
    };
    let (role, role_seen) = watch::channel(Role::Standby);
    let (state, state_seen) = watch::channel(State::Starting);
    let (stop, stopped) = watch::channel(false);
    let instance = settings.instance();
    let relay = Relay {
        lease: Lease::new(pool.clone(), instance.clone(), settings.lease()),
        tail: PostgresTail::new(pool.clone()),
        pool: pool.clone(),
        pace: settings.pace(),
        gate_alarm: Duration::from_secs(settings.sequencer.gate_alarm_seconds),
        publisher,
        role,
        state,
    };
    let standing = Standing {
        pool,
        role: role_seen,
        publisher: state_seen,
    };
    let seen = web::Data::new(standing.clone());
    let server = HttpServer::new(move || {
        ActixApp::new()
            .app_data(seen.clone())
            .configure(operators::routes)
    })
    .workers(1)
    .tls_handshake_timeout(HANDSHAKE_TIMEOUT)
    .disable_signals();
    let server = match operator_tls {
        Some(tls) => server.listen_rustls_0_23(listener, tls),
        None => server.listen(listener),
    }
    .map_err(failed)?
    .run();
    let handle = server.handle();
    let relay = Arc::new(relay);
    tracing::info!(operators = %operators_at, instance, "consent-relay is up");
    Ok(Running {
        operators: operators_at,
        standing,
        stop,
        relaying: tokio::spawn(async move { relay.run(stopped).await }),
        server: handle,
        serving: tokio::spawn(server),
    })
}

/// The one key that the relay's role may read.
async fn pairwise_key(pool: &PgPool, wrapping: &KeyEncryptionKey) -> Result<SharedKey, StartError> {
    let row: Option<(Vec<u8>, Vec<u8>)> =
        sqlx::query_as("SELECT key_wrapped, key_nonce FROM pairwise_key")
            .fetch_optional(pool)
            .await
            .map_err(StartError::Key)?;
    let (ciphertext, nonce) = row.ok_or(StartError::NoKey)?;
    let wrapped = WrappedKey { ciphertext, nonce };
    Ok(SharedKey::open(wrapping, KeyPurpose::Pairwise, &wrapped)?)
}

impl Running {
    /// Gives the lease back and ends.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // The relay's own end is bounded; a database that does not answer holds nothing up.
        drop(self.relaying.await);
        self.server.stop(true).await;
        self.standing.pool.close().await;
    }

    /// Serves until the listener fails.
    ///
    /// # Errors
    /// The listener's.
    pub async fn serve(&mut self) -> std::io::Result<()> {
        match (&mut self.serving).await {
            Ok(served) => served,
            Err(error) => Err(std::io::Error::other(error)),
        }
    }
}

struct Relay {
    pool: PgPool,
    lease: Lease,
    tail: PostgresTail,
    pace: Pace,
    gate_alarm: Duration,
    publisher: Publisher,
    role: watch::Sender<Role>,
    state: watch::Sender<State>,
}

impl Relay {
    /// Until it is stopped; whoever leads then gives the lease back first.
    async fn run(&self, mut stopped: watch::Receiver<bool>) {
        // A standby looks often enough to lead well within twice the lease.
        let look_every = self.lease.duration() / 6;
        while !*stopped.borrow() {
            let pause = match self.try_to_lead(stopped.clone()).await {
                Ok(()) => look_every,
                Err(error) => {
                    self.tell_unable(&error);
                    AFTER_ERROR
                }
            };
            drop(timeout(pause, stopped.wait_for(|stop| *stop)).await);
        }
    }

    /// Says it once, not at every attempt.
    fn tell_unable(&self, error: &LineageError) {
        let unable = Role::Unable(error.to_string());
        let news = self.role.send_if_modified(|role| {
            let changed = *role != unable;
            *role = unable;
            changed
        });
        if news {
            tracing::error!(%error, "this instance can't lead");
        }
    }

    /// Looks at the data and for the lease; leads while it has it.
    async fn try_to_lead(&self, stopped: watch::Receiver<bool>) -> Result<(), LineageError> {
        let lineage = lineage::compare(&self.pool).await?;
        let asked = Instant::now();
        let Some(term) = self.lease.acquire().await? else {
            self.role.send_replace(Role::Standby);
            return Ok(());
        };
        tracing::info!(fence = term.fence, ?lineage, "this instance leads");
        METRICS.took_over();
        self.role.send_replace(Role::Leader(term.fence));
        self.lead(&term, lineage, asked + self.lease.duration(), stopped)
            .await;
        METRICS.stepped_down();
        self.state.send_replace(State::Starting);
        self.role.send_replace(Role::Standby);
        let released = timeout(RELEASE_WITHIN, self.lease.release(&term)).await;
        if !matches!(released, Ok(Ok(()))) {
            tracing::warn!("the lease could not be given back; it runs out by itself");
        }
        Ok(())
    }

    /// Until the lease is lost, or one of the parts ends.
    async fn lead(
        &self,
        term: &Term,
        lineage: Lineage,
        until: Instant,
        mut stopped: watch::Receiver<bool>,
    ) {
        let (leads_until, leads_until_seen) = watch::channel(until);
        let (log_end, log_end_seen) = watch::channel(0);
        tokio::select! {
            () = self.renew(term, &leads_until) => tracing::warn!("the lease is lost"),
            () = self.sequence(term, lineage, &log_end) => {}
            () = self.keep_partitions() => {}
            () = self.publisher.run(term, leads_until_seen, log_end_seen, &self.state) => {}
            () = sequencer::watch_gate(&self.tail, GATE_EVERY, self.gate_alarm) => {}
            _ = stopped.wait_for(|stop| *stop) => tracing::info!("stepping down"),
        }
    }

    /// Has the log's next partition there long before it is needed.
    async fn keep_partitions(&self) {
        loop {
            sleep(PARTITIONS_EVERY).await;
            if let Err(error) = self.tail.make_partitions().await {
                METRICS.sequencer_failed();
                tracing::error!(%error, "the log's next partition could not be made");
            }
        }
    }

    async fn renew(&self, term: &Term, leads_until: &watch::Sender<Instant>) {
        let every = self.lease.duration() / 3;
        loop {
            sleep(every).await;
            match timeout(every, self.lease.renew(term)).await {
                Ok(Ok(Some(until))) => {
                    leads_until.send_replace(until);
                }
                Ok(Ok(None)) => return,
                Ok(Err(error)) => tracing::warn!(%error, "the lease could not be renewed"),
                Err(_) => tracing::warn!("the database takes too long to renew the lease"),
            }
            if Instant::now() >= *leads_until.borrow() {
                return;
            }
        }
    }

    /// Where the data is another than before, nothing is appended until the publisher has seen that
    /// what was published is in it.
    async fn sequence(&self, term: &Term, lineage: Lineage, log_end: &watch::Sender<i64>) {
        if lineage == Lineage::Moved {
            let mut state = self.state.subscribe();
            drop(state.wait_for(|state| *state == State::Publishing).await);
        }
        loop {
            let ready = async {
                self.tail.make_partitions().await?;
                lineage::confirm(&self.pool, term).await
            };
            match ready.await {
                Ok(true) => break,
                Ok(false) => return,
                Err(error) => {
                    tracing::error!(%error, "the log could not be opened; trying again");
                    sleep(AFTER_ERROR).await;
                }
            }
        }
        sequencer::run(&self.tail, term, self.pace, log_end).await;
    }
}
