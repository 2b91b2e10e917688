//! 手続きの推移 at the console.

use consent::{funnel::count_ended, operator::Role};

use crate::{
    bench::{Bench, browser},
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
