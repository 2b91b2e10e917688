//! Random walks: the same ones in every run, unless `PROPTEST_RNG_SEED` says otherwise, and few
//! enough for every build, unless `PROPTEST_CASES` asks for more.

use chrono::TimeDelta;
use consent_domain::{
    bank_notice::{
        BankNotice, NoticeEffects, OnAccountMoved, OnLoginChange, OnRightRemoved, OnUserRemoved,
    },
    consent::RevokedBy,
    journey::{
        EndJourney, FailureCode, GrantAction, JourneyEvent, LinkageBasis, RejectionReason,
        RowVerdict, SessionAtTimeOut,
    },
    scope::{Scope, ScopePair, Task},
    suspension::SuspensionCause,
};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{select, subsequence},
    test_runner::{RngSeed, TestRunner},
};

use super::world::{ACCOUNTS, Act, Answer, Row, Who, World};
use crate::support::{facts::amends, names::*};

/// One act, with the world before and after it.
pub(super) struct Move {
    pub(super) before: World,
    pub(super) act: Act,
    pub(super) answer: Answer,
    pub(super) after: World,
}

impl Move {
    /// What the act appended to the journey.
    pub(super) fn new_journey_facts(&self) -> &[JourneyEvent] {
        &self.after.journey.history[self.before.journey.history.len()..]
    }
}

fn any_tasks() -> impl Strategy<Value = Vec<Task>> {
    subsequence(Task::ALL.to_vec(), 0..=2)
}

fn any_scope() -> impl Strategy<Value = Scope> {
    let pairs: Vec<ScopePair> = scope(ACCOUNTS, BOTH).iter().cloned().collect();
    subsequence(pairs, 1..=6).prop_map(Scope::from_iter)
}

fn any_basis() -> impl Strategy<Value = LinkageBasis> {
    prop_oneof![
        Just(LinkageBasis::New),
        Just(LinkageBasis::Beside),
        any_scope().prop_map(amends),
    ]
}

fn any_verdict() -> impl Strategy<Value = RowVerdict> {
    prop_oneof![
        4 => Just(RowVerdict::Match),
        1 => select(vec![
            RejectionReason::PinMismatch,
            RejectionReason::PinLocked,
            RejectionReason::NotEligible,
            RejectionReason::VerifierUnavailable,
        ])
        .prop_map(RowVerdict::Rejected),
    ]
}

fn any_row(accounts: usize) -> impl Strategy<Value = Row> {
    let eligible = prop_oneof![4 => Just(Task::ALL.to_vec()), 1 => any_tasks()];
    (0..accounts, any_verdict(), eligible)
        .prop_map(|(index, verdict, eligible)| (index, verdict, tasks(eligible)))
}

fn any_end() -> impl Strategy<Value = EndJourney> {
    select(vec![
        EndJourney::ByCustomer,
        EndJourney::ByCustomer,
        EndJourney::ByCustomer,
        EndJourney::ByTime(SessionAtTimeOut::Alive),
        EndJourney::ByTime(SessionAtTimeOut::None),
        EndJourney::ByFailure(FailureCode::BankClosed),
        EndJourney::ByFailure(FailureCode::PartnerDisabled),
    ])
}

fn any_cause() -> impl Strategy<Value = SuspensionCause> {
    select(vec![
        SuspensionCause::CustomerRequest,
        SuspensionCause::UserRemoved,
        SuspensionCause::AccountMoved,
    ])
}

