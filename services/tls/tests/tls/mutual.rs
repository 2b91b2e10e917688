//! Listeners that take clients with a certificate only.

use tls::ClientTls;

use crate::{
    handshakes::{read, server},
    pki::Pki,
};

/// `issued_by` issues the client's certificate; the server is `trusted`'s.
fn with_certificate(trusted: &Pki, issued_by: &Pki) -> ClientTls {
    let certificate = issued_by.issue("client", |_| {});
    ClientTls {
        certificate_file: Some(certificate.certificate_file),
        private_key_file: Some(certificate.private_key_file),
        ..trusted.client()
    }
}

#[tokio::test]
async fn a_client_needs_a_certificate_of_the_authority() {
    let (pki, other) = (Pki::new("mutual"), Pki::new("mutual-other"));
    let mut settings = pki.server();
    settings.client_ca_file = Some(pki.path("ca.pem"));
    let address = server(settings.http("tls").expect("settings")).await;

    let ours = with_certificate(&pki, &pki).http("client");
    let theirs = with_certificate(&pki, &other).http("client");
    let none = pki.client().http("client");

    let answer = read(ours.expect("settings"), address).await;
    assert_eq!(answer.expect("an answer"), "ok");
    // In TLS 1.3 the client learns of it when it reads.
    for refused in [theirs, none] {
        let answer = read(refused.expect("settings"), address).await;
        assert!(answer.is_err(), "{answer:?}");
    }
}
