//! Partners' records at the console, for operators of the platform.

use consent::operator::Role;
use demo::agent::{
    browser::{Browser, Form, Page},
    partner::{ParRequest, PartnerClient, Registration, generate_key},
};
use serde_json::{Value, json};

use crate::{
    bench::{BANK, Bench},
    console_given::open,
    operator_given::operator_id,
};

const PARTNER: &str = "id-of-partner-a";

/// Signed in as an operator of the platform, with that role at the bank.
async fn signed_in(bench: &Bench, name: &str, role: Role) -> Browser {
    let browser = bench.signed_in(name, role).await;
    let mut administration = bench.administration().await;
    administration
        .grant_platform(&operator_id(name))
        .await
        .unwrap();
    browser
}

async fn at(bench: &Bench, browser: &Browser, rest: &str) -> Page {
    let address = bench.console(&format!("/platform/partners{rest}"));
    let page = open(bench, browser, address).await;
    assert_eq!(page.status, 200, "{rest}: {}", page.excerpt(400));
    page
}

/// The form of an act on the partner, checked.
async fn form(bench: &Bench, browser: &Browser, act: &str) -> Form {
    let page = at(bench, browser, &format!("/{PARTNER}/{act}")).await;
    let mut form = page.form("#act-form").expect("the form");
    form.check("confirm", "yes");
    form
}