fn any_notice() -> impl Strategy<Value = BankNotice> {
    let user = || select(vec![treasurer(), bookkeeper()]);
    let name = || select(ACCOUNTS.to_vec()).prop_map(account);
    prop_oneof![
        2 => user().prop_map(|user| BankNotice::PasswordChanged { user }),
        2 => user().prop_map(|user| BankNotice::CertificateChanged { user }),
        2 => user().prop_map(|user| BankNotice::UserRemoved { user }),
        2 => (user(), name()).prop_map(|(user, account)| BankNotice::RightRemoved { user, account }),
        2 => name().prop_map(|account| BankNotice::AccountClosed { account }),
        2 => name().prop_map(|account| BankNotice::AccountRenumbered { account }),
        2 => (name(), name()).prop_map(|(one, other)| BankNotice::BranchMerged {
            accounts: [one, other].into(),
        }),
        2 => Just(BankNotice::PinReset { pin_scope: pin_scope() }),
        3 => any_cause().prop_map(|cause| BankNotice::ContractSuspended { cause }),
        3 => any_cause().prop_map(|cause| BankNotice::ContractRestored { cause }),
        2 => Just(BankNotice::ContractClosed),
    ]
}

fn any_effects() -> impl Strategy<Value = NoticeEffects> {
    let login = || {
        select(vec![
            OnLoginChange::Nothing,
            OnLoginChange::Suspend,
            OnLoginChange::Revoke,
        ])
    };
    let user = select(vec![
        OnUserRemoved::SuspendUntilHandover,
        OnUserRemoved::Revoke,
        OnUserRemoved::Nothing,
    ]);
    let right = select(vec![
        OnRightRemoved::RemoveAccount,
        OnRightRemoved::Suspend,
        OnRightRemoved::Nothing,
    ]);
    let moved = select(vec![
        OnAccountMoved::Nothing,
        OnAccountMoved::Suspend,
        OnAccountMoved::RemoveAccount,
    ]);
    (login(), login(), user, right, moved).prop_map(
        |(password, certificate, user, right, moved)| NoticeEffects {
            on_password_change: password,
            on_certificate_change: certificate,
            on_user_removed: user,
            on_right_removed: right,
            on_account_moved: moved,
        },
    )
}

fn any_act() -> impl Strategy<Value = Act> {
    let stale = || prop_oneof![4 => Just(0u32), 1 => 1u32..3];
    let who = || {
        prop_oneof![
            4 => Just(Who::Treasurer),
            1 => Just(Who::Colleague),
            1 => Just(Who::Stranger),
        ]
    };
    let grant = live_grant();
    let named = [
        GrantAction::Replace {
            grant: grant.clone(),
        },
        GrantAction::Merge { grant },
    ];
    let action = select(
        [
            vec![GrantAction::Unspecified, GrantAction::Create],
            named.to_vec(),
        ]
        .concat(),
    );
    let grant = || select(vec![live_grant(), new_grant()]);
    let journey = select(vec![this_journey(), another_journey()]);
    let by = select(vec![RevokedBy::Customer, RevokedBy::Partner]);
    prop_oneof![
        // Enough of these that walks get to their end.
        28 => vec(any_row(4), 1..5).prop_map(Act::GoOn),
        2 => (action, any_tasks()).prop_map(|(action, chosen)| {
            Act::Request(action, tasks(chosen))
        }),
        1 => (who(), any_basis()).prop_map(|(who, basis)| Act::Login(who, basis)),
        2 => who().prop_map(Act::LoginToWhatThereIs),
        1 => any_basis().prop_map(Act::Rebase),
        3 => Just(Act::RebaseToWhatThereIs),
        2 => any_tasks().prop_map(|chosen| Act::SelectTasks(tasks(chosen))),
        3 => (stale(), vec(any_row(5), 0..5)).prop_map(|(stale, rows)| Act::Register(stale, rows)),
        1 => stale().prop_map(Act::Confirm),
        1 => stale().prop_map(Act::Authorize),
        3 => any_end().prop_map(Act::End),
        2 => (0..ACCOUNTS.len()).prop_map(Act::AnotherJourneyRegisters),
        1 => Just(Act::AnotherJourneyWithdraws),
        1 => any_scope().prop_map(Act::AnotherJourneyAmends),
        1 => (grant(), journey).prop_map(|(grant, journey)| Act::Connect(grant, journey)),
        1 => (grant(), by).prop_map(|(grant, by)| Act::Revoke(grant, by)),
        3 => grant().prop_map(Act::Expire),
        3 => any_life(),
        1 => Just(Act::LockPin),
        1 => Just(Act::UnlockPin),
        1 => Just(Act::LockLogin),
    ]
}

