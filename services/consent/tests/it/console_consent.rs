//! A consent at the console: its state now and then, its story, and acts on it.

use chrono::TimeDelta;
use consent::{lifecycle::Level, operator::Role};
use consent_domain::{PartnerId, suspension::SuspensionCause};
use demo::agent::browser::{Browser, Page};

use crate::{
    bench::Bench,
    console_given::open,
    lifecycle_given::{bank, by_operator},
};

async fn consent(bench: &Bench, browser: &Browser, grant: &str) -> Page {
    let page = open(
        bench,
        browser,
        bench.console_at_bank(&format!("consents/{grant}")),
    )
    .await;
    assert_eq!(page.status, 200, "{}", page.excerpt(400));
    page
}

/// Fills in the form of an act as somebody who checked it.
async fn act_form(
    browser: &Browser,
    bench: &Bench,
    grant: &str,
    act: &str,
    reason: &str,
) -> demo::agent::browser::Form {
    let address = bench.console_at_bank(&format!("consents/{grant}/{act}"));
    let page = open(bench, browser, address).await;
    let mut form = page.form("#act-form").expect("the form");
    form.set("reason", reason).check("confirm", "yes");
    form
}

async fn acts_of(bench: &Bench, act: &str) -> Vec<(String, Option<String>)> {
    sqlx::query_as(
        "SELECT a.operator, o.outcome FROM operator_acts a LEFT JOIN operator_act_outcomes o USING (act_id)
         WHERE a.act = $1 ORDER BY a.act_id",
    )
    .bind(act)
    .fetch_all(&bench.pool)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_suspends_restores_and_revokes_and_the_story_says_who() {
    let bench = Bench::new().await;
    let grant = bench.consent_for(TimeDelta::days(100)).await.to_string();
    let browser = bench.signed_in("suzuki", Role::Operator).await;
    let page = consent(&bench, &browser, &grant).await;
    assert!(page.text("#state").unwrap().contains("有効"));
    assert_eq!(page.table("#accounts").len(), 2);

    for (act, reason, state) in [
        ("suspend", "suspected_fraud", "停止中"),
        ("restore", "suspected_fraud", "有効"),
        ("revoke", "customer_request", "解除"),
    ] {
        let form = act_form(&browser, &bench, &grant, act, reason).await;
        let page = form.submit_and_follow(&browser).await.unwrap();
        assert_eq!(
            page.text("#said").as_deref(),
            Some("操作を記録しました。"),
            "{act}"
        );
        assert!(
            page.text("#state").unwrap().contains(state),
            "{act}: {:?}",
            page.text("#state")
        );
    }
    let page = consent(&bench, &browser, &grant).await;
    let story = page.texts("#story .event");
    assert_eq!(story.len(), 4, "{story:?}");
    assert_eq!(story.last().unwrap(), "金庫が解除しました");
    assert!(page.text("#story").unwrap().contains("操作者 suzuki"));
    let why = page.text("#why").expect("the chain");
    assert!(
        why.contains("お客さまの申出") && why.contains("suzuki"),
        "{why}"
    );
    assert!(!page.has("#acts"), "an end is final");
    // The fact names the recorded act as its cause.
    let linked: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM events e JOIN operator_acts a ON a.act_id = e.causation_id
         WHERE e.event_type = 'AccessRevoked' AND a.act = 'revoke_consent' AND a.via = 'console'",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!(linked, 1);
    // As the API records it.
    for act in ["suspend", "restore", "revoke_consent"] {
        let recorded = acts_of(&bench, act).await;
        let done = ("suzuki".to_owned(), Some("done".to_owned()));
        assert_eq!(recorded, [done], "{act}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_acts_once_and_both_clicks_hear_the_same() {
    let bench = Bench::new().await;
    let grant = bench.consent_for(TimeDelta::days(100)).await.to_string();
    let browser = bench.signed_in("suzuki", Role::Operator).await;
    let form = act_form(&browser, &bench, &grant, "revoke", "fraud").await;
    let (first, second) = tokio::join!(form.submit(&browser), form.submit(&browser));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!((first.status, second.status), (303, 303));
    assert_eq!(first.location(), second.location());
    assert_eq!(bench.events("AccessRevoked").await, 1);
    assert!(acts_of(&bench, "revoke_consent").await.len() <= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_happens_without_reason_confirmation_and_key() {
    let bench = Bench::new().await;
    let grant = bench.consent_for(TimeDelta::days(100)).await.to_string();
    let other = bench.consent_for(TimeDelta::days(90)).await.to_string();
    let browser = bench.signed_in("suzuki", Role::Operator).await;
    let address = bench.console_at_bank(&format!("consents/{grant}/revoke"));
    let page = open(&bench, &browser, address.clone()).await;
    let empty = page.form("#act-form").unwrap();
    let refused = empty.submit(&browser).await.unwrap();
    assert_eq!(
        refused.texts("#problems li").len(),
        2,
        "{}",
        refused.excerpt(500)
    );

    // A reason that only the service finds itself.
    let mut form = page.form("#act-form").unwrap();
    form.repeat("reason", "contract_closed")
        .check("confirm", "yes");
    let fields: Vec<(String, String)> = form
        .fields()
        .into_iter()
        .filter(|(name, value)| name != "reason" || !value.is_empty())
        .collect();
    let refused = browser
        .post(Some(&page), address.parse().unwrap(), &fields)
        .await
        .unwrap();
    assert!(refused.has("#problems"));

    // The key of another consent's form.
    let foreign = act_form(&browser, &bench, &other, "revoke", "fraud").await;
    let answer = browser
        .post(Some(&page), address.parse().unwrap(), &foreign.fields())
        .await
        .unwrap();
    assert_eq!(answer.status, 400);
    assert_eq!(answer.error_code().as_deref(), Some("form_not_accepted"));
    assert_eq!(bench.events("AccessRevoked").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_sees_no_acts_and_can_do_none() {
    let bench = Bench::new().await;
    let grant = bench.consent_for(TimeDelta::days(100)).await.to_string();
    let browser = bench.signed_in("tanaka", Role::Auditor).await;
    let page = consent(&bench, &browser, &grant).await;
    assert!(!page.has("#acts"));
    let address = bench.console_at_bank(&format!("consents/{grant}/revoke"));
    let refused = open(&bench, &browser, address).await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.error_code().as_deref(), Some("forbidden"));
    let read: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM operator_acts WHERE act = 'read_consent' AND subject_id = $1 AND operator = 'tanaka'",
    )
    .bind(&grant)
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!(read, 1, "who looked is recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_somebody_else_handed_over_is_not_handed_over_unseen() {
    let bench = Bench::new().await;
    let grant = bench.consent_for(TimeDelta::days(100)).await.to_string();
    let browser = bench.signed_in("suzuki", Role::Operator).await;
    let mut forms = Vec::new();
    for user in ["u-mine", "u-theirs"] {
        let page = bench.console_at_bank(&format!("consents/{grant}/hand-over"));
        let page = open(&bench, &browser, page).await;
        let lead = page.text("#lead").unwrap();
        assert!(lead.contains("確認しません"), "nobody checks the id");
        let mut form = page.form("#act-form").unwrap();
        form.set("to_user", user).check("confirm", "yes");
        forms.push(form);
    }
    let [mine, theirs] = &forms[..] else {
        panic!("two forms");
    };
    theirs.submit_and_follow(&browser).await.unwrap();

    let page = mine.submit(&browser).await.unwrap();

    assert!(
        page.text("#said")
            .unwrap()
            .contains("まだ何も変更していません")
    );
    assert!(page.text("#subject").unwrap().contains("u-theirs"));
    assert_eq!(bench.events("HandedOver").await, 1);
    let mut again = page.form("#act-form").unwrap();
    assert_eq!(again.value("to_user").as_deref(), Some("u-mine"), "typed");
    // A late second click of the first is a repeat; on what is shown now, it is done.
    let page = theirs.submit_and_follow(&browser).await.unwrap();
    assert_eq!(page.text("#said").as_deref(), Some("操作を記録しました。"));
    again.check("confirm", "yes");
    let page = again.submit_and_follow(&browser).await.unwrap();
    assert_eq!(page.text("#said").as_deref(), Some("操作を記録しました。"));
    assert_eq!(bench.events("HandedOver").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_a_moment_is_what_held_then() {
    let bench = Bench::new().await;
    let grant = bench.consent_for(TimeDelta::days(100)).await.to_string();
    let browser = bench.signed_in("suzuki", Role::Operator).await;
    let form = act_form(&browser, &bench, &grant, "revoke", "fraud").await;
    form.submit(&browser).await.unwrap();
    // Backwards by a day, as if each had happened then; the form takes minutes.
    let page = open(
        &bench,
        &browser,
        bench.console_at_bank(&format!("consents/{grant}?at=2020-01-01T00:00")),
    )
    .await;
    assert!(page.has("#said"), "not begun then");
    assert!(page.texts("#story .event").is_empty());
    assert!(page.has("#show-now"));
    let later = bench.console_at_bank(&format!("consents/{grant}?at=2199-01-01T00:00"));
    let page = open(&bench, &browser, later).await;
    assert!(page.text("#state").unwrap().contains("解除"));
    assert!(!page.has("#acts"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_of_the_partner_is_shown_at_its_level_and_in_the_chain_of_causes() {
    let bench = Bench::new().await;
    let grant = bench.consent_for(TimeDelta::days(100)).await.to_string();
    let browser = bench.signed_in("suzuki", Role::Auditor).await;
    let page = consent(&bench, &browser, &grant).await;
    assert!(!page.has("#why"), "nothing stands against it");
    let app = &bench.replicas[0].app;
    let level = Level::Partner(PartnerId::parse("id-of-partner-a").unwrap());
    let cause = SuspensionCause::SuspectedFraud;
    let bank = bank();
    let done = level.suspend((&app.pool, &app.bus), &bank, cause, by_operator());
    done.await.unwrap();
    let page = consent(&bench, &browser, &grant).await;
    let state = page.text("#state").unwrap();
    assert!(state.contains("連携事業者："), "{state}");
    let why = page.text("#why").expect("the chain");
    assert!(why.contains("取扱いが停止されました"), "{why}");
    let before = format!("consents/{grant}?at=2020-01-01T00:00");
    let page = open(&bench, &browser, bench.console_at_bank(&before)).await;
    assert!(!page.text("main").unwrap().contains("連携事業者："));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_is_not_there_is_a_page_that_says_so() {
    let bench = Bench::new().await;
    let browser = bench.signed_in("suzuki", Role::Operator).await;
    for path in ["consents/none", "consents/none/revoke", "consents/none/eat"] {
        let page = open(&bench, &browser, bench.console_at_bank(path)).await;
        assert_eq!(
            (page.status, page.error_code().as_deref()),
            (404, Some("not_found")),
            "{path}"
        );
    }
}
