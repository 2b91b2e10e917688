//! Bad input at every address of the public listener, as bytes on a socket: a clear refusal that
//! repeats nothing, whatever was sent.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Duration, timeout},
};

use crate::bench::{Bench, browser};

/// Stands in everything that is sent, and in nothing that comes back.
const MARK: &str = "zz-sent-zz";
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

struct Answered {
    status: u16,
    head: String,
    body: String,
}

/// Sends bytes on a connection of their own and reads until the server ends it.
async fn send(address: SocketAddr, bytes: &[u8]) -> Answered {
    let stream = TcpStream::connect(address).await.expect("a connection");
    let (mut reading, mut writing) = stream.into_split();
    let bytes = bytes.to_vec();
    // The server may refuse, and close, before it has read everything.
    let sending = tokio::spawn(async move {
        let _ = writing.write_all(&bytes).await;
        writing
    });
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    let reading = async {
        while let Ok(length @ 1..) = reading.read(&mut chunk).await {
            answer.extend_from_slice(&chunk[..length]);
            if is_whole(&answer) {
                break;
            }
        }
    };
    timeout(ANSWER_LIMIT, reading)
        .await
        .expect("an answer within the time");
    sending.abort();
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .expect("a status");
    Answered {
        status,
        head: head.to_ascii_lowercase(),
        body: body.to_owned(),
    }
}

fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).to_ascii_lowercase();
    let Some((head, _)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let received = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map(|at| answer.len() - at - 4);
    match (
        length.and_then(|length| length.parse::<usize>().ok()),
        received,
    ) {
        (Some(length), Some(received)) => received >= length,
        _ => false,
    }
}

/// What every refusal must be.
fn check(answered: &Answered, what: &str) {
    let Answered { status, head, body } = answered;
    assert!((400..500).contains(status), "{what}: {status} {body}");
    assert!(
        !body.contains(MARK) && !head.contains(MARK),
        "reflected: {what}"
    );
    for trace in ["panicked", "src/", "thread '", "sqlx"] {
        assert!(!body.contains(trace), "{what}: {body}");
    }
    assert!(body.len() < 64 * 1024, "{what}: a long refusal");
}

/// What a refusal by our own code is besides: for a program JSON, for a person a page.
fn check_form(answered: &Answered, path: &str, what: &str) {
    let is_for_programs = path.contains("/.well-known/")
        || ["/par", "/token", "/revoke", "/introspect", "/jwks"]
            .iter()
            .any(|end| path.ends_with(end));
    let Answered { head, body, .. } = answered;
    if is_for_programs {
        assert!(
            head.contains("content-type: application/json"),
            "{what}: {head}"
        );
        assert!(body.contains("\"error\":"), "{what}: {body}");
    } else {
        assert!(head.contains("content-type: text/html"), "{what}: {head}");
        assert!(body.contains("data-error="), "{what}: {body}");
        assert!(body.contains("<html lang=\"ja\""), "{what}");
        assert!(head.contains("content-security-policy:"), "{what}");
    }
    assert!(head.contains("cache-control: no-store"), "{what}: {head}");
    assert!(
        head.contains("x-content-type-options: nosniff"),
        "{what}: {head}"
    );
}

