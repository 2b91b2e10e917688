//! What a customer does about a linkage beside ending it: an account is taken out, the period renewed, the
//! place of a user who has left taken.

use chrono::{Days, NaiveDate, TimeDelta};
use consent::evidence;
use consent_domain::{
    BankCode, GrantId,
    consent::{Consent, ConsentEvent},
};
use demo::agent::browser::Page;
use sandbox_bank::{Fault, Rpc};

use crate::{
    bench::{BANK, Bench, FIRST, TestPartner, dantai01},
    journey_customer::{CONTRACT, FIRST_ID, FOURTH_ID, THIRD_ID, send, send_on, send_to},
    lifecycle_given::{USER, account, bank, terms, user},
    linkages_given::{act, dantai01b},
    oauth_partner::Wish,
};

const LONG: TimeDelta = TimeDelta::days(300);

fn notice(page: &Page) -> String {
    page.text(".notice").unwrap_or_default()
}

/// A linkage that a walk through the steps made, so that it is known what was agreed to, which ends in
/// that many days.
async fn agreed(bench: &Bench, days: u64) -> GrantId {
    let tokens = bench.granted(Wish::default()).await;
    let grant = GrantId::parse(tokens.grant_id.unwrap()).unwrap();
    // The bank's period becomes longer, as if the linkage had been made before.
    sqlx::query(
        "UPDATE bank_current SET state =
            jsonb_set(state, '{record,settings,consent_validity_days}', to_jsonb($1::int))",
    )
    .bind(i32::try_from(365 + days).unwrap())
    .execute(&bench.pool)
    .await
    .expect("another period");
    grant
}

async fn renewals(bench: &Bench, grant: &GrantId) -> Vec<ConsentEvent> {
    let bank = bank();
    let facts = consent::history::of_consent(&bench.pool, &bank, grant);
    let facts = facts.await.unwrap().into_iter().map(|told| told.event);
    facts
        .filter(|event| matches!(event, ConsentEvent::AccessRenewed { .. }))
        .collect()
}

// --- Taking an account out ---

