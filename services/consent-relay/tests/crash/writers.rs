//! Writers of events as consent's store writes them: whole streams of consents, many at once, some
//! with transactions that stay open for seconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sqlx::{PgConnection, PgPool};
use tokio::task::JoinSet;
use uuid::Uuid;

pub const BANK: &str = "2963";
/// Two, so that their topics can be mixed up.
pub const PARTNERS: [&str; 2] = ["partner-a", "partner-b"];

pub const GRANTED: &str =
    include_str!("../../../consent-domain/tests/golden/consent.AccessGranted.v1.json");
const CONNECTED: &str =
    include_str!("../../../consent-domain/tests/golden/consent.PartnerConnected.v1.json");
const AMENDED: &str =
    include_str!("../../../consent-domain/tests/golden/consent.AccessAmended.v1.json");
const REVOKED: &str =
    include_str!("../../../consent-domain/tests/golden/consent.AccessRevoked.v1.json");

/// How the writers write.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub writers: u64,
    /// Between two transactions of one writer.
    pub pause: Duration,
    /// One transaction in so many stays open.
    pub one_held_open_in: u32,
    /// At most so long.
    pub held_open: Duration,
    pub seed: u64,
}

/// The writers at work.
pub struct Writers {
    stop: Arc<AtomicBool>,
    tasks: JoinSet<Written>,
}

/// What they did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    pub events: u64,
    pub transactions: u64,
    /// Open for a second or longer before their commit.
    pub held_open: u64,
    pub rolled_back: u64,
}

impl Writers {
    pub fn start(pool: &PgPool, load: Load) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for number in 0..load.writers {
            let writer = Writer {
                random: StdRng::seed_from_u64(load.seed.wrapping_mul(1_000).wrapping_add(number)),
                streams: Vec::new(),
                written: Written::default(),
                load,
            };
            tasks.spawn(writer.write(pool.clone(), Arc::clone(&stop)));
        }
        Self { stop, tasks }
    }

    /// Lets every writer finish its transaction.
    pub async fn stop(self) -> Written {
        self.stop.store(true, Ordering::Relaxed);
        let all = self.tasks.join_all().await;
        all.iter().fold(Written::default(), |sum, one| Written {
            events: sum.events + one.events,
            transactions: sum.transactions + one.transactions,
            held_open: sum.held_open + one.held_open,
            rolled_back: sum.rolled_back + one.rolled_back,
        })
    }
}

struct Writer {
    random: StdRng,
    /// Its own: nobody else appends to them.
    streams: Vec<Stream>,
    written: Written,
    load: Load,
}

#[derive(Debug, Clone)]
struct Stream {
    id: String,
    partner: &'static str,
    /// The last one that was committed.
    sequence: i64,
    ended: bool,
}

impl Writer {
    async fn write(mut self, pool: PgPool, stop: Arc<AtomicBool>) -> Written {
        while !stop.load(Ordering::Relaxed) {
            self.transaction(&pool).await;
            tokio::time::sleep(self.load.pause).await;
        }
        self.written
    }

    /// One to three events each to one or two streams, then a commit or, seldom, a rollback.
    async fn transaction(&mut self, pool: &PgPool) {
        let mut transaction = pool.begin().await.expect("a transaction");
        let mut after = self.streams.clone();
        let mut events = 0;
        for _ in 0..self.random.random_range(1..=2) {
            let stream = self.choose(&mut after);
            for _ in 0..self.random.random_range(1..=3) {
                if stream.ended {
                    break;
                }
                let ends = self.random.random_ratio(1, 20);
                append(&mut transaction, stream, ends).await;
                events += 1;
            }
        }
        let held = self.random.random_ratio(1, self.load.one_held_open_in);
        if held {
            let longest = u64::try_from(self.load.held_open.as_millis()).expect("some seconds");
            let open = self.random.random_range(1_000.min(longest)..=longest);
            tokio::time::sleep(Duration::from_millis(open)).await;
        }
        if self.random.random_ratio(1, 25) {
            transaction.rollback().await.expect("rolls back");
            self.written.rolled_back += 1;
            return;
        }
        transaction.commit().await.expect("commits");
        self.streams = after;
        self.written.events += events;
        self.written.transactions += 1;
        self.written.held_open += u64::from(held);
    }

    fn choose<'a>(&mut self, streams: &'a mut Vec<Stream>) -> &'a mut Stream {
        let live: Vec<usize> = (0..streams.len())
            .filter(|index| !streams[*index].ended)
            .collect();
        let index = if live.len() < 4 {
            streams.push(Stream {
                id: format!("{BANK}:{}", Uuid::new_v4()),
                partner: PARTNERS[self.random.random_range(0..PARTNERS.len())],
                sequence: 0,
                ended: false,
            });
            streams.len() - 1
        } else {
            live[self.random.random_range(0..live.len())]
        };
        &mut streams[index]
    }
}

/// The next fact of a consent's life.
async fn append(connection: &mut PgConnection, stream: &mut Stream, ends: bool) {
    let golden = match stream.sequence {
        0 => GRANTED,
        _ if ends => REVOKED,
        1 => CONNECTED,
        _ => AMENDED,
    };
    stream.sequence += 1;
    stream.ended = ends && stream.sequence > 1;
    let golden = golden.replace("partner-1", stream.partner);
    let golden: serde_json::Value = serde_json::from_str(&golden).expect("a golden file");
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version,
            payload, metadata, event_id, bank, partner, contract, actor_kind, traceparent)
         VALUES ('consent', $1, $2, $3, $4, $5, '{}', $6, $7, $8, 'dantai-1', 'customer', $9)",
    )
    .bind(&stream.id)
    .bind(stream.sequence)
    .bind(golden["event_type"].as_str())
    .bind(golden["event_version"].as_str())
    .bind(&golden["payload"])
    .bind(Uuid::now_v7())
    .bind(BANK)
    .bind(stream.partner)
    .bind("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    .execute(connection)
    .await
    .expect("appends");
}
