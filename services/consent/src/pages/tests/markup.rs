//! What holds for the markup of every page, and of each.

use std::collections::HashSet;

use super::super::{
    AccessInView, AccountsView, ConfirmView, ErrorKind, Forwarding, Locale, LoginProblem,
    LoginView, Outcome, Task, Texts,
};
use super::document::{Document, text};
use super::examples::{
    ERRORS, JOURNEY, accounts, accounts_with_problems, authorize, before_login, certificate_login,
    confirm, done, english, error, logged_in, login, pages, pages_in_both, tasks, texts,
};

#[test]
fn every_page_is_a_complete_document_in_its_language_with_one_title() {
    for (name, html) in pages_in_both() {
        let page = Document::of(&html);
        assert!(html.starts_with("<!DOCTYPE html>"), "{name}");
        let lang = page.attribute("html", "lang");
        assert_eq!(name.split('/').next(), Some(lang.as_str()), "{name}");
        assert_eq!(page.all("h1").len(), 1, "{name}");
        assert!(
            page.text("title").contains(&page.text("h1#title")),
            "{name}"
        );
        assert_eq!(page.attribute("a.skip-link", "href"), "#title", "{name}");
        for landmark in ["header", "main", "footer"] {
            page.one(landmark);
        }
        assert_eq!(page.text("#inquiry-number"), "R7K2-94QD", "{name}");
    }
}

#[test]
fn no_page_has_an_inline_script_or_style_or_anything_from_elsewhere() {
    for (name, html) in pages_in_both() {
        let page = Document::of(&html);
        assert!(
            !page.has("style, [style], img, iframe, object, embed, base"),
            "{name}"
        );
        // The one script stands where there is a deadline to warn of.
        let scripts = page.all("script");
        assert_eq!(scripts.len(), page.all("#deadline").len(), "{name}");
        for script in scripts {
            assert_eq!(script.attr("src"), Some("/static/deadline.js"), "{name}");
            assert_eq!(
                (script.attr("defer"), text(script)),
                (Some(""), String::new()),
                "{name}"
            );
        }
        let handlers = page.all("*").into_iter().flat_map(|element| {
            element
                .value()
                .attrs()
                .map(|(attribute, _)| attribute)
                .collect::<Vec<_>>()
        });
        assert!(
            handlers
                .into_iter()
                .all(|attribute| !attribute.starts_with("on")),
            "{name}"
        );
        assert_eq!(
            page.attribute("link[rel=stylesheet]", "href"),
            "/static/renkei.css",
            "{name}"
        );
    }
}

#[test]
fn no_place_of_a_phrase_stays_open() {
    for (name, html) in pages_in_both() {
        let page = Document::of(&html);
        assert!(!page.text("body").contains(['{', '}']), "{name}");
        assert!(!page.text("title").contains(['{', '}']), "{name}");
    }
}

#[test]
fn ids_are_unique_and_whatever_is_pointed_at_exists() {
    for (name, html) in pages_in_both() {
        let page = Document::of(&html);
        let mut ids = HashSet::new();
        for element in page.all("[id]") {
            let id = element.attr("id").unwrap();
            assert!(ids.insert(id.to_owned()), "{name}: `{id}` twice");
        }
        for attribute in ["for", "aria-labelledby", "aria-describedby"] {
            for element in page.all(&format!("[{attribute}]")) {
                for id in element.attr(attribute).unwrap().split_whitespace() {
                    assert!(
                        ids.contains(id),
                        "{name}: `{id}` of `{attribute}` is missing"
                    );
                }
            }
        }
        for link in page.all("a[href^='#']") {
            let target = link.attr("href").unwrap().trim_start_matches('#');
            assert!(ids.contains(target), "{name}: `#{target}` leads nowhere");
        }
    }
}

#[test]
fn every_field_that_the_customer_fills_has_a_name_for_the_ear() {
    for (name, html) in pages_in_both() {
        let page = Document::of(&html);
        for input in page.all("input:not([type=hidden])") {
            let labelled = input.attr("aria-label").is_some()
                || input.attr("aria-labelledby").is_some()
                || page.has(&format!("label[for='{}']", input.attr("id").unwrap()));
            assert!(labelled, "{name}: {}", input.html());
        }
    }
}

