//! 電子証明書ログイン, from step 2 over its own host and back.

use std::time::Duration;

use demo::agent::{
    browser::{Browser, Form, Page},
    walk::{Credentials, Mark, RowChoice, Task, check_registration, choose_accounts, choose_tasks},
};
use sandbox_bank::{CustomerFlag, Rpc};
use url::Url;

use crate::{
    bench::{BANK, Bench, browser},
    certificate_authority::{Authority, CertificateBench},
    guesses_counter::until,
    journey_customer::{
        authorize_form, cancel_form, facts, location, login_form, login_form_of, open_step, send,
        send_on, step_of,
    },
};

pub const PASSWORD: &str = "Rokin2028";
const ACCOUNT: &str = "例題台支店(118) 普通 3120046";
const PIN: &str = "3951";

pub fn dantai03() -> Credentials {
    Credentials {
        login_id: "dantai03".to_owned(),
        password: PASSWORD.to_owned(),
    }
}

/// Follows the link of step 2; gives the address on the certificate login's host.
pub async fn ticket_url(browser: &Browser, login: &Page) -> Url {
    let answer = browser.click(login, "#certificate-login").await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 303, "{}", answer.excerpt(300));
    answer.location().expect("a location")
}

pub fn password_form(page: &Page, password: &str) -> Form {
    let mut form = page
        .form("form#certificate-form")
        .unwrap_or_else(|_| panic!("no form: {} {}", page.status, page.excerpt(300)));
    form.set("password", password);
    form
}

/// Types the right password on the certificate login's host; gives where the journey goes on.
pub async fn handover_url(with_certificate: &Browser, url: &Url) -> Url {
    let page = with_certificate.get(url).await.expect("a page");
    let answer = send(with_certificate, &password_form(&page, PASSWORD)).await;
    let url = answer.location().expect("a location");
    assert!(url.path().ends_with("/certificate-handover"), "{url}");
    url
}

/// A journey at step 2, its browser, and the handover of a login that dantai03 proved.
async fn proven(stand: &CertificateBench) -> (Browser, Page, Url) {
    let journey = browser();
    let (login, _) = stand.bench.begin(&journey, 0).await;
    let url = ticket_url(&journey, &login).await;
    let handover = handover_url(&stand.dantai03s(), &url).await;
    (journey, login, handover)
}

/// From step 3 to the end, with dantai03's account.
pub async fn link_from_tasks(journey: &Browser, tasks: &Page) {
    let accounts = choose_tasks(journey, tasks, &Task::ALL).await.expect("4");
    let row = RowChoice {
        account: ACCOUNT.to_owned(),
        mark: Mark::Tick,
        pin: Some(PIN.to_owned()),
    };
    let confirm = choose_accounts(journey, &accounts, &[row])
        .await
        .expect("5");
    let authorize = check_registration(journey, &confirm).await.expect("6");
    send_on(journey, &authorize_form(&authorize)).await;
}

pub async fn go(browser: &Browser, bench: &Bench, url: &Url) -> Page {
    let answer = browser.get(url).await.expect("an answer");
    browser
        .follow_to_end(answer, &bench.origin)
        .await
        .expect("a page")
}

pub fn error(page: &Page) -> (u16, String) {
    (page.status, page.error_code().unwrap_or_default())
}

pub fn problem(page: &Page) -> String {
    page.text("#problems").unwrap_or_default()
}

