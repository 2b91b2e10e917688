//! The list of a contract's linkages, and their end by the customer.

use chrono::TimeDelta;
use consent_domain::{
    consent::{Consent, RevocationReason, RevokedBy},
    scope::{ScopePair, Task},
};
use demo::agent::walk::Credentials;
use sandbox_bank::{Fault, Rpc};

use crate::{
    bench::{BANK, Bench, FIRST, dantai01},
    journey_customer::{THIRD_ID, send, send_on, send_to},
    lifecycle_given::{USER, account, terms},
    linkages_given::{act, dantai01b, filled, status_in},
};

/// A year, less a little.
const LONG: TimeDelta = TimeDelta::days(300);

fn dantai02() -> Credentials {
    Credentials {
        login_id: "dantai02".to_owned(),
        password: "Rokin2027".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_logs_in_finds_the_linkage_and_ends_it() {
    let bench = Bench::new().await;
    let grant = bench.consent_for(LONG).await;
    let (browser, list) = bench.at_linkages(&dantai01()).await;
    assert_eq!(status_in(&list, &grant).as_deref(), Some("live"));
    let text = list.text(&format!("[data-linkage='{grant}']")).unwrap();
    for word in [
        "partner-a会計",
        "partner-a株式会社",
        FIRST,
        "（日本時間）まで",
        "dantai01",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }

    let confirm = bench.before(&browser, &grant, "end").await;
    assert!(confirm.text("#effects").unwrap().contains("直ちに停止"));
    let ended = send_on(&browser, &act(&confirm, "end")).await;
    assert_eq!(ended.url.path(), format!("/{BANK}/linkages/{grant}"));
    assert!(
        ended
            .text(".notice")
            .unwrap()
            .contains("連携を解除しました")
    );
    assert!(!ended.has("a#end"));

    assert!(matches!(
        bench.consent(&grant).await,
        Consent::Revoked {
            by: RevokedBy::Customer,
            reason: RevocationReason::CustomerRequest,
            ..
        }
    ));
    let (kind, id, attempt): (String, String, Option<sqlx::types::Uuid>) = sqlx::query_as(
        "SELECT actor_kind, actor_id, causation_id FROM events WHERE event_type = 'AccessRevoked'",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!((kind.as_str(), id.as_str()), ("customer", USER));
    let login: sqlx::types::Uuid = sqlx::query_scalar("SELECT attempt_id FROM customer_sessions")
        .fetch_one(&bench.pool)
        .await
        .unwrap();
    assert_eq!(attempt, Some(login), "the login that the act was done in");
    assert_eq!(bench.notices().await, ["ended"]);
    let list = bench.linkages(&browser, "").await;
    assert_eq!(status_in(&list, &grant).as_deref(), Some("ended"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_and_a_second_tab_end_it_once_with_the_same_answer() {
    let bench = Bench::replicas(2).await;
    let grant = bench.consent_for(LONG).await;
    let (browser, _) = bench.at_linkages(&dantai01()).await;
    let page = bench.before(&browser, &grant, "end").await;
    let second_tab = bench.before(&browser, &grant, "end").await;
    let form = act(&page, "end");
    let (one, other) = tokio::join!(
        send(&browser, &form),
        send_to(&bench, &browser, &page, &form, 1)
    );
    let tab = send(&browser, &act(&second_tab, "end")).await;
    let late = send(&browser, &form).await;
    for answer in [&one, &other, &tab, &late] {
        let location = answer.location().expect("a redirect");
        assert_eq!(answer.status, 303);
        assert_eq!(location.path(), format!("/{BANK}/linkages/{grant}"));
        assert_eq!(location.query(), Some("m=ended"));
    }
    assert_eq!(bench.events("AccessRevoked").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_contracts_linkage_is_not_found_and_stays() {
    let bench = Bench::new().await;
    let grant = bench.consent_for(LONG).await;
    let (browser, list) = bench.at_linkages(&dantai02()).await;
    assert_eq!(status_in(&list, &grant), None);
    for path in [format!("/{grant}"), format!("/{grant}/end")] {
        let page = bench.linkages(&browser, &path).await;
        assert_eq!(
            page.error_code().as_deref(),
            Some("linkage_not_found"),
            "{path}"
        );
        assert_eq!(page.status, 404);
    }
    // Nor does the form of one's own page open it.
    let (own, _) = bench.at_linkages(&dantai01()).await;
    let form = act(&bench.before(&own, &grant, "end").await, "end");
    let fields = form.fields();
    let foreign = browser.post(Some(&list), form.action().clone(), &fields);
    assert_eq!(foreign.await.unwrap().status, 404);
    assert!(matches!(bench.consent(&grant).await, Consent::Live { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_an_earlier_session_does_nothing_and_leads_to_the_login_and_back() {
    let bench = Bench::new().await;
    let grant = bench.consent_for(LONG).await;
    let (browser, list) = bench.at_linkages(&dantai01()).await;
    let old = act(&bench.before(&browser, &grant, "end").await, "end");
    send_on(&browser, &list.form("form#logout-form").unwrap()).await;
    let login = send_on(&browser, &old).await;
    let back = send_on(&browser, &filled(&login, &dantai01())).await;
    assert_eq!(back.url.path(), format!("/{BANK}/linkages/{grant}"));
    let again = send_on(&browser, &old).await;
    assert!(
        again
            .text(".notice")
            .unwrap()
            .contains("変更は行われていません")
    );
    assert!(matches!(bench.consent(&grant).await, Consent::Live { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_general_user_ends_what_they_see_in_full_and_nothing_else() {
    let bench = Bench::new().await;
    // The first and the fourth account, which dantai01b sees; and one with a third beside them.
    let seen = bench.consent_for(LONG).await;
    let partly = bench
        .consent_with(|now| {
            let mut terms = terms(now + LONG);
            let third = ScopePair {
                account: account(THIRD_ID),
                task: Task::Balance,
            };
            terms.scope = terms.scope.iter().cloned().chain([third]).collect();
            terms
        })
        .await;
    let (browser, list) = bench.at_linkages(&dantai01b()).await;
    let text = list.text(&format!("[data-linkage='{partly}']")).unwrap();
    assert!(text.contains("照会権限のない口座"), "{text}");
    assert!(!text.contains("9999999"), "{text}");
    assert!(text.contains(&format!("利用者番号 {USER}")), "{text}");

    assert!(
        bench
            .linkages(&browser, &format!("/{seen}"))
            .await
            .has("a#end")
    );
    let page = bench.linkages(&browser, &format!("/{partly}")).await;
    assert!(page.has("#no-acts") && !page.has("a#end") && page.has("a.remove"));
    let refused = bench.before(&browser, &partly, "end").await;
    assert_eq!(refused.error_code().as_deref(), Some("act_not_allowed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_linkage_can_be_ended_while_the_bank_names_no_accounts() {
    let bench = Bench::new().await;
    let grant = bench.consent_for(LONG).await;
    let (browser, _) = bench.at_linkages(&dantai01()).await;
    bench
        .bank
        .set_fault(Rpc::ListAccounts, Some(Fault::Unavailable));
    let page = bench.linkages(&browser, &format!("/{grant}")).await;
    assert!(page.has("#names-unknown"));
    assert!(!page.text("main").unwrap().contains("5000000"));
    let confirm = bench.before(&browser, &grant, "end").await;
    send_on(&browser, &act(&confirm, "end")).await;
    assert!(matches!(
        bench.consent(&grant).await,
        Consent::Revoked { .. }
    ));
}
