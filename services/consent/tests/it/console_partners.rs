//! What a bank's operators change of a partner at the console.

use consent::operator::Role;
use demo::agent::browser::{Browser, Form, Page};
use serde_json::json;

use crate::{
    acts_given::at_bank,
    bench::{Bench, browser},
    console_given::{PASSWORD, open},
};

const PARTNER: &str = "id-of-partner-a";

async fn at(bench: &Bench, browser: &Browser, path: &str) -> Page {
    let page = open(bench, browser, bench.console_at_bank(path)).await;
    assert_eq!(page.status, 200, "{path}: {}", page.excerpt(400));
    page
}

async fn partner(bench: &Bench, browser: &Browser) -> Page {
    at(bench, browser, &format!("partners/{PARTNER}")).await
}

/// The form of an act, checked.
async fn form(bench: &Bench, browser: &Browser, act: &str) -> Form {
    let page = at(bench, browser, &format!("partners/{PARTNER}/{act}")).await;
    let mut form = page.form("#act-form").expect("the form");
    form.check("confirm", "yes");
    form
}

async fn may_push(bench: &Bench) -> bool {
    let request = demo::agent::partner::ParRequest::for_both_tasks();
    bench.client(0).push(&request).await.is_ok()
}

async fn acts_of(bench: &Bench, act: &str) -> Vec<(String, Option<String>)> {
    sqlx::query_as(
        "SELECT a.via, o.outcome FROM operator_acts a LEFT JOIN operator_act_outcomes o USING (act_id)
         WHERE a.act = $1 ORDER BY a.act_id",
    )
    .bind(act)
    .fetch_all(&bench.pool)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_is_disabled_and_enabled_again_and_a_double_click_does_it_once() {
    let bench = Bench::new().await;
    let browser = bench.signed_in("suzuki", Role::Operator).await;
    let page = partner(&bench, &browser).await;
    assert!(page.has("#act-disable") && !page.has("#act-enable"));

    let disable = form(&bench, &browser, "disable").await;
    let (first, second) = tokio::join!(
        disable.submit_and_follow(&browser),
        disable.submit_and_follow(&browser)
    );
    for page in [first.unwrap(), second.unwrap()] {
        assert_eq!(page.text("#said").as_deref(), Some("操作を記録しました。"));
        assert!(page.text("#partner").unwrap().contains("取扱いなし"));
        assert!(page.has("#act-enable") && !page.has("#act-disable"));
    }
    assert_eq!(bench.events("PartnerDisabled").await, 1);
    assert!(!may_push(&bench).await);
    let done = ("console".to_owned(), Some("done".to_owned()));
    assert_eq!(
        acts_of(&bench, "disable_partner").await,
        [done.clone(), done]
    );
    let linked: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM events e JOIN operator_acts a ON a.act_id = e.causation_id
         WHERE e.event_type = 'PartnerDisabled' AND e.actor_id = 'suzuki'",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!(linked, 1);

    // Enabled again; the same click once more, late, disables nothing.
    let enable = form(&bench, &browser, "enable").await;
    let page = enable.submit_and_follow(&browser).await.unwrap();
    assert!(page.text("#partner").unwrap().contains("取扱い中"));
    disable.submit_and_follow(&browser).await.unwrap();
    assert!(may_push(&bench).await);
    assert_eq!(bench.events("PartnerDisabled").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unticked_box_and_an_impossible_contract_are_said_at_their_fields() {
    let bench = Bench::new().await;
    let browser = bench.signed_in("suzuki", Role::Operator).await;
    let path = format!("partners/{PARTNER}/contract");
    let mut contract = at(&bench, &browser, &path).await.form("#act-form").unwrap();
    contract
        .set("starts_on", "2026-04-01")
        .set("ends_on", "2026-03-31");
    let page = contract.submit(&browser).await.unwrap();
    for (field, said) in [("ends_on", "開始日と同じ日"), ("confirm", "印をつけて")] {
        let problem = page.text(&format!("#act-form-{field}-problem"));
        assert!(problem.unwrap().contains(said), "{field}");
    }
    let mut again = page.form("#act-form").unwrap();
    assert_eq!(again.value("ends_on").as_deref(), Some("2026-03-31"));
    let english = browser.clone().in_english();
    let page = open(&bench, &english, bench.console_at_bank(&path)).await;
    let mut in_english = page.form("#act-form").unwrap();
    in_english
        .set("starts_on", "yesterday")
        .check("confirm", "yes");
    let page = in_english.submit(&english).await.unwrap();
    let problem = page.text("#act-form-starts_on-problem");
    assert_eq!(problem.as_deref(), Some("Enter a date."));
    assert_eq!(bench.events("PartnerContractSet").await, 0);

    again.set("ends_on", "2099-03-31").check("confirm", "yes");
    let page = again.submit_and_follow(&browser).await.unwrap();
    let facts = page.text("#partner").unwrap();
    assert!(
        facts.contains("2026-04-01") && facts.contains("2099-03-31"),
        "{facts}"
    );
    let ends: String = sqlx::query_scalar(
        "SELECT payload #>> '{PartnerContractSet,contract,ends_at}' FROM events WHERE event_type = 'PartnerContractSet'",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!(ends, "2099-03-31T15:00:00Z", "the day after, in Japan");
    // It goes back into the form as it was typed.
    let form = at(&bench, &browser, &path).await.form("#act-form").unwrap();
    assert_eq!(form.value("ends_on").as_deref(), Some("2099-03-31"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_that_somebody_else_has_changed_is_not_changed_unseen() {
    let bench = Bench::new().await;
    let token = bench.operator("tanaka", Role::Operator).await;
    let browser = bench.signed_in("suzuki", Role::Operator).await;
    let mut mine = form(&bench, &browser, "contract").await;
    mine.set("starts_on", "2026-04-01")
        .set("ends_on", "2099-03-31");
    let theirs = json!({ "starts_on": "2026-05-01", "ends_on": "2098-12-31" });
    let path = at_bank(&format!("partners/{PARTNER}/contract"));
    bench
        .order_at((&token, 0), &path, None, &theirs)
        .await
        .json();

    let page = mine.submit(&browser).await.unwrap();
    assert!(
        page.text("#said")
            .unwrap()
            .contains("まだ何も変更していません")
    );
    assert!(page.text("#subject").unwrap().contains("2098-12-31"));
    let mut again = page.form("#act-form").unwrap();
    assert_eq!(
        again.value("ends_on").as_deref(),
        Some("2099-03-31"),
        "typed"
    );
    assert_eq!(bench.events("PartnerContractSet").await, 1);
    // Now it was seen.
    again.check("confirm", "yes");
    let page = again.submit_and_follow(&browser).await.unwrap();
    assert!(page.text("#partner").unwrap().contains("2099-03-31"));
    assert_eq!(bench.events("PartnerContractSet").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_whose_contract_has_ended_is_not_enabled() {
    let bench = Bench::new().await;
    let browser = bench.signed_in("suzuki", Role::Operator).await;
    let enabled = bench.events("PartnerEnabled").await;
    let mut contract = form(&bench, &browser, "contract").await;
    contract
        .set("starts_on", "2020-04-01")
        .set("ends_on", "2020-12-31");
    contract.submit_and_follow(&browser).await.unwrap();
    form(&bench, &browser, "disable")
        .await
        .submit_and_follow(&browser)
        .await
        .unwrap();
    let page = form(&bench, &browser, "enable")
        .await
        .submit(&browser)
        .await
        .unwrap();
    assert!(
        page.text("#problems")
            .unwrap()
            .contains("契約が終了しています")
    );
    assert_eq!(bench.events("PartnerEnabled").await, enabled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_target_is_set_changed_and_removed_and_its_secret_is_in_no_page() {
    let bench = Bench::new().await;
    let browser = bench.signed_in("suzuki", Role::Operator).await;
    let path = format!("partners/{PARTNER}/push-target");
    let page = at(&bench, &browser, &path).await;
    assert!(
        page.html.contains(r#"autocomplete="new-password""#),
        "no browser may fill a login's password in"
    );
    let mut set = form(&bench, &browser, "push-target").await;
    set.set("url", "https://192.168.1.1/")
        .set("authorization", "Bearer of-tests-only");
    let page = set.submit(&browser).await.unwrap();
    assert!(!page.html.contains("of-tests-only"));
    assert!(
        page.text("#act-form-authorization-problem")
            .unwrap()
            .contains("もう一度")
    );
    assert!(
        page.text("#act-form-url-problem")
            .unwrap()
            .contains("公開されたアドレス")
    );
    let mut again = page.form("#act-form").unwrap();
    assert_eq!(again.value("url").as_deref(), Some("https://192.168.1.1/"));
    again
        .set("url", "https://partner.example/events")
        .set("authorization", "Bearer of-tests-only")
        .check("confirm", "yes");
    let (first, second) = tokio::join!(
        again.submit_and_follow(&browser),
        again.submit_and_follow(&browser)
    );
    for page in [first.unwrap(), second.unwrap()] {
        assert_eq!(page.text("#said").as_deref(), Some("操作を記録しました。"));
        assert!(!page.html.contains("of-tests-only"));
        assert!(page.table("#push")[0][0].contains("https://partner.example/events"));
    }
    let recorded: i64 = sqlx::query_scalar("SELECT count(*) FROM push_target_acts")
        .fetch_one(&bench.pool)
        .await
        .unwrap();
    assert_eq!(recorded, 1);
    // The same form with another secret is another order, and says so.
    let mut other = again.clone();
    other.set("authorization", "Bearer another");
    let page = other.submit(&browser).await.unwrap();
    assert!(
        page.text("#said")
            .unwrap()
            .contains("まだ何も変更していません")
    );

    let stale = form(&bench, &browser, "remove-push-target").await;
    let mut moved = form(&bench, &browser, "push-target").await;
    moved.set("url", "https://partner.example/elsewhere");
    moved.submit_and_follow(&browser).await.unwrap();
    let page = stale.submit(&browser).await.unwrap();
    assert!(page.text("#subject").unwrap().contains("elsewhere"));
    let mut seen = page.form("#act-form").unwrap();
    let page = seen
        .check("confirm", "yes")
        .submit_and_follow(&browser)
        .await
        .unwrap();
    assert!(page.table("#push").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_operators_who_remove_the_same_target_the_second_hears_that_it_is_so() {
    let bench = Bench::new().await;
    let browser = bench.signed_in("suzuki", Role::Operator).await;
    let mut set = form(&bench, &browser, "push-target").await;
    set.set("url", "https://partner.example/events");
    set.submit_and_follow(&browser).await.unwrap();
    let late = form(&bench, &browser, "remove-push-target").await;
    let first = form(&bench, &browser, "remove-push-target").await;
    first.submit_and_follow(&browser).await.unwrap();

    let page = late.submit_and_follow(&browser).await.unwrap();

    assert_eq!(page.status, 200);
    assert!(page.text("#said").unwrap().contains("すでに"));
    assert!(page.table("#push").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_somebody_set_again_is_shown_with_when() {
    let bench = Bench::new().await;
    let browser = bench.signed_in("suzuki", Role::Operator).await;
    let mut set = form(&bench, &browser, "push-target").await;
    set.set("url", "https://partner.example/events");
    set.submit_and_follow(&browser).await.unwrap();
    let late = form(&bench, &browser, "remove-push-target").await;
    let mut again = form(&bench, &browser, "push-target").await;
    again.set("authorization", "Bearer of-tests-only");
    again.submit_and_follow(&browser).await.unwrap();
    let set_at: String = sqlx::query_scalar(
        "SELECT to_char(set_at AT TIME ZONE 'Asia/Tokyo', 'YYYY-MM-DD HH24:MI:SS') FROM push_targets",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();

    let page = late.submit(&browser).await.unwrap();

    let now = page.text("#subject").unwrap();
    assert!(now.contains(&set_at), "{now}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_outside_of_the_calendar_is_said_at_its_field() {
    let bench = Bench::new().await;
    let token = bench.operator("tanaka", Role::Operator).await;
    let browser = bench.signed_in("suzuki", Role::Operator).await;
    let here = at_bank(&format!("partners/{PARTNER}/contract"));
    for (starts, ends) in [
        ("2026-04-01", "+10000-01-01"),
        ("+10000-01-01", "+10000-01-02"),
        ("0000-06-01", "2026-04-01"),
        ("0001-01-01", "2026-04-01"),
    ] {
        let mut contract = form(&bench, &browser, "contract").await;
        contract.set("starts_on", starts).set("ends_on", ends);
        let page = contract.submit(&browser).await.unwrap();
        assert_eq!(page.status, 200, "{starts} {ends}");
        assert!(page.has("#problems"), "{starts} {ends}");
        let days = json!({ "starts_on": starts, "ends_on": ends });
        let refused = bench.order_at((&token, 0), &here, None, &days).await;
        assert_eq!(refused.code(400), "invalid_contract", "{starts} {ends}");
    }
    let last = json!({ "starts_on": "0002-01-01", "ends_on": "9999-12-31" });
    bench.order_at((&token, 0), &here, None, &last).await.json();
    let page = form(&bench, &browser, "contract").await;
    assert_eq!(page.value("ends_on").as_deref(), Some("9999-12-31"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_is_suspended_for_a_cause_and_restored_from_the_same() {
    let bench = Bench::new().await;
    let browser = bench.signed_in("suzuki", Role::Operator).await;
    let empty = form(&bench, &browser, "suspend")
        .await
        .submit(&browser)
        .await
        .unwrap();
    assert!(
        empty
            .text("#problems")
            .unwrap()
            .contains("理由を選んでください")
    );
    for (act, shown) in [("suspend", "停止中"), ("restore", "取扱い中")] {
        let mut form = form(&bench, &browser, act).await;
        form.set("cause", "security_incident");
        let page = form.submit_and_follow(&browser).await.unwrap();
        assert!(page.text("#partner").unwrap().contains(shown), "{act}");
    }
    // An act that has nothing to do leads back.
    let page = at(&bench, &browser, &format!("partners/{PARTNER}/restore")).await;
    assert!(page.text("#said").unwrap().contains("すでに"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_sees_a_partner_and_changes_nothing() {
    let bench = Bench::new().await;
    let operator = bench.signed_in("suzuki", Role::Operator).await;
    let disable = form(&bench, &operator, "disable").await;
    bench.console_operator("tanaka", Some(Role::Auditor)).await;
    let auditor = browser();
    bench.sign_in(&auditor, "tanaka", PASSWORD).await;
    let page = partner(&bench, &auditor).await;
    assert!(!page.has("#acts") && page.table("#keys").len() == 1);
    assert!(!at(&bench, &auditor, "partners").await.has("#lookup"));
    let path = bench.console_at_bank(&format!("partners/{PARTNER}/disable"));
    assert_eq!(open(&bench, &auditor, path).await.status, 403);
    let sent = disable.submit(&auditor).await.unwrap();
    assert_eq!(sent.status, 403);
    // Nor does the form of one act, or of one session, open another.
    let mut forged = form(&bench, &operator, "contract").await;
    forged.set("form_key", &disable.value("form_key").unwrap());
    assert_eq!(forged.submit(&operator).await.unwrap().status, 400);
    assert_eq!(bench.events("PartnerDisabled").await, 0);
}