/// What happens to a consent after 許可.
fn any_life() -> impl Strategy<Value = Act> {
    let grant = || select(vec![live_grant(), live_grant(), new_grant()]);
    let account = 0..ACCOUNTS.len();
    prop_oneof![
        1 => grant().prop_map(Act::Supersede),
        2 => (grant(), account).prop_map(|(grant, index)| Act::RemoveAccount(grant, index)),
        5 => (grant(), any_cause()).prop_map(|(grant, cause)| Act::Suspend(grant, cause)),
        6 => (grant(), any_cause()).prop_map(|(grant, cause)| Act::Restore(grant, cause)),
        3 => (grant(), 1i64..60).prop_map(|(grant, days)| Act::Renew(grant, days)),
        2 => grant().prop_map(Act::HandOver),
        3 => grant().prop_map(Act::Warn),
        5 => (any_notice(), any_effects()).prop_map(|(of, by)| Act::Notice(of, by)),
    ]
}

/// Seconds that pass before an act: mostly few, at times more than a journey may take.
fn any_pause() -> impl Strategy<Value = i64> {
    prop_oneof![20 => 0i64..90, 2 => 90i64..900, 1 => 900i64..5000]
}

/// The linkage that a walk finds, with its minutes; the pauses and acts that follow.
type Walk = (Option<(Scope, i64)>, Vec<(i64, Act)>);

/// Walks of a journey. However far one got, somebody ends it.
fn journeys() -> impl Strategy<Value = Walk> {
    let linkage = option::of((any_scope(), 5i64..60));
    let acts = vec((any_pause(), any_act()), 8..32);
    (linkage, acts, any_end()).prop_map(|(linkage, mut acts, end)| {
        acts.push((0, Act::End(end)));
        (linkage, acts)
    })
}

/// Walks of a consent of some weeks, with days between the acts.
fn lives() -> impl Strategy<Value = Walk> {
    let weeks = (any_scope(), 10_000i64..60_000);
    let act = prop_oneof![
        12 => any_life(),
        1 => Just(Act::Revoke(live_grant(), RevokedBy::Customer)),
        1 => Just(Act::Expire(live_grant())),
        1 => (0..ACCOUNTS.len()).prop_map(Act::AnotherJourneyRegisters),
        1 => any_scope().prop_map(Act::AnotherJourneyAmends),
    ];
    let pause = prop_oneof![2 => 0i64..90, 1 => 86_400i64..800_000];
    (weeks, vec((pause, act), 8..32)).prop_map(|(linkage, acts)| (Some(linkage), acts))
}

/// Looks at every move of the walks.
pub(super) fn for_every_move(look: impl Fn(&Move)) {
    let config = ProptestConfig::default();
    let rng_seed = match config.rng_seed {
        RngSeed::Random => RngSeed::Fixed(2963),
        fixed @ RngSeed::Fixed(_) => fixed,
    };
    let cases = match std::env::var_os("PROPTEST_CASES") {
        None => 160,
        Some(_) => config.cases,
    };
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        rng_seed,
        failure_persistence: None,
        ..config
    });
    let walks = prop_oneof![3 => journeys(), 2 => lives()];
    let walked = runner.run(&walks, |(linkage, acts)| {
        let mut world = match linkage {
            Some((scope, minutes)) => World::new(Some(scope), minutes),
            None => World::new(None, 0),
        };
        for (pause, act) in acts {
            let before = world.clone();
            world.now += TimeDelta::seconds(pause);
            let answer = world.act(act.clone());
            look(&Move {
                before,
                act,
                answer,
                after: world.clone(),
            });
        }
        Ok(())
    });
    if let Err(failure) = walked {
        panic!("{failure}");
    }
}
