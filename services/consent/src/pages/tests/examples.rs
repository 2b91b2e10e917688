//! The views of the seed's example.

use chrono::{DateTime, NaiveDate, Utc};

use crate::client_certificate::Holder;

use super::super::{
    AccessInView, AccountChoice, AccountHint, AccountsView, AroundPassword, AuthorizeView,
    AuthorizedAccount, Availability, BankContact, CertificateLoginView, CertificatePasswordProblem,
    CertificatePasswordView, ChoiceLimit, ConfirmView, ConfirmedAccount, ContinuedAccount,
    Customer, Deadline, DeadlineKind, DoneView, ErrorKind, ErrorPlace, ErrorView, Extension,
    FormTarget, Forwarding, LinkageChange, Locale, LoginView, NoticeKind, NoticeView, Outcome,
    PartnerName, PartnerRecord, PinField, PinProblem, PinShown, RegistrationStatus,
    RejectionReason, RowChange, Shell, Task, TaskChoice, TasksView, Texts, Tick,
};

pub(super) const JOURNEY: &str = "/2963/journeys/0192f0c1-6f4b-7c1e-9d2a-5b7f3a1c8e40";
pub(super) const MEMO: &str = "口座メモ5678901234567890";

pub(super) fn texts() -> Texts {
    Texts::load(Locale::Ja).unwrap()
}

pub(super) fn english() -> Texts {
    Texts::load(Locale::En).unwrap()
}

pub(super) fn at(time: &str) -> DateTime<Utc> {
    time.parse().unwrap()
}

pub(super) fn form(step: &str) -> FormTarget {
    FormTarget {
        action: format!("{JOURNEY}/{step}"),
        form_key: format!("key-of-{step}"),
    }
}

pub(super) fn bank() -> BankContact {
    BankContact {
        display_name: "中央労働金庫（法人）".to_owned(),
        phone: "0120-000-000".to_owned(),
        hours: "平日 9:00〜17:00".to_owned(),
    }
}

pub(super) fn partner() -> PartnerName {
    PartnerName {
        service_name: "あおぞら会計".to_owned(),
        legal_name: "青空ソフトウェア株式会社".to_owned(),
    }
}

pub(super) fn before_login() -> Shell {
    Shell {
        bank: bank(),
        partner: partner(),
        access: None,
        customer: None,
        deadline: Some(Deadline {
            kind: DeadlineKind::Journey,
            at: at("2026-11-22T01:30:00Z"),
            seconds_left: 3600,
            extension: None,
            after_url: format!("{JOURNEY}/login"),
        }),
        cancel: Some(form("cancel")),
        notices: Vec::new(),
        inquiry_number: "R7K2-94QD".to_owned(),
        address: format!("{JOURNEY}/accounts"),
    }
}

pub(super) fn logged_in() -> Shell {
    Shell {
        customer: Some(Customer {
            login_name: "dantai01".to_owned(),
            contract_name: "さくら労働組合".to_owned(),
        }),
        deadline: Some(Deadline {
            kind: DeadlineKind::Session,
            at: at("2026-11-22T00:42:00Z"),
            seconds_left: 600,
            extension: Some(Extension {
                page_url: format!("{JOURNEY}/accounts"),
                script_url: format!("{JOURNEY}/extend"),
            }),
            after_url: format!("{JOURNEY}/login?m=idle"),
        }),
        access: Some(AccessInView::Chosen(vec![
            Task::Balance,
            Task::Transactions,
        ])),
        ..before_login()
    }
}

pub(super) fn after_the_session() -> Shell {
    Shell {
        deadline: None,
        cancel: None,
        ..before_login()
    }
}

pub(super) fn login() -> LoginView {
    LoginView {
        shell: before_login(),
        form: form("login"),
        certificate_login_url: format!("{JOURNEY}/certificate-login"),
        problems: Vec::new(),
    }
}

pub(super) fn tasks() -> TasksView {
    TasksView {
        shell: logged_in(),
        form: form("tasks"),
        choices: vec![
            TaskChoice {
                task: Task::Balance,
                tick: Tick::Ticked,
            },
            TaskChoice {
                task: Task::Transactions,
                tick: Tick::Ticked,
            },
        ],
        problem: None,
    }
}

