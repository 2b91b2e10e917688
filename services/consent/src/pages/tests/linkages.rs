//! The customer's own pages: their examples, and what they say.

use consent_domain::{
    consent::{RevocationReason, RevokedBy},
    suspension::SuspensionCause,
};

use super::super::{
    AccountInLinkage, AccountName, AccountNames, AnsweredBy, Customer, Deadline, DeadlineKind,
    EndLinkageView, ErrorKind, ErrorPlace, ErrorView, Extension, FormTarget, LinkageActs,
    LinkageInView, LinkageStatus, LinkageView, LinkagesFrame, LinkagesLoginView, LinkagesNotice,
    LinkagesView, LoginProblem, PartnerRecord, Pause, Task, Texts,
};
use super::document::Document;
use super::examples::{MEMO, at, bank, english, error, texts};

const LINKAGES: &str = "/2963/linkages";
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
            account("a1", shown("インターネット支店(000) 普通 5000000"), &both),
            account("a4", shown("豊後支店(490) 普通 1000014"), &both[..1]),
        ],
        history_from: None,
        since: at("2026-04-01T01:23:00Z"),
        until: at("2027-03-31T14:59:00Z"),
        status: LinkageStatus::Live,
        answered_by: AnsweredBy::You("dantai01".to_owned()),
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
        accounts: vec![
            account(
                "a1",
                AccountName::Shown("インターネット支店(000) 普通 5000000".to_owned()),
                &[Task::Balance],
            ),
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
    let end = format!("{}/end", linkage.url);
    LinkageView {
        frame: logged_in(),
        acts: LinkageActs { end: Some(end) },
        linkage,
        names: AccountNames::Known,
        list_url: LINKAGES.to_owned(),
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
        problems: problem.into_iter().collect(),
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
    add("one", one(linkage()).render(texts));
    let mut stopped = one(paused());
    stopped.acts = LinkageActs::default();
    stopped.names = AccountNames::Unknown;
    add("one-paused", stopped.render(texts));
    let mut over = one(ended());
    over.acts = LinkageActs::default();
    over.frame.notices = vec![LinkagesNotice::Ended];
    add("one-ended", over.render(texts));
    add("end", end().render(texts));
    for kind in [ErrorKind::LinkageNotFound, ErrorKind::BankUnavailable] {
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
