//! Guesses by certificate: by user, together with those by login id, across replicas.

use demo::agent::walk::Credentials;
use futures_util::future::join_all;

use crate::{
    bench::{BANK, Options, browser},
    certificate_authority::{CertificateBench, Front},
    certificate_login::{PASSWORD, password_form, ticket_url},
    guesses_counter::{Counter, counters},
    journey_customer::{login_form_of, send_on},
};

fn problem(page: &demo::agent::browser::Page) -> String {
    page.text("#problems").unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_count_with_those_typed_beside_the_login_id_and_lock_both() {
    let options = Options {
        bank_settings: "login_limit = 3",
        ..Options::default()
    };
    let stand = CertificateBench::with(options, Front::OwnTls).await;
    let bench = &stand.bench;
    let journey = browser();
    let (login, _) = bench.begin(&journey, 0).await;
    let wrong = Credentials {
        login_id: "dantai03".to_owned(),
        password: "Wrong0000".to_owned(),
    };
    let login = send_on(&journey, &login_form_of(&login, &wrong)).await;
    let login = send_on(&journey, &login_form_of(&login, &wrong)).await;

    let with_certificate = stand.dantai03s();
    let url = ticket_url(&journey, &login).await;
    let page = with_certificate.get(&url).await.expect("a page");
    let locked = send_on(&with_certificate, &password_form(&page, "Wrong0001")).await;

    assert!(
        problem(&locked).contains("一時的にログインできません"),
        "{}",
        problem(&locked)
    );
    // Not even the right password gets past the lock, whichever certificate the user holds.
    let second = stand.customers.issue("dantai03");
    bench
        .bank
        .register_certificate(BANK, "dantai03", second.of_bank())
        .unwrap();
    for shown in [stand.dantai03s(), stand.showing(&second)] {
        let page = shown.get(&url).await.expect("a page");
        let locked = send_on(&shown, &password_form(&page, PASSWORD)).await;
        assert!(problem(&locked).contains("一時的にログインできません"));
    }
    assert_eq!(bench.bank.login_attempts(BANK, "dantai03"), 3);
    let wait = async || bench.events("LoginLocked").await == 1;
    crate::guesses_counter::until(wait).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_60_wrong_passwords_side_by_side_on_two_replicas_the_limit_reaches_the_bank() {
    let options = Options {
        replicas: 2,
        bank_deadline_milliseconds: 60_000,
        ..Options::default()
    };
    let stand = CertificateBench::with(options, Front::OwnTls).await;
    let bench = &stand.bench;
    bench.bank.set_login_limit(1_000_000);
    let journey = browser();
    let (login, _) = bench.begin(&journey, 0).await;
    let url = ticket_url(&journey, &login).await;
    let with_certificate = stand.dantai03s();
    let mut forms = Vec::new();
    for number in 0..60 {
        let page = with_certificate.get(&url).await.expect("a page");
        forms.push((number, page));
    }

    join_all(forms.iter().map(|(number, page)| {
        let mut to = password_form(page, "").action().clone();
        let replica = bench.replicas[number % 2].certificate_login.unwrap();
        to.set_port(Some(replica.port())).unwrap();
        let fields = password_form(page, &format!("Wrong{number:04}")).fields();
        let with_certificate = &with_certificate;
        async move {
            with_certificate
                .post(Some(page), to, &fields)
                .await
                .expect("an answer")
        }
    }))
    .await;

    assert_eq!(bench.bank.login_attempts(BANK, "dantai03"), 5);
    let locked = Counter {
        wrong: 5,
        open: 0,
        locked: true,
    };
    assert_eq!(counters(bench, "login").await, [locked]);
}
