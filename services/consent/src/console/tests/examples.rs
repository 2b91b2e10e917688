//! Pages with invented data.

use chrono::{DateTime, NaiveDate, Utc};
use consent_domain::{
    AccountId, ClientId, ContractId, JourneyId, PartnerId, UserId,
    consent::{ConsentEvent, GrantTerms, Place, RemovalReason, RevokedBy},
    contract::ContractEvent,
    scope::{ScopePair, Task},
    suspension::SuspensionCause,
};
use uuid::Uuid;

use crate::{
    affected_consents::AffectedConsent,
    console::{
        act_page::{ActView, ConsentAct, Missing, Typed},
        acts_page::{ActLine, ActsView},
        affected_page::AffectedView,
        block::Tone,
        bulk_page::{BulkProblem, NewBulkView, TypedBulk},
        consent_page::{Arrival, ConsentView, ReadLine},
        consents_page::{self, ConsentLine},
        ended_page::EndedView,
        entry_pages::{self, LoginNotice, Stop},
        funnel_page::{Asked, FunnelView},
        journeys_page::{self, JourneyLine},
        page::{BankInView, Frame, Page, Section, SignedIn},
        search_page::SearchView,
        span::Span,
    },
    ended_consents::EndedConsent,
    funnel::{Funnel, FunnelStep, Leaving, OfPartner, Week},
    history::{
        Life, Told,
        life::{Cause, CauseKind},
    },
    operator::Role,
    pages::Locale,
    store::Actor,
};