async fn record_version(bench: &Bench) -> i32 {
    sqlx::query_scalar(
        "SELECT (state ->> 'record_version')::int FROM partner_current WHERE stream_id = $1",
    )
    .bind(PARTNER)
    .fetch_one(&bench.pool)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_is_changed_once_by_a_double_click_and_customers_are_shown_it() {
    let bench = Bench::new().await;
    let browser = signed_in(&bench, "kanri", Role::Auditor).await;
    let list = open(&bench, &browser, bench.console("/banks")).await;
    let list = browser.click(&list, "#to-partners").await.unwrap();
    assert_eq!(list.table("#partners").len(), 2);

    let mut change = form(&bench, &browser, "record").await;
    assert_eq!(
        change.value("service_name").as_deref(),
        Some("partner-a会計")
    );
    change
        .set("service_name", "新会計")
        .set("onward_recipients", "税理士法人\r\n\r\n 給与計算株式会社 ");
    let (first, second) = tokio::join!(
        change.submit_and_follow(&browser),
        change.submit_and_follow(&browser)
    );
    for page in [first.unwrap(), second.unwrap()] {
        assert_eq!(page.text("#said").as_deref(), Some("操作を記録しました。"));
        let facts = page.text("#partner").unwrap();
        assert!(
            facts.contains("新会計") && facts.contains("給与計算株式会社"),
            "{facts}"
        );
    }
    assert_eq!(record_version(&bench).await, 2);
    let recipients: Value = sqlx::query_scalar(
        "SELECT state #> '{record,onward_recipients}' FROM partner_current WHERE stream_id = $1",
    )
    .bind(PARTNER)
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!(recipients, json!(["税理士法人", "給与計算株式会社"]));
    let changed: (String, i64) = sqlx::query_as(
        "SELECT e.actor_id, count(*) FROM events e JOIN operator_acts a ON a.act_id = e.causation_id
         WHERE e.event_type = 'PartnerChanged' AND a.act = 'change_legal_record' AND a.via = 'console' GROUP BY 1",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!(changed, ("kanri".to_owned(), 1));
    let at_bank = open(
        &bench,
        &browser,
        bench.console_at_bank(&format!("partners/{PARTNER}")),
    )
    .await;
    assert_eq!(at_bank.title().as_deref(), Some("新会計"));
    assert!(at_bank.has("#to-record") && !at_bank.has("#act-disable"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_somebody_else_has_changed_is_told_so_and_nothing_typed_is_lost() {
    let bench = Bench::new().await;
    let browser = signed_in(&bench, "kanri", Role::Auditor).await;
    let mut mine = form(&bench, &browser, "record").await;
    mine.set("complaint_contact", "0120-333-333");
    let mut theirs = form(&bench, &browser, "record").await;
    theirs.set("legal_name", "先の株式会社");
    theirs.submit_and_follow(&browser).await.unwrap();

    let page = mine.submit(&browser).await.unwrap();
    assert!(
        page.text("#said")
            .unwrap()
            .contains("入力した内容は残っています")
    );
    assert!(page.text("#subject").unwrap().contains("先の株式会社"));
    let mut again = page.form("#act-form").unwrap();
    assert_eq!(
        again.value("complaint_contact").as_deref(),
        Some("0120-333-333")
    );
    assert_eq!(record_version(&bench).await, 2);
    // What is wrong by itself keeps what was seen.
    again.set("legal_name", "");
    let page = again.submit(&browser).await.unwrap();
    assert!(
        page.text("#act-form-legal_name-problem")
            .unwrap()
            .contains("1～200文字")
    );
    let mut again = page.form("#act-form").unwrap();
    again
        .set("legal_name", "先の株式会社")
        .check("confirm", "yes");
    again.submit_and_follow(&browser).await.unwrap();
    assert_eq!(record_version(&bench).await, 3);
    // The form of a page that was left and came back to is of the version before.
    mine.set("complaint_contact", "0120-444-444");
    let page = mine.submit(&browser).await.unwrap();
    assert!(page.has("#said") && page.has("#act-form"));
    assert_eq!(record_version(&bench).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn redirect_uris_that_can_not_be_registered_are_named_in_both_languages() {
    let bench = Bench::new().await;
    let browser = signed_in(&bench, "kanri", Role::Auditor).await;
    let english = browser.clone().in_english();
    for (browser, said) in [(&browser, "httpsで始まり"), (&english, "is https")] {
        let mut uris = form(&bench, browser, "redirect-uris").await;
        uris.set("redirect_uris", "https://a.example/cb\nhttp://b.example/cb");
        let page = uris.submit(browser).await.unwrap();
        let problem = page.text("#act-form-redirect_uris-problem").unwrap();
        assert!(
            problem.contains(said) && problem.contains("http://b.example/cb"),
            "{problem}"
        );
        uris.set("redirect_uris", "");
        let page = uris.submit(browser).await.unwrap();
        assert!(page.has("#act-form-redirect_uris-problem"));
    }
    let mut uris = form(&bench, &browser, "redirect-uris").await;
    uris.set(
        "redirect_uris",
        "https://a.example/cb\nhttps://b.example/cb",
    );
    let page = uris.submit_and_follow(&browser).await.unwrap();
    assert!(
        page.text("#partner")
            .unwrap()
            .contains("https://b.example/cb")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_added_and_the_old_one_goes_at_a_time() {
    let bench = Bench::new().await;
    let browser = signed_in(&bench, "kanri", Role::Auditor).await;
    let new = generate_key().unwrap();
    let old_kid = bench.partners[0].key.kid.clone();
    for (jwk, said) in [
        ("{", "JSON"),
        (r#"{"kty":"EC","kid":"x"}"#, "正しくありません"),
        (
            r#"{"kty":"EC","kid":"x","crv":"P-256","d":"AAAA"}"#,
            "秘密鍵",
        ),
    ] {
        let mut add = form(&bench, &browser, "add-key").await;
        let page = add.set("jwk", jwk).submit(&browser).await.unwrap();
        let problem = page.text("#act-form-jwk-problem").unwrap();
        assert!(problem.contains(said), "{jwk}: {problem}");
        assert!(
            !page.html.contains("AAAA"),
            "a private key goes into no page"
        );
    }
    let jwk = new.jwks()["keys"][0].to_string();
    let mut add = form(&bench, &browser, "add-key").await;
    let page = add
        .set("jwk", &jwk)
        .submit_and_follow(&browser)
        .await
        .unwrap();
    assert_eq!(page.table("#keys").len(), 2);
    let mut taken: Value = generate_key().unwrap().jwks()["keys"][0].clone();
    taken["kid"] = json!(new.kid);
    let mut add = form(&bench, &browser, "add-key").await;
    let page = add
        .set("jwk", &taken.to_string())
        .submit(&browser)
        .await
        .unwrap();
    assert!(
        page.text("#act-form-jwk-problem")
            .unwrap()
            .contains("同じkid")
    );

    let mut empty = form(&bench, &browser, "retire-key").await;
    let page = empty.submit(&browser).await.unwrap();
    assert!(page.has("#act-form-kid-problem") && page.has("#act-form-retire_at-problem"));
    let stale = form(&bench, &browser, "retire-key").await;
    empty
        .set("kid", &old_kid)
        .set("retire_at", "2099-12-31T09:00");
    let (first, second) = tokio::join!(
        empty.submit_and_follow(&browser),
        empty.submit_and_follow(&browser)
    );
    for page in [first.unwrap(), second.unwrap()] {
        assert!(page.text("#keys").unwrap().contains("2099-12-31 09:00:00"));
    }
    let mut stale = stale;
    stale
        .set("kid", &new.kid)
        .set("retire_at", "2099-12-31T09:00");
    let page = stale.submit(&browser).await.unwrap();
    assert!(
        page.text("#said")
            .unwrap()
            .contains("まだ何も変更していません")
    );
    let mut last = page.form("#act-form").unwrap();
    let page = last.check("confirm", "yes").submit(&browser).await.unwrap();
    assert!(
        page.text("#act-form-kid-problem")
            .unwrap()
            .contains("残る鍵")
    );
    // In the past: at once.
    let mut now = form(&bench, &browser, "retire-key").await;
    now.set("kid", &old_kid)
        .set("retire_at", "2020-01-01T00:00");
    let page = now.submit_and_follow(&browser).await.unwrap();
    assert_eq!(page.table("#keys").len(), 1);
    let client = PartnerClient::try_new(Registration {
        client_id: "partner-a".to_owned(),
        private_key_pem: new.private_key_pem.clone(),
        kid: new.kid.clone(),
        redirect_uri: bench.partners[0].redirect_uri.clone(),
        issuer: bench.origin.join(BANK).unwrap(),
    })
    .unwrap();
    let request = ParRequest::for_both_tasks();
    assert!(client.push(&request).await.is_ok());
    assert!(bench.client(0).push(&request).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_a_private_key_is_in_no_page_however_it_was_pasted() {
    let bench = Bench::new().await;
    let browser = signed_in(&bench, "kanri", Role::Auditor).await;
    let english = browser.clone().in_english();
    let private = r#"{"kty":"EC","kid":"x","crv":"P-256","d":"of-tests-only"}"#;
    let set = |keys: &str| format!(r#"{{"keys":[{keys}]}}"#);
    let pem = "-----BEGIN PRIVATE KEY-----\nof-tests-only\n-----END PRIVATE KEY-----";
    let one_key = [
        pem.to_owned(),
        json!(pem).to_string(),
        json!(private).to_string(),
        private.replace('}', ",}"),
        set(private),
    ];
    let key_set = [
        private.to_owned(),
        pem.to_owned(),
        set(&format!(r#"{{"kty":"EC"}},{private}"#)),
        json!({ "keys": [], "of": [{ "k": "of-tests-only" }] }).to_string(),
    ];
    for (browser, erased) in [(&browser, "消去しました"), (&english, "was erased")] {
        for (field, pasted) in [("jwk", &one_key[..]), ("jwks", &key_set[..])] {
            for text in pasted {
                let mut typed = match field {
                    "jwk" => form(&bench, browser, "add-key").await,
                    _ => at(&bench, browser, "/new").await.form("#act-form").unwrap(),
                };
                let page = typed.set(field, text).submit(browser).await.unwrap();
                let problem = page.text(&format!("#act-form-{field}-problem")).unwrap();
                assert!(problem.contains(erased), "{text}: {problem}");
                assert!(!page.html.contains("of-tests-only"), "{text}");
            }
        }
    }
    // What is no secret stays, to be mended.
    let mut typed = form(&bench, &browser, "add-key").await;
    typed.set("jwk", r#"{"kty":"EC","kid":"mend-me"}"#);
    let page = typed.submit(&browser).await.unwrap();
    let kept = page.form("#act-form").unwrap().value("jwk");
    assert!(kept.unwrap().contains("mend-me"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_click_on_a_key_that_goes_at_once_hears_what_the_first_one_did() {
    let bench = Bench::new().await;
    let browser = signed_in(&bench, "kanri", Role::Auditor).await;
    let new = generate_key().unwrap();
    let old_kid = bench.partners[0].key.kid.clone();
    let mut add = form(&bench, &browser, "add-key").await;
    add.set("jwk", &new.jwks()["keys"][0].to_string());
    add.submit_and_follow(&browser).await.unwrap();

    let mut retire = form(&bench, &browser, "retire-key").await;
    retire
        .set("kid", &old_kid)
        .set("retire_at", "2020-01-01T00:00");
    let mut another = form(&bench, &browser, "retire-key").await;
    another
        .set("kid", &old_kid)
        .set("retire_at", "2020-01-01T00:00");
    for _ in 0..2 {
        let page = retire.submit_and_follow(&browser).await.unwrap();
        assert_eq!(page.text("#said").as_deref(), Some("操作を記録しました。"));
        assert_eq!(page.table("#keys").len(), 1);
    }
    // A form that was opened before is told that the key has gone.
    let page = another.submit(&browser).await.unwrap();
    assert!(page.text("#said").unwrap().contains("内容が変わりました"));
    assert!(!page.text("#subject").unwrap().contains(&old_kid));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_changed_of_the_keys_is_shown_where_the_page_says_so() {
    let bench = Bench::new().await;
    let browser = signed_in(&bench, "kanri", Role::Auditor).await;
    let new = generate_key().unwrap();
    let old_kid = bench.partners[0].key.kid.clone();
    let mut stale = form(&bench, &browser, "add-key").await;
    stale.set(
        "jwk",
        &generate_key().unwrap().jwks()["keys"][0].to_string(),
    );
    let mut add = form(&bench, &browser, "add-key").await;
    add.set("jwk", &new.jwks()["keys"][0].to_string());
    add.submit_and_follow(&browser).await.unwrap();
    let page = stale.submit(&browser).await.unwrap();
    assert!(page.text("#said").unwrap().contains("内容が変わりました"));
    assert!(page.text("#subject").unwrap().contains(&new.kid));

    let mut stale = form(&bench, &browser, "retire-key").await;
    stale
        .set("kid", &new.kid)
        .set("retire_at", "2099-12-31T09:00");
    let mut retire = form(&bench, &browser, "retire-key").await;
    retire
        .set("kid", &old_kid)
        .set("retire_at", "2098-11-30T09:00");
    retire.submit_and_follow(&browser).await.unwrap();
    let page = stale.submit(&browser).await.unwrap();
    let now = page.text("#subject").unwrap();
    assert!(
        now.contains(&old_kid) && now.contains("2098-11-30 09:00"),
        "{now}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_outside_of_the_calendar_is_said_at_its_field() {
    let bench = Bench::new().await;
    let browser = signed_in(&bench, "kanri", Role::Operator).await;
    for at in ["+10000-01-01T09:00", "0000-06-01T09:00", "0001-01-01T08:59"] {
        let mut retire = form(&bench, &browser, "retire-key").await;
        retire.set("retire_at", at);
        let page = retire.submit(&browser).await.unwrap();
        assert_eq!(page.status, 200, "{at}");
        assert!(page.has("#act-form-retire_at-problem"), "{at}");
    }
}

/// A form that registers a partner under that id.
async fn registering(bench: &Bench, browser: &Browser, id: &str, service: &str) -> Form {
    let page = at(bench, browser, "/new").await;
    let mut form = page.form("#act-form").unwrap();
    form.set("partner_id", id)
        .set("client_id", &format!("client-of-{id}"))
        .set("service_name", service)
        .set("legal_name", "新会計株式会社")
        .set("registration_number", "関東財務局長（電代）第1号")
        .set("complaint_contact", "0120-222-222")
        .set("redirect_uris", "https://partner.example/cb")
        .set("jwks", &generate_key().unwrap().jwks().to_string())
        .check("confirm", "yes");
    form
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_operators_who_register_the_same_partner_at_once_one_is_told() {
    let bench = Bench::new().await;
    let one = signed_in(&bench, "kanri", Role::Auditor).await;
    let other = signed_in(&bench, "betsuno", Role::Auditor).await;
    for n in 0..8 {
        let id = format!("p-{n}");
        let first = registering(&bench, &one, &id, "甲会計").await;
        let second = registering(&bench, &other, &id, "乙会計").await;
        let (first, second) = tokio::join!(
            first.submit_and_follow(&one),
            second.submit_and_follow(&other)
        );
        let told = [first.unwrap(), second.unwrap()]
            .iter()
            .filter(|page| page.has("#act-form-partner_id-problem"))
            .count();
        assert_eq!(told, 1, "{id}");
    }
    assert_eq!(bench.events("PartnerChanged").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_second_click_on_a_registration_hears_what_the_first_one_did() {
    let bench = Bench::new().await;
    let browser = signed_in(&bench, "kanri", Role::Auditor).await;
    let mut new = registering(&bench, &browser, "p-new", "新会計").await;
    new.submit_and_follow(&browser).await.unwrap();
    let record = at(&bench, &browser, "/p-new/record").await;
    let mut record = record.form("#act-form").unwrap();
    record.set("service_name", "別会計").check("confirm", "yes");
    record.submit_and_follow(&browser).await.unwrap();

    let page = new.submit_and_follow(&browser).await.unwrap();

    assert_eq!(page.text("#said").as_deref(), Some("操作を記録しました。"));
    assert_eq!(page.title().as_deref(), Some("別会計"));
    let outcomes: Vec<String> = sqlx::query_scalar(
        "SELECT o.outcome FROM operator_acts a JOIN operator_act_outcomes o USING (act_id)
         WHERE a.act = 'register_partner'",
    )
    .fetch_all(&bench.pool)
    .await
    .unwrap();
    assert_eq!(outcomes, ["done", "done"]);
    let caused: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM events e JOIN operator_acts a ON a.act_id = e.causation_id
         WHERE e.event_type = 'PartnerRegistered' AND a.act = 'register_partner'",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!(caused, 1);
    // The same form for something else is no repeat.
    new.set("service_name", "また別会計");
    let page = new.submit(&browser).await.unwrap();
    assert!(page.has("#act-form"), "{}", page.excerpt(300));
    assert_eq!(
        bench.events("PartnerRegistered").await,
        3,
        "two of the bench"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_is_not_registered_under_an_id_that_is_a_page() {
    let bench = Bench::new().await;
    let browser = signed_in(&bench, "kanri", Role::Auditor).await;
    let page = registering(&bench, &browser, "new", "新会計").await;
    let page = page.submit(&browser).await.unwrap();
    let problem = page.text("#act-form-partner_id-problem").unwrap();
    assert!(problem.contains("「new」"), "{problem}");
    assert_eq!(bench.events("PartnerRegistered").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_is_registered_and_a_bank_finds_it_by_its_id() {
    let bench = Bench::new().await;
    let browser = signed_in(&bench, "kanri", Role::Operator).await;
    let mut new = at(&bench, &browser, "/new")
        .await
        .form("#act-form")
        .unwrap();
    let page = new.submit(&browser).await.unwrap();
    assert_eq!(
        page.texts("#problems li").len(),
        9,
        "eight fields and the box"
    );
    let jwks = generate_key().unwrap().jwks().to_string();
    new.set("partner_id", PARTNER)
        .set("client_id", "client-new")
        .set("service_name", "新会計")
        .set("legal_name", "新会計株式会社")
        .set("registration_number", "関東財務局長（電代）第1号")
        .set("complaint_contact", "0120-222-222")
        .set("redirect_uris", "https://partner.example/cb")
        .set("jwks", &jwks)
        .check("confirm", "yes");
    let page = new.submit(&browser).await.unwrap();
    assert!(
        page.text("#act-form-partner_id-problem")
            .unwrap()
            .contains("すでに登録")
    );
    new.set("partner_id", "p-new");
    let (first, second) = tokio::join!(
        new.submit_and_follow(&browser),
        new.submit_and_follow(&browser)
    );
    for page in [first.unwrap(), second.unwrap()] {
        assert_eq!(
            page.title().as_deref(),
            Some("新会計"),
            "{}",
            page.excerpt(300)
        );
    }
    let registered: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM events WHERE event_type = 'PartnerRegistered' AND aggregate_id = 'p-new'",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!(registered, 1);

    let list = open(&bench, &browser, bench.console_at_bank("partners")).await;
    let mut lookup = list.form("#lookup").unwrap();
    let nobody = lookup.set("id", "p-nobody").submit(&browser).await.unwrap();
    assert!(nobody.has("#lookup-id-problem"));
    let page = lookup
        .set("id", "p-new")
        .submit_and_follow(&browser)
        .await
        .unwrap();
    assert!(
        page.has("#act-enable") && !page.has("#act-suspend"),
        "{}",
        page.url
    );
    let page = browser.click(&page, "#act-enable").await.unwrap();
    let mut enable = page.form("#act-form").unwrap();
    let page = enable
        .check("confirm", "yes")
        .submit_and_follow(&browser)
        .await
        .unwrap();
    assert!(page.text("#partner").unwrap().contains("取扱い中"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_role_at_a_bank_opens_the_platforms_pages() {
    let bench = Bench::new().await;
    let browser = bench.signed_in("suzuki", Role::Operator).await;
    let banks = open(&bench, &browser, bench.console("/banks")).await;
    assert!(!banks.has("#to-partners"));
    for rest in ["", "/new", "/id-of-partner-a", "/id-of-partner-a/record"] {
        let address = bench.console(&format!("/platform/partners{rest}"));
        assert_eq!(open(&bench, &browser, address).await.status, 404, "{rest}");
    }
    let tries: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM operator_acts WHERE act = 'enter' AND outcome = 'refused' AND operator = 'suzuki'",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!(tries, 4);
    let nobody = crate::bench::browser();
    let page = open(&bench, &nobody, bench.console("/platform/partners")).await;
    assert!(page.has("#login-form"));
}
