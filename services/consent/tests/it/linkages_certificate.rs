//! 電子証明書ログイン of the customer's own page: from its login over the certificate login's host and back.

use std::collections::BTreeSet;

use demo::agent::{
    browser::{Browser, Page},
    walk::Credentials,
};
use futures_util::future::join_all;
use sandbox_bank::CustomerFlag;
use url::Url;

use crate::{
    bench::{BANK, Bench, Options, browser},
    certificate_authority::{Authority, CertificateBench, Front},
    certificate_login::{
        PASSWORD, dantai03, error, go, handover_url, link_from_tasks, password_form, problem,
        ticket_url,
    },
    certificate_time::{at, replica_later},
    journey_customer::{login_form_of, send, send_on, step_of},
    linkages_given::{act, filled},
    linkages_login::sessions,
};

const TITLE: &str = "API連携の確認・解除";

/// A browser at the page's login, and the handover of a login that dantai03 proved.
async fn proven(stand: &CertificateBench) -> (Browser, Url) {
    let browser = browser();
    let login = stand.bench.linkages(&browser, "").await;
    let url = ticket_url(&browser, &login).await;
    let handover = handover_url(&stand.dantai03s(), &url).await;
    (browser, handover)
}

fn two_replicas() -> Options {
    Options {
        replicas: 2,
        ..Options::default()
    }
}

fn is_expired(page: &Page) {
    let expired = (410, "certificate_login_expired".to_owned());
    assert_eq!(error(page), expired, "{}", page.excerpt(300));
}