struct Account {
    reference: &'static str,
    account: &'static str,
    memo: Option<&'static str>,
}

const ACCOUNTS: [Account; 4] = [
    Account {
        reference: "a1",
        account: "インターネット支店(000) 普通 5000000",
        memo: Some(MEMO),
    },
    Account {
        reference: "a2",
        account: "インターネット支店(000) 普通 1111111",
        memo: None,
    },
    Account {
        reference: "a3",
        account: "インターネット支店(000) 普通 9999999",
        memo: None,
    },
    Account {
        reference: "a4",
        account: "豊後支店(490) 普通 1000014",
        memo: Some(MEMO),
    },
];

pub(super) fn accounts() -> AccountsView {
    use RegistrationStatus::{InThisLinkage, Registered, Unregistered};
    use Tick::{Ticked, Unticked};
    let as_sent = [
        (Unregistered, Ticked),
        (Unregistered, Ticked),
        (Registered, Unticked),
        (InThisLinkage, Ticked),
    ];
    let rows = ACCOUNTS
        .iter()
        .zip(as_sent)
        .map(|(account, (status, tick))| AccountChoice {
            reference: account.reference.to_owned(),
            status,
            account: account.account.to_owned(),
            memo: account.memo.map(str::to_owned),
            tick,
            availability: Availability::Selectable,
            pin: PinField::Asked,
            hints: if status == Registered {
                vec![AccountHint::LinkedElsewhere]
            } else {
                Vec::new()
            },
            problem: None,
        });
    AccountsView {
        shell: logged_in(),
        form: form("accounts"),
        rows: rows.collect(),
        limit: ChoiceLimit::None,
        problem: None,
        tasks_url: format!("{JOURNEY}/tasks"),
    }
}

pub(super) fn accounts_with_problems() -> AccountsView {
    let mut view = accounts();
    view.rows[0].problem = Some(PinProblem::Missing);
    view.rows[1].problem = Some(PinProblem::Malformed);
    view.rows[2].hints = vec![
        AccountHint::LinkedElsewhere,
        AccountHint::TasksUnavailable(vec![Task::Transactions]),
    ];
    view.rows[3].availability = Availability::Unavailable;
    view.rows[3].tick = Tick::Unticked;
    view.rows[3].hints = vec![AccountHint::PinLocked];
    view
}

/// To a linkage of the last account something is added; the first two of it stay as they are.
pub(super) fn accounts_adding() -> AccountsView {
    let mut view = accounts();
    view.limit = ChoiceLimit::OnlyAdds;
    for (row, pin, hint) in [
        (
            2,
            PinField::ForMore,
            AccountHint::KeptAddable(vec![Task::Transactions]),
        ),
        (3, PinField::NotAsked, AccountHint::Kept),
    ] {
        view.rows[row].status = RegistrationStatus::InThisLinkage;
        view.rows[row].tick = Tick::Ticked;
        view.rows[row].availability = Availability::Kept;
        view.rows[row].pin = pin;
        view.rows[row].hints = vec![hint];
    }
    view
}

pub(super) fn confirm() -> ConfirmView {
    use RegistrationStatus::{InThisLinkage, Registered, Unregistered};
    let outcomes = [
        (InThisLinkage, None),
        (Unregistered, Some(RejectionReason::PinMismatch)),
        (Registered, None),
        (InThisLinkage, None),
    ];
    let rows = ACCOUNTS
        .iter()
        .zip(outcomes)
        .map(|(account, (status, rejection))| ConfirmedAccount {
            reference: account.reference.to_owned(),
            status,
            account: account.account.to_owned(),
            memo: account.memo.map(str::to_owned),
            rejection,
            pin: if status == InThisLinkage {
                PinShown::Typed
            } else {
                PinShown::NotTyped
            },
            change: RowChange::Unchanged,
            hints: if status == Registered {
                vec![AccountHint::LinkedElsewhere]
            } else {
                Vec::new()
            },
        });
    ConfirmView {
        shell: logged_in(),
        form: Some(form("confirm")),
        revision: 3,
        rows: rows.collect(),
        accounts_url: format!("{JOURNEY}/accounts"),
    }
}