fn post(path: &str, cookie: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {MARK}\r\ncookie: {cookie}\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn get(target: &str, headers: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nhost: {MARK}\r\nconnection: close\r\n{headers}\r\n")
        .into_bytes()
}

/// A browser's journey that stands at step 4, for pages that must be reached to be tried.
struct AtStep4 {
    bench: Bench,
    cookie: String,
    pages: String,
}

impl AtStep4 {
    async fn new() -> Self {
        let bench = Bench::new().await;
        let browser = browser();
        let (accounts, _) = bench.to_accounts(&browser, 0).await;
        let cookies = browser.cookies("127.0.0.1");
        let cookies: Vec<String> = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let pages = accounts
            .url
            .path()
            .strip_suffix("accounts")
            .expect("step 4")
            .to_owned();
        Self {
            bench,
            cookie: cookies.join("; "),
            pages,
        }
    }

    fn address(&self) -> SocketAddr {
        self.bench.replicas[0].public
    }

    /// Every address that takes a POST.
    fn forms(&self) -> Vec<String> {
        let pages = [
            "login",
            "tasks",
            "accounts",
            "confirm",
            "authorize",
            "cancel",
        ];
        let mut paths: Vec<String> = pages
            .iter()
            .map(|page| format!("{}{page}", self.pages))
            .collect();
        paths.extend(
            [
                "/2963/par",
                "/2963/token",
                "/2963/revoke",
                "/2963/introspect",
            ]
            .map(str::to_owned),
        );
        paths
    }

    /// Every address that takes a GET.
    fn documents(&self) -> Vec<String> {
        let pages = [
            "login",
            "certificate-login",
            "tasks",
            "accounts",
            "confirm",
            "authorize",
            "done",
        ];
        let mut paths: Vec<String> = pages
            .iter()
            .map(|page| format!("{}{page}", self.pages))
            .collect();
        paths.extend(
            [
                "/2963/authorize",
                "/2963/jwks",
                "/2963/.well-known/oauth-authorization-server",
                "/.well-known/oauth-authorization-server/2963",
            ]
            .map(str::to_owned),
        );
        paths
    }

    /// The journey goes on where it was.
    async fn is_unharmed(&self) {
        let stage: String = sqlx::query_scalar(
            "SELECT string_agg(event_type, ' ' ORDER BY position) FROM events
             WHERE aggregate_type = 'journey'",
        )
        .fetch_one(&self.bench.pool)
        .await
        .unwrap();
        assert_eq!(stage, "ConsentRequested LoginSucceeded TasksSelected");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_no_form_has_is_refused_at_every_form() {
    let at = AtStep4::new().await;
    let megabyte = [format!("{MARK}=").into_bytes(), vec![b'x'; 1024 * 1024]].concat();
    let fields = format!("{MARK}=1&").repeat(10_000);
    let short_fields = "a=1&".repeat(10_000);
    let value = [format!("{MARK}=").into_bytes(), vec![b'x'; 60 * 1024]].concat();
    let name = [vec![b'n'; 60 * 1024], format!("={MARK}").into_bytes()].concat();
    for path in at.forms() {
        for (what, body, status) in [
            ("a mebibyte", megabyte.as_slice(), Some(413)),
            (
                "10,000 fields in too many bytes",
                fields.as_bytes(),
                Some(413),
            ),
            ("10,000 fields", short_fields.as_bytes(), Some(400)),
            ("a long value", &value, Some(400)),
            ("a long name", &name, Some(400)),
            ("an escape of no UTF-8", b"zz-sent-zz=%ff%fe", Some(400)),
            ("bytes of no UTF-8", b"zz-sent-zz=\xff\xfe", Some(400)),
            ("a NUL", b"form_key=%00&zz-sent-zz=%00", Some(400)),
            ("a bare NUL", b"form_key=\x00zz-sent-zz", Some(400)),
            ("a broken escape", b"zz-sent-zz=%", Some(400)),
            ("markup", b"zz-sent-zz=%3Cscript%3E&=zz-sent-zz", Some(400)),
            (
                "a field of its own twice",
                b"client_assertion=a&client_assertion=zz-sent-zz&form_key=a&form_key=b",
                None,
            ),
        ] {
            let what = format!("{what} at {path}");
            let answered = send(at.address(), &post(&path, &at.cookie, body)).await;
            // A step that is not reached yet, or a key that is not ours, leads back to the step that
            // the browser is at, whatever was sent.
            let is_ahead = path.ends_with("/confirm") || path.ends_with("/authorize");
            if answered.status == 303 && (is_ahead || status.is_none()) {
                assert!(!answered.head.contains(MARK), "reflected: {what}");
                continue;
            }
            check(&answered, &what);
            check_form(&answered, &path, &what);
            if let Some(status) = status {
                assert_eq!(answered.status, status, "{what}");
            }
        }
    }
    at.is_unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_another_type_or_none_is_refused_at_every_form() {
    let at = AtStep4::new().await;
    for path in at.forms() {
        for (what, headers) in [
            (
                "JSON",
                "content-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
            ),
            ("no type", "content-length: 2\r\n\r\na="),
            (
                "a type of no sense",
                "content-type: \u{7f}\r\ncontent-length: 0\r\n\r\n",
            ),
            (
                "an encoding",
                "content-type: application/x-www-form-urlencoded\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nzzzz",
            ),
        ] {
            let request = format!(
                "POST {path} HTTP/1.1\r\nhost: x\r\ncookie: {}\r\nconnection: close\r\n{headers}",
                at.cookie
            );
            let answered = send(at.address(), request.as_bytes()).await;
            let what = format!("{what} at {path}");
            if answered.status != 303 {
                check(&answered, &what);
            }
        }
    }
    at.is_unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_says_too_much_is_refused_or_not_listened_to() {
    let at = AtStep4::new().await;
    let many = format!("{MARK}=1&").repeat(1_000);
    let long = "x".repeat(20 * 1024);
    for path in at.documents() {
        for query in [
            "%00",
            "%ff",
            "m=%00zz-sent-zz",
            "m=%ff%fe",
            "a=%",
            "m=already_sent&m=zz-sent-zz",
            "<zz-sent-zz>",
            &many,
        ] {
            let headers = format!("cookie: {}\r\n", at.cookie);
            let answered = send(at.address(), &get(&format!("{path}?{query}"), &headers)).await;
            let what = format!(
                "{path}?{}",
                query.get(..12.min(query.len())).unwrap_or_default()
            );
            assert!(answered.status < 500, "{what}: {}", answered.status);
            assert!(
                !answered.body.contains(MARK) && !answered.head.contains(MARK),
                "reflected: {what}"
            );
        }
        let answered = send(at.address(), &get(&format!("{path}?{long}"), "")).await;
        check(&answered, &path);
        check_form(&answered, &path, &path);
        assert_eq!(answered.status, 414, "{path}");
    }
    for path in [
        "/",
        "/%00",
        "/%ff%fe",
        "/..%2f..%2fetc",
        "//",
        "/2963/journeys/%00/login",
        "/2963/journeys/%ff/tasks",
        "/2963/journeys/../../x",
        "/zz-sent-zz/par",
        "/zz-sent-zz/authorize",
        "/2963/journeys/zz-sent-zz/accounts",
    ] {
        let answered = send(at.address(), &get(path, "")).await;
        check(&answered, path);
        // par takes no GET.
        let expected = if path.ends_with("/par") { 405 } else { 404 };
        assert_eq!(answered.status, expected, "{path}");
    }
    for (bytes, status) in [(20 * 1024, 414), (100 * 1024, 400)] {
        let answered = send(at.address(), &get(&format!("/{}", "x".repeat(bytes)), "")).await;
        check(&answered, "a long path");
        assert_eq!(answered.status, status, "a path of {bytes} bytes");
    }
    at.is_unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_are_bombs_or_no_http_are_refused() {
    let at = AtStep4::new().await;
    let page = format!("{}login", at.pages);
    for path in [page.as_str(), "/2963/par", "/2963/authorize", "/nowhere"] {
        for (what, headers, status) in [
            ("200 headers", format!("x-{MARK}: 1\r\n").repeat(200), 431),
            (
                "90 long headers",
                format!("x-{MARK}: {}\r\n", "y".repeat(400)).repeat(90),
                431,
            ),
            (
                "one header of 40 KiB",
                format!("x-{MARK}: {}\r\n", "y".repeat(40 * 1024)),
                431,
            ),
            (
                "one header of 200 KiB",
                format!("x-{MARK}: {}\r\n", "y".repeat(200 * 1024)),
                431,
            ),
        ] {
            let answered = send(at.address(), &get(path, &headers)).await;
            check(&answered, what);
            assert_eq!(answered.status, status, "{what} at {path}");
        }
    }
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    for (what, bytes) in [
        ("no HTTP", format!("{MARK}\r\n\r\n")),
        ("another protocol", format!("GET / SPDY/9 {MARK}\r\n\r\n")),
        (
            "a space in the path",
            format!("GET /a b {MARK} HTTP/1.1\r\nhost: x\r\n\r\n"),
        ),
        (
            "a header without a name",
            "GET / HTTP/1.1\r\n: x\r\n\r\n".to_owned(),
        ),
        (
            "a folded header",
            format!("GET / HTTP/1.1\r\nhost: x\r\n {MARK}\r\n\r\n"),
        ),
        (
            "two lengths",
            format!(
                "POST /2963/par HTTP/1.1\r\nhost: x\r\n{form}content-length: 1\r\ncontent-length: 2\r\n\r\nab"
            ),
        ),
        (
            "a length of no number",
            format!("POST /2963/par HTTP/1.1\r\nhost: x\r\n{form}content-length: {MARK}\r\n\r\n"),
        ),
        (
            "a length below zero",
            format!("POST /2963/par HTTP/1.1\r\nhost: x\r\n{form}content-length: -1\r\n\r\n"),
        ),
        (
            "a length and chunks",
            format!(
                "POST /2963/par HTTP/1.1\r\nhost: x\r\n{form}connection: close\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
        ),
        (
            "chunks of no size",
            format!(
                "POST /2963/par HTTP/1.1\r\nhost: x\r\n{form}connection: close\r\ntransfer-encoding: chunked\r\n\r\n{MARK}\r\n\r\n"
            ),
        ),
        (
            "a star",
            "OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_owned(),
        ),
        (
            "a tunnel",
            "CONNECT evil.example:443 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_owned(),
        ),
        (
            "another server",
            format!("GET http://{MARK}.example/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"),
        ),
    ] {
        check(&send(at.address(), bytes.as_bytes()).await, what);
    }
    at.is_unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_says_which_journeys_there_are() {
    let at = AtStep4::new().await;
    for path in at
        .documents()
        .into_iter()
        .filter(|path| path.contains("/journeys/"))
    {
        let real = send(at.address(), &get(&path, "")).await;
        let unknown = path.replace(at.pages.as_str(), "/2963/journeys/018f-nobody/");
        let unknown = send(at.address(), &get(&unknown, "")).await;
        if path.ends_with("/login") || path.ends_with("/certificate-login") {
            continue;
        }
        assert_eq!(real.status, unknown.status, "{path}");
    }
}
