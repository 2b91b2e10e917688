//! The service's own TLS: every listener, with the limits that hold without it.

use std::net::TcpListener;

use reqwest::StatusCode;

use crate::bench::{BANK, Bench};
use crate::tls_pki::Pki;

const STRICT: &str = "max-age=31536000; includeSubDomains";

#[tokio::test]
async fn every_listener_serves_over_tls_with_the_limits_that_hold_without() {
    let bench = Bench::new().await;
    let pki = Pki::new("servers");
    let public = TcpListener::bind("127.0.0.1:0").expect("a port");
    let origin = format!("https://{}", public.local_addr().expect("an address"));
    let settings = format!(
        "{}{}{}{}{}",
        bench
            .settings()
            .replace(&format!("\"{}\"", bench.origin), &format!("\"{origin}\""))
            .replace("insecure_http = true", ""),
        pki.listener("public_tls"),
        pki.listener("operator_tls"),
        pki.listener("decision_tls"),
        pki.listener("bank_notice_tls"),
    );
    let running = bench.start_replica_with(public, &settings).await;
    let http = pki.http();

    let metadata = http
        .get(format!(
            "{origin}/{BANK}/.well-known/oauth-authorization-server"
        ))
        .send()
        .await
        .expect("an answer");
    let large = http
        .post(format!("{origin}/{BANK}/par"))
        .body(vec![b'x'; 100_000])
        .send()
        .await
        .expect("an answer");
    let ready = http
        .get(format!("https://{}/health/ready", running.operators))
        .send()
        .await
        .expect("an answer");
    let in_the_clear = http
        .get(format!("http://{}/health/ready", running.operators))
        .send()
        .await;
    let endpoint =
        tonic::transport::Endpoint::from_shared(format!("https://{}", running.decisions))
            .expect("an address")
            .tls_config(pki.client().grpc("client").expect("settings"))
            .expect("a configuration");
    let decisions = endpoint.connect().await;
    let bank_notices = running.bank_notices.expect("a listener");
    let bank_notices = tonic::transport::Endpoint::from_shared(format!("https://{bank_notices}"))
        .expect("an address")
        .tls_config(pki.client().grpc("client").expect("settings"))
        .expect("a configuration")
        .connect()
        .await;

    for answer in [&metadata, &large, &ready] {
        assert_eq!(answer.headers()["strict-transport-security"], STRICT);
    }
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(ready.status(), StatusCode::OK);
    let document: serde_json::Value = metadata.json().await.expect("JSON");
    assert_eq!(document["issuer"], format!("{origin}/{BANK}"));
    assert!(in_the_clear.is_err());
    decisions.expect("decisions are there");
    bank_notices.expect("banks can tell");
    running.abort().await;
}

#[tokio::test]
async fn a_key_that_is_not_the_certificates_ends_the_start_by_name() {
    let bench = Bench::new().await;
    let (pki, other) = (Pki::new("ours"), Pki::new("theirs"));
    let (ours, theirs) = (pki.server(), other.server());
    let settings = format!(
        "{}[operator_tls]\ncertificate_file = {:?}\nprivate_key_file = {:?}\n",
        bench.settings(),
        ours.certificate_file,
        theirs.private_key_file
    );
    let settings: consent::settings::Settings = toml::from_str(&settings).expect("settings");
    let listeners = consent::startup::Listeners::open(&settings).expect("ports");

    let refused = consent::startup::start(settings, listeners).await;

    let told = refused.err().expect("it does not start").to_string();
    assert!(told.contains("operator_tls"), "{told}");
    let file = theirs.private_key_file.display().to_string();
    assert!(told.contains(&file), "{told}");
}