pub(super) fn authorize() -> AuthorizeView {
    let both = vec![Task::Balance, Task::Transactions];
    AuthorizeView {
        shell: logged_in(),
        form: form("authorize"),
        decline: form("decline"),
        revision: 3,
        partner: PartnerRecord {
            legal_name: partner().legal_name,
            service_name: partner().service_name,
            registration_number: "関東財務局長（電代）第999号".to_owned(),
            complaint_contact: "お客様相談室　電話番号 03-0000-0000（平日 10:00〜17:00）"
                .to_owned(),
            onward_recipients: vec!["青空クラウド株式会社（データの保管）".to_owned()],
        },
        tasks: both.clone(),
        accounts: vec![
            AuthorizedAccount {
                account: "インターネット支店(000) 普通 5000000".to_owned(),
                memo: Some(MEMO.to_owned()),
                tasks: both.clone(),
            },
            AuthorizedAccount {
                account: "豊後支店(490) 普通 1000014".to_owned(),
                memo: Some(MEMO.to_owned()),
                tasks: both,
            },
        ],
        history_from: NaiveDate::from_ymd_opt(2026, 1, 1),
        valid_until: at("2027-03-31T14:59:59Z"),
        change: LinkageChange::Makes,
        continued: Vec::new(),
        superseded: Vec::new(),
        terms_version: "第3版".to_owned(),
        linkages_url: "https://consent.example/2963/linkages".to_owned(),
        accounts_url: format!("{JOURNEY}/accounts"),
        problem: None,
    }
}

pub(super) fn authorize_amending() -> AuthorizeView {
    AuthorizeView {
        change: LinkageChange::Amends {
            added: vec!["インターネット支店(000) 普通 5000000".to_owned()],
            removed: vec!["インターネット支店(000) 普通 9999999".to_owned()],
        },
        superseded: vec!["あおぞら経費（2026年4月1日に許可）".to_owned()],
        ..authorize()
    }
}

/// A linkage that has been read goes on; some days are lost.
pub(super) fn authorize_renewing() -> AuthorizeView {
    AuthorizeView {
        change: LinkageChange::Amends {
            added: Vec::new(),
            removed: Vec::new(),
        },
        continued: vec![ContinuedAccount {
            account: "豊後支店(490) 普通 1000014".to_owned(),
            from: NaiveDate::from_ymd_opt(2026, 4, 1).unwrap(),
            lost: NaiveDate::from_ymd_opt(2026, 3, 11).zip(NaiveDate::from_ymd_opt(2026, 3, 31)),
        }],
        ..authorize()
    }
}

/// Accounts are added to a linkage.
pub(super) fn authorize_adding() -> AuthorizeView {
    AuthorizeView {
        change: LinkageChange::Adds {
            added: vec!["豊後支店(490) 普通 1000014".to_owned()],
        },
        ..authorize()
    }
}

pub(super) fn done() -> DoneView {
    DoneView {
        shell: after_the_session(),
        outcome: Outcome::Authorized,
        continue_url: "http://localhost:8000/callback?code=c&state=s&iss=http%3A%2F%2F127.0.0.1"
            .to_owned(),
        linkages_url: Some("/2963/linkages".to_owned()),
        forwarding: Forwarding::Immediate,
    }
}

pub(super) fn certificate_login() -> CertificateLoginView {
    CertificateLoginView {
        shell: before_login(),
        login_url: format!("{JOURNEY}/login"),
    }
}

pub(super) fn certificate_password() -> CertificatePasswordView {
    CertificatePasswordView {
        around: AroundPassword::Journey(Shell {
            cancel: None,
            deadline: None,
            ..before_login()
        }),
        holder: Holder {
            name: "dantai03".to_owned(),
            organization: Some("見本教職員組合".to_owned()),
            issuer: "中央労働金庫 電子証明書認証局".to_owned(),
            valid_until: "2027-03-31T14:59:59Z".parse().unwrap(),
        },
        form: FormTarget {
            action: format!("{JOURNEY}/certificate?ticket=1"),
            form_key: "key-of-certificate".to_owned(),
        },
        login_url: format!("https://consent.example{JOURNEY}/login"),
        problem: None,
    }
}

