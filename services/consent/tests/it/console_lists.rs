//! What ended, bulk revocations, who was affected, partners, and the log of acts at the console.

use chrono::TimeDelta;
use consent::operator::Role;
use demo::agent::browser::{Browser, Page};

use crate::{
    bench::{Bench, browser},
    console_given::{PASSWORD, open},
};

async fn at(bench: &Bench, browser: &Browser, path: &str) -> Page {
    let page = open(bench, browser, bench.console_at_bank(path)).await;
    assert_eq!(page.status, 200, "{path}: {}", page.excerpt(400));
    page
}

async fn revoke(bench: &Bench, browser: &Browser, grant: &str) {
    let page = at(bench, browser, &format!("consents/{grant}/revoke")).await;
    let mut form = page.form("#act-form").expect("the form");
    form.set("reason", "fraud").check("confirm", "yes");
    let page = form.submit_and_follow(browser).await.expect("an answer");
    assert!(page.has("#said"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_ends_says_by_whom_and_which_notices_are_outstanding() {
    let bench = Bench::new().await;
    let grant = bench.consent_for(TimeDelta::days(100)).await.to_string();
    let browser = bench.signed_in("suzuki", Role::Operator).await;
    assert!(
        at(&bench, &browser, "revocations")
            .await
            .table("#ended")
            .is_empty()
    );
    revoke(&bench, &browser, &grant).await;
    let page = at(&bench, &browser, "revocations").await;
    let rows = page.table("#ended");
    assert_eq!(rows.len(), 1);
    let row = rows[0].join(" ");
    for part in ["解除", "不正利用", "操作者 suzuki", "未到達"] {
        assert!(row.contains(part), "{part}: {row}");
    }
    let outstanding = at(&bench, &browser, "revocations?notices=outstanding").await;
    assert_eq!(outstanding.table("#ended").len(), 1);
    let before = at(
        &bench,
        &browser,
        "revocations?from=2020-01-01&to=2020-02-01",
    )
    .await;
    assert!(before.table("#ended").is_empty());
    // And the consent's own page tells the same of each channel.
    let page = at(&bench, &browser, &format!("consents/{grant}")).await;
    assert_eq!(page.table("#arrivals").len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_revocation_needs_a_second_person() {
    let bench = Bench::new().await;
    for days in [30, 40] {
        bench.consent_for(TimeDelta::days(days)).await;
    }
    let asking = bench.signed_in("suzuki", Role::Operator).await;
    let page = at(&bench, &asking, "revocations/bulk/new").await;
    let mut form = page.form("#bulk-form").unwrap();
    // Without a condition every consent of the bank would match.
    form.set("reason", "partner_left");
    let refused = form.submit(&asking).await.unwrap();
    assert!(refused.has("#problems"), "{}", refused.excerpt(300));
    form.set("partner", "id-of-partner-a");
    let (first, second) = tokio::join!(form.submit(&asking), form.submit(&asking));
    let (first, second) = (first.unwrap(), second.unwrap());
    let address = first.location().or(second.location()).expect("the new one");
    let page = asking.get(address.as_str()).await.unwrap();
    let facts = page.text("#bulk").unwrap();
    assert!(facts.contains("承認待ち") && facts.contains('2'), "{facts}");
    assert_eq!(page.table("#sample").len(), 2);
    assert!(
        !page.has("#approve-form"),
        "nobody approves what they asked for"
    );

    // Another operator approves, and begins.
    bench.console_operator("tanaka", Some(Role::Operator)).await;
    let approving = browser();
    bench.sign_in(&approving, "tanaka", PASSWORD).await;
    let page = approving.get(address.as_str()).await.unwrap();
    let approve = page.form("#approve-form").unwrap();
    let page = approve.submit_and_follow(&approving).await.unwrap();
    assert!(
        page.text("#bulk").unwrap().contains("承認済み"),
        "{}",
        page.excerpt(400)
    );
    assert_eq!(bench.events("AccessRevoked").await, 0);
    let start = page.form("#start-form").unwrap();
    let page = start.submit_and_follow(&approving).await.unwrap();
    assert!(page.text("#bulk").unwrap().contains("実行中"));
    let listed = at(&bench, &asking, "revocations/bulk").await;
    assert_eq!(
        listed.table("#bulks").len(),
        1,
        "a double click is one request"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_sees_a_bulk_revocation_and_no_button() {
    let bench = Bench::new().await;
    bench.consent_for(TimeDelta::days(100)).await;
    let asking = bench.signed_in("suzuki", Role::Operator).await;
    let page = at(&bench, &asking, "revocations/bulk/new").await;
    let mut form = page.form("#bulk-form").unwrap();
    form.set("reason", "fraud")
        .set("partner", "id-of-partner-a");
    let made = form.submit(&asking).await.unwrap().location().unwrap();
    let auditor = bench.signed_in("tanaka", Role::Auditor).await;
    let page = auditor.get(made.as_str()).await.unwrap();
    assert_eq!(page.status, 200);
    assert!(!page.has("main form"), "no step is offered");
    let new = open(
        &bench,
        &auditor,
        bench.console_at_bank("revocations/bulk/new"),
    )
    .await;
    assert_eq!(new.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn affected_are_those_whose_consent_held_within_the_span() {
    let bench = Bench::new().await;
    let held = bench.consent_for(TimeDelta::days(100)).await.to_string();
    let browser = bench.signed_in("suzuki", Role::Auditor).await;
    let nothing = at(&bench, &browser, "affected").await;
    assert!(!nothing.has("#affected"), "no partner was chosen");
    let path =
        |from: &str, to: &str| format!("affected?partner=id-of-partner-a&from={from}&to={to}");
    let page = at(
        &bench,
        &browser,
        &path("2020-01-01T00:00", "2199-01-01T00:00"),
    )
    .await;
    let rows = page.table("#affected");
    assert_eq!(rows.len(), 1);
    assert!(rows[0][0].contains(&held));
    let page = at(
        &bench,
        &browser,
        &path("2020-01-01T00:00", "2020-02-01T00:00"),
    )
    .await;
    assert!(page.table("#affected").is_empty());
    let page = at(
        &bench,
        &browser,
        &path("2020-03-01T00:00", "2020-02-01T00:00"),
    )
    .await;
    assert!(page.has("#problems"));
}

#[tokio::test(flavor = "multi_thread")]
async fn partners_are_those_of_the_bank_with_their_keys() {
    let bench = Bench::new().await;
    let browser = bench.signed_in("suzuki", Role::Auditor).await;
    let list = at(&bench, &browser, "partners").await;
    assert_eq!(list.table("#partners").len(), 2);
    let page = at(&bench, &browser, "partners/id-of-partner-a").await;
    assert_eq!(page.text("h1").as_deref(), Some("partner-a会計"));
    assert_eq!(page.table("#keys").len(), 1);
    let nobody = open(&bench, &browser, bench.console_at_bank("partners/nobody")).await;
    assert_eq!(nobody.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_acts_shows_reads_too_and_finds_them_by_consent() {
    let bench = Bench::new().await;
    let grant = bench.consent_for(TimeDelta::days(100)).await.to_string();
    let browser = bench.signed_in("suzuki", Role::Auditor).await;
    at(&bench, &browser, &format!("consents/{grant}")).await;
    let page = at(&bench, &browser, &format!("acts?consent={grant}")).await;
    let rows = page.table("#acts");
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(
        rows[0][2].contains("連携の閲覧") && rows[0][1].contains("suzuki"),
        "{rows:?}"
    );
    let nobody = at(&bench, &browser, "acts?operator=nobody").await;
    assert!(nobody.table("#acts").is_empty());
    let bad = at(&bench, &browser, "acts?operator=%3Cb%3E").await;
    assert!(bad.has("#problems"));
}

#[tokio::test(flavor = "multi_thread")]
async fn consents_are_found_by_what_is_known_of_them() {
    let bench = Bench::new().await;
    let live = bench.consent_for(TimeDelta::days(100)).await.to_string();
    let ended = bench.consent_for(TimeDelta::days(90)).await.to_string();
    let browser = bench.signed_in("suzuki", Role::Operator).await;
    revoke(&bench, &browser, &ended).await;
    let day = (chrono::Utc::now() + TimeDelta::hours(9)).date_naive();
    let grants = |rows: Vec<Vec<String>>| {
        rows.into_iter()
            .map(|row| row[0].clone())
            .collect::<Vec<_>>()
    };
    for (query, expected) in [
        ("", vec![&ended, &live]),
        ("status=live", vec![&live]),
        ("status=revoked&reason=fraud", vec![&ended]),
        ("reason=legal_order", vec![]),
        ("partner=id-of-partner-a", vec![&ended, &live]),
        ("partner=id-of-partner-b", vec![]),
        (
            format!("account={}", crate::journey_customer::FIRST_ID).as_str(),
            vec![&ended, &live],
        ),
        ("account=another", vec![]),
        (format!("began_from={day}").as_str(), vec![&ended, &live]),
        ("began_to=2020-01-01", vec![]),
        ("ended_to=2199-01-01&status=revoked", vec![&ended]),
    ] {
        let page = at(&bench, &browser, &format!("consents?{query}")).await;
        let found = grants(page.table("#consents"));
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query}");
    }
    for (path, last) in [
        ("consents.csv?status=revoked", "END,1"),
        ("consents.ndjson?status=revoked", r#"{"end":true,"rows":1}"#),
        ("journeys.csv", "END,0"),
        ("journeys.ndjson", r#"{"end":true,"rows":0}"#),
    ] {
        let file = at(&bench, &browser, path).await;
        assert!(file.html.contains(last), "{path}: {}", file.html);
        assert_eq!(
            file.html.contains(&ended),
            path.starts_with("consents"),
            "{path}"
        );
    }
    for bad in ["status=eaten", "began_from=yesterday", "reason=none"] {
        let page = at(&bench, &browser, &format!("consents?{bad}")).await;
        assert!(page.has("#problems") && !page.has("#consents"), "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_that_can_not_be_combined_are_named_and_nothing_is_looked_for() {
    let bench = Bench::new().await;
    let grant = bench.consent_for(TimeDelta::days(100)).await.to_string();
    let browser = bench.signed_in("suzuki", Role::Auditor).await;
    let english = browser.clone().in_english();
    for (path, ja, en) in [
        (
            "consents?status=live&began_from=2026-01-01",
            "許可日と、状態・理由・終了日を組み合わせるときは、契約か口座も指定してください。",
            "To combine the day of allowing with a status, a reason or the day of the end, give a contract or an account too.",
        ),
        (
            "consents?status=live&reason=fraud",
            "理由は、状態が「解除」のとき、または状態を指定しないときに選べます。",
            "A reason goes with the status Revoked, or without a status.",
        ),
        (
            "journeys?stage=accounts",
            "手順は、結果の「手続き中」「中止」「時間切れ」「続けられない」のどれかと合わせて選んでください。",
            "A step goes with one of the outcomes In progress, Cancelled, Timed out and Could not go on.",
        ),
        (
            "journeys?stage=accounts&status=authorized",
            "手順は、結果の「手続き中」「中止」「時間切れ」「続けられない」のどれかと合わせて選んでください。",
            "A step goes with one of the outcomes In progress, Cancelled, Timed out and Could not go on.",
        ),
        (
            "consents?began_from=yesterday",
            "検索の条件を確認してください。",
            "Check the conditions of the search.",
        ),
    ] {
        for (browser, said) in [(&browser, ja), (&english, en)] {
            let page = at(&bench, browser, path).await;
            assert_eq!(page.texts("#problems li"), [said], "{path}");
            assert!(!page.has("#consents") && !page.has("#journeys"), "{path}");
        }
    }
    // Of one account everything may be asked together.
    let account = crate::journey_customer::FIRST_ID;
    let path = format!("consents?status=live&began_from=2026-01-01&account={account}");
    let page = at(&bench, &browser, &path).await;
    assert_eq!(page.table("#consents")[0][0], grant);
    let searches: i64 =
        sqlx::query_scalar("SELECT count(*) FROM operator_acts WHERE act = 'search'")
            .fetch_one(&bench.pool)
            .await
            .unwrap();
    assert_eq!(
        searches, 1,
        "only what was looked for is recorded as a search"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_goes_on_on_the_next_page() {
    let bench = Bench::new().await;
    for _ in 0..51 {
        bench.consent_for(TimeDelta::days(100)).await;
    }
    let browser = bench.signed_in("suzuki", Role::Auditor).await;
    let first = at(&bench, &browser, "consents?status=live").await;
    let second = browser.click(&first, "#next-page").await.unwrap();
    let mut all = first.table("#consents");
    assert_eq!(all.len(), 50);
    all.extend(second.table("#consents"));
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 51);
    assert!(!second.has("#next-page"));
    // A place of one search is none of another.
    let other = second.url.as_str().replace("status=live", "status=expired");
    let other = open(&bench, &browser, other).await;
    assert!(other.has("#problems") && !other.has("#consents"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journey_that_is_stuck_is_found_at_its_step() {
    let bench = Bench::new().await;
    let customer = browser();
    bench.to_accounts(&customer, 0).await;
    let browser = bench.signed_in("suzuki", Role::Auditor).await;
    let page = at(
        &bench,
        &browser,
        "journeys?status=in_progress&stage=accounts",
    )
    .await;
    let rows = page.table("#journeys");
    assert_eq!(rows.len(), 1);
    assert!(
        rows[0][3].contains("手続き中") && rows[0][4].contains("口座選択"),
        "{rows:?}"
    );
    let none = at(&bench, &browser, "journeys?status=failed").await;
    assert!(none.table("#journeys").is_empty());
    let one = at(
        &bench,
        &browser,
        &format!("journeys?journey={}", rows[0][0]),
    )
    .await;
    assert_eq!(one.table("#journeys").len(), 1);
}
