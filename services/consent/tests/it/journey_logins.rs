//! Logins that the bank refuses, and what they tell.

use demo::agent::{
    browser::{Browser, Page},
    walk::Credentials,
};
use sandbox_bank::CustomerFlag;

use crate::{
    bench::{BANK, Bench, Options, browser, dantai01},
    journey_customer::{
        facts, location, login_form, login_form_of, new_facts, only, open_step, send, send_on,
        step_of,
    },
};

fn who(login_id: &str, password: &str) -> Credentials {
    Credentials {
        login_id: login_id.to_owned(),
        password: password.to_owned(),
    }
}

/// Tries a login on a page of step 2; gives the page that follows.
async fn tries(browser: &Browser, page: &Page, who: &Credentials) -> Page {
    let page = send_on(browser, &login_form_of(page, who)).await;
    assert_eq!(step_of(&page), "login");
    page
}

fn problem(page: &Page) -> String {
    page.text("#problems").unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_of_the_bank_is_said_in_words_and_another_login_goes_on() {
    let bench = Bench::new().await;
    let browser = browser();
    let (mut login, _) = bench.begin(&browser, 0).await;
    let before = facts(&bench).await;
    let refusals = [
        (who("dantai03", "Rokin2028"), "電子証明書方式のご契約です"),
        (who("dantai04", "Rokin2030"), "パスワードの変更が必要です"),
        (who("dantai05", "Rokin2031"), "ご利用が停止されています"),
        (who("dantai06", "Rokin2032"), "現在ご利用いただけません"),
    ];
    for (refused, words) in &refusals {
        login = tries(&browser, &login, refused).await;
        assert!(
            problem(&login).contains(words),
            "{words}: {}",
            problem(&login)
        );
        // Only the right password learns why.
        login = tries(&browser, &login, &who(&refused.login_id, "Wrong0000")).await;
        assert!(
            problem(&login).contains("正しくありません"),
            "{}",
            problem(&login)
        );
    }
    bench
        .bank
        .set_customer_flags(BANK, "dantai01", &[CustomerFlag::CertificateRequired])
        .expect("a known login id");
    login = tries(&browser, &login, &dantai01()).await;
    assert!(
        problem(&login).contains("電子証明書方式のご契約です"),
        "{}",
        problem(&login)
    );
    assert_eq!(facts(&bench).await, before);

    bench
        .bank
        .set_customer_flags(BANK, "dantai01", &[])
        .expect("a known login id");
    assert_eq!(
        step_of(&send_on(&browser, &login_form(&login)).await),
        "tasks"
    );
    assert_eq!(
        new_facts(&before, &facts(&bench).await),
        only(&["LoginSucceeded"])
    );
}

/// The page without what differs from one loading to the next.
fn normalised(page: &Page) -> String {
    let mut html = page.html.clone();
    for css in ["form#login-form", "form#cancel-form"] {
        let key = page
            .form(css)
            .expect("a form")
            .value("form_key")
            .expect("a key");
        html = html.replace(&key, "KEY");
    }
    if let Some(seconds) = page.attribute("[data-seconds-left]", "data-seconds-left") {
        html = html.replace(&format!("data-seconds-left=\"{seconds}\""), "SECONDS");
    }
    html.replace(&page.text("#inquiry-number").expect("a number"), "NUMBER")
}

/// The answer's status and headers, without its date, length and cookies' values.
fn outline(page: &Page) -> (u16, Vec<String>) {
    let mut names: Vec<String> = page.headers.keys().map(ToString::to_string).collect();
    names.sort();
    (page.status, names)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_login_id_and_a_wrong_password_get_the_same_page_up_to_the_lock() {
    let options = Options {
        bank_settings: "login_limit = 3",
        ..Options::default()
    };
    let bench = Bench::with(options).await;
    let browser = browser();
    let (mut login, _) = bench.begin(&browser, 0).await;
    for attempt in 1..=4 {
        let mut seen = Vec::new();
        for tried in [who("dantai01", "Wrong0000"), who("nobody01", "Wrong0000")] {
            let answer = send(&browser, &login_form_of(&login, &tried)).await;
            login = browser.follow(&answer).await.expect("the login page");
            let place = location(&answer).to_owned();
            seen.push((place, outline(&answer), outline(&login), normalised(&login)));
        }
        assert_eq!(seen[0], seen[1], "attempt {attempt}");
        let words = if attempt < 3 {
            "正しくありません"
        } else {
            "一時的にご利用いただけません"
        };
        assert!(
            problem(&login).contains(words),
            "attempt {attempt}: {}",
            problem(&login)
        );
    }
    // The bank was asked up to the limit for either.
    let asked = ["dantai01", "nobody01"].map(|login_id| bench.bank.login_attempts(BANK, login_id));
    assert_eq!(asked, [3, 3]);
    // The right password does not get past the lock.
    let login = tries(&browser, &login, &dantai01()).await;
    assert!(problem(&login).contains("一時的にご利用いただけません"));
    assert_eq!(
        (
            bench.bank.login_attempts(BANK, "dantai01"),
            bench.events("LoginSucceeded").await
        ),
        (3, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_said_and_asks_nobody() {
    let bench = Bench::new().await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    for (login_id, password, place) in [
        ("", "Rokin2026", "#login_id-problem"),
        ("dantai01", "", "#password-problem"),
    ] {
        let page = send(&browser, &login_form_of(&login, &who(login_id, password))).await;
        assert_eq!((page.status, page.has(place)), (422, true), "{place}");
        assert!(!page.html.contains("Rokin2026"));
    }
    let long = "a".repeat(65);
    let page = send(&browser, &login_form_of(&login, &who(&long, "Rokin2026"))).await;
    assert_eq!(page.status, 422);
    assert_eq!(bench.bank.requests(sandbox_bank::Rpc::Authenticate), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_bank_has_no_certificate_login_its_link_says_so() {
    let bench = Bench::new().await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    let page = browser
        .click(&login, "#certificate-login")
        .await
        .expect("a page");
    assert_eq!(
        (page.status, page.title().as_deref()),
        (200, Some("電子証明書ログイン"))
    );
    assert_eq!(step_of(&open_step(&browser, &page, "login").await), "login");
}