pub(super) fn notice(kind: NoticeKind) -> NoticeView {
    NoticeView {
        shell: after_the_session(),
        kind,
        link: Some(format!("{JOURNEY}/login")),
    }
}

pub(super) const ERRORS: [ErrorKind; 23] = [
    ErrorKind::InvalidRequest,
    ErrorKind::RequestExpired,
    ErrorKind::PartnerNotAvailable,
    ErrorKind::LinkageNotAvailable,
    ErrorKind::LinkingPaused,
    ErrorKind::LoginNotEntitled,
    ErrorKind::JourneyNotFound,
    ErrorKind::JourneyTimedOut,
    ErrorKind::JourneyEnded,
    ErrorKind::FormNotAccepted,
    ErrorKind::CookiesRequired,
    ErrorKind::CertificateNotConfirmed,
    ErrorKind::CertificateLoginExpired,
    ErrorKind::LinkageNotFound,
    ErrorKind::ActNotAllowed,
    ErrorKind::NoAccount,
    ErrorKind::TooManyRequests,
    ErrorKind::BankClosed { reopens_at: None },
    ErrorKind::BankMaintenance { reopens_at: None },
    ErrorKind::BankUnavailable,
    ErrorKind::ServiceUnavailable,
    ErrorKind::Internal,
    ErrorKind::NotFound,
];

pub(super) fn error(kind: ErrorKind) -> ErrorView {
    ErrorView {
        kind,
        bank: Some(bank()),
        partner: Some(partner()),
        inquiry_number: "R7K2-94QD".to_owned(),
        partner_url: Some(
            "http://localhost:8000/callback?error=temporarily_unavailable".to_owned(),
        ),
        login_url: Some(format!("{JOURNEY}/login")),
        place: ErrorPlace::Journey,
        address: format!("{JOURNEY}/login"),
    }
}

/// Every page in every language, by language and name.
pub(super) fn pages_in_both() -> Vec<(String, String)> {
    let of = |locale: Locale| {
        let pages = pages(&Texts::load(locale).unwrap());
        pages
            .into_iter()
            .map(move |(name, html)| (format!("{}/{name}", locale.tag()), html))
    };
    Locale::ALL.into_iter().flat_map(of).collect()
}