#[test]
fn every_form_posts_to_its_url_with_its_key() {
    let texts = texts();
    for (html, form, step) in [
        (login().render(&texts).unwrap(), "login-form", "login"),
        (tasks().render(&texts).unwrap(), "tasks-form", "tasks"),
        (
            accounts().render(&texts).unwrap(),
            "accounts-form",
            "accounts",
        ),
        (confirm().render(&texts).unwrap(), "confirm-form", "confirm"),
        (
            authorize().render(&texts).unwrap(),
            "authorize-form",
            "authorize",
        ),
        (
            authorize().render(&texts).unwrap(),
            "decline-form",
            "decline",
        ),
        (login().render(&texts).unwrap(), "cancel-form", "cancel"),
        (confirm().render(&texts).unwrap(), "cancel-form", "cancel"),
        (
            certificate_login().render(&texts).unwrap(),
            "cancel-form",
            "cancel",
        ),
    ] {
        let page = Document::of(&html);
        let form = format!("form#{form}");
        assert_eq!(page.attribute(&form, "method"), "post");
        assert_eq!(page.attribute(&form, "action"), format!("{JOURNEY}/{step}"));
        let key = format!("{form} input[type=hidden][name=form_key]");
        assert_eq!(page.attribute(&key, "value"), format!("key-of-{step}"));
    }
}

#[test]
fn steps_five_and_six_carry_the_revision_that_they_show() {
    let texts = texts();
    for html in [
        confirm().render(&texts).unwrap(),
        authorize().render(&texts).unwrap(),
    ] {
        assert_eq!(
            Document::of(&html).attribute("input[name=revision]", "value"),
            "3"
        );
    }
}

#[test]
fn step_six_declines_where_the_other_steps_cancel() {
    let texts = texts();
    let page = Document::of(&authorize().render(&texts).unwrap());
    assert!(!page.has("#cancel-form"));
    assert_eq!(page.text("button#decline"), "許可しない");
    for html in [
        login().render(&texts).unwrap(),
        tasks().render(&texts).unwrap(),
        accounts().render(&texts).unwrap(),
        confirm().render(&texts).unwrap(),
    ] {
        assert_eq!(
            Document::of(&html).text("#cancel-form button#cancel"),
            "手続きを中止する"
        );
    }
}

#[test]
fn the_progress_names_the_current_step() {
    let texts = texts();
    for (html, name, count) in [
        (login().render(&texts).unwrap(), "利用登録", "画面 1/5"),
        (tasks().render(&texts).unwrap(), "認可業務選択", "画面 2/5"),
        (accounts().render(&texts).unwrap(), "口座選択", "画面 3/5"),
        (
            confirm().render(&texts).unwrap(),
            "登録口座確認",
            "画面 4/5",
        ),
        (
            authorize().render(&texts).unwrap(),
            "情報アクセス認可",
            "画面 5/5",
        ),
    ] {
        let page = Document::of(&html);
        assert_eq!(page.all(".progress ol > li").len(), 5);
        assert_eq!(page.text(".progress [aria-current=step]"), name);
        assert_eq!(page.text(".progress-count"), count);
    }
}

#[test]
fn the_partner_is_named_from_login_on_and_the_customer_after_it() {
    let texts = texts();
    let context = |html: &str| Document::of(html).text(".context");
    let at_login = context(&login().render(&texts).unwrap());
    assert!(at_login.contains("あおぞら会計") && at_login.contains("青空ソフトウェア株式会社"));
    assert!(!at_login.contains("dantai01"));
    for html in [
        tasks().render(&texts).unwrap(),
        accounts().render(&texts).unwrap(),
        confirm().render(&texts).unwrap(),
        authorize().render(&texts).unwrap(),
    ] {
        let shown = context(&html);
        for name in [
            "あおぞら会計",
            "青空ソフトウェア株式会社",
            "dantai01",
            "さくら労働組合",
        ] {
            assert!(shown.contains(name), "{name}");
        }
    }
}

