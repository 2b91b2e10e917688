//! What the log holds, and what it must not.

use std::io::Write;
use std::sync::{Arc, Mutex};

use tonic::Status;

use crate::application::Application;
use crate::stand_ins::Conduct;
use crate::stand_ins::decisions::CREDENTIAL;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_names_the_request_and_never_a_secret_or_an_account_number() {
    let log = Log::default();
    let writer = log.clone();
    // The workers are threads of their own, so the whole process of these tests writes here.
    tracing_subscriber::fmt()
        .json()
        .with_env_filter("info,account_api=trace")
        .with_writer(move || writer.clone())
        .init();
    let app = Application::start().await;
    let id = "5a1ac1f7-8a3a-4a8b-9d0c-d9f8f2f9a111";
    let (token, paths) = (
        app.token(),
        ["/v1/accounts/acc-1/balance", "/v1/accounts/nobody/balance"],
    );
    for path in [
        "/v1/accounts",
        "/v1/accounts/acc-1/transactions?limit=5",
        paths[0],
        paths[1],
    ] {
        let request = app.request("GET", path).bearer_auth(&token);
        app.send(request.header("x-fapi-interaction-id", id)).await;
    }
    app.get_with(paths[0], &format!("{token}x")).await;
    app.bank.change(|core| {
        core.conduct = Conduct::Fails(Status::unavailable("account 5000000 of dantai01"));
    });
    app.get(paths[0]).await;

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for told in [
        id,
        "partner-1",
        "token-1",
        "account_not_in_scope",
        "bank_unavailable",
        "2963",
    ] {
        assert!(text.contains(told), "{told} is missing");
    }
    let signature = token.rsplit('.').next().unwrap();
    for secret in [
        token.as_str(),
        signature,
        CREDENTIAL,
        "5000000",
        "1234567",
        "フリコミ",
        "position:",
        "dantai01",
    ] {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
}
