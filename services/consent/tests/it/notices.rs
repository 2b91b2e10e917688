//! Notices to customers: committed with their facts, sent by the bank once, however often it fails.

use consent::sweeper;
use demo::agent::walk::{allow, choose_accounts};
use renkei_proto::bank::v1::NoticeKind;
use sandbox_bank::{Fault, Rpc};

use crate::bench::{Bench, FIRST, Options, WRONG_PIN, browser, ticked};

#[tokio::test(flavor = "multi_thread")]
async fn a_new_linkage_is_told_of_and_a_changed_one_too() {
    let bench = Bench::new().await;
    for _ in 0..2 {
        let browser = browser();
        let (authorize, _) = bench.to_authorize(&browser, 0).await;
        allow(&browser, &authorize).await.expect("the end page");
    }

    sweeper::round(&bench.replicas[0].app)
        .await
        .expect("a sweep");

    let sent = bench.bank.notices();
    let kinds: Vec<NoticeKind> = sent.iter().map(|notice| notice.kind).collect();
    assert_eq!(kinds, [NoticeKind::Linked, NoticeKind::Changed]);
    for notice in sent {
        assert_eq!(notice.contract_id, "c-7f3a91d2");
        assert_eq!(notice.actor_user_id, "u-2d6e80b1");
        assert_eq!(notice.partner_service_name, "partner-a会計");
        assert_eq!(notice.account_ids, ["a-1c84e6f0"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_on_a_linkage_names_the_page_and_the_menu_in_both_languages_and_holds_no_link() {
    let bench = Bench::new().await;
    let browser = browser();
    let (authorize, _) = bench.to_authorize(&browser, 0).await;
    allow(&browser, &authorize).await.expect("the end page");

    sweeper::round(&bench.replicas[0].app)
        .await
        .expect("a sweep");

    let [notice] = &bench.bank.notices()[..] else {
        panic!("one notice");
    };
    let way = &notice.way_to_linkages;
    assert_eq!(way.keys().collect::<Vec<_>>(), ["en", "ja"]);
    assert!(way["ja"].contains("団体IBのメニューの「API連携の確認・解除」"));
    assert!(way["en"].contains("“Check or end API linkages”"));
    for text in way.values() {
        assert!(
            !text.contains("http") && !text.contains("/linkages"),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_the_bank_does_not_take_is_sent_later_and_once() {
    let bench = Bench::replicas(2).await;
    let browser = browser();
    let (authorize, _) = bench.to_authorize(&browser, 0).await;
    allow(&browser, &authorize).await.expect("the end page");
    bench
        .bank
        .set_fault(Rpc::SendNotice, Some(Fault::Unavailable));
    sweeper::round(&bench.replicas[0].app)
        .await
        .expect("a sweep");
    assert_eq!(bench.bank.notices(), []);

    bench.bank.set_fault(Rpc::SendNotice, None);
    sqlx::query("UPDATE notices SET next_try_at = now()")
        .execute(&bench.pool)
        .await
        .expect("its next try is due");
    let (one, other) = tokio::join!(
        sweeper::round(&bench.replicas[0].app),
        sweeper::round(&bench.replicas[1].app)
    );
    one.and(other).expect("two sweeps at once");

    assert_eq!(bench.bank.notices().len(), 1);
    let open: i64 = sqlx::query_scalar("SELECT count(*) FROM notices WHERE sent_at IS NULL")
        .fetch_one(&bench.pool)
        .await
        .expect("a count");
    assert_eq!(open, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_lock_is_told_of_once() {
    let options = Options {
        bank_settings: "pin_limit = 2",
        ..Options::default()
    };
    let bench = Bench::with(options).await;
    let browser = browser();
    let (mut accounts, _) = bench.to_accounts(&browser, 0).await;
    for _ in 0..3 {
        let confirm = choose_accounts(&browser, &accounts, &[ticked(FIRST, WRONG_PIN)])
            .await
            .expect("step 5");
        accounts = browser
            .click(&confirm, "a#retry")
            .await
            .expect("step 4 again");
    }

    sweeper::round(&bench.replicas[0].app)
        .await
        .expect("a sweep");

    let kinds: Vec<NoticeKind> = bench
        .bank
        .notices()
        .iter()
        .map(|notice| notice.kind)
        .collect();
    assert_eq!(kinds, [NoticeKind::PinLocked]);
    assert!(bench.bank.notices()[0].way_to_linkages.is_empty());
}
