//! Over TLS: towards partners, and towards the services behind.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tls::ServerTls;
use tokio::net::{TcpListener, TcpStream};
use tokio_stream::StreamExt as _;

use crate::application::{Answer, Application};

/// An authority and a certificate of it for 127.0.0.1, as files.
struct Pki {
    ca: PathBuf,
    server: ServerTls,
}

impl Pki {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["127.0.0.1".to_owned()])
            .unwrap()
            .signed_by(&key, &authority)
            .unwrap();
        let file = |what: &str, content: &str| {
            let name = format!("{name}-{}-{what}.pem", std::process::id());
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
            std::fs::write(&path, content).unwrap();
            path
        };
        Self {
            ca: file("ca", &authority.pem()),
            server: ServerTls {
                certificate_file: file("server", &certificate.pem()),
                private_key_file: file("key", &key.serialize_pem()),
                client_ca_file: None,
            },
        }
    }

    fn trusted(&self) -> Vec<reqwest::Certificate> {
        let pem = std::fs::read(&self.ca).unwrap();
        reqwest::Certificate::from_pem_bundle(&pem).unwrap()
    }
}

impl Drop for Pki {
    fn drop(&mut self) {
        let ServerTls {
            certificate_file,
            private_key_file,
            ..
        } = &self.server;
        for path in [&self.ca, certificate_file, private_key_file] {
            std::fs::remove_file(path).ok();
        }
    }
}

/// Ends TLS in front of a stand-in, on an address of its own.
fn in_front_of(url: &str, pki: &Pki) -> SocketAddr {
    let behind: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
    let config = pki.server.grpc("tls").unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let listener = TcpListener::from_std(listener).unwrap();
    tokio::spawn(async move {
        let mut connections = Box::pin(tls::grpc::incoming(listener, Some(config)));
        while let Some(Ok(mut connection)) = connections.next().await {
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(behind).await.unwrap();
                tokio::io::copy_bidirectional(&mut connection, &mut stream).await
            });
        }
    });
    address
}

/// An application whose decisions and bank are behind `pki`'s certificate, and which trusts
/// `trusted`, with more settings of each section.
async fn behind_tls(pki: &Pki, trusted: &Pki, more: &str) -> Application {
    Application::start_wired(|wiring| {
        for url in [&mut wiring.decision_url, &mut wiring.bank_port_url] {
            *url = format!("https://{}", in_front_of(url, pki));
        }
        let ca = trusted.ca.display();
        wiring.tls = format!(
            "[decision_tls]\nca_file = \"{ca}\"\n{more}[bank_port_tls]\nca_file = \"{ca}\"\n{more}"
        );
    })
    .await
}

async fn balance(app: &Application) -> Answer {
    app.get("/v1/accounts/acc-1/balance").await
}

#[tokio::test]
async fn decisions_and_the_bank_are_asked_over_tls() {
    let pki = Pki::new("asked");
    let app = behind_tls(&pki, &pki, "").await;
    assert_eq!(balance(&app).await.status, 200);
}

#[tokio::test]
async fn a_service_behind_that_asks_for_a_certificate_is_shown_ours() {
    let mut pki = Pki::new("mutual");
    pki.server.client_ca_file = Some(pki.ca.clone());
    let own = format!(
        "certificate_file = \"{}\"\nprivate_key_file = \"{}\"\n",
        pki.server.certificate_file.display(),
        pki.server.private_key_file.display()
    );

    let with_certificate = behind_tls(&pki, &pki, &own).await;
    let without = behind_tls(&pki, &pki, "").await;

    assert_eq!(balance(&with_certificate).await.status, 200);
    assert_eq!(balance(&without).await.problem().0, 503);
    assert!(without.decisions.asked().is_empty());
}

#[tokio::test]
async fn a_decision_of_somebody_who_is_not_trusted_is_no_decision() {
    let (pki, other) = (Pki::new("untrusted"), Pki::new("trusted"));
    let app = behind_tls(&pki, &other, "").await;
    let answer = balance(&app).await;
    assert_eq!(answer.problem().0, 503);
    assert!(app.decisions.asked().is_empty());
}

#[tokio::test]
async fn partners_are_served_over_tls_with_the_same_limits() {
    let pki = Pki::new("partners");
    let app = Application::start_wired(|wiring| {
        wiring.trusted = pki.trusted();
        wiring.tls = format!(
            "[tls]\ncertificate_file = \"{}\"\nprivate_key_file = \"{}\"\n",
            pki.server.certificate_file.display(),
            pki.server.private_key_file.display()
        );
    })
    .await;

    let answer = balance(&app).await;
    let long = format!("/v1/accounts?x={}", "x".repeat(9_000));
    let too_long = app.get(&long).await;

    assert!(app.server.base_url().starts_with("https://"));
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("strict-transport-security"),
        Some("max-age=31536000; includeSubDomains")
    );
    assert_eq!(too_long.status, 414);
}
