//! Where the tests begin.

use std::path::Path;

use partner_app::clock::Clock;
use partner_app::{Application, Settings};

use super::browser::Browser;
use super::fake_bank::FakeBank;

/// A service, its bank and a browser.
pub(crate) struct Started {
    pub(crate) bank: FakeBank,
    pub(crate) browser: Browser,
}

/// Nothing is linked yet.
pub(crate) async fn start() -> Started {
    let bank = FakeBank::start().await;
    let settings = Settings::parse(&settings_text(&bank), Path::new("")).unwrap();
    let clock = Clock::from_source(|| "2026-04-10T03:00:00Z".parse().unwrap());
    let application = Application::bind(settings, clock).unwrap();
    let browser = Browser::new(format!("http://{}", application.address()));
    actix_web::rt::spawn(application.run());
    Started { bank, browser }
}

/// The bank is linked, the start date not yet chosen.
pub(crate) async fn linked() -> Started {
    let mut started = start().await;
    started.browser.finish_link(&started.bank).await;
    started
}

/// Nobody listens at the second bank: the discard port (RFC 863) of this machine.
fn settings_text(bank: &FakeBank) -> String {
    format!(
        r#"
listen = "127.0.0.1:0"
public_url = "http://localhost:8000"
company_name = "サンプル会計株式会社"
service_name = "かんたん会計"
client_id = "sample-accounting"
kid = "sample-1"
private_key_pem = """{pem}"""
account_api_url = "{origin}"

[[banks]]
code = "2963"
name = "中央労働金庫"
name_en = "Chuo Labour Bank"
issuer = "{origin}/2963"

[[banks]]
code = "2954"
name = "東北労働金庫"
issuer = "http://127.0.0.1:9/2954"
"#,
        pem = bank.client_key_pem(),
        origin = bank.origin(),
    )
}
