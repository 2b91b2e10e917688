//! What a bulk revocation's filter reads of 20,000 consents to find the few that it means.

use consent::bulk_revocation::Filter;
use consent_domain::{AccountId, BankCode, ContractId, PartnerId};

use crate::{
    bench::BANK,
    operator_search_budget::{filled, rows_read},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_by_account_reads_the_consents_of_that_account_and_no_others() {
    let (bench, _owner) = filled().await;
    let bank = BankCode::parse(BANK).unwrap();
    let by_account = Filter {
        account: Some(AccountId::parse("contract-4-2").unwrap()),
        ..Filter::default()
    };
    let of_partner = Filter {
        partner: Some(PartnerId::parse("partner-1").unwrap()),
        ..by_account.clone()
    };
    let of_contract = Filter {
        contract: Some(ContractId::parse("contract-4").unwrap()),
        ..by_account.clone()
    };
    let mut connection = bench.pool.acquire().await.unwrap();
    for filter in [by_account, of_partner, of_contract] {
        let plan = filter.explain(&mut connection, &bank).await.unwrap();
        let plan = &plan[0]["Plan"];
        let found = plan["Actual Rows"].as_f64().unwrap();
        let covering: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM consent_current WHERE state #> '{terms,scope}' @> '[{\"account\":\"contract-4-2\"}]'
                 AND stream_id LIKE $1",
        )
        .bind(format!("{BANK}:%"))
        .fetch_one(&bench.pool)
        .await
        .unwrap();
        let read = rows_read(plan);
        assert!(found >= 1.0, "{filter:?}: nothing was found");
        assert!(
            read <= covering as f64,
            "{filter:?}: {read} rows read, {covering} consents cover the account\n{plan:#}"
        );
    }
}
