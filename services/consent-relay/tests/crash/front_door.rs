//! The service as partners meet it, while something behind it is out of order.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use consent::settings::Settings;
use consent::startup::{Listeners, Running, start};
use demo::agent::partner::{ParRequest, PartnerClient, Registration};
use tokio::task::JoinSet;
use url::Url;

use super::bench::{Bench, KEY_ENCRYPTION_KEY};
use super::writers::{BANK, PARTNERS};

/// Partners that push requests at the same time; each request is a command and an event.
const PARTNERS_AT_ONCE: usize = 8;
const PAUSE: Duration = Duration::from_millis(50);

pub struct FrontDoor {
    /// Serves as long as this value is there.
    _running: Running,
    stop: Arc<AtomicBool>,
    counted: Arc<Counted>,
    tasks: JoinSet<()>,
}

/// Requests so far.
#[derive(Debug, Default)]
pub struct Counted {
    answered: AtomicU64,
    failed: AtomicU64,
}

impl Counted {
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }
}

impl FrontDoor {
    /// Starts the service on the bench's database, and partners that push requests to it.
    pub async fn open(bench: &Bench) -> Self {
        let open = || TcpListener::bind("127.0.0.1:0").expect("a port");
        let listeners = Listeners {
            public: open(),
            operators: open(),
            decisions: open(),
            certificate_login: None,
        };
        let address = listeners.public.local_addr().expect("an address");
        let origin = Url::parse(&format!("http://{address}")).expect("a URL");
        let running = start(settings(bench, &origin), listeners)
            .await
            .expect("the service starts");
        let mut door = Self {
            _running: running,
            stop: Arc::default(),
            counted: Arc::default(),
            tasks: JoinSet::new(),
        };
        for number in 0..PARTNERS_AT_ONCE {
            let client = client(bench, &origin, PARTNERS[number % PARTNERS.len()]);
            door.tasks.spawn(push(
                client,
                Arc::clone(&door.stop),
                Arc::clone(&door.counted),
            ));
        }
        door
    }

    pub fn counted(&self) -> &Counted {
        &self.counted
    }

    /// Lets every request end.
    pub async fn close(self) -> Arc<Counted> {
        self.stop.store(true, Ordering::Relaxed);
        self.tasks.join_all().await;
        self.counted
    }
}

async fn push(client: PartnerClient, stop: Arc<AtomicBool>, counted: Arc<Counted>) {
    while !stop.load(Ordering::Relaxed) {
        match client.push(&ParRequest::for_both_tasks()).await {
            Ok(_) => counted.answered.fetch_add(1, Ordering::Relaxed),
            Err(error) => {
                eprintln!("a request failed: {error}");
                counted.failed.fetch_add(1, Ordering::Relaxed)
            }
        };
        tokio::time::sleep(PAUSE).await;
    }
}

fn client(bench: &Bench, origin: &Url, partner: &str) -> PartnerClient {
    PartnerClient::try_new(Registration {
        client_id: format!("client-of-{partner}"),
        private_key_pem: bench.key.private_key_pem.clone(),
        kid: bench.key.kid.clone(),
        redirect_uri: Url::parse(&format!("http://localhost:1/{partner}/callback")).expect("a URL"),
        issuer: origin.join(BANK).expect("an issuer"),
    })
    .expect("a client")
}

/// The bank behind it is not asked by what is pushed.
fn settings(bench: &Bench, origin: &Url) -> Settings {
    let url = &bench.provisioned.service_url;
    let text = format!(
        "public_url = \"{origin}\"
         public_listen = \"127.0.0.1:0\"
         operator_listen = \"127.0.0.1:0\"
         decision_listen = \"127.0.0.1:0\"
         database_url = \"{url}\"
         bank_port_url = \"http://127.0.0.1:1\"
         decision_credential = \"a-credential-for-tests-only\"
         key_encryption_key = \"{KEY_ENCRYPTION_KEY}\"
         resource_identifier = \"http://127.0.0.1:8090\"
         insecure_http = true"
    );
    toml::from_str(&text).expect("settings")
}
