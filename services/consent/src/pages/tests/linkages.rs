//! The customer's own pages: their examples, and what they say.

use chrono::NaiveDate;
use consent_domain::{
    AccountId, ClientId, ContractId, GrantId, JourneyId, PartnerId, UserId,
    consent::{ConsentEvent, GrantTerms, Place, RemovalReason, RevocationReason, RevokedBy},
    scope::{Scope, ScopePair},
    suspension::SuspensionCause,
};

use super::super::{
    AccountInLinkage, AccountName, AccountNames, AnsweredBy, AroundPassword, ByJourney,
    CertificatePasswordProblem, CertificatePasswordView, Continuation, Customer, Deadline,
    DeadlineKind, EndLinkageView, ErrorKind, ErrorPlace, ErrorView, Extension, FactNames,
    FormTarget, HistoryLine, LastRead, LinkageActs, LinkageInView, LinkageStatus, LinkageView,
    LinkagesFrame, LinkagesLoginView, LinkagesNotice, LinkagesView, LoginProblem, Lost,
    PartnerRecord, Pause, ReadInView, ReadWhat, RemoveAccountView, RenewAct, RenewLinkageView,
    TakeOverView, Task, Texts, renewal_text,
};
use super::document::Document;
use super::examples::{MEMO, at, bank, certificate_password, english, error, texts};

const LINKAGES: &str = "/2963/linkages";
const FIRST: &str = "インターネット支店(000) 普通 5000000";
const GRANT: &str = "5f0c2f5e-58a2-4b7c-9c7a-2b1d7b0f6a11";

fn form(page: &str) -> FormTarget {
    FormTarget {
        action: format!("{LINKAGES}/{page}"),
        form_key: format!("key-of-{page}"),
    }
}

fn before_login() -> LinkagesFrame {
    LinkagesFrame {
        bank: bank(),
        customer: None,
        deadline: None,
        logout: None,
        notices: Vec::new(),
        inquiry_number: "R7K2-94QD".to_owned(),
        address: LINKAGES.to_owned(),
    }
}

fn logged_in() -> LinkagesFrame {
    LinkagesFrame {
        customer: Some(Customer {
            login_name: "dantai01".to_owned(),
            contract_name: "さくら労働組合".to_owned(),
        }),
        deadline: Some(Deadline {
            kind: DeadlineKind::Session,
            at: at("2026-11-22T00:42:00Z"),
            seconds_left: 600,
            extension: Some(Extension {
                page_url: LINKAGES.to_owned(),
                script_url: format!("{LINKAGES}/extend"),
            }),
            after_url: format!("{LINKAGES}/login?m=idle"),
        }),
        logout: Some(form("logout")),
        ..before_login()
    }
}

fn account(reference: &str, name: AccountName, tasks: &[Task]) -> AccountInLinkage {
    AccountInLinkage {
        reference: reference.to_owned(),
        last_read: Some(LastRead {
            at: at("2026-11-21T21:04:00Z"),
            reads: 214,
        }),
        memo: matches!(name, AccountName::Shown(_)).then(|| MEMO.to_owned()),
        name,
        tasks: tasks.to_vec(),
    }
}

fn linkage() -> LinkageInView {
    let both = [Task::Balance, Task::Transactions];
    let shown = |label: &str| AccountName::Shown(label.to_owned());
    LinkageInView {
        reference: GRANT.to_owned(),
        url: format!("{LINKAGES}/{GRANT}"),
        partner: PartnerRecord {
            legal_name: "青空ソフトウェア株式会社".to_owned(),
            service_name: "あおぞら会計".to_owned(),
            registration_number: "関東財務局長（電代）第999号".to_owned(),
            complaint_contact: "お客様相談室　電話番号 03-0000-0000（平日 10:00〜17:00）"
                .to_owned(),
            onward_recipients: vec!["青空クラウド株式会社（データの保管）".to_owned()],
        },
        accounts: vec![
            account("a1", shown(FIRST), &both),
            account("a4", shown("豊後支店(490) 普通 1000014"), &both[..1]),
        ],
        history_from: None,
        since: at("2026-04-01T01:23:00Z"),
        until: at("2027-03-31T14:59:00Z"),
        status: LinkageStatus::Live,
        answered_by: AnsweredBy::You("dantai01".to_owned()),
        last_read: Some(LastRead {
            at: at("2026-11-21T21:04:00Z"),
            reads: 428,
        }),
    }
}

