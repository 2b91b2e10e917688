//! One full run with everything told: two processes of the service and one of the account API, logs at
//! TRACE, spans to a real OTLP receiver, metrics scraped, a whole journey with wrong and right secrets.
//! Then every place is searched for every secret in every form that it could stand there in.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use base64::Engine as _;
use demo::agent::{
    browser::{Browser, Form, Page},
    partner::ParRequest,
    walk::{Task, return_address},
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_server::{TraceService, TraceServiceServer},
};
use reqwest::Client;
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use tokio::net::{TcpListener, TcpStream};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use crate::{
    bench::{
        BANK, Bench, DECISION_CREDENTIAL, FIRST, Options, PIN, SECOND, THIRD, browser, dantai01,
        ticked, unticked,
    },
    guesses_counter::{login_form, until},
    journey_customer::{
        accounts_form, authorize_form, confirm_form, login_form as right_login, send, send_on,
        tasks_form,
    },
    oauth_partner::{proof, push_parameters},
    store_secrets::{everything_stored, names_number},
};

const WRONG_PASSWORD: &str = "Qx5wrongZ8r";
const WRONG_PIN: &str = "7391";
/// Typed beside an unticked row.
const STRAY_PIN: &str = "6047";
/// As in the bench's settings, and the bytes that it stands for.
const KEY_ENCRYPTION_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// Where something could be written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Logs,
    Spans,
    Metrics,
    Tables,
    /// Refusals: error pages and problem bodies, and a form that came back with words about it.
    Refusals,
}

/// What must be nowhere, but where [`lawful`] says so.
struct Secret {
    what: &'static str,
    value: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Long and random: an unkeyed digest of it tells nothing.
    Random,
    /// Guessable: an unkeyed digest of it would tell it.
    Guessable,
    /// Some digits: as part of a longer number or an id they are chance.
    Digits,
}

/// Where a secret may stand as it is, and why.
fn lawful(what: &str, place: Place) -> Option<&'static str> {
    match (what, place) {
        ("form key", Place::Refusals) => {
            Some("a form that comes back holds the key it is sent with")
        }
        _ => None,
    }
}

impl Secret {
    fn new(what: &'static str, value: impl Into<String>, kind: Kind) -> Self {
        let value = value.into();
        Self { what, value, kind }
    }

    /// Every form that is looked for as a part of the text.
    fn forms(&self) -> Vec<String> {
        let bytes = self.value.as_bytes();
        let hexadecimal = hex(bytes);
        let mut forms = vec![hexadecimal.to_uppercase(), hexadecimal, percent(bytes)];
        if self.kind != Kind::Random {
            let digest = Sha256::digest(bytes);
            forms.extend([hex(&digest), base64_of(&digest)]);
        }
        if self.kind != Kind::Digits {
            forms.push(self.value.clone());
            forms.extend(base64_anywhere(bytes));
            // As `{:?}` writes a slice of bytes.
            let listed = format!("{bytes:?}");
            forms.push(listed.trim_matches(['[', ']']).to_owned());
        }
        forms
    }

