//! 手続きの推移 at the console.

use consent::{funnel::count_ended, operator::Role};

use crate::{
    bench::{BANK, Bench, browser},
    console_given::open,
    journey_customer::{cancel_form, send_on},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_funnel_shows_in_plot_and_table_what_was_counted() {
    let bench = Bench::new().await;
    let customer = browser();
    let (accounts, _) = bench.to_accounts(&customer, 0).await;
    send_on(&customer, &cancel_form(&accounts)).await;
    bench.sequence().await;
    count_ended(&bench.pool).await.expect("the counts");

    let operator = bench.signed_in("suzuki", Role::Auditor).await;
    let page = open(&bench, &operator, bench.console_at_bank("funnel")).await;
    assert_eq!(page.status, 200);
    let rows = page.table("#steps-figures");
    let came: Vec<&str> = rows.iter().map(|row| row[1].as_str()).collect();
    assert_eq!(came, ["1", "1", "1", "1", "0", "0", "0"]);
    assert!(rows[3][5].contains("お客さまが中止"), "{rows:?}");
    assert!(page.has("#steps-plot title") && page.has("#weeks-plot desc"));

    // Of another partner there is nothing.
    let other = bench.console_at_bank("funnel?partner=id-of-partner-b");
    let page = open(&bench, &operator, other).await;
    assert!(page.has("#said") && !page.has("#steps-plot"));

    for bad in [
        "from=2026-02-30",
        "from=2026-02-01&to=2026-01-01",
        "from=2020-01-01&to=2026-01-01",
    ] {
        let page = open(
            &bench,
            &operator,
            bench.console_at_bank(&format!("funnel?{bad}")),
        )
        .await;
        assert!(page.has("#problems") && !page.has("#steps-plot"), "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_gives_the_same_figures() {
    let bench = Bench::new().await;
    let customer = browser();
    let (accounts, _) = bench.to_accounts(&customer, 0).await;
    send_on(&customer, &cancel_form(&accounts)).await;
    bench.sequence().await;
    count_ended(&bench.pool).await.expect("the counts");
    let token = bench.operator("suzuki", Role::Auditor).await;
    let path = |query: &str| format!("/v1/banks/{BANK}/funnel{query}");
    let funnel = bench.ask(&token, &path("")).await.json();
    assert_eq!(funnel["steps"][3]["came"], 1);
    assert_eq!(funnel["steps"][3]["left"][0]["reason"], "cancelled");
    assert_eq!(funnel["steps"][4]["came"], 0);
    assert_eq!(funnel["partners"][0]["ended"], 1);
    for bad in [
        "?from=x",
        "?from=2026-02-01&to=2026-01-01",
        "?day=1",
        "?partner=%3C",
    ] {
        let refused = bench.ask(&token, &path(bad)).await;
        assert_eq!(refused.code(400), "invalid_parameter", "{bad}");
    }
    let foreign = bench.ask(&token, "/v1/banks/2954/funnel").await;
    assert_eq!(foreign.code(404), "not_found");
}