fn paused() -> LinkageInView {
    LinkageInView {
        reference: GRANT.replace("5f", "6a"),
        status: LinkageStatus::Paused(vec![
            Pause::Linkage(SuspensionCause::UserRemoved),
            Pause::Partner(SuspensionCause::SecurityIncident),
        ]),
        answered_by: AnsweredBy::Left("u-b7194fca".to_owned()),
        last_read: None,
        accounts: vec![
            account("a1", AccountName::Shown(FIRST.to_owned()), &[Task::Balance]),
            account("a3", AccountName::NotVisible, &[Task::Balance]),
        ],
        ..linkage()
    }
}

fn ended() -> LinkageInView {
    LinkageInView {
        reference: GRANT.replace("5f", "7b"),
        status: LinkageStatus::Revoked {
            at: at("2026-10-01T02:03:00Z"),
            by: RevokedBy::Customer,
            reason: RevocationReason::CustomerRequest,
        },
        answered_by: AnsweredBy::Another("u-b7194fca".to_owned()),
        ..linkage()
    }
}

fn list() -> LinkagesView {
    LinkagesView {
        frame: logged_in(),
        live: vec![
            LinkageInView {
                reference: GRANT.replace("5f", "8c"),
                status: LinkageStatus::EndsSoon { days: 14 },
                ..linkage()
            },
            linkage(),
            paused(),
        ],
        ended: vec![ended()],
        ended_months: 12,
        names: AccountNames::Known,
    }
}

