//! What a bank tells of a contract: once per notice, with the effects that the bank set, on every replica.

use chrono::TimeDelta;
use consent::{
    lifecycle::Level,
    store::{fold, state_of},
    sweeper,
};
use consent_domain::{
    GrantId,
    bank_notice::BankNotice,
    consent::Consent,
    contract::{Contract, ContractStream},
    suspension::SuspensionCause,
};
use renkei_proto::bank::v1::{
    NotifyRequest,
    bank_notices_client::BankNoticesClient,
    notify_request::{
        AccountClosed, AccountRenumbered, BranchMerged, Cause, CertificateChanged, ContractClosed,
        ContractRestored, ContractSuspended, Notice, PasswordChanged, PinReset, RightRemoved,
        UserRemoved,
    },
};
use sqlx::types::{Json, Uuid};
use tonic::{Code, Request, Status, transport::Channel};

use demo::agent::walk::choose_accounts;

use crate::{
    bench::{BANK, BANK_NOTICE_CREDENTIAL, Bench, FIRST, Options, PIN, WRONG_PIN, browser, ticked},
    journey_customer::{CONTRACT, FIRST_ID, FOURTH_ID, PIN_SCOPE, statuses},
    lifecycle_given::{USER, bank, by_operator, terms, user},
    oauth_decisions::{DecisionPort, DenialReason},
    oauth_partner::Wish,
};

const LONG: TimeDelta = TimeDelta::days(360);

pub async fn port(bench: &Bench, replica: usize) -> BankNoticesClient<Channel> {
    let address = bench.replicas[replica].bank_notices.expect("it listens");
    BankNoticesClient::connect(format!("http://{address}"))
        .await
        .expect("the port is open")
}

/// A notice of dantai01's contract that happened a minute ago.
pub fn notice(of: Notice) -> NotifyRequest {
    NotifyRequest {
        bank_code: BANK.to_owned(),
        notice_id: Uuid::new_v4().to_string(),
        contract_id: CONTRACT.to_owned(),
        occurred_at: Some(prost_types::Timestamp {
            seconds: chrono::Utc::now().timestamp() - 60,
            nanos: 123_456_789,
        }),
        notice: Some(of),
    }
}

pub async fn send(
    port: &mut BankNoticesClient<Channel>,
    notice: &NotifyRequest,
) -> Result<(), Status> {
    let mut request = Request::new(notice.clone());
    let credential = format!("Bearer {BANK_NOTICE_CREDENTIAL}");
    request
        .metadata_mut()
        .insert("authorization", credential.parse().expect("ASCII"));
    port.notify(request).await.map(drop)
}

/// Tells it at a replica.
pub async fn tell(bench: &Bench, of: Notice) -> NotifyRequest {
    let notice = notice(of);
    let mut port = port(bench, 0).await;
    send(&mut port, &notice).await.expect("taken");
    notice
}

pub fn password_changed() -> Notice {
    Notice::PasswordChanged(PasswordChanged {
        user_id: USER.to_owned(),
    })
}

pub fn user_removed() -> Notice {
    Notice::UserRemoved(UserRemoved {
        user_id: USER.to_owned(),
    })
}

fn account_closed(account_id: &str) -> Notice {
    Notice::AccountClosed(AccountClosed {
        account_id: account_id.to_owned(),
    })
}

async fn contract(bench: &Bench) -> Contract {
    let stream = format!("{BANK}:{CONTRACT}");
    let live = state_of::<ContractStream>(&bench.pool, &stream)
        .await
        .unwrap();
    let folded = fold::<ContractStream>(&bench.pool, &stream).await.unwrap();
    assert_eq!(folded.state, live, "replay equals live");
    live
}

/// A bench whose contract is known, with a consent of dantai01's.
async fn bench_with_consent(settings: &'static str) -> (Bench, GrantId) {
    let bench = Bench::with(Options {
        replicas: 2,
        bank_settings: settings,
        ..Options::default()
    })
    .await;
    let tokens = bench.granted(Wish::default()).await;
    drop(tokens);
    let grant = bench.consent_for(LONG).await;
    (bench, grant)
}

/// The facts of the consent after its grant.
async fn since_grant(bench: &Bench, grant: &GrantId) -> Vec<String> {
    bench.facts_of(grant).await.split_off(1)
}