#[test]
fn deadlines_are_printed_in_japan_time() {
    let texts = texts();
    let at_login = Document::of(&login().render(&texts).unwrap());
    assert!(
        at_login
            .text(".deadline")
            .starts_with("お手続きの期限：10:30まで（日本時間）")
    );
    let at_tasks = Document::of(&tasks().render(&texts).unwrap());
    assert!(
        at_tasks
            .text(".deadline")
            .starts_with("操作期限：09:42まで（日本時間）")
    );
    assert_eq!(
        at_tasks.attribute("#extend", "href"),
        format!("{JOURNEY}/accounts")
    );
}

#[test]
fn a_hostile_name_stays_text() {
    let texts = texts();
    let hostile = "\"><script>alert(1)</script>{bank}<b title='x";
    let mut shell = before_login();
    shell.partner.service_name = hostile.to_owned();
    shell.partner.legal_name = hostile.to_owned();
    shell.bank.display_name = hostile.to_owned();
    let mut consent = authorize();
    consent.shell = shell.clone();
    consent.partner.legal_name = hostile.to_owned();
    consent.partner.service_name = hostile.to_owned();
    consent.partner.onward_recipients = vec![hostile.to_owned()];
    let mut rows = accounts();
    rows.rows[0].memo = Some(hostile.to_owned());
    rows.rows[0].account = hostile.to_owned();
    let mut end = done();
    end.shell = shell.clone();
    end.continue_url = format!("https://example.com/?{hostile}");
    for html in [
        LoginView {
            shell: shell.clone(),
            ..login()
        }
        .render(&texts)
        .unwrap(),
        consent.render(&texts).unwrap(),
        rows.render(&texts).unwrap(),
        end.render(&texts).unwrap(),
    ] {
        assert!(!html.contains("<script>"));
        let page = Document::of(&html);
        assert!(!page.has("script:not([src])") && !page.has("b"));
        assert!(page.text("html").contains(hostile) || page.has("meta[content*='<script>']"));
    }
}

#[test]
fn problems_are_summed_up_with_links_and_marked_at_their_fields() {
    let texts = texts();
    let problems = vec![LoginProblem::LoginIdMissing, LoginProblem::PasswordMissing];
    let page = Document::of(
        &LoginView {
            problems,
            ..login()
        }
        .render(&texts)
        .unwrap(),
    );
    assert!(page.text("title").starts_with("エラー："));
    assert_eq!(page.attribute("#problems", "role"), "alert");
    assert_eq!(page.all("#problems a[href='#login_id']").len(), 1);
    assert_eq!(page.all("#problems a[href='#password']").len(), 1);
    assert_eq!(page.attribute("#login_id", "aria-invalid"), "true");
    assert_eq!(
        page.attribute("#login_id", "aria-describedby"),
        "login_id-problem"
    );

    let page = Document::of(&accounts_with_problems().render(&texts).unwrap());
    assert_eq!(page.attribute("#pin-a1", "aria-invalid"), "true");
    assert_eq!(page.attribute("#pin-a1", "aria-describedby"), "remark-a1");
    assert!(
        page.text("#remark-a1")
            .contains("照会用暗証番号を入力してください。")
    );
    assert_eq!(page.all("#problems a[href='#pin-a2']").len(), 1);
    assert!(page.one("#tick-a4").attr("disabled").is_some());
    assert!(page.one("#pin-a4").attr("disabled").is_some());
}

#[test]
fn a_wrong_password_and_an_unknown_id_read_the_same() {
    let problems = vec![LoginProblem::Rejected];
    let page = Document::of(
        &LoginView {
            problems,
            ..login()
        }
        .render(&texts())
        .unwrap(),
    );
    assert_eq!(
        page.text("#problems li"),
        "ログインIDまたはパスワードが正しくありません。"
    );
    assert_eq!(page.one("#login_id").attr("value"), None);
    assert_eq!(page.one("#password").attr("value"), None);
}

#[test]
fn hints_and_reasons_stand_outside_the_four_cells() {
    let texts = texts();
    for view in [accounts(), accounts_with_problems()] {
        let page = Document::of(&AccountsView { ..view }.render(&texts).unwrap());
        let cells = page.table("table#accounts tbody tr");
        assert_eq!(cells.len(), 4);
        assert!(cells.iter().all(|row| row.len() == 4));
        assert!(!cells.concat().concat().contains("別の連携で利用中"));
        assert!(page.text("#remark-a3").contains("別の連携で利用中"));
        assert_eq!(page.attribute("#tick-a3", "aria-describedby"), "remark-a3");
    }
    let page = Document::of(&confirm().render(&texts).unwrap());
    assert!(
        page.text("#failure-a2")
            .contains("照会用暗証番号が一致しませんでした。")
    );
    assert_eq!(
        page.attribute("tr[data-account=a2]", "aria-describedby"),
        "failure-a2"
    );
}