fn one(linkage: LinkageInView) -> LinkageView {
    let url = linkage.url.clone();
    let remove = linkage.accounts.iter().map(|account| {
        let reference = account.reference.clone();
        (reference.clone(), format!("{url}/remove/{reference}"))
    });
    LinkageView {
        frame: logged_in(),
        acts: LinkageActs {
            end: Some(format!("{url}/end")),
            renew: RenewAct::Here(format!("{url}/renew")),
            take_over: None,
            remove: remove.collect(),
        },
        linkage,
        names: AccountNames::Known,
        continuations: Vec::new(),
        history: vec![line("2026-04-01T01:25:00Z", "dantai01")],
        reads: vec![
            ReadInView {
                at: at("2026-11-21T21:04:00Z"),
                what: ReadWhat::Transactions,
                account: Some(AccountName::Shown(FIRST.to_owned())),
                days: Some((day("2026-11-01"), day("2026-11-21"))),
                rows: 37,
            },
            ReadInView {
                at: at("2026-11-21T21:03:00Z"),
                what: ReadWhat::Balance,
                account: Some(AccountName::NotVisible),
                days: None,
                rows: 1,
            },
            ReadInView {
                at: at("2026-11-21T21:03:00Z"),
                what: ReadWhat::Accounts,
                account: None,
                days: None,
                rows: 2,
            },
        ],
        list_url: LINKAGES.to_owned(),
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A line of history; names stay Japanese on English pages, so the examples have none of ours.
fn line(time: &str, text: &str) -> HistoryLine {
    HistoryLine {
        at: at(time),
        text: text.to_owned(),
        by: "dantai01".to_owned(),
    }
}

/// Every fact of a consent, one after the other.
fn facts() -> Vec<ConsentEvent> {
    let journey = JourneyId::parse("journey").unwrap();
    let (user, other) = (UserId::parse("u-1").unwrap(), UserId::parse("u-2").unwrap());
    let account = AccountId::parse("a1").unwrap();
    let pair = ScopePair {
        account: account.clone(),
        task: consent_domain::scope::Task::Balance,
    };
    let terms = GrantTerms {
        given_under: None,
        contract: ContractId::parse("c-1").unwrap(),
        user: user.clone(),
        client: ClientId::parse("aozora").unwrap(),
        partner: PartnerId::parse("p-1").unwrap(),
        scope: Scope::from_iter([pair]),
        history_from: None,
        valid_from: at("2026-04-01T01:23:00Z"),
        valid_until: at("2027-03-31T15:00:00Z"),
    };
    let (by, cause) = (RevokedBy::Customer, SuspensionCause::UserRemoved);
    let valid_until = at("2027-11-21T15:00:00Z");
    vec![
        ConsentEvent::AccessGranted {
            journey: journey.clone(),
            terms: terms.clone(),
            place: Place::Default,
        },
        ConsentEvent::PartnerConnected {
            journey: journey.clone(),
        },
        ConsentEvent::AccessAmended { journey, terms },
        ConsentEvent::AccountRemoved {
            account,
            by,
            reason: RemovalReason::NoLongerNeeded,
        },
        ConsentEvent::AccessSuspended { cause },
        ConsentEvent::HandedOver {
            from_user: other,
            to_user: user.clone(),
        },
        ConsentEvent::AccessRestored { cause },
        ConsentEvent::ExpiryWarned {
            days_left: 30,
            valid_until,
        },
        ConsentEvent::AccessRenewed {
            journey: None,
            user,
            valid_from: at("2026-11-22T01:23:00Z"),
            valid_until,
            continue_from: [].into(),
            shown: None,
        },
        ConsentEvent::AccessRevoked {
            by,
            reason: RevocationReason::CustomerRequest,
        },
        ConsentEvent::AccessExpired {
            effective_at: valid_until,
        },
        ConsentEvent::AccessSuperseded {
            by: GrantId::parse(GRANT).unwrap(),
            by_client: None,
        },
    ]
}

/// The facts as the page of a linkage tells them.
fn history(texts: &Texts) -> Vec<HistoryLine> {
    let names = FactNames {
        partner: "青空ソフトウェア株式会社",
        account: &|_| FIRST.to_owned(),
        user: &|user| user.to_string(),
    };
    let facts = facts();
    let lines = facts
        .iter()
        .map(|fact| line("2026-04-01T01:25:00Z", &texts.fact(fact, &names)));
    lines.collect()
}

fn continuations() -> Vec<Continuation> {
    let named = |name: &str| AccountName::Shown(name.to_owned());
    vec![
        Continuation {
            name: named(FIRST),
            from: Some(day("2026-11-21")),
            lost: None,
        },
        Continuation {
            name: named("豊後支店(490) 普通 1000014"),
            from: Some(day("2026-09-11")),
            lost: Some(Lost {
                from: day("2026-09-11"),
                to: day("2026-09-30"),
                days: 20,
            }),
        },
        Continuation {
            name: AccountName::NotVisible,
            from: None,
            lost: None,
        },
    ]
}

fn renew() -> RenewLinkageView {
    RenewLinkageView {
        frame: logged_in(),
        linkage: linkage(),
        new_until: at("2027-11-22T14:59:00Z"),
        continuations: continuations(),
        terms_version: "第3版".to_owned(),
        form: form(&format!("{GRANT}/renew")),
        back_url: format!("{LINKAGES}/{GRANT}"),
    }
}

fn remove() -> RemoveAccountView {
    RemoveAccountView {
        frame: logged_in(),
        linkage: linkage(),
        account: AccountName::Shown(FIRST.to_owned()),
        form: form(&format!("{GRANT}/remove/a1")),
        back_url: format!("{LINKAGES}/{GRANT}"),
    }
}

fn take_over() -> TakeOverView {
    TakeOverView {
        frame: logged_in(),
        linkage: paused(),
        form: form(&format!("{GRANT}/take-over")),
        back_url: format!("{LINKAGES}/{GRANT}"),
    }
}

fn end() -> EndLinkageView {
    EndLinkageView {
        frame: logged_in(),
        linkage: linkage(),
        form: form(&format!("{GRANT}/end")),
        back_url: format!("{LINKAGES}/{GRANT}"),
    }
}

fn login(problem: Option<LoginProblem>) -> LinkagesLoginView {
    LinkagesLoginView {
        frame: before_login(),
        form: form("login"),
        certificate_login_url: None,
        problems: problem.into_iter().collect(),
    }
}

/// Where the bank has 電子証明書ログイン here.
fn login_with_certificates(problem: Option<LoginProblem>) -> LinkagesLoginView {
    LinkagesLoginView {
        certificate_login_url: Some(format!("{LINKAGES}/certificate-login")),
        ..login(problem)
    }
}

/// The page of the certificate login's host.
fn password(problem: Option<CertificatePasswordProblem>) -> CertificatePasswordView {
    CertificatePasswordView {
        around: AroundPassword::Linkages(before_login()),
        form: form("certificate?ticket=1"),
        login_url: format!("https://consent.example{LINKAGES}/login"),
        problem,
        ..certificate_password()
    }
}

/// Every page of these, some in several states, by name.
pub(super) fn pages(texts: &Texts) -> Vec<(String, String)> {
    let mut pages = Vec::new();
    let mut add = |name: &str, html: Result<String, _>| {
        let html: Result<String, super::super::RenderError> = html;
        pages.push((format!("linkages-{name}"), html.unwrap()));
    };
    add("login", login(None).render(texts));
    for (name, problem) in [
        ("login-missing", LoginProblem::LoginIdMissing),
        ("login-rejected", LoginProblem::Rejected),
        ("login-certificate", LoginProblem::CertificateRequired),
    ] {
        add(name, login(Some(problem)).render(texts));
    }
    let offered = login_with_certificates(None);
    add("login-with-certificates", offered.render(texts));
    let required = login_with_certificates(Some(LoginProblem::CertificateRequired));
    add("login-certificate-required", required.render(texts));
    add("certificate-password", password(None).render(texts));
    let not_allowed = CertificatePasswordProblem::CertificateNotAllowed;
    add(
        "certificate-not-allowed",
        password(Some(not_allowed)).render(texts),
    );
    let mut out = login(None);
    out.frame.notices = vec![LinkagesNotice::LoggedOut];
    add("logged-out", out.render(texts));
    add("list", list().render(texts));
    let none = LinkagesView {
        live: Vec::new(),
        ended: Vec::new(),
        ..list()
    };
    add("list-none", none.render(texts));
    let mut unknown = list();
    unknown.names = AccountNames::Unknown;
    unknown.ended.clear();
    unknown.live.truncate(1);
    unknown.live[0].accounts[0].name = AccountName::NotKnown;
    add("list-names-unknown", unknown.render(texts));
    let mut whole = one(linkage());
    whole.history = history(texts);
    add("one", whole.render(texts));
    let mut elsewhere = one(linkage());
    elsewhere.acts.renew = RenewAct::AtService(ByJourney::TermsChanged);
    elsewhere.history = history(texts);
    elsewhere.frame.notices = vec![LinkagesNotice::Renewed];
    add("one-renew-at-service", elsewhere.render(texts));
    let mut left = one(paused());
    left.acts.take_over = Some(format!("{LINKAGES}/{GRANT}/take-over"));
    left.acts.renew = RenewAct::None;
    left.acts.remove.remove("a3");
    left.history = history(texts);
    add("one-user-left", left.render(texts));
    let mut stopped = one(paused());
    stopped.acts = LinkageActs::default();
    stopped.names = AccountNames::Unknown;
    stopped.history.clear();
    stopped.reads.clear();
    add("one-paused", stopped.render(texts));
    let mut over = one(ended());
    over.acts = LinkageActs::default();
    over.history = history(texts);
    over.continuations = continuations();
    over.frame.notices = vec![LinkagesNotice::Ended];
    add("one-ended", over.render(texts));
    add("end", end().render(texts));
    add("renew", renew().render(texts));
    add("remove", remove().render(texts));
    let mut last = remove();
    last.linkage.accounts.truncate(1);
    add("remove-last", last.render(texts));
    add("take-over", take_over().render(texts));
    for kind in [
        ErrorKind::LinkageNotFound,
        ErrorKind::BankUnavailable,
        ErrorKind::CookiesRequired,
        ErrorKind::CertificateNotConfirmed,
        ErrorKind::CertificateLoginExpired,
    ] {
        let page = ErrorView {
            place: ErrorPlace::Linkages(LINKAGES.to_owned()),
            partner: None,
            partner_url: None,
            login_url: None,
            address: LINKAGES.to_owned(),
            ..error(kind)
        };
        add(&format!("error-{}", kind.code()), page.render(texts));
    }
    pages
}

#[test]
fn every_cause_and_every_reason_has_words_of_its_own_in_both_languages() {
    for texts in [texts(), english()] {
        let said = |status: LinkageStatus| {
            let page = one(LinkageInView {
                status,
                ..linkage()
            });
            let page = Document::of(&page.render(&texts).unwrap());
            let lines = page.all(".status-line").into_iter();
            lines.map(super::document::text).collect::<String>()
        };
        let causes: std::collections::BTreeSet<String> = SuspensionCause::ALL
            .into_iter()
            .map(|cause| said(LinkageStatus::Paused(vec![Pause::Linkage(cause)])))
            .collect();
        assert_eq!(causes.len(), SuspensionCause::ALL.len());
        let reasons: std::collections::BTreeSet<String> = RevocationReason::ALL
            .into_iter()
            .map(|reason| {
                said(LinkageStatus::Revoked {
                    at: at("2026-10-01T02:03:00Z"),
                    by: RevokedBy::Bank,
                    reason,
                })
            })
            .collect();
        assert_eq!(reasons.len(), RevocationReason::ALL.len());
    }
}

#[test]
fn the_end_is_said_in_japan_time_and_so_are_all_levels_of_a_pause() {
    let page = Document::of(&one(linkage()).render(&texts()).unwrap());
    let facts = page.text("section.linkage dl");
    assert!(
        facts.contains("2027年3月31日 23:59（日本時間）まで"),
        "{facts}"
    );
    assert!(facts.contains("2026年4月1日 10:23（日本時間）"), "{facts}");
    let page = Document::of(&one(paused()).render(&texts()).unwrap());
    let said = page.text("section.linkage");
    for word in [
        "停止中",
        "団体の利用者ではなくなった",
        "セキュリティ上の問題",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
}

#[test]
fn before_the_end_the_page_says_what_it_does_and_does_not_do() {
    let page = Document::of(&end().render(&texts()).unwrap());
    let effects = page.text("#effects");
    for word in [
        "直ちに停止",
        "残ります",
        "03-0000-0000",
        "登録状況",
        "取り消せません",
    ] {
        assert!(effects.contains(word), "{word}: {effects}");
    }
    let key = "form#end-form input[name=form_key]";
    assert_eq!(page.attribute(key, "value"), format!("key-of-{GRANT}/end"));
    assert_eq!(
        page.attribute("a#back", "href"),
        format!("{LINKAGES}/{GRANT}")
    );
}

#[test]
fn a_hostile_name_stays_text_here_too() {
    let hostile = "\"><script>alert(1)</script>{bank}<b title='x";
    let mut page = list();
    page.live.truncate(1);
    page.live[0].partner.service_name = hostile.to_owned();
    page.live[0].partner.legal_name = hostile.to_owned();
    page.live[0].accounts[0].name = AccountName::Shown(hostile.to_owned());
    let html = page.render(&texts()).unwrap();
    let page = Document::of(&html);
    assert!(!page.has("script:not([src])") && !page.has("b"));
    assert!(page.text("html").contains(hostile));
}

#[test]
fn every_fact_has_a_sentence_of_its_own_without_an_open_place() {
    for texts in [texts(), english()] {
        let told = history(&texts);
        let sentences: std::collections::BTreeSet<&str> =
            told.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(sentences.len(), facts().len());
        for sentence in sentences {
            assert!(!sentence.contains(['{', '}']), "{sentence}");
        }
    }
}

#[test]
fn a_renewal_states_the_new_end_the_days_that_are_lost_and_all_that_stays() {
    let page = Document::of(&renew().render(&texts()).unwrap());
    let said = page.text("section.consent");
    for words in [
        "2027年11月22日 23:59（日本時間）まで",
        "2027年3月31日 23:59（日本時間）まで",
        "2026年11月21日の取引から",
        "2026年9月11日から2026年9月30日まで（20日間）の明細は",
        "照会権限のない口座",
        "API連携サービス利用規定（第3版）",
        "青空クラウド株式会社",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!page.has("input[type=password]"), "no PIN is asked for");
    // What is kept as evidence is what the page says.
    for line in renewal_text(&renew(), &texts()).lines() {
        let shown = page.text("body").replace('\n', "");
        assert!(shown.contains(line), "{line}");
    }
}

#[test]
fn the_last_account_is_said_to_end_the_linkage() {
    let page = |accounts: usize| {
        let mut view = remove();
        view.linkage.accounts.truncate(accounts);
        Document::of(&view.render(&texts()).unwrap())
    };
    assert!(page(1).text(".lead").contains("連携は終了します"));
    assert_eq!(
        page(1).text("#remove-submit"),
        "連携から外し、連携を終了する"
    );
    assert!(!page(2).text(".lead").contains("終了"));
}