#[tokio::test(flavor = "multi_thread")]
async fn by_default_each_notice_does_what_the_settings_name_as_their_defaults() {
    let right = Notice::RightRemoved(RightRemoved {
        user_id: USER.to_owned(),
        account_id: FIRST_ID.to_owned(),
    });
    let renumbered = Notice::AccountRenumbered(AccountRenumbered {
        account_id: FIRST_ID.to_owned(),
    });
    let merged = Notice::BranchMerged(BranchMerged {
        account_ids: vec![FIRST_ID.to_owned(), FOURTH_ID.to_owned()],
    });
    let certificate = Notice::CertificateChanged(CertificateChanged {
        user_id: USER.to_owned(),
    });
    let pin = Notice::PinReset(PinReset {
        pin_scope_id: PIN_SCOPE.to_owned(),
    });
    let (bench, _) = bench_with_consent("").await;
    for (of, fact, expected) in [
        (password_changed(), "PasswordChanged", vec![]),
        (certificate, "CertificateChanged", vec![]),
        (renumbered, "AccountRenumbered", vec![]),
        (merged, "BranchMerged", vec![]),
        (pin, "PinReset", vec![]),
        (right, "RightRemoved", vec!["AccountRemoved"]),
        (
            account_closed(FOURTH_ID),
            "AccountClosed",
            vec!["AccountRemoved"],
        ),
        (user_removed(), "UserRemoved", vec!["AccessSuspended"]),
        (
            Notice::ContractClosed(ContractClosed {}),
            "ContractClosed",
            vec!["AccessRevoked"],
        ),
    ] {
        let grant = bench.consent_for(LONG).await;
        let told = tell(&bench, of).await;
        assert_eq!(bench.events(fact).await, 1, "{fact}");
        assert_eq!(since_grant(&bench, &grant).await, expected, "{fact}");
        bench.consent(&grant).await;
        let stored: Vec<(Option<Uuid>, String)> =
            sqlx::query_as("SELECT causation_id, actor_kind FROM events WHERE causation_id = $1")
                .bind(Uuid::parse_str(&told.notice_id).unwrap())
                .fetch_all(&bench.pool)
                .await
                .unwrap();
        assert!(!stored.is_empty(), "{fact} names the notice that led to it");
    }
    let contract = contract(&bench).await;
    assert!(contract.is_closed() && contract.is_user_removed(&user(USER)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_that_set_otherwise_gets_otherwise() {
    let settings = "notice_effects = { on_password_change = \"suspend\",
        on_certificate_change = \"revoke\", on_user_removed = \"revoke\",
        on_right_removed = \"suspend\", on_account_moved = \"remove_account\" }"
        .replace('\n', " ");
    let (bench, _) = bench_with_consent(Box::leak(settings.into_boxed_str())).await;
    let right = Notice::RightRemoved(RightRemoved {
        user_id: USER.to_owned(),
        account_id: FIRST_ID.to_owned(),
    });
    let renumbered = Notice::AccountRenumbered(AccountRenumbered {
        account_id: FIRST_ID.to_owned(),
    });
    let certificate = Notice::CertificateChanged(CertificateChanged {
        user_id: USER.to_owned(),
    });
    for (of, expected) in [
        (password_changed(), "AccessSuspended"),
        (right, "AccessSuspended"),
        (renumbered, "AccountRemoved"),
        (certificate, "AccessRevoked"),
        (user_removed(), "AccessRevoked"),
    ] {
        let grant = bench.consent_for(LONG).await;
        tell(&bench, of).await;
        assert_eq!(since_grant(&bench, &grant).await, [expected]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_users_consent_and_another_contracts_are_left_alone() {
    let (bench, _) = bench_with_consent("").await;
    let of_another = bench
        .consent_with(|now| consent_domain::consent::GrantTerms {
            user: user("u-another"),
            ..terms(now + LONG)
        })
        .await;
    let elsewhere = bench
        .consent_with(|now| consent_domain::consent::GrantTerms {
            contract: consent_domain::ContractId::parse("c-another").unwrap(),
            ..terms(now + LONG)
        })
        .await;
    tell(&bench, user_removed()).await;
    assert!(since_grant(&bench, &of_another).await.is_empty());
    tell(&bench, Notice::ContractClosed(ContractClosed {})).await;
    assert!(since_grant(&bench, &elsewhere).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_comes_again_does_nothing_again_wherever_it_comes() {
    let (bench, grant) = bench_with_consent("").await;
    let notice = notice(user_removed());
    let mut ports = [port(&bench, 0).await, port(&bench, 1).await];
    let [one, other] = &mut ports;
    for _ in 0..3 {
        let (a, b) = tokio::join!(send(one, &notice), send(other, &notice));
        a.and(b).expect("taken");
    }
    assert_eq!(bench.events("UserRemoved").await, 1);
    assert_eq!(since_grant(&bench, &grant).await, ["AccessSuspended"]);

    // What an operator did since is not undone by a late repeat.
    let app = &bench.replicas[0].app;
    let (bank, level) = (bank(), Level::Consent(grant.clone()));
    let cause = SuspensionCause::UserRemoved;
    let restored = level.restore((&app.pool, &app.bus), &bank, cause, by_operator());
    restored.await.expect("restored");
    send(&mut ports[0], &notice).await.expect("taken");
    assert!(bench.consent(&grant).await.suspensions().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_open_the_sweeper_completes_once() {
    let (bench, grant) = bench_with_consent("").await;
    let told = BankNotice::UserRemoved { user: user(USER) };
    sqlx::query(
        "INSERT INTO bank_notices (bank, notice_id, contract, content, occurred_at, received_at)
         VALUES ($1, $2, $3, $4, now(), now() - interval '1 minute')",
    )
    .bind(BANK)
    .bind(Uuid::new_v4())
    .bind(CONTRACT)
    .bind(Json(&told))
    .execute(&bench.pool)
    .await
    .expect("taken, and then nothing");
    let (one, other) = tokio::join!(
        sweeper::round(&bench.replicas[0].app),
        sweeper::round(&bench.replicas[1].app)
    );
    one.and(other).expect("two sweeps at once");
    sweeper::round(&bench.replicas[0].app)
        .await
        .expect("a sweep");
    assert_eq!(bench.events("UserRemoved").await, 1);
    assert_eq!(since_grant(&bench, &grant).await, ["AccessSuspended"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_followed_from_a_notice_that_is_still_open_is_known_however_old_it_is() {
    let (bench, _) = bench_with_consent("").await;
    let (open, complete) = (Uuid::new_v4(), Uuid::new_v4());
    for (id, effected) in [(open, false), (complete, true)] {
        sqlx::query(
            "INSERT INTO bank_notices (bank, notice_id, contract, content, occurred_at, received_at,
                effected_at)
             VALUES ($1, $2, $3, $4, now(), now(), CASE WHEN $5 THEN now() END)",
        )
        .bind(BANK)
        .bind(id)
        .bind(CONTRACT)
        .bind(Json(&BankNotice::ContractClosed))
        .bind(effected)
        .execute(&bench.pool)
        .await
        .expect("a notice");
        sqlx::query(
            "INSERT INTO command_keys (bank, command_key, content_mac, outcome, recorded_at)
             VALUES ($1, $2, '', 'done', now() - interval '3 days')",
        )
        .bind(BANK)
        .bind(format!("act:bank-notice:{id}:a-grant"))
        .execute(&bench.pool)
        .await
        .expect("a key");
    }
    sweeper::round(&bench.replicas[0].app)
        .await
        .expect("a sweep");
    let kept: Vec<String> = sqlx::query_scalar(
        "SELECT command_key FROM command_keys WHERE recorded_at < now() - interval '2 days'",
    )
    .fetch_all(&bench.pool)
    .await
    .unwrap();
    assert_eq!(kept, [format!("act:bank-notice:{open}:a-grant")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_is_suspended_and_restored_by_its_bank_on_every_replica() {
    let bench = Bench::replicas(2).await;
    let tokens = bench.granted(Wish::default()).await;
    let cause = Cause::LegalOrder.into();
    tell(
        &bench,
        Notice::ContractSuspended(ContractSuspended { cause }),
    )
    .await;
    let task = demo::agent::walk::Task::Balance;
    for replica in 0..2 {
        let mut port = DecisionPort::of(&bench, replica).await;
        let denied = port.decide(&tokens, task).await.expect_err("denied");
        assert_eq!(denied, DenialReason::Suspended);
    }
    assert_eq!(
        bench.events("AccessSuspended").await,
        0,
        "one fact, no copies"
    );
    tell(&bench, Notice::ContractRestored(ContractRestored { cause })).await;
    for replica in 0..2 {
        let mut port = DecisionPort::of(&bench, replica).await;
        port.decide(&tokens, task).await.expect("allowed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_contract_that_never_linked_anything_little_is_kept() {
    let bench = Bench::new().await;
    tell(&bench, password_changed()).await;
    assert_eq!(bench.events("PasswordChanged").await, 0);
    // That it was told, and a digest: no contract, no content.
    let kept: i64 = sqlx::query_scalar(
        "SELECT num_nonnulls(contract, content, occurred_at, concerned)::bigint FROM bank_notices",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!(kept, 0);
    // A suspension holds for what is linked later.
    let cause = Cause::Other.into();
    tell(
        &bench,
        Notice::ContractSuspended(ContractSuspended { cause }),
    )
    .await;
    let tokens = bench.granted(Wish::default()).await;
    let mut port = DecisionPort::of(&bench, 0).await;
    let denied = port.decide(&tokens, demo::agent::walk::Task::Balance).await;
    assert_eq!(denied.expect_err("denied"), DenialReason::Suspended);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_pin_ends_a_lock_and_the_accounts_have_to_be_proven_anew() {
    let bench = Bench::with(Options {
        bank_settings: "pin_limit = 2",
        ..Options::default()
    })
    .await;
    bench.granted(Wish::default()).await;
    let browser = browser();
    let (mut accounts, _) = bench.to_accounts(&browser, 0).await;
    assert_eq!(statuses(&accounts)[0], "登録済み*");
    for _ in 0..2 {
        let rows = [ticked(FIRST, WRONG_PIN)];
        let confirm = choose_accounts(&browser, &accounts, &rows).await;
        let confirm = confirm.expect("step 5");
        let again = browser.click(&confirm, "a#retry").await;
        accounts = again.expect("step 4 again");
    }
    assert_eq!(bench.events("PinLocked").await, 1);

    let pin_scope_id = PIN_SCOPE.to_owned();
    tell(&bench, Notice::PinReset(PinReset { pin_scope_id })).await;
    sweeper::round(&bench.replicas[0].app)
        .await
        .expect("a sweep");
    assert_eq!(bench.events("PinLocked").await, 1, "it stays open");

    let other = crate::bench::browser();
    let (accounts, _) = bench.to_accounts(&other, 0).await;
    assert_eq!(statuses(&accounts)[0], "未登録");
    let confirm = choose_accounts(&other, &accounts, &[ticked(FIRST, PIN)]).await;
    assert_eq!(statuses(&confirm.expect("step 5"))[0], "登録済み*");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_left_is_followed_by_another_who_takes_over() {
    let (bench, grant) = bench_with_consent("").await;
    tell(&bench, user_removed()).await;
    let bank = bank();
    let on = bench.on(&bank, &grant, 1);
    let taken = on.hand_over(&user("u-another"), by_operator()).await;
    taken.expect("handed over");
    let consent = bench.consent(&grant).await;
    assert!(consent.suspensions().is_empty());
    assert!(matches!(consent, Consent::Live { .. }));
    // Who has left takes nothing back.
    on.hand_over(&user(USER), by_operator())
        .await
        .expect_err("refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_without_credential_or_sense_is_refused_with_its_reason() {
    let (bench, grant) = bench_with_consent("").await;
    let mut port = port(&bench, 0).await;
    let refused = port.notify(Request::new(notice(user_removed()))).await;
    let refused = refused.expect_err("refused");
    assert_eq!(refused.code(), Code::Unauthenticated);
    for (what, request) in [
        (
            "bank_code",
            NotifyRequest {
                bank_code: "29".to_owned(),
                ..notice(user_removed())
            },
        ),
        (
            "notice_id",
            NotifyRequest {
                notice_id: "1".to_owned(),
                ..notice(user_removed())
            },
        ),
        (
            "contract_id",
            NotifyRequest {
                contract_id: "a:b".to_owned(),
                ..notice(user_removed())
            },
        ),
        (
            "occurred_at",
            NotifyRequest {
                occurred_at: None,
                ..notice(user_removed())
            },
        ),
        (
            "notice",
            NotifyRequest {
                notice: None,
                ..notice(user_removed())
            },
        ),
        ("account_id", notice(account_closed(""))),
        (
            "account_ids",
            notice(Notice::BranchMerged(BranchMerged::default())),
        ),
        (
            "cause",
            notice(Notice::ContractSuspended(ContractSuspended::default())),
        ),
    ] {
        let refused = send(&mut port, &request).await.expect_err(what);
        assert_eq!(
            (refused.code(), refused.message()),
            (Code::InvalidArgument, what)
        );
    }
    let elsewhere = NotifyRequest {
        bank_code: "2978".to_owned(),
        ..notice(user_removed())
    };
    let refused = send(&mut port, &elsewhere).await.expect_err("refused");
    assert_eq!(refused.code(), Code::NotFound);
    let taken = notice(password_changed());
    send(&mut port, &taken).await.expect("taken");
    let reused = NotifyRequest {
        notice: Some(user_removed()),
        ..taken
    };
    let refused = send(&mut port, &reused).await.expect_err("refused");
    assert_eq!(refused.code(), Code::AlreadyExists);
    assert!(since_grant(&bench, &grant).await.is_empty());
}
