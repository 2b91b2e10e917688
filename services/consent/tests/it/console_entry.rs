//! Who gets into the console, and how far.

use consent::operator::Role;
use demo::agent::browser::Page;

use crate::{
    bench::{Bench, browser},
    console_given::{PASSWORD, open},
    operator_given::operator_id,
};

const PAGES: [&str; 12] = [
    "consents",
    "consents.csv",
    "journeys",
    "funnel",
    "acts",
    "consents/none",
    "consents/none/revoke",
    "affected",
    "partners",
    "partners/none",
    "revocations",
    "revocations/bulk",
];

#[tokio::test(flavor = "multi_thread")]
async fn without_a_session_every_page_leads_to_the_login() {
    let bench = Bench::new().await;
    let browser = browser();
    for path in PAGES {
        let page = browser.get(bench.console_at_bank(path)).await.unwrap();
        assert_eq!(page.status, 303, "{path}");
        assert_eq!(page.location().unwrap().path(), "/console/login", "{path}");
    }
    let login = open(&bench, &browser, bench.console("")).await;
    assert!(login.has("form#login-form"));
    assert!(!login.has("#sign-out"), "nobody is signed in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_id_are_answered_alike() {
    let bench = Bench::new().await;
    bench.console_operator("suzuki", Some(Role::Auditor)).await;
    let mut said = Vec::new();
    for (id, password) in [("suzuki", "wrong"), ("nobody", PASSWORD), ("", "")] {
        let page = bench.sign_in(&browser(), id, password).await;
        assert_eq!(page.status, 403, "{id}");
        said.push(page.text("#said").expect("a message"));
        assert_eq!(page.attribute("input[name=password]", "value"), None);
    }
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_chooses_among_the_banks_of_its_roles_and_signs_out() {
    let bench = Bench::new().await;
    let browser = bench.signed_in("suzuki", Role::Auditor).await;
    let banks = open(&bench, &browser, bench.console("/banks")).await;
    assert_eq!(banks.table("#banks").len(), 1);
    let funnel = open(&bench, &browser, bench.console_at_bank("funnel")).await;
    assert_eq!(funnel.status, 200);
    assert_eq!(
        funnel.text("#bank").as_deref(),
        Some("中央労働金庫（法人）")
    );
    assert_eq!(funnel.text("#role").as_deref(), Some("閲覧のみ"));

    // Another site's form has no key.
    let target = bench.console("/logout").parse().unwrap();
    let forged = browser.post(None, target, &[]).await.unwrap();
    assert_eq!(forged.error_code().as_deref(), Some("form_not_accepted"));

    let out = funnel.form("#sign-out-form").unwrap();
    let login = out.submit_and_follow(&browser).await.unwrap();
    assert_eq!(
        login.text("#said").as_deref(),
        Some("サインアウトしました。")
    );
    let after = browser.get(bench.console_at_bank("funnel")).await.unwrap();
    assert_eq!(after.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_without_a_role_is_not_there_whether_it_exists_or_not() {
    let bench = Bench::new().await;
    let browser = bench.signed_in("suzuki", Role::Operator).await;
    let own = |page: &Page| (page.status, page.error_code(), page.title());
    let mut answers = Vec::new();
    for bank in ["2954", "9999", "x"] {
        for path in PAGES {
            let address = bench.console(&format!("/banks/{bank}/{path}"));
            answers.push(own(&open(&bench, &browser, address).await));
        }
    }
    answers.dedup();
    let expected = (
        404,
        Some("not_found".to_owned()),
        Some("ページが見つかりません".to_owned()),
    );
    assert_eq!(answers, [expected]);

    // A role that is taken back ends the sight at once.
    let mut administration = bench.administration().await;
    let bank = consent_domain::BankCode::parse(crate::bench::BANK).unwrap();
    administration
        .remove_role(&operator_id("suzuki"), &bank)
        .await
        .unwrap();
    let page = open(&bench, &browser, bench.console_at_bank("funnel")).await;
    assert_eq!(page.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_forbids_scripts_frames_and_keeping() {
    let bench = Bench::new().await;
    let browser = bench.signed_in("suzuki", Role::Auditor).await;
    for address in [
        bench.console("/login"),
        bench.console_at_bank("funnel"),
        bench.console_at_bank("nowhere"),
        bench.console("/nowhere"),
    ] {
        let page = browser.get(&address).await.unwrap();
        let policy = page.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'"), "{address}");
        assert!(
            !policy.contains("script-src") && !policy.contains("unsafe"),
            "{address}"
        );
        assert!(policy.contains("frame-ancestors 'none'"), "{address}");
        assert_eq!(page.header("cache-control"), Some("no-store"), "{address}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_language_is_the_browsers_until_one_is_chosen() {
    let bench = Bench::new().await;
    let english = browser().in_english();
    let login = open(&bench, &english, bench.console("/login")).await;
    assert_eq!(login.text("h1").as_deref(), Some("Sign in"));
    let japanese = english.click(&login, "#language-ja").await.unwrap();
    let japanese = english.follow(&japanese).await.unwrap();
    assert_eq!(japanese.text("h1").as_deref(), Some("サインイン"));
    assert_eq!(japanese.attribute("html", "lang").as_deref(), Some("ja"));

    let elsewhere = bench.console("/language/en?page=https://evil.example/console");
    let answer = english.get(elsewhere).await.unwrap();
    assert_eq!(answer.location().unwrap().path(), "/console");
}