pub(super) fn frame(locale: Locale, section: Option<Section>) -> Frame {
    let operator = match locale {
        Locale::Ja => "操作権限あり",
        Locale::En => "Operator",
    };
    Frame {
        locale,
        address: "/console/banks/2963/funnel?from=2026-09-01&to=2026-11-22".to_owned(),
        signed_in: Some(SignedIn {
            name: "労金 花子".to_owned(),
            form_key: "key-of-sign-out".to_owned(),
        }),
        bank: Some(BankInView {
            code: "2963".to_owned(),
            name: "中央労働金庫（法人）".to_owned(),
            role: operator.to_owned(),
        }),
        section,
        request_number: "0C1F44E2A9B0".to_owned(),
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn busy_funnel() -> Funnel {
    let mut funnel = Funnel::of_counts(
        [
            (FunnelStep::Login, Leaving::Cancelled, 61),
            (FunnelStep::Login, Leaving::Idle, 148),
            (FunnelStep::Login, Leaving::Failed, 12),
            (FunnelStep::Tasks, Leaving::Cancelled, 18),
            (FunnelStep::Tasks, Leaving::Idle, 9),
            (FunnelStep::Accounts, Leaving::Cancelled, 74),
            (FunnelStep::Accounts, Leaving::Idle, 66),
            (FunnelStep::Accounts, Leaving::OutOfTime, 23),
            (FunnelStep::Confirm, Leaving::Idle, 11),
            (FunnelStep::Confirm, Leaving::Open, 3),
            (FunnelStep::Authorize, Leaving::Declined, 27),
            (FunnelStep::Authorize, Leaving::Idle, 8),
        ],
        804,
        781,
    );
    funnel.weeks = (0..12_u64)
        .map(|week| {
            let ended = 72 + i64::try_from(week * 17 % 53).unwrap();
            Week {
                monday: day("2026-08-31") + chrono::Days::new(week * 7),
                ended,
                authorized: ended * 64 / 100,
            }
        })
        .collect();
    funnel.partners = vec![
        OfPartner {
            partner: "kantan".to_owned(),
            ended: 1012,
            authorized: 690,
            connected: 671,
        },
        OfPartner {
            partner: "aozora".to_owned(),
            ended: 249,
            authorized: 114,
            connected: 110,
        },
    ];
    funnel
        .failures
        .insert((FunnelStep::Login, "bank_closed".to_owned()), 9);
    funnel
        .failures
        .insert((FunnelStep::Login, "partner_disabled".to_owned()), 3);
    for (code, count) in [
        ("pin_mismatch", 215),
        ("pin_locked", 14),
        ("not_eligible", 6),
    ] {
        funnel.rejected_rows.insert(code.to_owned(), count);
    }
    funnel.counted_at = Some("2026-11-22T06:04:05Z".parse().unwrap());
    funnel
}

fn funnel(locale: Locale, funnel: Option<Funnel>) -> Page {
    let view = FunnelView {
        asked: Asked {
            from: "2026-08-31".to_owned(),
            to: "2026-11-22".to_owned(),
            partner: None,
        },
        partners: vec![
            ("kantan".to_owned(), "かんたん会計".to_owned()),
            ("aozora".to_owned(), "あおぞら会計".to_owned()),
        ],
        funnel,
    };
    view.page(frame(locale, Some(Section::Funnel)))
}

pub(super) fn at(time: &str) -> DateTime<Utc> {
    time.parse().unwrap()
}

const GRANT: &str = "0192f0c1-6f4b-7c1e-9d2a-5b7f3a1c8e40";

fn partners() -> Vec<(String, String)> {
    vec![
        ("kantan".to_owned(), "かんたん会計".to_owned()),
        ("aozora".to_owned(), "あおぞら会計".to_owned()),
    ]
}

fn terms() -> GrantTerms {
    let pairs = [
        ("acct-14", Task::Balance),
        ("acct-14", Task::Transactions),
        ("acct-77", Task::Balance),
    ];
    GrantTerms {
        given_under: None,
        contract: ContractId::parse("c-81f0").unwrap(),
        user: UserId::parse("u-2d6e80b1").unwrap(),
        client: ClientId::parse("kantan-client").unwrap(),
        partner: PartnerId::parse("kantan").unwrap(),
        scope: pairs
            .into_iter()
            .map(|(account, task)| ScopePair {
                account: AccountId::parse(account).unwrap(),
                task,
            })
            .collect(),
        history_from: Some(day("2026-01-01")),
        valid_from: at("2026-04-01T01:02:03Z"),
        valid_until: at("2027-04-01T15:00:00Z"),
    }
}

fn told(number: i64, time: &str, actor: Actor, event: ConsentEvent) -> Told {
    Told {
        event,
        event_id: Uuid::from_u128(u128::from(number.unsigned_abs())),
        sequence: number,
        recorded_at: at(time),
        effective_at: None,
        actor,
        causation_id: None,
        request_id: Some("0192f0c1-0000-7000-8000-000000000001".to_owned()),
    }
}

fn facts() -> Vec<Told> {
    let journey = JourneyId::parse("0192f0c0-aaaa-7c1e-9d2a-5b7f3a1c8e40").unwrap();
    let customer = || Actor::Customer(Some("u-2d6e80b1".to_owned()));
    let operator = || Actor::Operator("suzuki".to_owned());
    vec![
        told(
            1,
            "2026-04-01T01:02:03Z",
            customer(),
            ConsentEvent::AccessGranted {
                journey: journey.clone(),
                terms: terms(),
                place: Place::Default,
            },
        ),
        told(
            2,
            "2026-04-01T01:02:05Z",
            Actor::Partner("kantan-client".to_owned()),
            ConsentEvent::PartnerConnected { journey },
        ),
        told(
            3,
            "2026-09-12T02:00:00Z",
            operator(),
            ConsentEvent::AccessSuspended {
                cause: SuspensionCause::SuspectedFraud,
            },
        ),
        told(
            4,
            "2026-09-12T06:30:00Z",
            operator(),
            ConsentEvent::AccessRestored {
                cause: SuspensionCause::SuspectedFraud,
            },
        ),
        told(
            5,
            "2026-10-30T00:00:00Z",
            customer(),
            ConsentEvent::AccountRemoved {
                account: AccountId::parse("acct-77").unwrap(),
                by: RevokedBy::Customer,
                reason: RemovalReason::NoLongerNeeded,
            },
        ),
        told(
            6,
            "2026-11-20T05:00:00Z",
            operator(),
            ConsentEvent::AccessSuspended {
                cause: SuspensionCause::CustomerRequest,
            },
        ),
    ]
}

/// Suspended by an operator, and by what a bank told of its contract.
fn life() -> Life {
    let notice = Uuid::from_u128(0xb0);
    let act = Uuid::from_u128(0xa0);
    let mut consent = facts();
    if let Some(last) = consent.last_mut() {
        last.causation_id = Some(act);
    }
    let cause = |id, kind, code: &str, operator: Option<&str>| Cause {
        id,
        kind,
        code: code.to_owned(),
        recorded_at: at("2026-11-20T04:59:59Z"),
        occurred_at: None,
        operator: operator.map(str::to_owned),
    };
    let suspended = ContractEvent::ContractSuspended {
        cause: SuspensionCause::CustomerRequest,
    };
    Life {
        now: at("2026-11-22T06:00:00Z"),
        consent,
        contract: vec![Told {
            event: suspended,
            event_id: Uuid::from_u128(0xc0),
            sequence: 1,
            recorded_at: at("2026-11-21T05:00:00Z"),
            effective_at: None,
            actor: Actor::System,
            causation_id: Some(notice),
            request_id: None,
        }],
        partner: Vec::new(),
        bank: Vec::new(),
        journeys: Vec::new(),
        causes: vec![
            cause(act, CauseKind::OperatorAct, "suspend", Some("suzuki")),
            cause(notice, CauseKind::BankNotice, "contract_suspended", None),
        ],
    }
}

fn consent(locale: Locale, role: Role, as_of: Option<&str>, said: Option<&str>) -> Page {
    let line = |account: &str, task: &str, reads, rows| ReadLine {
        account: account.to_owned(),
        task: task.to_owned(),
        first: at("2026-04-01T01:05:00Z"),
        last: at("2026-11-19T20:00:04Z"),
        reads,
        rows,
    };
    let view = ConsentView {
        grant: GRANT.to_owned(),
        service: Some("かんたん会計".to_owned()),
        life: life(),
        as_of: as_of.map(at),
        reads: vec![
            line("acct-14", "残高照会", 231, 231),
            line("acct-14", "入出金明細照会", 412, 18_733),
        ],
        arrivals: vec![
            Arrival {
                channel: "お客さまへのメール".to_owned(),
                state: "送信済み".to_owned(),
                tone: Tone::Good,
            },
            Arrival {
                channel: "事業者（プッシュ）".to_owned(),
                state: "待ち".to_owned(),
                tone: Tone::Caution,
            },
        ],
        role,
        said: said.map(|text| (text.to_owned(), Tone::Good)),
    };
    view.page(frame(locale, Some(Section::Consents)))
}

fn act(locale: Locale, act: ConsentAct, missing: Vec<Missing>) -> Page {
    let view = ActView {
        act,
        consent_url: format!("/console/banks/2963/consents/{GRANT}"),
        grant: GRANT.to_owned(),
        service: "かんたん会計".to_owned(),
        contract: "c-81f0".to_owned(),
        user: "u-2d6e80b1".to_owned(),
        seen: "u-2d6e80b1".to_owned(),
        accounts: vec!["acct-14".to_owned(), "acct-77".to_owned()],
        suspended: vec![SuspensionCause::CustomerRequest],
        form_key: "key-of-act".to_owned(),
        typed: Typed {
            missing,
            ..Typed::default()
        },
    };
    view.page(frame(locale, Some(Section::Consents)))
}

fn acts(locale: Locale) -> Page {
    let line = |id: &str, act: &str, subject: Option<&str>, outcome: &str, detail: &str| ActLine {
        id: id.to_owned(),
        at: at("2026-11-22T05:59:01Z"),
        operator: "suzuki".to_owned(),
        via: "console".to_owned(),
        act: act.to_owned(),
        subject_kind: "consent".to_owned(),
        subject_id: subject.map(str::to_owned),
        outcome: outcome.to_owned(),
        detail: detail.to_owned(),
    };
    let view = ActsView {
        lines: vec![
            line(
                "a3",
                "revoke_consent",
                Some(GRANT),
                "done",
                "reason=customer_request",
            ),
            line("a2", "read_consent", Some(GRANT), "done", ""),
            line(
                "a1",
                "search",
                None,
                "done",
                "query=status=live&partner=kantan",
            ),
            line(
                "a0",
                "enter",
                None,
                "refused",
                "method=GET route=/console/banks/{bank}/consents/{grant}/{act}",
            ),
        ],
        next: Some("/console/banks/2963/acts?cursor=x".to_owned()),
        ..ActsView::default()
    };
    view.page(frame(locale, Some(Section::Acts)))
}

fn ended_consent(grant: &str, mail: &str, push: &str) -> EndedConsent {
    EndedConsent {
        grant_id: grant.to_owned(),
        contract: "c-81f0".to_owned(),
        partner: "kantan".to_owned(),
        client: "kantan-client".to_owned(),
        began_at: at("2026-04-01T01:02:03Z"),
        ended_at: at("2026-11-20T05:00:00Z"),
        effective_at: at("2026-11-20T05:00:00Z"),
        status: "revoked".to_owned(),
        by: Some("bank".to_owned()),
        reason: Some("customer_request".to_owned()),
        superseded_by: None,
        actor_kind: "operator".to_owned(),
        actor_id: Some("suzuki".to_owned()),
        causation_id: None,
        event_id: Uuid::nil(),
        mail: mail.to_owned(),
        mail_sent_at: None,
        mail_tries: None,
        kafka: "published".to_owned(),
        poll: "not_polled".to_owned(),
        push: push.to_owned(),
        all_arrived: mail == "sent",
    }
}

fn ended(locale: Locale) -> Page {
    let view = EndedView {
        span: Span::of_days(None, None, day("2026-11-22")),
        partner: None,
        is_outstanding_only: false,
        partners: partners(),
        ended: vec![
            ended_consent(GRANT, "sent", "no_target"),
            ended_consent("0192f0c1-6f4b-7c1e-9d2a-5b7f3a1c8e41", "waiting", "refused"),
        ],
        next: None,
        role: Role::Operator,
    };
    view.page(frame(locale, Some(Section::Revocations)))
}

fn consents(locale: Locale) -> Page {
    let line = |number: i32, status: &str, reason: Option<&str>, suspended: &[&str]| ConsentLine {
        grant_id: format!("0192f0c1-6f4b-7c1e-9d2a-5b7f3a1c8e4{number}"),
        partner: "kantan".to_owned(),
        contract: "c-81f0".to_owned(),
        status: status.to_owned(),
        reason: reason.map(str::to_owned),
        suspended: suspended.iter().map(|cause| (*cause).to_owned()).collect(),
        account_count: number + 1,
        began_at: at("2026-04-01T01:02:03Z"),
        changed_at: at("2026-11-20T05:00:00Z"),
        ends_at: at("2027-04-01T15:00:00Z"),
    };
    let view = SearchView {
        typed: consents_page::Typed {
            partner: Some("kantan".to_owned()),
            ..consents_page::Typed::default()
        },
        partners: partners(),
        unsearchable: None,
        found: vec![
            line(0, "live", None, &[]),
            line(
                1,
                "suspended",
                None,
                &["suspected_fraud", "customer_request"],
            ),
            line(2, "revoked", Some("linked_by_mistake"), &[]),
            line(3, "expired", None, &[]),
            line(4, "live", None, &[]),
        ],
        next: Some("/console/banks/2963/consents?partner=kantan&cursor=1.a".to_owned()),
        query: "partner=kantan".to_owned(),
    };
    view.page(frame(locale, Some(Section::Consents)))
}

fn journeys(locale: Locale) -> Page {
    let line = |number: i64, status: &str, stage: Option<&str>, reason: Option<&str>| JourneyLine {
        journey_id: format!("0192f0c0-aaaa-7c1e-9d2a-5b7f3a1c8e4{number}"),
        partner: "kantan".to_owned(),
        contract: (number > 1).then(|| "c-81f0".to_owned()),
        status: status.to_owned(),
        stage: stage.map(str::to_owned),
        reason: reason.map(str::to_owned),
        grant_id: (status == "authorized").then(|| GRANT.to_owned()),
        began_at: at("2026-11-22T01:02:03Z"),
        changed_at: at("2026-11-22T01:12:03Z"),
    };
    let view = SearchView {
        typed: journeys_page::Typed::default(),
        partners: partners(),
        unsearchable: None,
        found: vec![
            line(0, "in_progress", Some("accounts"), None),
            line(1, "failed", Some("login"), Some("bank_closed")),
            line(2, "timed_out", Some("confirm"), Some("idle")),
            line(3, "authorized", None, None),
        ],
        next: None,
        query: String::new(),
    };
    view.page(frame(locale, Some(Section::Journeys)))
}

fn affected(locale: Locale) -> Page {
    let view = AffectedView {
        span: Span::of_minutes(None, None, at("2026-11-22T06:00:00Z")),
        partner: Some("kantan".to_owned()),
        partners: partners(),
        found: Some(vec![AffectedConsent {
            grant_id: GRANT.to_owned(),
            contract: "c-81f0".to_owned(),
            users: vec!["u-2d6e80b1".to_owned()],
            client: "kantan-client".to_owned(),
            began_at: at("2026-04-01T01:02:03Z"),
            ended_at: None,
            accounts: Vec::new(),
            reads: 12,
            rows: 1_204,
            first_read_at: Some(at("2026-11-22T01:00:04Z")),
            last_read_at: Some(at("2026-11-22T03:00:04Z")),
        }]),
        next: None,
    };
    view.page(frame(locale, Some(Section::Affected)))
}

fn new_bulk(locale: Locale) -> Page {
    let view = NewBulkView {
        partners: partners(),
        form_key: "key-of-bulk".to_owned(),
        typed: TypedBulk {
            problem: Some(BulkProblem::EmptyFilter),
            ..TypedBulk::default()
        },
    };
    view.page(frame(locale, Some(Section::Revocations)))
}

fn entry(locale: Locale, name: &str) -> Page {
    let outside = Frame {
        bank: None,
        section: None,
        ..frame(locale, None)
    };
    let before = Frame {
        signed_in: None,
        ..outside.clone()
    };
    match name {
        "login" => entry_pages::login(before, "key-of-login".to_owned(), None),
        "login-failed" => {
            entry_pages::login(before, "key-of-login".to_owned(), Some(LoginNotice::Failed))
        }
        "not-found" => entry_pages::stop(before, Stop::NotFound),
        _ => {
            let bank = |code: &str, name: &str, role| (code.to_owned(), name.to_owned(), role);
            let banks = [
                bank("2954", "東北労働金庫（法人）", Role::Auditor),
                bank("2963", "中央労働金庫（法人）", Role::Operator),
            ];
            let platform = crate::console::platform_page::PATH;
            entry_pages::banks(outside, &banks, Some(platform))
        }
    }
}

/// Every page, by its language and name.
pub(super) fn pages() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    for locale in Locale::ALL {
        for (name, page) in [
            ("funnel", funnel(locale, Some(busy_funnel()))),
            ("funnel-empty", funnel(locale, Some(Funnel::default()))),
            ("funnel-invalid", funnel(locale, None)),
            ("login", entry(locale, "login")),
            ("login-failed", entry(locale, "login-failed")),
            ("banks", entry(locale, "banks")),
            ("not-found", entry(locale, "not-found")),
            (
                "consent",
                consent(locale, Role::Operator, None, Some("操作を記録しました。")),
            ),
            (
                "consent-auditor",
                consent(locale, Role::Auditor, None, None),
            ),
            (
                "consent-as-of",
                consent(locale, Role::Operator, Some("2026-09-12T03:00:00Z"), None),
            ),
            (
                "consent-before",
                consent(locale, Role::Operator, Some("2026-01-12T03:00:00Z"), None),
            ),
            (
                "act-revoke",
                act(
                    locale,
                    ConsentAct::Revoke,
                    vec![Missing::Reason, Missing::Confirmation],
                ),
            ),
            (
                "act-remove-account",
                act(locale, ConsentAct::RemoveAccount, Vec::new()),
            ),
            ("act-restore", act(locale, ConsentAct::Restore, Vec::new())),
            (
                "act-hand-over",
                act(locale, ConsentAct::HandOver, vec![Missing::UserNotTaking]),
            ),
            ("acts", acts(locale)),
            ("consents", consents(locale)),
            ("journeys", journeys(locale)),
            ("revocations", ended(locale)),
            ("bulk-new", new_bulk(locale)),
            ("affected", affected(locale)),
        ]
        .into_iter()
        .chain(super::partner_examples::pages(locale))
        {
            pages.push((
                format!("{}/console-{name}", locale.tag()),
                page.render().unwrap(),
            ));
        }
    }
    pages
}
