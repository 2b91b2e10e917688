//! Everything that the bank and its libraries log at the most talkative level, searched for what
//! was typed. Alone in its process: the subscriber is the process's.

#![expect(clippy::unwrap_used, reason = "what a test sets up, it may rely on")]

use std::io;
use std::sync::{Arc, Mutex};

use renkei_proto::bank::v1::bank_port_client::BankPortClient;
use renkei_proto::bank::v1::*;
use sandbox_bank::SandboxBank;
use tokio::net::TcpListener;
use tracing_subscriber::filter::LevelFilter;
use uuid::Uuid;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn neither_passwords_nor_pins_nor_account_numbers_are_logged() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(sandbox_bank::serve(
        listener,
        SandboxBank::demo(),
        std::future::pending(),
    ));
    let mut port = BankPortClient::connect(uri).await.unwrap();
    let subject = Subject {
        contract_id: "c-7f3a91d2".into(),
        user_id: "u-2d6e80b1".into(),
    };
    for (login_id, password, pin) in [
        ("dantai01", "Rokin2026", "4826"),
        ("dantai01", "Wrong7777", "7391"),
        ("nobody99", "Wrong8888", "x7391x"),
    ] {
        let login = AuthenticateRequest {
            bank_code: "2963".into(),
            attempt_id: Uuid::new_v4().to_string(),
            login_id: login_id.into(),
            password: password.into(),
            method: LoginMethod::Password.into(),
            certificate: None,
        };
        port.authenticate(login).await.unwrap();
        let guess = VerifyInquiryPinRequest {
            bank_code: "2963".into(),
            attempt_id: Uuid::from_u128(0xf00d).to_string(),
            subject: Some(subject.clone()),
            pin_scope_id: "p-5be20c47".into(),
            pin: pin.into(),
        };
        let _ = port.verify_inquiry_pin(guess).await;
    }
    let request = ListAccountsRequest {
        bank_code: "2963".into(),
        subject: Some(subject),
    };
    port.list_accounts(request).await.unwrap();

    let written = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(written.contains("answered"), "the bank logs its answers");
    // Longer than a PIN alone, which a time or a port may contain by chance.
    for secret in [
        "Rokin2026",
        "Wrong7777",
        "Wrong8888",
        "x7391x",
        "dantai01",
        "5000000",
    ] {
        assert!(!written.contains(secret), "{secret} was logged");
    }
}