#[tokio::test(flavor = "multi_thread")]
async fn an_account_leaves_once_and_the_last_one_takes_the_linkage_with_it() {
    let bench = Bench::replicas(2).await;
    let grant = bench.consent_for(LONG).await;
    let (browser, _) = bench.at_linkages(&dantai01()).await;
    let page = bench.linkages(&browser, &format!("/{grant}")).await;
    let links = page.links("#accounts a.remove");
    assert_eq!(links.len(), 2);

    let first = bench
        .before(&browser, &grant, &format!("remove/{FIRST_ID}"))
        .await;
    assert!(first.text(".lead").unwrap().contains(FIRST));
    let form = act(&first, "remove");
    let (one, other) = tokio::join!(
        send(&browser, &form),
        send_to(&bench, &browser, &first, &form, 1)
    );
    for answer in [one, other] {
        assert_eq!(answer.location().unwrap().query(), Some("m=removed"));
    }
    assert_eq!(bench.events("AccountRemoved").await, 1);
    let Consent::Live { terms, .. } = bench.consent(&grant).await else {
        panic!("it goes on");
    };
    assert_eq!(terms.scope.accounts(), [account(FOURTH_ID)].into());

    let last = bench
        .before(&browser, &grant, &format!("remove/{FOURTH_ID}"))
        .await;
    assert!(last.text(".lead").unwrap().contains("連携は終了します"));
    let form = act(&last, "remove");
    let ended = send_on(&browser, &form).await;
    assert!(notice(&ended).contains("連携を解除しました"));
    assert!(notice(&send_on(&browser, &form).await).contains("連携を解除しました"));
    assert!(matches!(
        bench.consent(&grant).await,
        Consent::Revoked { .. }
    ));
    assert_eq!(bench.events("AccessRevoked").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_a_user_does_not_see_is_not_theirs_to_take_out() {
    let bench = Bench::new().await;
    let grant = bench
        .consent_with(|now| {
            let mut terms = terms(now + LONG);
            let third = consent_domain::scope::ScopePair {
                account: account(THIRD_ID),
                task: consent_domain::scope::Task::Balance,
            };
            terms.scope = terms.scope.iter().cloned().chain([third]).collect();
            terms
        })
        .await;
    let (browser, _) = bench.at_linkages(&dantai01b()).await;
    let page = bench.linkages(&browser, &format!("/{grant}")).await;
    assert_eq!(page.links("#accounts a.remove").len(), 2);
    let refused = bench
        .before(&browser, &grant, &format!("remove/{THIRD_ID}"))
        .await;
    assert_eq!(refused.error_code().as_deref(), Some("act_not_allowed"));
    // A form for one account is none for another.
    let own = bench
        .before(&browser, &grant, &format!("remove/{FIRST_ID}"))
        .await;
    let form = act(&own, "remove");
    let url = form.action().join(THIRD_ID).unwrap();
    let forged = browser.post(Some(&own), url, &form.fields()).await.unwrap();
    assert_eq!(forged.location().unwrap().query(), Some("m=send_again"));
    assert_eq!(bench.events("AccountRemoved").await, 0);
}

// --- Renewing ---

#[tokio::test(flavor = "multi_thread")]
async fn one_click_renews_with_every_choice_kept_and_what_was_shown_is_kept_too() {
    let bench = Bench::replicas(2).await;
    let grant = agreed(&bench, 30).await;
    let Consent::Live { terms: before, .. } = bench.consent(&grant).await else {
        panic!("it is live");
    };
    let (browser, _) = bench.at_linkages(&dantai01()).await;
    let page = bench.before(&browser, &grant, "renew").await;
    let said = page.text("section.consent").expect("what is renewed");
    assert!(said.contains(FIRST), "{said}");
    assert!(!page.has("input[type=password]"));
    let form = act(&page, "renew");
    let (one, other) = tokio::join!(
        send(&browser, &form),
        send_to(&bench, &browser, &page, &form, 1)
    );
    for answer in [one, other, send(&browser, &form).await] {
        assert_eq!(answer.location().unwrap().query(), Some("m=renewed"));
    }

    let Consent::Live { terms: after, .. } = bench.consent(&grant).await else {
        panic!("it is live");
    };
    assert_eq!(after.valid_until, before.valid_until + TimeDelta::days(30));
    assert_eq!((after.scope, after.user), (before.scope, before.user));
    let facts = renewals(&bench, &grant).await;
    let [
        ConsentEvent::AccessRenewed {
            shown: Some(shown), ..
        },
    ] = &facts[..]
    else {
        panic!("{facts:?}");
    };
    let app = &bench.replicas[0].app;
    let bank = BankCode::parse(BANK).unwrap();
    let kept = evidence::find(&bench.pool, &app.keys, &bank, &shown.record).await;
    let (kept, hash) = kept.unwrap().expect("a record");
    assert_eq!(hash, shown.text.sha256);
    assert!(kept.text.contains(FIRST) && kept.text.contains("更新後の有効期間"));
    assert_eq!(shown.terms_version, "2026-04");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_partner_goes_on_where_it_stopped_and_lost_days_are_named() {
    let bench = Bench::new().await;
    let grant = agreed(&bench, 30).await;
    let today: NaiveDate = sqlx::query_scalar("SELECT (now() AT TIME ZONE 'Asia/Tokyo')::date")
        .fetch_one(&bench.pool)
        .await
        .unwrap();
    // Far behind what the bank still has of this account: from the first of last month on.
    let served = today - Days::new(1000);
    sqlx::query(
        "INSERT INTO access_totals (bank, grant_id, account, task, first_read_at, last_read_at,
            reads, rows, last_served_on) VALUES ($1, $2, $3, 'transactions', now(), now(), 7, 9, $4)",
    )
    .bind(BANK)
    .bind(grant.as_str())
    .bind(FIRST_ID)
    .bind(served)
    .execute(&bench.pool)
    .await
    .expect("the service may note reads");
    let (browser, list) = bench.at_linkages(&dantai01()).await;
    let text = list.text(&format!("[data-linkage='{grant}']")).unwrap();
    assert!(text.contains("これまでに7回"), "{text}");

    let page = bench.before(&browser, &grant, "renew").await;
    let said = page.text("section.consent").unwrap();
    assert!(said.contains("取得できません"), "{said}");
    send_on(&browser, &act(&page, "renew")).await;
    let facts = renewals(&bench, &grant).await;
    let [ConsentEvent::AccessRenewed { continue_from, .. }] = &facts[..] else {
        panic!("{facts:?}");
    };
    assert_eq!(
        continue_from,
        &[(account(FIRST_ID), served + Days::new(1))].into()
    );
    // After the end, the linkage's own page still says so.
    send_on(
        &browser,
        &act(&bench.before(&browser, &grant, "end").await, "end"),
    )
    .await;
    let ended = bench.linkages(&browser, &format!("/{grant}")).await;
    assert!(ended.text("#continue").unwrap().contains("取得できません"));
}

/// One of the bank's settings, as JSON.
async fn set(bench: &Bench, setting: &str, value: &str) {
    let sql = "UPDATE bank_current SET state =
        jsonb_set(state, ARRAY['record', 'settings', $1], $2::jsonb)";
    let done = sqlx::query(sql).bind(setting).bind(value);
    done.execute(&bench.pool).await.expect("set");
}

const CONSENT_ANEW: &str =
    r#"{"after_terms_change": "consent_anew", "after_recipients_change": "consent_anew"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn changed_terms_recipients_or_the_banks_rule_take_the_whole_journey() {
    let bench = Bench::new().await;
    let grant = agreed(&bench, 30).await;
    set(&bench, "linkage_rules", CONSENT_ANEW).await;
    let (browser, _) = bench.at_linkages(&dantai01()).await;
    let path = format!("/{grant}");
    assert!(bench.linkages(&browser, &path).await.has("a#renew"));
    let shown = bench.before(&browser, &grant, "renew").await;

    for (setting, value, before, said) in [
        (
            "terms_version",
            "\"2027-04\"",
            "\"2026-04\"",
            "規定が変わった",
        ),
        (
            "renewal",
            "\"by_journey\"",
            "\"by_login\"",
            "照会用暗証番号の入力を含む",
        ),
    ] {
        set(&bench, setting, value).await;
        let page = bench.linkages(&browser, &path).await;
        assert!(!page.has("a#renew"), "{setting}");
        let elsewhere = page.text("#renew-elsewhere").unwrap();
        assert!(elsewhere.contains(said), "{elsewhere}");
        assert!(elsewhere.contains("partner-a会計の画面から"), "{elsewhere}");
        // Nor by the form that was shown before.
        let late = send_on(&browser, &act(&shown, "renew")).await;
        assert!(
            notice(&late).contains("連携先サービスの画面から"),
            "{setting}"
        );
        set(&bench, setting, before).await;
    }

    let changed = &bench.partners[0];
    more_recipients(&bench, changed).await;
    let page = bench.linkages(&browser, &path).await;
    assert!(
        page.text("#renew-elsewhere")
            .unwrap()
            .contains("情報の提供先が変わった")
    );
    assert_eq!(bench.events("AccessRenewed").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_bank_has_it_so_a_renewal_shows_todays_terms_and_recipients_and_counts_from_then_on()
 {
    let bench = Bench::new().await;
    let grant = agreed(&bench, 30).await;
    let (browser, _) = bench.at_linkages(&dantai01()).await;
    let shown_before = bench.before(&browser, &grant, "renew").await;
    set(&bench, "terms_version", "\"2027-04\"").await;
    more_recipients(&bench, &bench.partners[0]).await;

    // What was read before is not what would be renewed now.
    let late = send(&browser, &act(&shown_before, "renew")).await;
    let back = late.location().expect("the page again");
    assert!(back.path().ends_with("/renew"), "{back}");
    assert_eq!(bench.events("AccessRenewed").await, 0);

    let page = bench.before(&browser, &grant, "renew").await;
    let said = page.text("section.consent").unwrap();
    assert!(
        said.contains("2027-04") && said.contains("別の会社"),
        "{said}"
    );
    let done = send_on(&browser, &act(&page, "renew")).await;
    assert!(done.has("#logout-form"), "{}", done.excerpt(300));
    let facts = renewals(&bench, &grant).await;
    let [
        ConsentEvent::AccessRenewed {
            shown: Some(shown), ..
        },
    ] = &facts[..]
    else {
        panic!("{facts:?}");
    };
    assert_eq!(shown.terms_version, "2027-04");

    // A stricter rule compares with what this renewal showed.
    set(&bench, "linkage_rules", CONSENT_ANEW).await;
    set(&bench, "consent_validity_days", "500").await;
    let path = format!("/{grant}");
    assert!(bench.linkages(&browser, &path).await.has("a#renew"));
    set(&bench, "terms_version", "\"2026-04\"").await;
    let page = bench.linkages(&browser, &path).await;
    let elsewhere = page.text("#renew-elsewhere").expect("why");
    assert!(elsewhere.contains("規定が変わった"), "{elsewhere}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_consent_that_does_not_say_what_it_was_given_under_nothing_is_claimed_to_have_changed()
{
    let bench = Bench::new().await;
    let grant = bench.consent_for(LONG).await;
    let (browser, _) = bench.at_linkages(&dantai01()).await;
    let path = format!("/{grant}");
    assert!(bench.linkages(&browser, &path).await.has("a#renew"));
    set(&bench, "linkage_rules", CONSENT_ANEW).await;
    let page = bench.linkages(&browser, &path).await;
    let elsewhere = page.text("#renew-elsewhere").expect("why");
    assert!(elsewhere.contains("確認できない"), "{elsewhere}");
}

/// The partner passes information on to one more.
async fn more_recipients(bench: &Bench, partner: &TestPartner) {
    use consent::partners::{PartnerRegistration, register_partner};
    use consent::protocol::client::RedirectUriPolicy;
    let registration = PartnerRegistration {
        partner_id: consent_domain::PartnerId::parse(format!("id-of-{}", partner.client_id))
            .unwrap(),
        client_id: consent_domain::ClientId::parse(partner.client_id).unwrap(),
        legal_name: format!("{}株式会社", partner.client_id),
        service_name: format!("{}会計", partner.client_id),
        registration_number: "関東財務局長（電代）第0号".to_owned(),
        complaint_contact: "お客様窓口 0120-111-111".to_owned(),
        onward_recipients: vec!["別の会社".to_owned()],
        redirect_uris: vec![partner.redirect_uri.to_string()],
        jwks: partner.key.jwks(),
        banks: [bank()].into(),
    };
    let bus = &bench.replicas[0].app.bus;
    let policy = RedirectUriPolicy::HttpsOrLoopbackHttp;
    register_partner(&bench.pool, bus, registration, policy, "tests")
        .await
        .expect("changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_bank_names_no_accounts_nothing_can_be_renewed() {
    let bench = Bench::new().await;
    let grant = agreed(&bench, 30).await;
    let (browser, _) = bench.at_linkages(&dantai01()).await;
    bench
        .bank
        .set_fault(Rpc::ListAccounts, Some(Fault::Unavailable));
    let refused = bench.before(&browser, &grant, "renew").await;
    assert_eq!(refused.error_code().as_deref(), Some("act_not_allowed"));
}

// --- Taking a linkage over ---

/// The bank says that dantai01's user has left.
async fn left(bench: &Bench, who: &str) {
    let told = consent::lifecycle::bank_told::Told {
        bank: bank(),
        id: sqlx::types::Uuid::new_v4(),
        contract: consent_domain::ContractId::parse(CONTRACT).unwrap(),
        notice: consent_domain::bank_notice::BankNotice::UserRemoved { user: user(who) },
        occurred_at: "2026-04-01T00:00:00Z".parse().unwrap(),
    };
    let app = &bench.replicas[0].app;
    consent::lifecycle::bank_told::take(&app.pool, &app.bus, &told)
        .await
        .expect("taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sees_all_of_it_takes_over_from_a_user_who_has_left_with_one_click() {
    let bench = Bench::replicas(2).await;
    // By a walk, so that the bank's contract is one that we know.
    let tokens = bench.granted(Wish::default()).await;
    let grant = GrantId::parse(tokens.grant_id.unwrap()).unwrap();
    let (browser, _) = bench.at_linkages(&dantai01b()).await;
    let path = format!("/{grant}");
    assert!(!bench.linkages(&browser, &path).await.has("a#take-over"));
    let refused = bench.before(&browser, &grant, "take-over").await;
    assert_eq!(refused.error_code().as_deref(), Some("act_not_allowed"));

    left(&bench, USER).await;
    let page = bench.linkages(&browser, &path).await;
    let said = page.text("section.linkage").unwrap();
    assert!(said.contains("団体の利用者ではなくなった"), "{said}");
    let confirm = bench.before(&browser, &grant, "take-over").await;
    assert!(confirm.text("#effects").unwrap().contains("dantai01b"));
    let form = act(&confirm, "take-over");
    let (one, other) = tokio::join!(
        send(&browser, &form),
        send_to(&bench, &browser, &confirm, &form, 1)
    );
    for answer in [one, other] {
        assert_eq!(answer.location().unwrap().query(), Some("m=taken_over"));
    }
    assert_eq!(bench.events("HandedOver").await, 1);
    let Consent::Live {
        terms, suspended, ..
    } = bench.consent(&grant).await
    else {
        panic!("it goes on");
    };
    assert_eq!(terms.user, user("u-b7194fca"));
    assert!(suspended.is_empty());
    let page = bench.linkages(&browser, &path).await;
    let history = page.text("#history").unwrap();
    assert!(history.contains("許可の引き継ぎ"), "{history}");
    assert!(
        page.text("section.linkage")
            .unwrap()
            .contains("dantai01b（ログイン中の利用者）")
    );
}