    fn is_in(&self, text: &str) -> bool {
        self.forms().iter().any(|form| text.contains(form.as_str()))
            || (self.kind == Kind::Digits && names_number(text, &self.value))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn percent(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
}

fn base64_of(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes)
}

/// The characters that do not depend on what stands before and after, at each of the three places
/// that a text can begin at; in both alphabets.
fn base64_anywhere(bytes: &[u8]) -> Vec<String> {
    let mut forms = Vec::new();
    for before in 0..3 {
        let padded = [vec![0; before], bytes.to_vec()].concat();
        let encoded = base64_of(&padded);
        let (from, to) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        let core = encoded[from..to].to_owned();
        forms.push(core.replace('+', "-").replace('/', "_"));
        forms.push(core);
    }
    forms
}

#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<String>>);

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let told = format!("{:?}\n", request.into_inner());
        self.0.lock().expect("the spans").push_str(&told);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Receiver {
    async fn start() -> (Self, String) {
        let receiver = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let server = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(receiver.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(server);
        (receiver, endpoint)
    }

    fn told(&self) -> String {
        self.0.lock().expect("the spans").clone()
    }
}

/// A program of the platform, with everything that it can tell.
struct Program {
    child: Child,
    directory: PathBuf,
}

impl Program {
    fn start(path: &Path, arguments: &[&str], settings: &str, collector: &str) -> Self {
        let name = format!("renkei-sweep-{}", sqlx::types::Uuid::new_v4());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir(&directory).expect("a directory");
        let config = directory.join("settings.toml");
        std::fs::write(&config, settings).expect("settings");
        let told = File::create(directory.join("log")).expect("a log");
        let child = Command::new(path)
            .args(arguments)
            .arg("--config")
            .arg(&config)
            .env("RUST_LOG", "trace")
            .env("RUST_BACKTRACE", "full")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector)
            .stdout(told.try_clone().expect("a log"))
            .stderr(told)
            .stdin(Stdio::null())
            .spawn()
            .expect("the program starts; `make build` builds it");
        Self { child, directory }
    }

    fn told(&self) -> String {
        let bytes = std::fs::read(self.directory.join("log")).expect("a log");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// A field of the first line with this message.
    async fn said(&self, message: &str, field: &str) -> String {
        let mut found = None;
        until(async || {
            found = self.told().lines().find_map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).ok()?;
                let fields = &line["fields"];
                (fields["message"] == message).then(|| fields[field].as_str().map(str::to_owned))?
            });
            found.is_some()
        })
        .await;
        found.expect("an address")
    }

    /// Asks it to end, and waits: what it has left to tell is told.
    async fn stop(&mut self) {
        let process = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &process]).status();
        assert!(asked.expect("kill").success());
        until(async || self.child.try_wait().expect("a process").is_some()).await;
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Two processes of the service behind one address, in turns, and the account API.
struct Platform {
    consent: Vec<Program>,
    account_api: Program,
    account_api_url: String,
    operators: Vec<String>,
    receiver: Receiver,
}