/// Links dantai03's account by a journey; gives the grant.
async fn linked(stand: &CertificateBench) -> String {
    let journey = browser();
    let (login, _) = stand.bench.begin(&journey, 0).await;
    let url = ticket_url(&journey, &login).await;
    let handover = handover_url(&stand.dantai03s(), &url).await;
    let tasks = go(&journey, &stand.bench, &handover).await;
    link_from_tasks(&journey, &tasks).await;
    sqlx::query_scalar("SELECT split_part(stream_id, ':', 2) FROM consent_current")
        .fetch_one(&stand.bench.pool)
        .await
        .expect("one consent")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_contract_finds_its_linkage_and_ends_it_on_any_replica() {
    let stand = CertificateBench::with(two_replicas(), Front::OwnTls).await;
    let bench = &stand.bench;
    let grant = linked(&stand).await;
    let browser = browser();

    // The linkage is asked for, each request goes to the other replica.
    let login = bench.linkages(&browser, &format!("/{grant}")).await;
    let link = login.link("#certificate-login").expect("the link");
    let lead = browser.get(bench.at_replica(&link, 1)).await;
    let ticket = lead.expect("an answer").location().expect("a location");
    let own = bench.certificate_origin.as_ref().unwrap().origin();
    assert_eq!(ticket.origin(), own);
    let port = bench.replicas[1].certificate_login.unwrap().port();
    let with_certificate = stand.dantai03s();
    let page = with_certificate
        .get(at(&ticket, port))
        .await
        .expect("a page");
    assert_eq!(page.title().as_deref(), Some("電子証明書ログイン"));
    assert_eq!(page.text("#certificate-name").as_deref(), Some("dantai03"));
    assert_eq!(
        page.text("#certificate-submit").as_deref(),
        Some("ログイン")
    );
    let answer = send(&with_certificate, &password_form(&page, PASSWORD)).await;
    let handover = answer.location().expect("a location");
    assert_eq!(
        sessions(bench).await,
        0,
        "nothing is open before the way back"
    );
    assert!(with_certificate.cookies("127.0.0.1").is_empty());
    let before = browser.cookies("127.0.0.1");
    let arrival = browser.get(bench.at_replica(&handover, 1)).await;
    let asked_for = arrival.expect("an answer").location().expect("the page");
    let shown = go(&browser, bench, &bench.at_replica(&asked_for, 0)).await;

    assert_eq!(shown.url.path(), format!("/{BANK}/linkages/{grant}"));
    assert_ne!(browser.cookies("127.0.0.1"), before, "another cookie");
    let method: String = sqlx::query_scalar("SELECT method FROM customer_sessions")
        .fetch_one(&bench.pool)
        .await
        .unwrap();
    assert_eq!(method, "certificate");

    let confirm = browser.click(&shown, "a#end").await.expect("a page");
    let ended = send_on(&browser, &act(&confirm, "end")).await;
    assert!(
        ended
            .text(".notice")
            .unwrap()
            .contains("連携を解除しました")
    );
    let (actor, told): (String, bool) = sqlx::query_as(
        "SELECT actor_kind, causation_id = (SELECT attempt_id FROM customer_sessions)
         FROM events WHERE event_type = 'AccessRevoked'",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!((actor.as_str(), told), ("customer", true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handover_opens_one_session_however_often_it_comes() {
    let stand = CertificateBench::with(two_replicas(), Front::OwnTls).await;
    let bench = &stand.bench;
    let (browser, handover) = proven(&stand).await;

    let answers = join_all((0..8).map(|n| {
        let url = bench.at_replica(&handover, n % 2);
        let browser = browser.fork();
        async move { browser.get(url).await.expect("an answer") }
    }))
    .await;

    let cookies: BTreeSet<_> = answers
        .iter()
        .map(|answer| {
            let path = answer.location().expect("a location").path().to_owned();
            assert_eq!(path, format!("/{BANK}/linkages"));
            answer.header("set-cookie").expect("a session").to_owned()
        })
        .collect();
    assert_eq!(cookies.len(), 1, "one session: {cookies:?}");
    assert_eq!(sessions(bench).await, 1);
    // And twice more, the second time from the browser that is logged in by now.
    for _ in 0..2 {
        let list = go(&browser, bench, &handover).await;
        assert_eq!(list.title().as_deref(), Some(TITLE));
    }
    assert_eq!(sessions(bench).await, 1);
    assert_eq!(bench.bank.login_attempts(BANK, "dantai03"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_logout_nothing_of_that_login_opens_a_session() {
    let stand = CertificateBench::new().await;
    let bench = &stand.bench;
    let browser = browser();
    let login = bench.linkages(&browser, "").await;
    let ticket = ticket_url(&browser, &login).await;
    let with_certificate = stand.dantai03s();
    let page = with_certificate.get(&ticket).await.expect("a page");
    let form = password_form(&page, PASSWORD);
    let handover = send(&with_certificate, &form).await.location().unwrap();
    let before = browser.fork();
    let list = go(&browser, bench, &handover).await;
    send_on(&browser, &list.form("form#logout-form").unwrap()).await;

    // The handover again, in this browser and in one that still has the cookie from before.
    is_expired(&go(&browser, bench, &handover).await);
    assert!(go(&before, bench, &handover).await.has("#login-form"));
    // The password's form again leads to the login, and the old ticket to a result of nobody's.
    let again = send(&with_certificate, &form).await.location().unwrap();
    assert!(go(&browser, bench, &again).await.has("#login-form"));
    let stale = handover_url(&with_certificate, &ticket).await;
    is_expired(&go(&browser, bench, &stale).await);
    assert_eq!(sessions(bench).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_logs_in_on_a_ticket_sent_to_them_gives_nothing_away() {
    let stand = CertificateBench::new().await;
    let bench = &stand.bench;
    // The attacker's ticket; the victim's certificate, password and browsers.
    let (attacker, handover) = proven(&stand).await;
    let at_the_login = browser();
    bench.linkages(&at_the_login, "").await;

    for victim in [at_the_login, browser()] {
        let page = go(&victim, bench, &handover).await;
        is_expired(&page);
        assert!(page.header("set-cookie").is_none());
    }

    assert!(bench.linkages(&attacker, "").await.has("#login-form"));
    assert_eq!(sessions(bench).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ticket_and_handover_are_good_for_this_page_of_this_bank_only() {
    let stand = CertificateBench::new().await;
    let bench = &stand.bench;
    bench.register_bank("2978").await;
    let customer = browser();
    let (step2, _) = bench.begin(&customer, 0).await;
    let of_journey = ticket_url(&customer, &step2).await;
    let login = bench.linkages(&customer, "").await;
    let of_page = ticket_url(&customer, &login).await;
    let with_certificate = stand.dantai03s();

    // Each ticket at the other's page, at another bank, changed, and missing.
    let with = |url: &Url, path: &str, query: &str| {
        let mut url = url.clone();
        url.set_path(path);
        url.set_query(Some(query));
        url
    };
    let (page, ticket) = (of_page.path(), of_page.query().unwrap());
    for forged in [
        with(&of_page, of_journey.path(), ticket),
        with(&of_page, page, of_journey.query().unwrap()),
        with(&of_page, "/2978/linkages/certificate", ticket),
        with(&of_page, page, &ticket.replace("ticket=1", "ticket=2")),
        with(&of_page, page, &format!("{ticket}A")),
        with(&of_page, page, ""),
    ] {
        is_expired(&with_certificate.get(&forged).await.expect("a page"));
    }

    // Each handover likewise, in the browser that began both.
    let from_journey = handover_url(&with_certificate, &of_journey).await;
    let from_page = handover_url(&with_certificate, &of_page).await;
    let query = from_page.query().unwrap();
    bench.linkages_at(&customer, "2978").await;
    for forged in [
        with(&from_page, from_journey.path(), query),
        with(&from_page, from_page.path(), from_journey.query().unwrap()),
        with(&from_page, "/2978/linkages/certificate-handover", query),
        with(&from_page, from_page.path(), &format!("{query}A")),
    ] {
        is_expired(&go(&customer, bench, &forged).await);
    }
    assert_eq!(bench.events("LoginSucceeded").await, 0);
    assert_eq!(sessions(bench).await, 0);
    // Side by side in one browser, each does its own.
    let list = go(&customer, bench, &from_page).await;
    assert_eq!(list.title().as_deref(), Some(TITLE));
    assert_eq!(step_of(&go(&customer, bench, &from_journey).await), "tasks");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_uses_one_method_and_is_told_which() {
    let stand = CertificateBench::new().await;
    let bench = &stand.bench;
    let browser = browser();
    let login = bench.linkages(&browser, "").await;

    // The certificate's contract, by login id: the link is there, and it is named.
    let refused = send_on(&browser, &filled(&login, &dantai03())).await;
    assert!(problem(&refused).contains("「電子証明書ログイン」からお手続きください"));
    assert!(refused.has("#problems a[href='#certificate-login']"));
    assert!(!refused.has("#certificate-note"));

    // The login id's contract, by certificate: told only to whom has the password.
    let certificate = stand.customers.issue("dantai01");
    let bank = &bench.bank;
    bank.register_certificate(BANK, "dantai01", certificate.of_bank())
        .unwrap();
    let with_certificate = stand.showing(&certificate);
    let url = ticket_url(&browser, &refused).await;
    let page = with_certificate.get(&url).await.expect("a page");
    let wrong = send_on(&with_certificate, &password_form(&page, "Wrong0000")).await;
    assert!(problem(&wrong).contains("パスワードが正しくありません"));
    let told = send_on(&with_certificate, &password_form(&wrong, "Rokin2026")).await;
    assert!(problem(&told).contains("ログインID方式のご契約です"));
    let back = told.link("#back").expect("a way back");
    assert!(go(&browser, bench, &back).await.has("#login-form"));

    for (flag, words) in [
        (CustomerFlag::Locked, "現在ご利用いただけません"),
        (CustomerFlag::Stopped, "ご利用が停止されています"),
        (
            CustomerFlag::PasswordChangeDue,
            "パスワードの変更が必要です",
        ),
    ] {
        bank.set_customer_flags(BANK, "dantai03", &[flag]).unwrap();
        let holder = stand.dantai03s();
        let page = holder.get(&url).await.expect("a page");
        let told = send_on(&holder, &password_form(&page, PASSWORD)).await;
        assert!(problem(&told).contains(words), "{}", problem(&told));
    }
    assert_eq!(sessions(bench).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_good_certificate_there_is_one_plain_page_with_a_way_back() {
    let stand = CertificateBench::new().await;
    let bench = &stand.bench;
    let grant = "0192f0c1-6f4b-7c1e-9d2a-5b7f3a1c8e40";
    let browser = browser();
    let login = bench.linkages(&browser, &format!("/{grant}")).await;
    let url = ticket_url(&browser, &login).await;
    let another_banks = Authority::new("another bank's").issue("dantai03");
    let expired = stand.customers.issue_expired("dantai03");
    let revoked = stand.customers.issue("dantai03");
    for known in [&another_banks, &expired, &revoked] {
        let bank = &bench.bank;
        bank.register_certificate(BANK, "dantai03", known.of_bank())
            .unwrap();
    }
    bench
        .bank
        .revoke_certificate(BANK, &revoked.of_bank())
        .unwrap();
    let browsers = [
        ("none", stand.browser()),
        ("another authority's", stand.showing(&another_banks)),
        ("expired", stand.showing(&expired)),
        ("unknown", stand.showing(&stand.customers.issue("dantai03"))),
        ("revoked", stand.showing(&revoked)),
    ];

    let mut words = BTreeSet::new();
    for (what, shown) in &browsers {
        let page = shown.get(&url).await.expect("a page");
        let refused = (403, "certificate_not_confirmed".to_owned());
        assert_eq!(error(&page), refused, "{what}");
        words.insert(page.text("main"));
        let back = page.link("#to-linkages").expect("a way back");
        assert_eq!(back.origin(), bench.origin.origin(), "{what}");
        assert_eq!(back.query(), Some(format!("to={grant}").as_str()));
        assert!(go(&browser, bench, &back).await.has("#login-form"));
    }
    assert_eq!(words.len(), 1, "one page for all: {words:?}");
    let words = words.into_iter().next().flatten().unwrap();
    assert!(
        words.contains(TITLE) && !words.contains("連携先サービス"),
        "{words}"
    );
    assert_eq!(bench.bank.login_attempts(BANK, "dantai03"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_at_every_door_count_together() {
    let options = Options {
        bank_settings: "login_limit = 3",
        ..Options::default()
    };
    let stand = CertificateBench::with(options, Front::OwnTls).await;
    let bench = &stand.bench;
    let customer = browser();
    let wrong = Credentials {
        password: "Wrong0000".to_owned(),
        ..dantai03()
    };
    let login = bench.linkages(&customer, "").await;
    let login = send_on(&customer, &filled(&login, &wrong)).await;
    let journey = browser();
    let (step2, _) = bench.begin(&journey, 0).await;
    send_on(&journey, &login_form_of(&step2, &wrong)).await;

    let with_certificate = stand.dantai03s();
    let url = ticket_url(&customer, &login).await;
    let page = with_certificate.get(&url).await.expect("a page");
    let locked = send_on(&with_certificate, &password_form(&page, "Wrong0001")).await;
    assert!(
        problem(&locked).contains("約15分後"),
        "{}",
        problem(&locked)
    );

    let still = send_on(&with_certificate, &password_form(&locked, PASSWORD)).await;
    assert!(problem(&still).contains("約15分後"));
    assert_eq!(bench.bank.login_attempts(BANK, "dantai03"), 3);
    assert_eq!(sessions(bench).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_languages_and_the_page_asked_for_go_along_to_the_other_host_and_back() {
    let stand = CertificateBench::new().await;
    let bench = &stand.bench;
    let browser = browser();
    let grant = "0192f0c1-6f4b-7c1e-9d2a-5b7f3a1c8e40";
    let login = bench.linkages(&browser, &format!("/{grant}")).await;
    let switch = browser.click(&login, "#language-en").await.expect("a way");
    let login = browser.follow(&switch).await.expect("the login");

    let url = ticket_url(&browser, &login).await;
    let with_certificate = stand.dantai03s();
    let page = with_certificate.get(&url).await.expect("a page");
    assert_eq!(page.title().as_deref(), Some("Certificate login"));
    assert_eq!(page.text("#certificate-submit").as_deref(), Some("Log in"));
    let none = stand.browser().get(&url).await.expect("a page");
    assert!(none.html.contains("Check or end API linkages"));
    let switch = with_certificate.click(&page, "#language-ja").await;
    let page = with_certificate.follow(&switch.expect("a way")).await;
    let page = page.expect("the page");
    assert_eq!(page.title().as_deref(), Some("電子証明書ログイン"));
    let answer = send(&with_certificate, &password_form(&page, PASSWORD)).await;
    let shown = go(&browser, bench, &answer.location().unwrap()).await;

    assert_eq!(shown.url.path(), format!("/{BANK}/linkages/{grant}"));
    assert_eq!(shown.title().as_deref(), Some("連携が見つかりません"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_lasts_five_minutes_and_a_handover_one() {
    let stand = CertificateBench::new().await;
    let bench = &stand.bench;
    let customer = browser();
    let login = bench.linkages(&customer, "").await;
    let url = ticket_url(&customer, &login).await;
    let handover = handover_url(&stand.dantai03s(), &url).await;

    let late = later(bench, "61 seconds").await;
    is_expired(
        &customer
            .get(at(&handover, late.public.port()))
            .await
            .unwrap(),
    );
    let port = late.certificate_login.unwrap().port();
    let page = stand.dantai03s().get(at(&url, port)).await.unwrap();
    assert_eq!(page.status, 200);
    late.stop().await;

    let late = later(bench, "5 minutes 1 second").await;
    let port = late.certificate_login.unwrap().port();
    let page = stand.dantai03s().get(at(&url, port)).await.unwrap();
    is_expired(&page);
    let back = page.link("#to-linkages").expect("a way back");
    assert!(go(&customer, bench, &back).await.has("#login-form"));
    late.stop().await;

    assert_eq!(sessions(bench).await, 0);
    let list = go(&customer, bench, &handover).await;
    assert_eq!(list.title().as_deref(), Some(TITLE));
}

async fn later(bench: &Bench, later: &str) -> consent::startup::Running {
    let owner = sqlx::PgPool::connect(&bench.owner_url()).await.unwrap();
    sqlx::query("DROP SCHEMA IF EXISTS later CASCADE")
        .execute(&owner)
        .await
        .unwrap();
    replica_later(bench, later).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_keeps_no_cookie_is_told_before_it_leaves() {
    let stand = CertificateBench::new().await;
    let bench = &stand.bench;
    let login = bench.linkages(&browser(), "").await;
    let link = login.link("#certificate-login").expect("the link");

    let page = browser().get(&link).await.expect("a page");

    assert_eq!(error(&page), (400, "cookies_required".to_owned()));
    assert!(!page.html.contains("連携先サービスの画面から"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_host_has_no_other_of_these_pages_and_leads_home() {
    let stand = CertificateBench::new().await;
    let own = stand.bench.certificate_origin.clone().unwrap();
    for page in ["", "/login", "/certificate-login", "/certificate-handover"] {
        let url = own.join(&format!("{BANK}/linkages{page}")).unwrap();
        let page = stand.dantai03s().get(url).await.expect("a page");
        assert_eq!(error(&page), (404, "not_found".to_owned()));
        let home = page.link("#to-linkages").expect("a way home");
        assert_eq!(home.origin(), stand.bench.origin.origin());
    }
}

impl Bench {
    /// The login of the page at another bank, for its cookie.
    async fn linkages_at(&self, browser: &Browser, bank: &str) {
        let url = self.origin.join(&format!("{bank}/linkages/login")).unwrap();
        let login = browser.get(url).await.expect("an answer");
        assert!(login.has("#login-form"));
        assert!(!login.has("#certificate-login"), "not at this bank");
    }
}
