//! The pages say what the bank's printed procedure says, to the letter.
//!
//! The text extraction put spaces between Latin and Japanese letters and line breaks inside words;
//! both are taken out of the procedure, and of what is compared with it, except in the tables.

use super::document::Document;
use super::examples::{accounts, authorize, confirm, login, tasks, texts};

const PROCEDURE: &str = include_str!("../../../tests/fixtures/api-linkage-procedure.ja.txt");

fn normalised(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// The rows of the procedure's two tables.
struct PrintedRows {
    /// Step 4: whether the row is ticked, and its cells.
    choice: Vec<(bool, Vec<String>)>,
    /// Step 5.
    confirmation: Vec<Vec<String>>,
}

fn printed_rows() -> PrintedRows {
    let mut choice = Vec::new();
    let mut confirmation = Vec::new();
    for line in PROCEDURE.lines().filter(|line| line.contains('\t')) {
        let mut cells: Vec<String> = line
            .split('\t')
            .map(|cell| cell.trim().to_owned())
            .collect();
        if cells[0] == "登録状況" {
            continue;
        }
        match cells[0].clone().split_once("/>") {
            Some((tick_box, status)) => {
                cells[0] = status.trim().to_owned();
                choice.push((tick_box.contains("checked"), cells));
            }
            None => confirmation.push(cells),
        }
    }
    PrintedRows {
        choice,
        confirmation,
    }
}

fn printed_heading() -> Vec<String> {
    let line = PROCEDURE
        .lines()
        .find(|line| line.starts_with("登録状況"))
        .unwrap();
    line.split('\t')
        .map(|cell| cell.trim().to_owned())
        .collect()
}

#[test]
fn titles_buttons_and_notes_are_the_printed_ones() {
    let texts = texts();
    let procedure = normalised(PROCEDURE);
    for (html, title, button, label, notes) in [
        (
            login().render(&texts).unwrap(),
            "API連携認証（利用登録）",
            "#login-submit",
            "API連携",
            vec!["※ 電子証明書方式のお客様は、「電子証明書ログイン」からお手続きください。"],
        ),
        (
            tasks().render(&texts).unwrap(),
            "API連携認証（認可業務選択）",
            "#tasks-submit",
            "次へ",
            vec![],
        ),
        (
            accounts().render(&texts).unwrap(),
            "API連携認証（口座選択）",
            "#accounts-submit",
            "登録",
            vec!["※ 照会用暗証番号は、団体IBでご利用いただいている暗証番号（数字4桁）です。"],
        ),
        (
            confirm().render(&texts).unwrap(),
            "API連携認証（登録口座確認）",
            "#confirm-submit",
            "API連携認可へ",
            vec![],
        ),
        (
            authorize().render(&texts).unwrap(),
            "API連携認証（情報アクセス認可）",
            "#authorize-submit",
            "許可",
            vec!["※ 許可が完了すると団体IBの画面は自動で終了します。"],
        ),
    ] {
        let page = Document::of(&html);
        assert_eq!(page.text("h1#title"), title);
        assert!(procedure.contains(&normalised(title)), "{title}");
        assert_eq!(page.text(button), label);
        assert!(procedure.contains(&format!("「{label}」")), "{label}");
        let shown: Vec<String> = page
            .all(".note")
            .into_iter()
            .map(super::document::text)
            .collect();
        for note in notes {
            assert!(shown.iter().any(|each| each == note), "{note}");
            assert!(procedure.contains(&normalised(note)), "{note}");
        }
    }
}

#[test]
fn what_the_customer_is_asked_to_do_is_the_printed_sentence() {
    let texts = texts();
    let procedure = normalised(PROCEDURE);
    for html in [
        login().render(&texts).unwrap(),
        accounts().render(&texts).unwrap(),
        confirm().render(&texts).unwrap(),
        authorize().render(&texts).unwrap(),
    ] {
        let lead = Document::of(&html).text(".lead");
        assert!(procedure.contains(&normalised(&lead)), "{lead}");
    }
    let lead = Document::of(&tasks().render(&texts).unwrap()).text(".lead");
    let (_, request) = lead.split_once("に、").unwrap();
    assert!(procedure.contains(request), "{request}");
}

#[test]
fn the_words_of_login_and_consent_are_the_printed_ones() {
    let texts = texts();
    let procedure = normalised(PROCEDURE);
    let page = Document::of(&login().render(&texts).unwrap());
    for (css, label) in [
        ("label[for=login_id]", "ログインID"),
        ("label[for=password]", "パスワード"),
        ("a#certificate-login", "電子証明書ログイン"),
    ] {
        assert_eq!(page.text(css), label);
        assert!(procedure.contains(label));
    }
    let page = Document::of(&authorize().render(&texts).unwrap());
    assert_eq!(page.text("label[for=agree]"), "API連携を許可する。");
    assert!(procedure.contains("「API連携を許可する。」"));
}

#[test]
fn the_account_choice_shows_the_printed_table_cell_for_cell() {
    let printed = printed_rows().choice;
    assert_eq!(printed.len(), 4);
    let page = Document::of(&accounts().render(&texts()).unwrap());
    assert_eq!(page.table("table#accounts thead tr"), [printed_heading()]);
    let shown = page.table("table#accounts tbody tr");
    assert_eq!(shown.len(), printed.len());
    for (index, (ticked, cells)) in printed.iter().enumerate() {
        let reference = format!("a{}", index + 1);
        assert_eq!(shown[index][..3], cells[..3]);
        assert_eq!(shown[index][3], "", "what was typed never comes back");
        let tick = format!("tr[data-account={reference}] td:first-child input[name=account]");
        assert_eq!(page.attribute(&tick, "value"), reference);
        assert_eq!(page.one(&tick).attr("checked").is_some(), *ticked);
        let pin = format!("tr[data-account={reference}] input[name=pin-{reference}]");
        for (name, value) in [
            ("type", "password"),
            ("inputmode", "numeric"),
            ("pattern", "[0-9]{4}"),
            ("maxlength", "4"),
            ("autocomplete", "off"),
        ] {
            assert_eq!(page.attribute(&pin, name), value);
        }
        assert!(page.attribute(&pin, "aria-label").contains(&cells[1]));
        assert_eq!(page.one(&pin).attr("value"), None);
    }
}

#[test]
fn the_confirmation_shows_the_printed_table_cell_for_cell() {
    let printed = printed_rows().confirmation;
    assert_eq!(printed.len(), 4);
    let page = Document::of(&confirm().render(&texts()).unwrap());
    assert_eq!(page.table("table#accounts thead tr"), [printed_heading()]);
    assert_eq!(page.table("table#accounts tbody tr"), printed);
    assert!(!page.has("table#accounts input"));
}
