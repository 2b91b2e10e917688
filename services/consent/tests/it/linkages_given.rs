//! What a customer does on 「API連携の確認・解除」.

use consent_domain::GrantId;
use demo::agent::{
    browser::{Browser, Form, Page},
    walk::Credentials,
};

use crate::{
    bench::{BANK, Bench, browser},
    journey_customer::send_on,
};

/// A general user of dantai01's contract, who sees the first and the fourth account.
pub use crate::journey_customer::dantai01b;

impl Bench {
    /// A page of these, by its path behind `linkages`, with redirects followed.
    pub async fn linkages(&self, browser: &Browser, path: &str) -> Page {
        let url = self.origin.join(&format!("{BANK}/linkages{path}"));
        let page = browser.get(url.expect("a URL")).await.expect("an answer");
        browser
            .follow_to_end(page, &self.origin)
            .await
            .expect("a page")
    }

    /// A browser in which that user is logged in there, and the page that the login led to.
    pub async fn at_linkages(&self, who: &Credentials) -> (Browser, Page) {
        let browser = browser();
        let login = self.linkages(&browser, "").await;
        let page = send_on(&browser, &filled(&login, who)).await;
        assert!(
            page.has("#logout-form"),
            "{} {}",
            page.status,
            page.excerpt(300)
        );
        (browser, page)
    }

    /// The page before an act on a linkage.
    pub async fn before(&self, browser: &Browser, grant: &GrantId, act: &str) -> Page {
        self.linkages(browser, &format!("/{grant}/{act}")).await
    }
}

/// The login form, filled in.
pub fn filled(login: &Page, who: &Credentials) -> Form {
    let mut form = login
        .form("form#login-form")
        .unwrap_or_else(|_| panic!("no login: {} {}", login.status, login.excerpt(300)));
    form.set("login_id", &who.login_id)
        .set("password", &who.password);
    form
}

/// The form of an act.
pub fn act(page: &Page, name: &str) -> Form {
    page.form(&format!("form#{name}-form"))
        .unwrap_or_else(|_| panic!("no {name}: {} {}", page.status, page.excerpt(300)))
}

/// The status of a linkage in the list.
pub fn status_in(list: &Page, grant: &GrantId) -> Option<String> {
    list.attribute(&format!("[data-linkage='{grant}']"), "data-status")
}
