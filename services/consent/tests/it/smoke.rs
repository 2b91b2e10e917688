//! One walk through the bank's five pages to a token.

use demo::agent::walk::{allow, return_address};

use crate::bench::{Bench, browser};

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_walks_the_steps_and_the_partner_gets_a_token() {
    let bench = Bench::new().await;
    let browser = browser();
    let (authorize, pushed) = bench.to_authorize(&browser, 0).await;
    let end = allow(&browser, &authorize).await.expect("the end page");
    let returned = return_address(&end).expect("the way back");
    let tokens = bench
        .client(0)
        .complete(&returned, &pushed)
        .await
        .expect("tokens");
    assert_eq!(tokens.account_ids().len(), 1);
    for fact in [
        "ConsentRequested",
        "LoginSucceeded",
        "AccessAuthorized",
        "PartnerConnected",
    ] {
        assert_eq!(bench.events(fact).await, 1, "{fact}");
    }
}
