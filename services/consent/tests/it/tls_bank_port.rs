//! The bank port over TLS: who is not trusted has not been asked.

use std::time::Duration;

use consent::bank_port::{BankFailure, BankPort, LoginOutcome, LoginProof};
use consent_domain::BankCode;
use sandbox_bank::SandboxBank;
use tls::{ClientTls, ServerTls};
use zeroize::Zeroizing;

use crate::bench::BANK;
use crate::tls_pki::Pki;

/// Logs in at a bank with this TLS; gives what it said, and how many attempts it has counted.
async fn log_in(
    bank_tls: &ServerTls,
    ours: &ClientTls,
) -> (Result<LoginOutcome, BankFailure>, u64) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let bank = SandboxBank::demo();
    let config = bank_tls.grpc("tls").expect("settings");
    tokio::spawn(sandbox_bank::serve_with(
        listener,
        Some(config),
        bank.clone(),
        std::future::pending(),
    ));
    let tls = ours.grpc("bank_port_tls").expect("settings");
    let port = BankPort::new(
        &format!("https://{address}"),
        Some(tls),
        Duration::from_secs(5),
    )
    .expect("an address");
    // Wrong, so that it would be counted.
    let password = Zeroizing::new("not-the-password".to_owned());
    let said = port
        .authenticate(
            &BankCode::parse(BANK.to_owned()).expect("a code"),
            uuid::Uuid::new_v4(),
            ("dantai01", &password),
            &LoginProof::LoginId,
        )
        .await;
    (said, bank.login_attempts(BANK, "dantai01"))
}

#[tokio::test]
async fn a_bank_of_the_trusted_authority_is_asked() {
    let pki = Pki::new("bank");
    let (said, counted) = log_in(&pki.server(), &pki.client()).await;
    assert!(matches!(said, Ok(LoginOutcome::Rejected(_))), "{said:?}");
    assert_eq!(counted, 1);
}

#[tokio::test]
async fn a_bank_of_another_authority_is_unavailable_and_has_counted_nothing() {
    let (pki, other) = (Pki::new("bank"), Pki::new("other"));
    let (said, counted) = log_in(&pki.server(), &other.client()).await;
    assert_eq!(said, Err(BankFailure::Unavailable));
    assert_eq!(counted, 0);
}

#[tokio::test]
async fn a_bank_that_asks_for_a_certificate_is_shown_ours() {
    let pki = Pki::new("bank");
    let bank = ServerTls {
        client_ca_file: Some(pki.client().ca_file),
        ..pki.server()
    };
    let ours = ClientTls {
        certificate_file: Some(pki.server().certificate_file),
        private_key_file: Some(pki.server().private_key_file),
        ..pki.client()
    };

    let (with, counted) = log_in(&bank, &ours).await;
    let (without, not_counted) = log_in(&bank, &pki.client()).await;

    assert!(matches!(with, Ok(LoginOutcome::Rejected(_))), "{with:?}");
    assert_eq!(counted, 1);
    assert!(without.is_err(), "{without:?}");
    assert_eq!(not_counted, 0);
}
