//! Exactly once, whenever the relay dies.

use std::time::{Duration, Instant};

use demo::kafka::test_bootstrap;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::bench::Bench;
use super::number;
use super::published::{assert_holds, assert_log_is_whole, committed, log, of_partner, written};
use super::relay::{Relay, until};
use super::writers::{Load, PARTNERS, Writers};

const WITHIN: Duration = Duration::from_secs(30);
/// In `make test`; `RELAY_KILLS` asks for more.
const KILLS: u32 = 12;

#[tokio::test(flavor = "multi_thread")]
async fn whenever_it_is_killed_every_event_is_published_once_and_in_its_streams_order() {
    let kills = number("RELAY_KILLS", KILLS.into());
    let seed = number("RELAY_SEED", rand::random::<u32>().into());
    eprintln!("RELAY_KILLS={kills} RELAY_SEED={seed}");
    let bootstrap = test_bootstrap().expect("a broker");
    let bench = Bench::new(&bootstrap).await;
    bench.make_topics();
    let load = Load {
        writers: 32,
        pause: Duration::from_millis(150),
        one_held_open_in: 40,
        held_open: Duration::from_secs(3),
        seed,
    };

    let mut relays = Pair::start(&bench);
    let writers = Writers::start(&bench.service, load);
    let began = Instant::now();
    let mut random = StdRng::seed_from_u64(seed);
    let mut leaders_killed = 0;
    for _ in 0..kills {
        leaders_killed += u32::from(relays.kill_one(&bench, &mut random).await);
    }
    let written_events = writers.stop().await;
    let killing = began.elapsed();
    let both: Vec<&Relay> = relays.relays.iter().collect();
    bench.drained(&both, Duration::from_secs(60)).await;
    let drained = began.elapsed() - killing;

    assert_log_is_whole(&bench.admin).await;
    let log = log(&bench.admin).await;
    let platform = bench.topic("platform");
    let records = committed(&bootstrap, &platform).await;
    assert_holds(&platform, &records, &log.iter().collect::<Vec<_>>());
    for partner in PARTNERS {
        let topic = bench.partner_topic(partner);
        let records = committed(&bootstrap, &topic).await;
        assert_holds(&topic, &records, &of_partner(&log, partner));
    }
    // A kill in the middle of a transaction leaves records that no committed reader sees.
    let aborted = written(&bootstrap, &platform) - records.len();
    eprintln!(
        "{kills} kills in {killing:?}, {leaders_killed} of them of the leader; {written_events:?}; {} \
         events in the log, all published {drained:?} after the last; {} committed and {aborted} aborted \
         records in the topic of the platform; read after {:?}",
        log.len(),
        records.len(),
        began.elapsed(),
    );
}

/// Two relays that run at once; one that was killed is followed by another.
struct Pair {
    relays: [Relay; 2],
    started: u32,
    /// The leader that was killed last.
    fence: i64,
}

impl Pair {
    fn start(bench: &Bench) -> Self {
        Self {
            relays: ["relay-1", "relay-2"].map(|instance| bench.settings.start(instance)),
            started: 2,
            fence: 0,
        }
    }

    /// Kills one at a random point: at any time, soon after a leader began, or while it publishes.
    /// Says whether it was the leader.
    async fn kill_one(&mut self, bench: &Bench, random: &mut StdRng) -> bool {
        let moment = random.random_range(0..5);
        if moment > 0 {
            bench.leader_after(self.fence, WITHIN).await;
        }
        if moment > 2 {
            self.until_one_publishes(bench).await;
        }
        let longest = if moment > 2 { 300 } else { 1_500 };
        tokio::time::sleep(Duration::from_millis(random.random_range(0..longest))).await;
        let leader = bench.leader().await;
        let leads = |relay: &Relay| Some(&relay.instance) == leader.holder.as_ref();
        let spare_the_leader = random.random_ratio(1, 5);
        let victim = usize::from(leads(&self.relays[1]) != spare_the_leader);
        let was_leader = leads(&self.relays[victim]);
        self.relays[victim].kill();
        if was_leader {
            self.fence = leader.fence;
        }
        self.started += 1;
        self.relays[victim] = bench.settings.start(&format!("relay-{}", self.started));
        was_leader
    }

    async fn until_one_publishes(&self, bench: &Bench) {
        let before = self.published(bench).await;
        until("a relay publishes", WITHIN, async || {
            self.published(bench).await > before
        })
        .await;
    }

    async fn published(&self, bench: &Bench) -> Option<i64> {
        let [first, second] = &self.relays;
        let first = bench.published_by(first).await;
        first.max(bench.published_by(second).await)
    }
}
