//! A tap on the wire between the service and PostgreSQL: what the service sends, message by message
//! (PostgreSQL's frontend/backend protocol 3.0, "Message Formats"). Answers pass untouched.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};
use url::Url;

/// What one connection sent that the server had to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// A statement was executed.
    Statement(String),
    /// A round trip that executes nothing: `Sync` and nothing before it. sqlx's ping.
    Ping,
}

/// One thing sent, and the connection that sent it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub connection: usize,
    pub sent: Sent,
}

/// The tap; it closes with the test's runtime.
pub struct Tap {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Tap {
    /// Before the server of that URL.
    pub async fn open(database_url: &str) -> Self {
        let upstream = Url::parse(database_url).expect("a URL");
        let host = upstream.host_str().expect("a host").to_owned();
        let port = upstream.port().expect("a port");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let shared = Arc::clone(&seen);
        tokio::spawn(async move {
            for connection in 0.. {
                let Ok((client, _)) = listener.accept().await else {
                    return;
                };
                let server = TcpStream::connect((host.as_str(), port))
                    .await
                    .expect("the server");
                tokio::spawn(listen(connection, client, server, Arc::clone(&shared)));
            }
        });
        Self {
            url: through(upstream, address),
            seen,
        }
    }

    /// The same database through the tap.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Everything since the last call.
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }

    /// The statements since the last call.
    pub fn statements(&self) -> Vec<String> {
        let statement = |seen: Seen| match seen.sent {
            Sent::Statement(sql) => Some(sql),
            Sent::Ping => None,
        };
        self.take().into_iter().filter_map(statement).collect()
    }
}

fn through(mut url: Url, address: SocketAddr) -> String {
    url.set_host(Some(&address.ip().to_string()))
        .expect("a host");
    url.set_port(Some(address.port())).expect("a port");
    url.query_pairs_mut()
        .clear()
        .append_pair("sslmode", "disable");
    url.into()
}

async fn listen(
    connection: usize,
    client: TcpStream,
    server: TcpStream,
    seen: Arc<Mutex<Vec<Seen>>>,
) {
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("no delay");
    }
    let (from_client, mut to_client) = client.into_split();
    let (mut from_server, to_server) = server.into_split();
    tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
        let _ = to_client.shutdown().await;
    });
    let reader = Reader {
        connection,
        seen,
        prepared: HashMap::new(),
        portals: HashMap::new(),
        since_sync: 0,
    };
    // A connection that ends is no fault of the tap.
    let _ = reader.run(from_client, to_server).await;
}

struct Reader {
    connection: usize,
    seen: Arc<Mutex<Vec<Seen>>>,
    prepared: HashMap<Vec<u8>, String>,
    portals: HashMap<Vec<u8>, String>,
    /// Messages since the last `Sync`.
    since_sync: usize,
}

impl Reader {
    async fn run(mut self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> std::io::Result<()> {
        // The startup message has no type.
        let length = from.read_u32().await?;
        let mut body = vec![0; length as usize - 4];
        from.read_exact(&mut body).await?;
        to.write_u32(length).await?;
        to.write_all(&body).await?;
        loop {
            let kind = from.read_u8().await?;
            let length = from.read_u32().await?;
            let mut body = vec![0; length as usize - 4];
            from.read_exact(&mut body).await?;
            self.note(kind, &body);
            let mut message = vec![kind];
            message.extend_from_slice(&length.to_be_bytes());
            message.extend_from_slice(&body);
            to.write_all(&message).await?;
        }
    }

    fn note(&mut self, kind: u8, body: &[u8]) {
        let mut words = body.split(|byte| *byte == 0);
        let mut word = || words.next().unwrap_or_default().to_vec();
        match kind {
            b'P' => {
                let (name, sql) = (word(), word());
                self.prepared
                    .insert(name, String::from_utf8_lossy(&sql).into_owned());
            }
            b'B' => {
                let (portal, name) = (word(), word());
                let sql = self.prepared.get(&name).cloned().unwrap_or_default();
                self.portals.insert(portal, sql);
            }
            b'E' => {
                let sql = self.portals.get(&word()).cloned().unwrap_or_default();
                self.record(Sent::Statement(sql));
            }
            b'Q' => {
                let sql = String::from_utf8_lossy(&word()).into_owned();
                self.record(Sent::Statement(sql));
            }
            b'S' if self.since_sync == 0 => self.record(Sent::Ping),
            _ => {}
        }
        match kind {
            b'S' | b'Q' | b'p' | b'X' => self.since_sync = 0,
            _ => self.since_sync += 1,
        }
    }

    fn record(&self, sent: Sent) {
        self.seen.lock().unwrap().push(Seen {
            connection: self.connection,
            sent,
        });
    }
}
