//! The text that the customer consents to.

use super::super::{AuthorizeView, LinkageChange, consent_text};
use super::document::{Document, text};
use super::examples::{
    authorize, authorize_adding, authorize_amending, authorize_renewing, english, texts,
};

#[test]
fn every_line_of_the_consent_text_stands_on_the_page() {
    for (view, texts) in [
        (authorize(), texts()),
        (authorize_amending(), texts()),
        (authorize_adding(), texts()),
        (authorize_renewing(), texts()),
        (authorize_renewing(), english()),
        (authorize(), english()),
        (authorize_amending(), english()),
    ] {
        let page = Document::of(&view.render(&texts).unwrap());
        let shown: Vec<String> = page
            .all("h1, p, dt, dd, label")
            .into_iter()
            .map(text)
            .collect();
        for line in consent_text(&view, &texts).lines() {
            assert!(shown.iter().any(|each| each == line), "{line}");
        }
    }
}

#[test]
fn the_consent_text_covers_every_point_on_the_page() {
    for texts in [texts(), english()] {
        let view = authorize_amending();
        let page = Document::of(&view.render(&texts).unwrap());
        let consent = consent_text(&view, &texts);
        for point in page.all(".consent dt, .consent dd, .statement, h1, label[for=agree]") {
            let point = text(point);
            assert!(consent.lines().any(|line| line == point), "{point}");
        }
    }
}

#[test]
fn the_consent_text_reads_as_recorded() {
    let expected = "\
文言の版：2（ja）
中央労働金庫（法人）
API連携認証（情報アクセス認可）
当金庫が、青空ソフトウェア株式会社（あおぞら会計）に、次の口座情報を提供することを許可します。
認可対象業務
残高照会
入出金明細照会
対象の口座
インターネット支店(000) 普通 5000000　口座メモ：口座メモ5678901234567890（残高照会、入出金明細照会）
豊後支店(490) 普通 1000014　口座メモ：口座メモ5678901234567890（残高照会、入出金明細照会）
入出金明細の対象期間
2026年1月1日以降の取引
許可の有効期間
2027年3月31日 23:59（日本時間）まで
API連携事業者
青空ソフトウェア株式会社
連携先サービス
あおぞら会計
登録番号
関東財務局長（電代）第999号
API連携事業者の苦情・相談窓口
お客様相談室　電話番号 03-0000-0000（平日 10:00〜17:00）
API連携事業者からの情報の提供先
青空クラウド株式会社（データの保管）
連携を終了するには
「API連携の確認・解除」の画面（https://consent.example/2963/linkages）から、いつでも解除できます。
中央労働金庫（法人）（電話番号 0120-000-000、受付時間 平日 9:00〜17:00）へのお申し出によっても、終了できます。
あおぞら会計に連携を解除する機能がある場合は、その画面からも終了できます。
適用する規定
API連携サービス利用規定（第3版）
API連携を許可する。
";
    assert_eq!(consent_text(&authorize(), &texts()), expected);
}

#[test]
fn the_consent_text_says_in_which_language_it_was_read() {
    let consent = consent_text(&authorize(), &english());
    assert!(
        consent.starts_with("Version of this text: 2 (en)\n"),
        "{consent}"
    );
    assert!(consent.contains("I allow the bank to provide the following account information to 青空ソフトウェア株式会社 (あおぞら会計).\n"));
}

#[test]
fn a_line_break_in_a_name_makes_no_line_of_its_own() {
    let mut view = authorize();
    view.partner.legal_name = "甲社\n2099年12月31日まで".to_owned();
    let consent = consent_text(&view, &texts());
    assert!(!consent.lines().any(|line| line.starts_with("2099")));
}

#[test]
fn an_amendment_says_which_accounts_come_in_and_go_out() {
    let texts = texts();
    let consent = consent_text(&authorize_amending(), &texts);
    assert!(consent.contains("追加する口座：インターネット支店(000) 普通 5000000\n"));
    assert!(consent.contains("対象から外す口座：インターネット支店(000) 普通 9999999\n"));
    assert!(consent.contains(
        "あおぞら経費（2026年4月1日に許可）（「許可」をクリックした時点で終了します）\n"
    ));

    let change = LinkageChange::Amends {
        added: Vec::new(),
        removed: Vec::new(),
    };
    let same = consent_text(
        &AuthorizeView {
            change,
            ..authorize()
        },
        &texts,
    );
    assert!(same.contains("対象の口座に変更はありません。\n"));
}
