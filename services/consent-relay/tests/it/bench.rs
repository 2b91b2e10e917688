//! A migrated database of its own in this process's cluster, and writers that append facts as the
//! service does.

use std::{process::Command, sync::OnceLock, time::Duration};

use consent::provision::{Provisioned, provision};
use consent_relay::{
    committed_tail::{Appended, CommittedTail as _},
    database,
    lease::Lease,
    lineage,
    postgres_tail::PostgresTail,
    sequencer::Pace,
};
use demo::postgres::{
    Binaries, PrivateOptions, PrivateServer, State, create_database, drop_database, with_database,
};
use sqlx::{PgConnection, PgPool, Postgres, postgres::PgPoolOptions};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

pub const PACE: Pace = Pace {
    poll: Duration::from_millis(10),
    batch_max: 200,
};

/// The cluster of this test process: never shared with another process, whose transactions would hold
/// the gate back.
fn admin_url() -> String {
    static SERVER: OnceLock<PrivateServer> = OnceLock::new();
    SERVER.get_or_init(start_cluster).admin_url()
}

pub struct Bench {
    pub admin_url: String,
    pub name: String,
    pub urls: Provisioned,
    /// As the relay's role, as the relay connects.
    pub relay: PgPool,
    /// As the service's role.
    pub service: PgPool,
    /// Where the test has the cluster to itself; stopped at last.
    _cluster: Option<PrivateServer>,
}

fn start_cluster() -> PrivateServer {
    PrivateServer::start(&PrivateOptions {
        name: "relay-test".to_owned(),
        state: State::Fresh,
        log: None,
    })
    .expect("a PostgreSQL")
}

impl Bench {
    /// Other tests of this process hold the gate back now and then: await what you expect.
    pub async fn new() -> Self {
        Self::make(&admin_url(), None).await
    }

    /// With a cluster that no other test uses.
    pub async fn alone() -> Self {
        let cluster = tokio::task::spawn_blocking(start_cluster).await.unwrap();
        Self::make(&cluster.admin_url(), Some(cluster)).await
    }

    /// What `pg_dump` says of `other`, loaded into a cluster of its own.
    pub async fn restored_from(other: &Self) -> Self {
        let cluster = tokio::task::spawn_blocking(start_cluster).await.unwrap();
        let admin_url = cluster.admin_url();
        // Roles are the cluster's, not the dump's; and the database is made anew, without a schema.
        let urls = provision(&admin_url, &other.name).await.expect("roles");
        drop_database(&admin_url, &other.name).await.unwrap();
        create_database(&admin_url, &other.name).await.unwrap();
        let (from, to) = (
            with_database(&other.admin_url, &other.name).unwrap(),
            with_database(&admin_url, &other.name).unwrap(),
        );
        dump_and_load(cluster.binaries(), &from, &to);
        Self::connect(&admin_url, other.name.clone(), urls, Some(cluster)).await
    }

    async fn make(admin_url: &str, cluster: Option<PrivateServer>) -> Self {
        let name = format!("relay_{:08x}", Uuid::new_v4().as_fields().0);
        let urls = provision(admin_url, &name).await.expect("a database");
        Self::connect(admin_url, name, urls, cluster).await
    }

    async fn connect(
        admin_url: &str,
        name: String,
        urls: Provisioned,
        cluster: Option<PrivateServer>,
    ) -> Self {
        let relay = database::connect(&urls.relay_url)
            .await
            .expect("the relay connects");
        let service = PgPoolOptions::new()
            .max_connections(40)
            .acquire_timeout(Duration::from_secs(60))
            .connect(&urls.service_url)
            .await
            .expect("the service connects");
        Self {
            admin_url: admin_url.to_owned(),
            name,
            urls,
            relay,
            service,
            _cluster: cluster,
        }
    }

    /// Appends until every committed event is in the log; gives how many came.
    pub async fn append_all(&self, term: &consent_relay::lease::Term) -> u32 {
        let tail = self.tail();
        let mut all = 0;
        eventually("the log is complete", async || {
            match tail.append(term, 100).await.unwrap() {
                Appended::Events { count, .. } => all += count,
                Appended::Fenced => panic!("fenced"),
            }
            tail.waiting().await.unwrap().oldest.is_none()
        })
        .await;
        all
    }

    pub fn lease(&self, holder: &str, duration: Duration) -> Lease {
        Lease::new(self.relay.clone(), holder.to_owned(), duration)
    }

    pub fn tail(&self) -> PostgresTail {
        PostgresTail::new(self.relay.clone())
    }

    /// Takes the lease for long, and confirms the data.
    pub async fn lead(&self) -> consent_relay::lease::Term {
        let term = self
            .lease("leader", Duration::from_secs(600))
            .acquire()
            .await
            .unwrap()
            .expect("nobody leads");
        assert!(lineage::confirm(&self.relay, &term).await.unwrap());
        term
    }

    /// Until every committed event is in the log.
    pub async fn settle(&self) {
        let tail = self.tail();
        eventually("the log is complete", async || {
            tail.waiting().await.unwrap().oldest.is_none()
        })
        .await;
    }

    pub async fn owner(&self) -> PgConnection {
        use sqlx::Connection as _;
        PgConnection::connect(&self.urls.owner_url).await.unwrap()
    }
}

fn dump_and_load(programs: &Binaries, from: &str, to: &str) {
    let dump = Command::new(programs.program("pg_dump"))
        .arg(from)
        .output()
        .unwrap();
    assert!(
        dump.status.success(),
        "{}",
        String::from_utf8_lossy(&dump.stderr)
    );
    let file = std::env::temp_dir().join(format!("dump-{}.sql", Uuid::new_v4()));
    std::fs::write(&file, dump.stdout).unwrap();
    let loaded = Command::new(programs.program("psql"))
        .args([
            "--quiet",
            "--set=ON_ERROR_STOP=1",
            "--output=/dev/null",
            "--file",
        ])
        .arg(&file)
        .arg(to)
        .output()
        .unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(
        loaded.status.success(),
        "{}",
        String::from_utf8_lossy(&loaded.stderr)
    );
}

/// Appends one event as the service does: the sequence was read before the transaction took an id.
pub async fn append<'e>(
    executor: impl sqlx::Executor<'e, Database = Postgres>,
    stream: &str,
    sequence: i64,
) -> Uuid {
    let id = Uuid::now_v7();
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version,
             payload, metadata, event_id, bank)
         VALUES ('test', $1, $2, 'Happened', '1', '{}', '{}', $3, '2963')",
    )
    .bind(stream)
    .bind(sequence)
    .bind(id)
    .execute(executor)
    .await
    .expect("appended");
    id
}

/// Waits for a state, for at most a minute.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "not in time: {what}"
        );
        sleep(Duration::from_millis(10)).await;
    }
}

/// The log as (number, stream, sequence, event id).
pub async fn log(pool: &PgPool) -> Vec<(i64, String, i64, Uuid)> {
    sqlx::query_as(
        "SELECT global_sequence, aggregate_id, sequence, event_id FROM event_log
         ORDER BY global_sequence",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}
