//! The control service: the same switches and counters from another process.

use renkei_proto::bank::v1::authenticate_response::Outcome;
use sandbox_bank::control::clear_failures_request::Whose;
use sandbox_bank::control::*;
use tonic::Code;

use crate::running::{BANK, RunningBank, SCOPE, login, pin};

#[tokio::test]
async fn faults_closures_limits_and_flags_are_switched_and_reset() {
    let running = RunningBank::start().await;
    let mut control = running.control.clone();
    let behaviour = SetRpcBehaviourRequest {
        rpc: Rpc::VerifyInquiryPin.into(),
        fault: Fault::Unavailable.into(),
        delay: None,
        lie: 0,
    };
    control.set_rpc_behaviour(behaviour).await.unwrap();
    assert_eq!(
        running.try_pin(pin("4826")).await.unwrap_err().code(),
        Code::Unavailable
    );

    let closure = Closure {
        reason: ClosureReason::Maintenance.into(),
        reopens_at: None,
    };
    let closed = SetBankClosureRequest {
        bank_code: BANK.into(),
        closure: Some(closure),
    };
    control.set_bank_closure(closed).await.unwrap();
    let status = running
        .authenticate(login("dantai01", "Rokin2026"))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);

    control.reset(ResetRequest {}).await.unwrap();
    running.subject("dantai01", "Rokin2026").await;

    let customer = SetCustomerRequest {
        bank_code: BANK.into(),
        login_id: "dantai01".into(),
        flags: vec![CustomerFlag::Locked.into()],
        withdrawn_account_ids: vec![],
    };
    control.set_customer(customer).await.unwrap();
    assert!(matches!(
        running.log_in("dantai01", "Rokin2026").await,
        Outcome::Refused(_)
    ));

    let limits = SetAttemptLimitsRequest {
        login_failures: None,
        pin_mismatches: Some(1),
    };
    control.set_attempt_limits(limits).await.unwrap();
    running.try_pin(pin("0000")).await.unwrap();
    running.try_pin(pin("4826")).await.unwrap();
    let scope = Some(Whose::PinScopeId(SCOPE.into()));
    let cleared = ClearFailuresRequest {
        bank_code: BANK.into(),
        whose: scope,
    };
    control.clear_failures(cleared).await.unwrap();
    running.try_pin(pin("4826")).await.unwrap();

    let counters = control
        .get_counters(GetCountersRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(counters.pins.len(), 1);
    assert_eq!(counters.pins[0].guesses, 2);
    assert_eq!(counters.logins[0].attempts, 2);
    assert_eq!(counters.pin_requests.len(), 3);
    let asked = counters
        .rpcs
        .iter()
        .find(|count| count.rpc() == Rpc::VerifyInquiryPin)
        .unwrap();
    assert_eq!(asked.requests, 3);
}

#[tokio::test]
async fn rights_and_the_clock_are_switched() {
    let running = RunningBank::start().await;
    let mut control = running.control.clone();
    let stopped_at = Some(prost_types::Timestamp {
        seconds: 1_767_193_200,
        nanos: 0,
    });
    control
        .set_clock(SetClockRequest { stopped_at })
        .await
        .unwrap();
    let customer = SetCustomerRequest {
        bank_code: BANK.into(),
        login_id: "dantai01".into(),
        flags: vec![],
        withdrawn_account_ids: vec!["a-1c84e6f0".into(), "a-93d05b7e".into()],
    };
    control.set_customer(customer).await.unwrap();
    let subject = running.subject("dantai01", "Rokin2026").await;
    let accounts = running.accounts(&subject).await;
    assert_eq!(accounts.len(), 2);
    // 15:00 UTC on New Year's Eve is the new year in Japan.
    assert_eq!(accounts[0].tasks[0].available_from_date, "2026-01-01");
}

#[tokio::test]
async fn what_the_seed_does_not_have_is_not_found() {
    let running = RunningBank::start().await;
    let mut control = running.control.clone();
    let customer = |login_id: &str, account: &str| SetCustomerRequest {
        bank_code: BANK.into(),
        login_id: login_id.into(),
        flags: vec![],
        withdrawn_account_ids: vec![account.into()],
    };
    for request in [
        customer("nobody99", "a-1c84e6f0"),
        customer("dantai01", "a-6b29f4d8"),
    ] {
        assert_eq!(
            control.set_customer(request).await.unwrap_err().code(),
            Code::NotFound
        );
    }
    let behaviour = SetRpcBehaviourRequest {
        rpc: 0,
        fault: 0,
        delay: None,
        lie: 0,
    };
    let status = control.set_rpc_behaviour(behaviour).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn every_lie_is_switched_and_no_other() {
    let running = RunningBank::start().await;
    let mut control = running.control.clone();
    let lying = |lie| SetRpcBehaviourRequest {
        rpc: Rpc::Authenticate.into(),
        fault: 0,
        delay: None,
        lie,
    };
    let last = i32::from(Lie::OtherAccounts);
    assert_eq!(usize::try_from(last), Ok(sandbox_bank::Lie::ALL.len()));
    for lie in 1..=last {
        control.set_rpc_behaviour(lying(lie)).await.unwrap();
    }
    for unknown in [-1, last + 1] {
        let refused = control.set_rpc_behaviour(lying(unknown)).await;
        assert_eq!(refused.unwrap_err().code(), Code::InvalidArgument);
    }

    control
        .set_rpc_behaviour(lying(Lie::Contradiction.into()))
        .await
        .unwrap();
    let outcome = running.log_in("dantai01", "Rokin2026").await;
    assert!(matches!(outcome, Outcome::Rejected(_)), "{outcome:?}");
    control.reset(ResetRequest {}).await.unwrap();
    running.subject("dantai01", "Rokin2026").await;
}

#[tokio::test]
async fn planned_maintenance_is_announced_also_by_a_closed_bank() {
    use renkei_proto::bank::v1::ListPlannedMaintenanceRequest;
    let running = RunningBank::start().await;
    let mut control = running.control.clone();
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let announced = SetPlannedMaintenanceRequest {
        bank_code: BANK.into(),
        maintenance: vec![PlannedMaintenance {
            from: at(1_800_000_000),
            until: None,
        }],
    };
    control.set_planned_maintenance(announced).await.unwrap();
    let closed = SetBankClosureRequest {
        bank_code: BANK.into(),
        closure: Some(Closure {
            reason: ClosureReason::Hours.into(),
            reopens_at: None,
        }),
    };
    control.set_bank_closure(closed).await.unwrap();
    let request = ListPlannedMaintenanceRequest {
        bank_code: BANK.into(),
    };
    let mut port = running.port.clone();
    let answer = port.list_planned_maintenance(request).await.unwrap();
    let answer = answer.into_inner();
    assert_eq!(answer.asked.unwrap().bank_code, BANK);
    assert_eq!(answer.maintenance.len(), 1);
    assert_eq!(answer.maintenance[0].from, at(1_800_000_000));
}