async fn start(bench: &mut Bench) -> Platform {
    let (receiver, collector) = Receiver::start().await;
    let front = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = front.local_addr().expect("an address").port();
    bench.origin.set_port(Some(port)).expect("a port");
    let program = Path::new(env!("CARGO_BIN_EXE_consent"));
    let consent: Vec<_> = (0..2)
        .map(|_| Program::start(program, &["serve"], &bench.settings(), &collector))
        .collect();
    let (mut publics, mut operators, mut decisions) = (Vec::new(), Vec::new(), String::new());
    for one in &consent {
        publics.push(one.said("consent is up", "public").await);
        operators.push(one.said("consent is up", "operators").await);
        decisions = one.said("consent is up", "decisions").await;
    }
    tokio::spawn(async move {
        for public in publics.iter().cycle() {
            let (mut client, _) = front.accept().await.expect("a connection");
            let public = public.clone();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(public).await.expect("the service");
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    let origin = bench.origin.as_str();
    let settings = format!(
        "listen = \"127.0.0.1:0\"
         operator_listen = \"127.0.0.1:0\"
         resource_identifier = \"http://127.0.0.1:8090\"
         decision_url = \"http://{decisions}\"
         decision_credential = \"{DECISION_CREDENTIAL}\"
         bank_port_url = \"http://{}\"
         [[issuers]]
         issuer = \"{origin}{BANK}\"
         bank_code = \"{BANK}\"
         jwks_url = \"{origin}{BANK}/jwks\"",
        bench.bank_address
    );
    let path = program.with_file_name("account-api");
    let account_api = Program::start(&path, &[], &settings, &collector);
    let address = account_api.said("listening", "address").await;
    operators.push(account_api.said("operators", "address").await);
    Platform {
        consent,
        account_api,
        account_api_url: format!("http://{address}"),
        operators,
        receiver,
    }
}

/// What came of a run: the secrets that were in it, and the refusals that were shown.
#[derive(Default)]
struct Run {
    secrets: Vec<Secret>,
    refusals: Vec<String>,
}

impl Run {
    fn random(&mut self, what: &'static str, value: impl Into<String>) {
        self.secrets.push(Secret::new(what, value, Kind::Random));
    }

    /// The key of a form, and the cookies that go with it.
    fn sent(&mut self, browser: &Browser, form: &Form) {
        let keys = form.fields().into_iter();
        for (_, key) in keys.filter(|(name, _)| name == "form_key") {
            self.random("form key", key);
        }
        for (_, cookie) in browser.cookies("127.0.0.1") {
            self.random("cookie", cookie);
        }
    }

    fn refused(&mut self, page: &Page) {
        self.refusals.push(page.html.clone());
    }
}

/// Every secret is used, wrongly and rightly.
async fn walk(bench: &Bench, account_api_url: &str) -> Run {
    let mut run = Run::default();
    let secret = |what, value: &str, kind| Secret::new(what, value, kind);
    run.secrets = vec![
        secret("password", &dantai01().password, Kind::Guessable),
        secret("wrong password", WRONG_PASSWORD, Kind::Guessable),
        secret("login id", &dantai01().login_id, Kind::Guessable),
        secret("PIN", PIN, Kind::Digits),
        secret("wrong PIN", WRONG_PIN, Kind::Digits),
        secret("stray PIN", STRAY_PIN, Kind::Digits),
        secret("account number", "5000000", Kind::Digits),
        secret("account number", "1111111", Kind::Digits),
        secret("key-encryption key", KEY_ENCRYPTION_KEY, Kind::Random),
        secret("decision credential", DECISION_CREDENTIAL, Kind::Random),
    ];
    let raw: Vec<u8> = (0..32).collect();
    run.random(
        "key-encryption key, raw",
        String::from_utf8(raw).expect("ASCII"),
    );

    let (client, browser) = (bench.client(0), browser());
    // A push of our own, so that its assertion is known; its request is used up by nobody.
    let assertion = client.assertion().expect("an assertion");
    let parameters = [push_parameters(bench, 0), proof(&assertion)].concat();
    let pushed = Client::new()
        .post(
            bench
                .origin
                .join(&format!("{BANK}/par"))
                .expect("an address"),
        )
        .form(&parameters)
        .send()
        .await
        .expect("an answer");
    assert_eq!(pushed.status(), 201);
    run.random("client assertion", assertion);

    let (login, pushed) = bench
        .begin_with(&browser, 0, ParRequest::for_both_tasks())
        .await;
    run.random("PKCE verifier", pushed.verifier.clone());
    run.random("request_uri", pushed.request_uri.clone());
    let form = login_form(&login, "dantai01", WRONG_PASSWORD);
    run.sent(&browser, &form);
    run.refused(&send_on(&browser, &form).await);
    let login = browser.get(&login.url).await.expect("the login");
    let mut broken = right_login(&login);
    broken.set("form_key", "no-key");
    run.refused(&send(&browser, &broken).await);
    let form = right_login(&login);
    let tasks = send_on(&browser, &form).await;
    run.sent(&browser, &form);
    let form = tasks_form(&tasks, &Task::ALL);
    let accounts = send_on(&browser, &form).await;
    run.sent(&browser, &form);
    let mut stray = unticked(THIRD);
    stray.pin = Some(STRAY_PIN.to_owned());
    let rows = [ticked(FIRST, PIN), ticked(SECOND, WRONG_PIN), stray];
    let form = accounts_form(&accounts, &rows);
    let confirm = send_on(&browser, &form).await;
    run.sent(&browser, &form);
    let form = confirm_form(&confirm);
    let authorize = send_on(&browser, &form).await;
    run.sent(&browser, &form);
    let form = authorize_form(&authorize);
    let answer = send(&browser, &form).await;
    run.sent(&browser, &form);
    let end = browser.follow(&answer).await.expect("the end page");
    let returned = return_address(&end).expect("the way back");
    run.random("code", client.parse_return(&returned).expect("a code").code);

    let tokens = client.complete(&returned, &pushed).await.expect("tokens");
    run.random("access token", tokens.access_token.clone());
    run.random("refresh token", tokens.refresh_token.clone().expect("one"));
    read(account_api_url, &tokens.access_token, &mut run).await;
    // A code that is used twice is refused, and ends the tokens.
    let twice = client.complete(&returned, &pushed).await;
    run.refusals
        .push(format!("{:?}", twice.expect_err("refused")));
    read(account_api_url, &tokens.access_token, &mut run).await;
    // The request again, and a page of the end.
    let again = client.authorization_url(&pushed);
    run.refused(&browser.get(again).await.expect("an answer"));
    run
}

/// Reads with the token, and with one that is cut; keeps what is refused.
async fn read(account_api_url: &str, token: &str, run: &mut Run) {
    let http = Client::new();
    for token in [token, &token[..token.len() - 3]] {
        let url = format!("{account_api_url}/v1/accounts");
        let answer = http.get(url).bearer_auth(token).send().await;
        let answer = answer.expect("an answer");
        if !answer.status().is_success() {
            let headers = format!("{:?}", answer.headers());
            run.refusals
                .push(headers + &answer.text().await.expect("a body"));
        }
    }
}

/// Every place with every piece of text in it.
async fn everything_told(
    bench: &Bench,
    platform: &mut Platform,
    run: &Run,
) -> Vec<(Place, String)> {
    let mut told = Vec::new();
    for operators in &platform.operators {
        let url = format!("http://{operators}/metrics");
        let text = reqwest::get(url).await.expect("metrics").text().await;
        let text = text.expect("text");
        assert!(text.contains("renkei_http_requests_total"), "{text}");
        told.push((Place::Metrics, text));
    }
    for program in platform
        .consent
        .iter_mut()
        .chain([&mut platform.account_api])
    {
        program.stop().await;
        let log = program.told();
        assert!(
            log.contains("TRACE") && log.contains("answered"),
            "all is told"
        );
        told.extend(log.lines().map(|line| (Place::Logs, line.to_owned())));
    }
    let spans = platform.receiver.told();
    for span in [
        "VerifyInquiryPin",
        "redeem authorization code",
        "load visit",
        "/v1/accounts",
    ] {
        assert!(spans.contains(span), "{span} was not exported");
    }
    told.push((Place::Spans, spans));
    let pool = PgPool::connect(bench.database.url())
        .await
        .expect("the database");
    let stored = everything_stored(&pool).await;
    assert!(stored.iter().any(|(table, _)| table == "events"));
    told.extend(
        stored
            .into_iter()
            .map(|(table, row)| (Place::Tables, format!("{table}: {row}"))),
    );
    told.extend(
        run.refusals
            .iter()
            .map(|text| (Place::Refusals, text.clone())),
    );
    told
}

/// What stands where, of what must stand nowhere.
fn found(secrets: &[Secret], told: &[(Place, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for secret in secrets {
        let forms = secret.forms();
        for (place, text) in told {
            let there = forms.iter().any(|form| text.contains(form.as_str())) || secret.is_in(text);
            if there && lawful(secret.what, *place).is_none() {
                let excerpt: String = text.chars().take(300).collect();
                found.push(format!("{} in {place:?}: {excerpt}", secret.what));
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_whole_run_stands_anywhere() {
    let mut bench = Bench::with(Options {
        replicas: 0,
        sweep_milliseconds: 500,
        ..Options::default()
    })
    .await;
    let mut platform = start(&mut bench).await;
    let run = walk(&bench, &platform.account_api_url).await;
    assert!(run.secrets.len() > 25 && run.refusals.len() > 5);
    let told = everything_told(&bench, &mut platform, &run).await;
    let found = found(&run.secrets, &told);
    assert!(found.is_empty(), "{} {found:#?}", found.len());
}

#[test]
fn a_planted_secret_is_found_in_every_place_and_form() {
    let random = "c2-Tk9_yZq8Rw4uLm1Xv7Bn0";
    let secrets = [
        Secret::new("code", random, Kind::Random),
        Secret::new("password", "Rokin2026", Kind::Guessable),
        Secret::new("PIN", "4826", Kind::Digits),
    ];
    let around = |middle: &str| format!("before {middle} after");
    for secret in &secrets {
        for form in secret.forms() {
            let told = [(Place::Logs, around(&form))];
            assert_eq!(
                found(std::slice::from_ref(secret), &told).len(),
                1,
                "{form}"
            );
        }
        for place in [
            Place::Logs,
            Place::Spans,
            Place::Metrics,
            Place::Tables,
            Place::Refusals,
        ] {
            let told = [(place, around(&secret.value))];
            assert_eq!(
                found(std::slice::from_ref(secret), &told).len(),
                1,
                "{place:?}"
            );
        }
    }
    for before in ["", "x", "xy"] {
        let told = [(
            Place::Spans,
            base64_of(format!("{before}{random}{before}").as_bytes()),
        )];
        assert_eq!(found(&secrets, &told).len(), 1, "{before}");
    }
    // Chance is not a find.
    let told = [(
        Place::Logs,
        "id-9482617, 2026-11-22T10:48:26.482612Z".to_owned(),
    )];
    assert!(found(&secrets, &told).is_empty());
}
