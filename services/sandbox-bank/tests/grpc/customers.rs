//! The seed's customers as callers see them.

use renkei_proto::bank::v1::authenticate_response::Outcome;
use renkei_proto::bank::v1::{Account, AccountType, LoginRefusal, Task, UserRole, Verdict};
use sandbox_bank::CustomerFlag;

use crate::running::{BANK, RunningBank, login, pin};

fn rows(accounts: &[Account]) -> Vec<String> {
    let row = |account: &Account| {
        let Account {
            branch_name,
            branch_code,
            number,
            memo,
            ..
        } = account;
        let kind = match account.r#type() {
            AccountType::Ordinary => "普通",
            AccountType::Current => "当座",
            AccountType::Savings => "貯蓄",
            AccountType::Unspecified => "-",
        };
        format!("{branch_name}({branch_code}) {kind} {number} {memo}")
            .trim_end()
            .to_owned()
    };
    accounts.iter().map(row).collect()
}

#[tokio::test]
async fn dantai01_has_the_procedures_four_accounts_in_its_order_under_one_pin() {
    let running = RunningBank::start().await;
    let Outcome::Authenticated(master) = running.log_in("dantai01", "Rokin2026").await else {
        panic!("not let in");
    };
    assert_eq!(master.contract_name, "中央サンプル労働組合");
    assert_eq!(master.role(), UserRole::Master);
    let accounts = running.accounts(&master.subject.unwrap()).await;
    assert_eq!(
        rows(&accounts),
        [
            "インターネット支店(000) 普通 5000000 口座メモ5678901234567890",
            "インターネット支店(000) 普通 1111111",
            "インターネット支店(000) 普通 9999999",
            "豊後支店(490) 普通 1000014 口座メモ5678901234567890",
        ]
    );
    assert!(
        accounts
            .iter()
            .all(|account| account.pin_scope_id == accounts[0].pin_scope_id)
    );
    let depth: Vec<&str> = accounts
        .iter()
        .map(|account| account.tasks[1].available_from_date.as_str())
        .collect();
    assert_eq!(
        depth,
        ["2024-11-20", "2026-10-01", "2025-08-20", "2026-09-01"]
    );
    assert!(
        accounts
            .iter()
            .all(|account| account.tasks[0].available_from_date == "2026-11-20")
    );
}

#[tokio::test]
async fn the_general_user_of_dantai01_sees_two_of_the_four() {
    let running = RunningBank::start().await;
    let subject = running.subject("dantai01b", "Rokin2029").await;
    let accounts = running.accounts(&subject).await;
    let numbers: Vec<&str> = accounts
        .iter()
        .map(|account| account.number.as_str())
        .collect();
    assert_eq!(numbers, ["5000000", "1000014"]);
}

#[tokio::test]
async fn dantai02_has_a_pin_scope_for_each_account_and_savings_serve_balances_only() {
    let running = RunningBank::start().await;
    let subject = running.subject("dantai02", "Rokin2027").await;
    let accounts = running.accounts(&subject).await;
    assert_eq!(accounts.len(), 3);
    for account in &accounts {
        let mut request = pin("7153");
        request.subject = Some(subject.clone());
        request.pin_scope_id.clone_from(&account.pin_scope_id);
        assert_eq!(running.try_pin(request).await.unwrap(), Verdict::Match);
        assert_eq!(running.bank.pin_guesses(BANK, &account.pin_scope_id), 1);
    }
    assert_eq!(accounts[2].r#type(), AccountType::Savings);
    let tasks: Vec<Task> = accounts[2]
        .tasks
        .iter()
        .map(|eligible| eligible.task())
        .collect();
    assert_eq!(tasks, [Task::Balance]);
}

#[tokio::test]
async fn users_of_one_contract_may_each_have_a_pin_of_their_own() {
    let running = RunningBank::start().await;
    let mut scopes = Vec::new();
    for (login_id, password, typed) in [
        ("dantai07", "Rokin2033", "6284"),
        ("dantai07b", "Rokin2034", "9517"),
    ] {
        let subject = running.subject(login_id, password).await;
        let accounts = running.accounts(&subject).await;
        assert_eq!(accounts[0].pin_scope_id, accounts[1].pin_scope_id);
        let mut request = pin(typed);
        request.subject = Some(subject);
        request.pin_scope_id.clone_from(&accounts[0].pin_scope_id);
        assert_eq!(running.try_pin(request).await.unwrap(), Verdict::Match);
        scopes.push(accounts[0].pin_scope_id.clone());
    }
    assert_ne!(scopes[0], scopes[1]);
}

#[tokio::test]
async fn a_right_password_learns_why_it_is_refused() {
    let running = RunningBank::start().await;
    for (request, reason) in [
        (
            login("dantai03", "Rokin2028"),
            LoginRefusal::CertificateRequired,
        ),
        (
            login("dantai04", "Rokin2030"),
            LoginRefusal::PasswordChangeDue,
        ),
        (login("dantai05", "Rokin2031"), LoginRefusal::Stopped),
        (login("dantai06", "Rokin2032"), LoginRefusal::Locked),
    ] {
        match running.authenticate(request).await.unwrap() {
            Outcome::Refused(refused) => assert_eq!(refused.reason(), reason),
            other => panic!("{other:?}"),
        }
    }
    // Nobody learns a reason by a wrong password.
    assert!(matches!(
        running.log_in("dantai05", "Rokin0000").await,
        Outcome::Rejected(_)
    ));
}

#[tokio::test]
async fn flags_and_rights_can_be_switched() {
    let running = RunningBank::start().await;
    running
        .bank
        .set_customer_flags(BANK, "dantai01", &[CustomerFlag::Stopped])
        .unwrap();
    assert!(matches!(
        running.log_in("dantai01", "Rokin2026").await,
        Outcome::Refused(_)
    ));
    running
        .bank
        .set_customer_flags(BANK, "dantai01", &[])
        .unwrap();
    let subject = running.subject("dantai01", "Rokin2026").await;

    running
        .bank
        .withdraw_account_right(BANK, "dantai01", "a-93d05b7e")
        .unwrap();
    assert_eq!(running.accounts(&subject).await.len(), 3);
    running
        .bank
        .restore_account_right(BANK, "dantai01", "a-93d05b7e")
        .unwrap();
    assert_eq!(running.accounts(&subject).await.len(), 4);
    assert!(
        running
            .bank
            .withdraw_account_right(BANK, "dantai01", "a-6b29f4d8")
            .is_err()
    );
}
