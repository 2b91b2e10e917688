//! The bank's own names, hours and words on the pages, and that no error page is without them.

use consent::{
    partners::{BankRegistration, register_bank},
    store::Bus,
};

use crate::{
    bench::{BANK, Bench, browser},
    journey_customer::{assert_error, open_step},
};

async fn change_record(bench: &Bench, more: &str) {
    let record = format!(
        "code = \"{BANK}\"
         name = \"中央労働金庫\"
         display_name = \"中央労働金庫（法人）\"
         phone = \"0120-000-002\"
         hours = \"平日 9:00〜18:00\"
         {more}"
    );
    let bank: BankRegistration = toml::from_str(&record).expect("a bank");
    register_bank(&Bus::new(bench.pool.clone()), bank, "tests")
        .await
        .expect("the bank changes");
}

#[tokio::test(flavor = "multi_thread")]
async fn english_pages_show_the_banks_english_names_where_it_has_some() {
    let bench = Bench::new().await;
    let english = browser().in_english();
    let (login, _) = bench.begin(&english, 0).await;
    assert_eq!(
        login.text(".bank-name").as_deref(),
        Some("中央労働金庫（法人）")
    );

    let names = "display_name_en = \"Chuo Labour Bank (corporate)\"
                 hours_en = \"Weekdays 9:00 to 18:00\"";
    change_record(&bench, names).await;

    let login = open_step(&english, &login, "login").await;
    assert_eq!(
        login.text(".bank-name").as_deref(),
        Some("Chuo Labour Bank (corporate)")
    );
    let contact = login.text("footer").unwrap();
    assert!(contact.contains("0120-000-002") && contact.contains("Weekdays 9:00 to 18:00"));
    let japanese = browser();
    let (login, _) = bench.begin(&japanese, 0).await;
    assert!(login.text("footer").unwrap().contains("平日 9:00〜18:00"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_words_a_text_in_its_own_way() {
    let bench = Bench::new().await;
    let note = "※ 電子証明書方式のお客様は、窓口でもお手続きいただけます。";
    change_record(
        &bench,
        &format!("[texts.ja]\n\"login.certificate_note\" = \"{note}\""),
    )
    .await;
    let (login, _) = bench.begin(&browser(), 0).await;
    assert_eq!(login.text(".note").as_deref(), Some(note));
    let (login, _) = bench.begin(&browser().in_english(), 0).await;
    assert_ne!(login.text(".note").as_deref(), Some(note));
}

#[test]
fn a_text_that_no_page_has_is_no_registration() {
    for own in ["\"login.leed\" = \"文\"", "\"tasks.lead\" = \"{bank}へ\""] {
        let record = format!(
            "code = \"{BANK}\"
             name = \"中央労働金庫\"
             display_name = \"中央労働金庫（法人）\"
             phone = \"0120-000-002\"
             hours = \"平日 9:00〜18:00\"
             [texts.ja]
             {own}"
        );
        let refused = toml::from_str::<BankRegistration>(&record)
            .unwrap_err()
            .to_string();
        assert!(refused.contains("texts"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_page_names_the_bank_and_its_telephone_also_without_the_database() {
    let bench = Bench::new().await;
    let english = browser().in_english();
    let (login, _) = bench.begin(&english, 0).await;
    let foreign = browser().in_english();
    let unknown = login
        .url
        .join(&format!("../{}/login", uuid::Uuid::nil()))
        .unwrap();
    let page = foreign.get(&unknown).await.unwrap();
    assert_error(&page, 404, "journey_not_found");
    assert!(page.text("footer").unwrap().contains("0120-000-000"));

    bench.replicas[0].app.pool.close().await;

    let page = english.get(&login.url).await.unwrap();
    assert_error(&page, 503, "service_unavailable");
    assert_eq!(page.header("retry-after"), Some("30"));
    let contact = page.text("footer").unwrap();
    for words in [
        "中央労働金庫（法人）",
        "0120-000-000",
        "平日 9:00〜17:00",
        "Inquiry number",
    ] {
        assert!(contact.contains(words), "{words}: {contact}");
    }
}