async fn login_methods(bench: &Bench) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT payload #>> '{LoginSucceeded,method}' FROM events
         WHERE event_type = 'LoginSucceeded'",
    )
    .fetch_all(&bench.pool)
    .await
    .expect("events")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_links_an_account_after_a_login_by_certificate() {
    let stand = CertificateBench::new().await;
    let bench = &stand.bench;
    let journey = browser();
    let (login, _) = bench.begin(&journey, 0).await;
    let before = facts(bench).await;

    let url = ticket_url(&journey, &login).await;
    assert_eq!(
        url.origin(),
        bench.certificate_origin.as_ref().unwrap().origin()
    );
    let with_certificate = stand.dantai03s();
    let page = with_certificate.get(&url).await.expect("a page");
    assert_eq!(
        (page.status, page.title().as_deref()),
        (200, Some("電子証明書ログイン"))
    );
    assert_eq!(page.text("#certificate-name").as_deref(), Some("dantai03"));
    let shown = page.text("#certificate").expect("the certificate");
    assert!(shown.contains("見本教職員組合"), "{shown}");
    assert!(shown.contains("中央労働金庫 電子証明書認証局"), "{shown}");

    let answer = send(&with_certificate, &password_form(&page, PASSWORD)).await;
    let handover = answer.location().expect("a location");
    assert_eq!(
        facts(bench).await,
        before,
        "nothing is a fact before the browser is back"
    );
    assert!(with_certificate.cookies("127.0.0.1").is_empty());
    let tasks = go(&journey, bench, &handover).await;
    assert_eq!(step_of(&tasks), "tasks");
    assert!(tasks.html.contains("見本教職員組合"));

    link_from_tasks(&journey, &tasks).await;
    assert_eq!(bench.events("AccessAuthorized").await, 1);
    assert_eq!(login_methods(bench).await, ["certificate"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_uses_one_method() {
    let stand = CertificateBench::new().await;
    let bench = &stand.bench;
    let journey = browser();
    let (login, _) = bench.begin(&journey, 0).await;

    // The certificate's contract, by login id.
    let refused = send_on(&journey, &login_form_of(&login, &dantai03())).await;
    assert!(problem(&refused).contains("電子証明書方式のご契約です"));

    // The login id's contract, by certificate: told only to whom has the password.
    let certificate = stand.customers.issue("dantai01");
    bench
        .bank
        .register_certificate(BANK, "dantai01", certificate.of_bank())
        .unwrap();
    let with_certificate = stand.showing(&certificate);
    let url = ticket_url(&journey, &refused).await;
    let page = with_certificate.get(&url).await.expect("a page");
    let wrong = send_on(&with_certificate, &password_form(&page, "Wrong0000")).await;
    assert!(problem(&wrong).contains("パスワードが正しくありません"));
    let told = send_on(&with_certificate, &password_form(&wrong, "Rokin2026")).await;
    assert!(
        problem(&told).contains("ログインID方式のご契約です"),
        "{}",
        problem(&told)
    );
    assert_eq!(bench.events("LoginSucceeded").await, 0);

    let back = told.link("#back").expect("a way back");
    let login = go(&journey, bench, &back).await;
    assert_eq!(
        step_of(&send_on(&journey, &login_form(&login)).await),
        "tasks"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_banks_other_refusals_are_said_in_words_on_the_page() {
    let stand = CertificateBench::new().await;
    let journey = browser();
    let (login, _) = stand.bench.begin(&journey, 0).await;
    let url = ticket_url(&journey, &login).await;
    let with_certificate = stand.dantai03s();
    for (flag, words) in [
        (CustomerFlag::Locked, "現在ご利用いただけません"),
        (CustomerFlag::Stopped, "ご利用が停止されています"),
        (
            CustomerFlag::PasswordChangeDue,
            "パスワードの変更が必要です",
        ),
    ] {
        stand
            .bench
            .bank
            .set_customer_flags(BANK, "dantai03", &[flag])
            .unwrap();
        let page = with_certificate.get(&url).await.expect("a page");
        let told = send_on(&with_certificate, &password_form(&page, PASSWORD)).await;
        assert!(problem(&told).contains(words), "{}", problem(&told));
    }
    let page = with_certificate.get(&url).await.expect("a page");
    let missing = send(&with_certificate, &password_form(&page, "")).await;
    assert_eq!(
        (missing.status, missing.has("#password-problem")),
        (422, true)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handover_is_taken_once_however_often_it_comes() {
    let stand = CertificateBench::with(
        crate::bench::Options {
            replicas: 2,
            ..Default::default()
        },
        crate::certificate_authority::Front::OwnTls,
    )
    .await;
    let bench = &stand.bench;
    let (journey, login, handover) = proven(&stand).await;

    let answers = futures_util::future::join_all((0..8).map(|n| {
        let url = bench.at_replica(&handover, n % 2);
        let journey = journey.fork();
        async move { journey.get(url).await.expect("an answer") }
    }))
    .await;

    let cookies: std::collections::BTreeSet<_> = answers
        .iter()
        .map(|answer| {
            assert!(location(answer).ends_with("/tasks"), "{}", location(answer));
            answer.header("set-cookie").expect("a session").to_owned()
        })
        .collect();
    assert_eq!(cookies.len(), 1, "one session: {cookies:?}");
    assert_eq!(bench.events("LoginSucceeded").await, 1);
    let sessions: i64 = sqlx::query_scalar("SELECT count(*) FROM bank_sessions")
        .fetch_one(&bench.pool)
        .await
        .unwrap();
    assert_eq!(sessions, 1);
    // And once more, from the browser that is logged in by now.
    go(&journey, bench, &handover).await;
    let again = go(&journey, bench, &handover).await;
    assert_eq!(step_of(&again), "tasks");
    assert_eq!(bench.events("LoginSucceeded").await, 1);
    assert_eq!(
        step_of(&open_step(&journey, &login, "login").await),
        "tasks"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_sent_twice_is_one_guess_and_leads_to_one_session() {
    let stand = CertificateBench::new().await;
    let bench = &stand.bench;
    let journey = browser();
    let (login, _) = bench.begin(&journey, 0).await;
    let url = ticket_url(&journey, &login).await;
    let with_certificate = stand.dantai03s();
    let page = with_certificate.get(&url).await.expect("a page");
    let form = password_form(&page, PASSWORD);

    let first = send(&with_certificate, &form)
        .await
        .location()
        .expect("a location");
    let second = send(&with_certificate, &form)
        .await
        .location()
        .expect("a location");
    assert_eq!(step_of(&go(&journey, bench, &first).await), "tasks");
    assert_eq!(step_of(&go(&journey, bench, &second).await), "tasks");

    assert_eq!(bench.bank.login_attempts(BANK, "dantai03"), 1);
    assert_eq!(bench.events("LoginSucceeded").await, 1);
    // Sent once more, it leads to where the journey stands.
    let third = send(&with_certificate, &form)
        .await
        .location()
        .expect("a location");
    assert_eq!(step_of(&go(&journey, bench, &third).await), "tasks");
    // Another password under the same key is no guess.
    let other = send(&with_certificate, &password_form(&page, "Wrong0000")).await;
    assert!(
        other
            .location()
            .expect("a location")
            .path()
            .ends_with("/login")
    );
    assert_eq!(bench.bank.login_attempts(BANK, "dantai03"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handover_opens_no_session_in_another_browser() {
    let stand = CertificateBench::new().await;
    let bench = &stand.bench;
    let journey = browser();
    let (login, pushed) = bench.begin(&journey, 0).await;
    let url = ticket_url(&journey, &login).await;
    let handover = handover_url(&stand.dantai03s(), &url).await;

    // A victim who was sent the same request before, one with another journey, one with nothing.
    let victim = browser();
    go(&victim, bench, &bench.client(0).authorization_url(&pushed)).await;
    let with_another = browser();
    bench.begin(&with_another, 0).await;
    for (foreign, told) in [
        (victim, (404, "journey_not_found")),
        (with_another, (400, "cookies_required")),
        (browser(), (400, "cookies_required")),
    ] {
        let page = go(&foreign, bench, &handover).await;
        assert_eq!(error(&page), (told.0, told.1.to_owned()));
        assert!(page.header("set-cookie").is_none());
    }
    // Nor in another journey of the same browser.
    let (other, _) = bench.begin(&journey, 1).await;
    let elsewhere = other.url.join("certificate-handover").unwrap();
    let query = handover.query().unwrap();
    let page = go(
        &journey,
        bench,
        &Url::parse(&format!("{elsewhere}?{query}")).unwrap(),
    )
    .await;
    assert_eq!(error(&page), (410, "certificate_login_expired".to_owned()));

    assert_eq!(bench.events("LoginSucceeded").await, 0);
    assert_eq!(step_of(&go(&journey, bench, &handover).await), "tasks");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_logs_in_on_a_ticket_sent_to_them_gives_nothing_away() {
    let stand = CertificateBench::new().await;
    let bench = &stand.bench;
    // The attacker's journey and ticket; the victim's certificate, password and browser.
    let attacker = browser();
    let (login, _) = bench.begin(&attacker, 0).await;
    let ticket = ticket_url(&attacker, &login).await;
    let handover = handover_url(&stand.dantai03s(), &ticket).await;

    let victim = browser();
    let page = go(&victim, bench, &handover).await;

    assert_eq!(error(&page), (400, "cookies_required".to_owned()));
    assert_eq!(bench.events("LoginSucceeded").await, 0);
    assert_eq!(
        step_of(&open_step(&attacker, &login, "tasks").await),
        "login"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_ticket_or_form_is_refused() {
    let stand = CertificateBench::new().await;
    let bench = &stand.bench;
    let journey = browser();
    let (login, _) = bench.begin(&journey, 0).await;
    let url = ticket_url(&journey, &login).await;
    let with_certificate = stand.dantai03s();
    let ticket = url.query().unwrap().to_owned();
    for changed in [
        String::new(),
        "ticket=".to_owned(),
        ticket.replace("ticket=1", "ticket=2"),
        format!("{ticket}A"),
    ] {
        let mut forged = url.clone();
        forged.set_query(Some(&changed));
        let page = with_certificate.get(&forged).await.expect("a page");
        let expired = (410, "certificate_login_expired".to_owned());
        assert_eq!(error(&page), expired, "{changed}");
    }
    // A form of the same journey, shown to another certificate.
    let another = stand.customers.issue("dantai01");
    bench
        .bank
        .register_certificate(BANK, "dantai01", another.of_bank())
        .unwrap();
    let page = with_certificate.get(&url).await.expect("a page");
    let sent = send(&stand.showing(&another), &password_form(&page, "Rokin2026")).await;
    assert_eq!(error(&sent), (400, "form_not_accepted".to_owned()));
    assert_eq!(bench.bank.login_attempts(BANK, "dantai01"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_good_certificate_there_is_one_plain_page_and_no_guess() {
    let stand = CertificateBench::new().await;
    let bench = &stand.bench;
    let journey = browser();
    let (login, _) = bench.begin(&journey, 0).await;
    let url = ticket_url(&journey, &login).await;
    let revoked = stand.customers.issue("dantai03");
    bench
        .bank
        .register_certificate(BANK, "dantai03", revoked.of_bank())
        .unwrap();
    bench
        .bank
        .revoke_certificate(BANK, &revoked.of_bank())
        .unwrap();
    // The bank would know these two: whether its authority vouches for them today is ours to see.
    let another_banks = Authority::new("another bank's").issue("dantai03");
    let expired = stand.customers.issue_expired("dantai03");
    for known in [&another_banks, &expired] {
        bench
            .bank
            .register_certificate(BANK, "dantai03", known.of_bank())
            .unwrap();
    }
    let browsers = [
        ("none", stand.browser()),
        ("another authority's", stand.showing(&another_banks)),
        ("expired", stand.showing(&expired)),
        (
            "unknown to the bank",
            stand.showing(&stand.customers.issue("dantai03")),
        ),
        ("revoked", stand.showing(&revoked)),
    ];
    let mut words = std::collections::BTreeSet::new();
    for (what, shown) in &browsers {
        let page = shown.get(&url).await.expect("a page");
        let refused = (403, "certificate_not_confirmed".to_owned());
        assert_eq!(error(&page), refused, "{what}");
        words.insert(page.text("main"));
        let back = page.link("#to-login").expect("a way back");
        assert_eq!(step_of(&go(&journey, bench, &back).await), "login");
        // Nor does a form get through that was shown to a good one.
        let good = stand.dantai03s().get(&url).await.expect("a page");
        let sent = send(shown, &password_form(&good, PASSWORD)).await;
        assert!(matches!(sent.status, 400 | 403), "{what}: {}", sent.status);
    }
    assert_eq!(words.len(), 1, "one page for all: {words:?}");
    assert_eq!(bench.bank.login_attempts(BANK, "dantai03"), 0);
    assert_eq!(bench.events("LoginSucceeded").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_revoked_between_page_and_password_is_refused_and_clears_no_count() {
    let stand = CertificateBench::new().await;
    let bench = &stand.bench;
    let journey = browser();
    let (login, _) = bench.begin(&journey, 0).await;
    let url = ticket_url(&journey, &login).await;
    let with_certificate = stand.dantai03s();
    let page = with_certificate.get(&url).await.expect("a page");
    let page = send_on(&with_certificate, &password_form(&page, "Wrong0000")).await;

    let page = with_certificate.get(&page.url).await.expect("a page");

    // Between the two questions that the password's form asks the bank.
    let bank = &bench.bank;
    bank.set_delay(Rpc::ResolveCertificate, Duration::from_secs(600));
    let asked = bank.requests(Rpc::ResolveCertificate);
    let revoke = async {
        until(async || bank.requests(Rpc::ResolveCertificate) > asked).await;
        let certificate = stand.dantai03.of_bank();
        bank.revoke_certificate(BANK, &certificate).unwrap();
        bank.set_delay(Rpc::ResolveCertificate, Duration::ZERO);
    };
    let form = password_form(&page, PASSWORD);
    let (refused, ()) = tokio::join!(send(&with_certificate, &form), revoke);

    assert_eq!(bank.requests(Rpc::Authenticate), 2);
    assert_eq!(
        error(&refused),
        (403, "certificate_not_confirmed".to_owned())
    );
    let wrong: Vec<i32> = sqlx::query_scalar("SELECT wrong FROM guess_counters")
        .fetch_all(&bench.pool)
        .await
        .unwrap();
    assert_eq!(wrong, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journey_is_resumed_by_its_user_also_by_certificate() {
    let stand = CertificateBench::new().await;
    let bench = &stand.bench;
    // Begun by dantai01 with a login id, idle since.
    let journey = browser();
    let (login, _) = bench.begin(&journey, 0).await;
    send_on(&journey, &login_form(&login)).await;
    sqlx::query("UPDATE bank_sessions SET last_seen_at = now() - interval '1 day'")
        .execute(&bench.pool)
        .await
        .unwrap();
    let login = open_step(&journey, &login, "tasks").await;
    assert_eq!(step_of(&login), "login");

    let url = ticket_url(&journey, &login).await;
    let handover = handover_url(&stand.dantai03s(), &url).await;
    let page = go(&journey, bench, &handover).await;

    assert_eq!(step_of(&page), "login");
    assert!(problem(&page).contains("はじめにログインしたご利用者と異なる"));
    assert_eq!(login_methods(bench).await, ["password"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_journey_is_not_brought_back_by_a_handover() {
    let stand = CertificateBench::new().await;
    let bench = &stand.bench;
    let (journey, login, handover) = proven(&stand).await;
    send_on(&journey, &cancel_form(&login)).await;

    let page = go(&journey, bench, &handover).await;

    assert_eq!(step_of(&page), "done");
    assert_eq!(bench.events("LoginSucceeded").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_languages_go_along_to_the_other_host_and_back() {
    let stand = CertificateBench::new().await;
    let bench = &stand.bench;
    let journey = browser();
    let (login, _) = bench.begin(&journey, 0).await;
    let login = journey
        .click(&login, "#language-en")
        .await
        .expect("an answer");
    let login = journey.follow(&login).await.expect("the login page");

    let url = ticket_url(&journey, &login).await;
    let with_certificate = stand.dantai03s();
    let page = with_certificate.get(&url).await.expect("a page");
    assert_eq!(page.title().as_deref(), Some("Certificate login"));
    // Back to Japanese over there: the page keeps its ticket, and the way back the language.
    let switch = with_certificate
        .click(&page, "#language-ja")
        .await
        .expect("an answer");
    let page = with_certificate.follow(&switch).await.expect("the page");
    assert_eq!(page.title().as_deref(), Some("電子証明書ログイン"));
    let answer = send(&with_certificate, &password_form(&page, PASSWORD)).await;
    let tasks = go(&journey, bench, &answer.location().expect("a location")).await;
    assert_eq!(
        tasks.title().as_deref(),
        Some("API連携認証（認可業務選択）")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_host_has_no_other_page_and_lets_the_form_lead_home() {
    let stand = CertificateBench::new().await;
    let bench = &stand.bench;
    let journey = browser();
    let (login, _) = bench.begin(&journey, 0).await;
    let url = ticket_url(&journey, &login).await;
    let with_certificate = stand.dantai03s();

    let page = with_certificate.get(&url).await.expect("a page");
    let policy = page.header("content-security-policy").expect("a policy");
    let home = bench.origin.as_str().trim_end_matches('/');
    assert!(
        policy.contains(&format!("form-action 'self' {home};")),
        "{policy}"
    );
    assert!(page.header("strict-transport-security").is_some());
    for elsewhere in [
        "login",
        "tasks",
        "certificate-handover",
        "certificate-login",
    ] {
        let page = with_certificate.get(url.join(elsewhere).unwrap()).await;
        assert_eq!(error(&page.expect("a page")), (404, "not_found".to_owned()));
    }
}