#[test]
fn a_failed_row_offers_a_retry_and_a_clean_table_a_way_back() {
    let texts = texts();
    let failed = Document::of(&confirm().render(&texts).unwrap());
    assert_eq!(
        failed.attribute("a#retry", "href"),
        format!("{JOURNEY}/accounts")
    );
    let mut clean = confirm();
    clean.rows[1].rejection = None;
    let clean = Document::of(&clean.render(&texts).unwrap());
    assert!(!clean.has("#retry"));
    assert_eq!(
        clean.attribute("a#back", "href"),
        format!("{JOURNEY}/accounts")
    );
}

#[test]
fn with_no_account_in_the_linkage_there_is_nothing_to_go_on_with() {
    let page = Document::of(
        &ConfirmView {
            form: None,
            ..confirm()
        }
        .render(&texts())
        .unwrap(),
    );
    assert!(!page.has("#confirm-form"));
    page.one("#nothing-linked");
    page.one("a#retry");
}

#[test]
fn the_end_page_goes_on_by_itself_and_has_a_link() {
    let texts = texts();
    let view = done();
    let page = Document::of(&view.render(&texts).unwrap());
    assert_eq!(page.text("h1#title"), "団体IBは終了しました");
    assert_eq!(page.text("a#continue"), "画面が切り替わらない場合はこちら");
    assert_eq!(page.attribute("a#continue", "href"), view.continue_url);
    assert_eq!(
        page.attribute("meta[http-equiv=refresh]", "content"),
        format!("0;url={}", view.continue_url)
    );
}

#[test]
fn without_forwarding_the_end_page_waits_for_the_customer() {
    let mut view = done();
    view.outcome = Outcome::TimedOut;
    view.forwarding = Forwarding::OnClick;
    let page = Document::of(&view.render(&texts()).unwrap());
    assert!(!page.has("meta[http-equiv=refresh]"));
    assert_eq!(page.attribute("a#continue", "href"), view.continue_url);
}

#[test]
fn an_error_page_says_what_happened_what_to_do_and_whom_to_call() {
    let texts = texts();
    let mut codes = HashSet::new();
    for kind in ERRORS {
        let page = Document::of(&error(kind).render(&texts).unwrap());
        assert_eq!(page.attribute("main", "data-error"), kind.code());
        assert!(codes.insert(kind.code()));
        let headings: Vec<String> = page.all("main h2").into_iter().map(text).collect();
        assert_eq!(headings, ["発生した内容", "お客様にしていただくこと"]);
        let contact = page.text("footer");
        assert!(contact.contains("0120-000-000") && contact.contains("平日 9:00〜17:00"));
        page.one("a#partner");
    }
}

#[test]
fn closed_hours_tell_when_the_bank_opens_again() {
    let reopens_at = Some("2026-11-23T22:00:00Z".parse().unwrap());
    let page = Document::of(
        &error(ErrorKind::BankClosed { reopens_at })
            .render(&texts())
            .unwrap(),
    );
    assert_eq!(
        page.text("#reopens"),
        "2026年11月24日 07:00（日本時間）からご利用いただける予定です。"
    );
}

#[test]
fn every_page_leads_to_itself_in_the_other_language() {
    for locale in Locale::ALL {
        let other = if locale == Locale::Ja { "en" } else { "ja" };
        for (name, html) in pages(&Texts::load(locale).unwrap()) {
            let page = Document::of(&html);
            let links = page.all("nav.languages a");
            assert_eq!(links.len(), 1, "{name}");
            assert_eq!(links[0].attr("lang"), Some(other), "{name}");
            let href = links[0].attr("href").unwrap();
            let address = href
                .strip_prefix(&format!("/language/{other}?page="))
                .unwrap();
            assert!(
                ["%2F2963%2Fjourneys%2F", "%2F2963%2Flinkages"]
                    .iter()
                    .any(|ours| address.starts_with(ours)),
                "{name}: {address}"
            );
            let current = page.one("nav.languages [aria-current]");
            assert_eq!(current.attr("lang"), Some(locale.tag()), "{name}");
        }
    }
}