/// Every page, some of them in several states, by name.
pub(super) fn pages(texts: &Texts) -> Vec<(String, String)> {
    use super::super::{AccountsProblem, AuthorizeProblem, LoginProblem, Notice, TasksProblem};
    let mut pages = Vec::new();
    let mut add = |name: &str, html: String| pages.push((name.to_owned(), html));

    add("login", login().render(texts).unwrap());
    let problems = vec![LoginProblem::LoginIdMissing, LoginProblem::PasswordMissing];
    add(
        "login-missing",
        LoginView {
            problems,
            ..login()
        }
        .render(texts)
        .unwrap(),
    );
    let problems = vec![LoginProblem::Rejected];
    add(
        "login-rejected",
        LoginView {
            problems,
            ..login()
        }
        .render(texts)
        .unwrap(),
    );
    let problems = vec![LoginProblem::Locked { minutes: 15 }];
    add(
        "login-locked",
        LoginView {
            problems,
            ..login()
        }
        .render(texts)
        .unwrap(),
    );

    add("tasks", tasks().render(texts).unwrap());
    let mut none = TasksView {
        problem: Some(TasksProblem::NoneSelected),
        ..tasks()
    };
    none.choices
        .iter_mut()
        .for_each(|choice| choice.tick = Tick::Unticked);
    add("tasks-none", none.render(texts).unwrap());

    add("accounts", accounts().render(texts).unwrap());
    add(
        "accounts-problems",
        accounts_with_problems().render(texts).unwrap(),
    );
    add("accounts-adding", accounts_adding().render(texts).unwrap());
    let mut none = AccountsView {
        problem: Some(AccountsProblem::NoneSelected),
        ..accounts()
    };
    none.shell.notices = vec![Notice::Resumed];
    add("accounts-none", none.render(texts).unwrap());

    add("confirm", confirm().render(texts).unwrap());
    let mut changed = confirm();
    changed.rows[1].rejection = None;
    changed.rows[2].status = RegistrationStatus::InThisLinkage;
    changed.rows[2].change = RowChange::Changed;
    changed.shell.notices = vec![Notice::SelectionChanged];
    add("confirm-changed", changed.render(texts).unwrap());
    let mut nothing = ConfirmView {
        form: None,
        ..confirm()
    };
    nothing
        .rows
        .iter_mut()
        .for_each(|row| row.status = RegistrationStatus::Unregistered);
    nothing.shell.notices = vec![Notice::AlreadySent];
    add("confirm-nothing", nothing.render(texts).unwrap());

    add("authorize", authorize().render(texts).unwrap());
    let mut near = tasks();
    near.shell.access = Some(AccessInView::Asked(vec![Task::Balance, Task::Transactions]));
    near.shell.deadline = before_login().deadline;
    near.shell.notices = vec![Notice::DeadlineNear { minutes: 2 }];
    add("tasks-asked", near.render(texts).unwrap());
    let mut ahead = tasks();
    ahead.shell.notices = vec![Notice::MaintenanceAhead {
        from: at("2026-11-22T15:00:00Z"),
        until: Some(at("2026-11-22T21:30:00Z")),
    }];
    add("tasks-maintenance-ahead", ahead.render(texts).unwrap());
    ahead.shell.notices = vec![Notice::MaintenanceAhead {
        from: at("2026-11-22T15:00:00Z"),
        until: None,
    }];
    add("tasks-maintenance-open", ahead.render(texts).unwrap());
    add(
        "authorize-amending",
        authorize_amending().render(texts).unwrap(),
    );
    add(
        "authorize-renewing",
        authorize_renewing().render(texts).unwrap(),
    );
    add(
        "authorize-adding",
        authorize_adding().render(texts).unwrap(),
    );
    let problem = Some(AuthorizeProblem::NotAgreed);
    add(
        "authorize-not-agreed",
        AuthorizeView {
            problem,
            ..authorize()
        }
        .render(texts)
        .unwrap(),
    );

    add("done", done().render(texts).unwrap());
    let outcome = Outcome::TimedOut;
    let timed_out = DoneView {
        outcome,
        linkages_url: None,
        forwarding: Forwarding::OnClick,
        ..done()
    };
    add("done-timed-out", timed_out.render(texts).unwrap());

    add(
        "certificate-login",
        certificate_login().render(texts).unwrap(),
    );
    add(
        "certificate-password",
        certificate_password().render(texts).unwrap(),
    );
    let wrong = CertificatePasswordView {
        problem: Some(CertificatePasswordProblem::Rejected),
        ..certificate_password()
    };
    add("certificate-password-wrong", wrong.render(texts).unwrap());
    let missing = CertificatePasswordView {
        problem: Some(CertificatePasswordProblem::PasswordMissing),
        ..certificate_password()
    };
    add(
        "certificate-password-missing",
        missing.render(texts).unwrap(),
    );
    add(
        "already-sent",
        notice(NoticeKind::AlreadySent).render(texts).unwrap(),
    );
    add(
        "session-ended",
        notice(NoticeKind::SessionEnded).render(texts).unwrap(),
    );
    let completed = NoticeView {
        link: None,
        ..notice(NoticeKind::Completed)
    };
    add("completed", completed.render(texts).unwrap());

    for kind in ERRORS {
        add(
            &format!("error-{}", kind.code()),
            error(kind).render(texts).unwrap(),
        );
    }
    let reopens_at = Some(at("2026-11-23T22:00:00Z"));
    add(
        "error-reopens",
        error(ErrorKind::BankClosed { reopens_at })
            .render(texts)
            .unwrap(),
    );
    let bare = ErrorView {
        bank: None,
        partner: None,
        partner_url: None,
        login_url: None,
        ..error(ErrorKind::NotFound)
    };
    add("error-bare", bare.render(texts).unwrap());
    pages.extend(super::linkages::pages(texts));
    pages
}
