//! Operators at the console, in a browser of their own.

use consent::operator::Role;
use consent_domain::BankCode;
use demo::agent::browser::{Browser, Page};
use url::Url;

use crate::{
    bench::{BANK, Bench, browser},
    operator_given::operator_id,
};

pub const PASSWORD: &str = "a long password of the tests";

impl Bench {
    /// An address of the first replica's console.
    pub fn console(&self, path: &str) -> String {
        format!("http://{}/console{path}", self.replicas[0].operators)
    }

    /// An address at the bank.
    pub fn console_at_bank(&self, path: &str) -> String {
        self.console(&format!("/banks/{BANK}/{path}"))
    }

    pub fn console_origin(&self) -> Url {
        Url::parse(&self.console("")).expect("a URL")
    }

    /// Makes an operator with a password, and a role at the bank where one is given.
    pub async fn console_operator(&self, name: &str, role: Option<Role>) {
        let mut administration = self.administration().await;
        let id = operator_id(name);
        administration.add(&id, "試験 太郎").await.unwrap();
        administration.set_password(&id, PASSWORD).await.unwrap();
        if let Some(role) = role {
            let bank = BankCode::parse(BANK).unwrap();
            administration.grant_role(&id, &bank, role).await.unwrap();
        }
    }

    /// The same, signed in.
    pub async fn signed_in(&self, name: &str, role: Role) -> Browser {
        self.console_operator(name, Some(role)).await;
        let browser = browser();
        let banks = self.sign_in(&browser, name, PASSWORD).await;
        assert!(banks.has("table#banks"), "{}", banks.excerpt(400));
        browser
    }

    /// Fills in the login form, and follows where it leads.
    pub async fn sign_in(&self, browser: &Browser, name: &str, password: &str) -> Page {
        let login = browser.get(self.console("/login")).await.expect("a page");
        let mut form = login.form("#login-form").expect("the form");
        form.set("operator", name).set("password", password);
        form.submit_and_follow(browser).await.expect("an answer")
    }
}

/// Opens an address, following redirects on the console.
pub async fn open(bench: &Bench, browser: &Browser, address: String) -> Page {
    let page = browser.get(address).await.expect("an answer");
    let origin = bench.console_origin();
    browser.follow_to_end(page, &origin).await.expect("a page")
}