#[test]
fn no_word_of_ours_stays_japanese_on_an_english_page() {
    // What the bank, the partner and the customer call their things stays as it is.
    let names = [
        "中央労働金庫（法人）",
        "平日 9:00〜17:00",
        "あおぞら会計",
        "青空ソフトウェア株式会社",
        "さくら労働組合",
        "インターネット支店",
        "豊後支店",
        "普通",
        "口座メモ",
        "関東財務局長（電代）第999号",
        "お客様相談室　電話番号 03-0000-0000（平日 10:00〜17:00）",
        "青空クラウド株式会社（データの保管）",
        "あおぞら経費（2026年4月1日に許可）",
        "第3版",
        "日本語",
        "見本教職員組合",
        "中央労働金庫 電子証明書認証局",
    ];
    for (name, html) in pages(&english()) {
        let mut left = html;
        for own in names {
            left = left.replace(own, "");
        }
        let japanese = |c: char| {
            ('\u{3000}'..='\u{30ff}').contains(&c) || ('\u{4e00}'..='\u{9fff}').contains(&c)
        };
        let found: String = left.chars().filter(|c| japanese(*c)).collect();
        assert_eq!(found, "", "{name}");
    }
}

#[test]
fn what_the_partner_may_read_is_in_sight_from_step_three_on() {
    let texts = texts();
    assert!(!Document::of(&login().render(&texts).unwrap()).has("#access"));
    for html in [
        tasks().render(&texts).unwrap(),
        accounts().render(&texts).unwrap(),
        confirm().render(&texts).unwrap(),
        authorize().render(&texts).unwrap(),
    ] {
        let page = Document::of(&html);
        assert_eq!(page.text("#access"), "残高照会、入出金明細照会");
        assert!(page.text(".context").contains("選択した業務"));
    }
    let mut asked = tasks();
    asked.shell.access = Some(AccessInView::Asked(vec![Task::Transactions]));
    let page = Document::of(&asked.render(&english()).unwrap());
    assert_eq!(page.text("#access"), "Transaction inquiry");
    assert!(page.text(".context").contains("Access requested"));
}

#[test]
fn the_script_finds_the_deadline_the_words_and_the_ways() {
    let page = Document::of(&accounts().render(&texts()).unwrap());
    for (name, value) in [
        ("data-seconds-left", "600".to_owned()),
        ("data-warn-seconds", "120".to_owned()),
        ("data-extend-url", format!("{JOURNEY}/extend")),
        ("data-after-url", format!("{JOURNEY}/login?m=idle")),
    ] {
        assert_eq!(page.attribute("#deadline", name), value);
    }
    assert!(
        page.attribute("#deadline", "data-warning")
            .contains("09:42")
    );
    assert_eq!(page.attribute("#deadline-live", "role"), "status");
    page.one("#deadline-text");
    page.one("template#deadline-offer");
    let at_login = Document::of(&login().render(&texts()).unwrap());
    assert_eq!(at_login.one("#deadline").attr("data-extend-url"), None);
    assert!(
        !at_login.has("#deadline-offer"),
        "the end of the journey can't be put off"
    );
}

#[test]
fn a_session_shorter_than_the_warning_is_still_warned_of() {
    let mut deadline = logged_in().deadline.unwrap();
    deadline.seconds_left = 60;
    assert_eq!(deadline.words(&texts()).warn_seconds, 30);
}

#[test]
fn english_pages_write_dates_and_enumerations_the_english_way() {
    let texts = english();
    let consent = Document::of(&authorize().render(&texts).unwrap()).text(".consent");
    for words in [
        "March 31, 2027, 23:59 (Japan time)",
        "Transactions on or after January 1, 2026",
        "(Balance inquiry, Transaction inquiry)",
    ] {
        assert!(consent.contains(words), "{words}: {consent}");
    }
    let deadline = Document::of(&tasks().render(&texts).unwrap()).text(".deadline");
    assert!(deadline.contains("at 09:42 (Japan time)"), "{deadline}");
}
