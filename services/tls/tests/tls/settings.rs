//! Settings that can't be used say which, and which file.

use std::path::Path;

use tls::{ClientTls, ServerTls};

use crate::pki::Pki;

fn refusal(settings: &ServerTls) -> String {
    let error = settings.http("public_tls").expect_err("it can't be used");
    error.to_string()
}

fn told(refusal: &str, setting: &str, file: &Path) {
    let file = file.display().to_string();
    assert!(
        refusal.contains(setting) && refusal.contains(&file),
        "{refusal}"
    );
}

#[test]
fn a_missing_file_is_named() {
    let pki = Pki::new("missing");
    let good = pki.server();
    let certificate = ServerTls {
        certificate_file: pki.path("none.pem"),
        ..good.clone()
    };
    let key = ServerTls {
        private_key_file: pki.path("none.pem"),
        ..good.clone()
    };
    let ca = ServerTls {
        client_ca_file: Some(pki.path("none.pem")),
        ..good
    };
    let none = pki.path("none.pem");
    told(&refusal(&certificate), "public_tls.certificate_file", &none);
    told(&refusal(&key), "public_tls.private_key_file", &none);
    told(&refusal(&ca), "public_tls.client_ca_file", &none);
}

#[test]
fn a_file_with_something_else_in_it_is_named_and_not_quoted() {
    let pki = Pki::new("else");
    let good = pki.server();
    let (certificate, key) = (good.certificate_file.clone(), good.private_key_file.clone());
    let swapped = ServerTls {
        certificate_file: key.clone(),
        private_key_file: certificate.clone(),
        ..good.clone()
    };
    let no_key = ServerTls {
        private_key_file: certificate.clone(),
        ..good
    };
    told(&refusal(&swapped), "public_tls.certificate_file", &key);
    told(&refusal(&no_key), "no private key", &certificate);
    let secret = std::fs::read_to_string(&key).expect("a file");
    let line = secret.lines().nth(1).expect("a line");
    assert!(!refusal(&swapped).contains(line));
}

#[test]
fn a_key_of_another_certificate_is_told() {
    let pki = Pki::new("mismatch");
    let other = pki.issue("other", |_| {});
    let mismatch = ServerTls {
        private_key_file: other.private_key_file.clone(),
        ..pki.server()
    };
    told(
        &refusal(&mismatch),
        "is not the key of",
        &other.private_key_file,
    );
}

#[test]
fn an_expired_certificate_is_told_with_its_day() {
    let pki = Pki::new("expired");
    let expired = pki.expired();
    told(
        &refusal(&expired),
        "expired at 2020-01-01",
        &expired.certificate_file,
    );
}

#[test]
fn a_client_without_an_authority_or_with_half_a_certificate_is_refused() {
    let pki = Pki::new("client");
    let no_ca = ClientTls {
        ca_file: pki.write("empty.pem", ""),
        ..pki.client()
    };
    let half = ClientTls {
        certificate_file: Some(pki.server().certificate_file),
        ..pki.client()
    };
    let refused = |settings: &ClientTls| {
        let http = settings
            .http("bank_port_tls")
            .expect_err("it can't be used");
        let grpc = settings
            .grpc("bank_port_tls")
            .expect_err("it can't be used");
        assert_eq!(http.to_string(), grpc.to_string());
        http.to_string()
    };
    told(&refused(&no_ca), "bank_port_tls.ca_file", &no_ca.ca_file);
    assert!(refused(&half).contains("go together"));
}
