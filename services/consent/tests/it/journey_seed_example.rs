//! The procedure's own example, cell for cell.

use demo::agent::{
    partner::ParRequest,
    seed_example::{self, EarlierPartner, UNSENT_PIN, check, earlier_linkages},
    walk::{Choices, Story, Walk, walk},
};

use crate::{
    bench::{BANK, Bench, browser},
    journey_customer::{CONTRACT, FIRST_ID, FOURTH_ID, PIN_SCOPE, THIRD_ID, linkages, pin_guesses},
};

async fn walk_as(bench: &Bench, partner: usize, choices: Choices) -> Story {
    let steps = Walk {
        browser: browser(),
        partner: bench.client(partner),
        request: ParRequest::for_both_tasks(),
        choices,
        account_api: None,
    };
    Box::pin(walk(&steps)).await.expect("the walk")
}

async fn with_earlier_linkages() -> Bench {
    let bench = Bench::new().await;
    for linkage in earlier_linkages() {
        let partner = match linkage.partner {
            EarlierPartner::SameService => 0,
            EarlierPartner::AnotherService => 1,
        };
        walk_as(&bench, partner, linkage.choices).await;
    }
    bench
}

#[tokio::test(flavor = "multi_thread")]
async fn both_tables_equal_the_procedures_cell_for_cell() {
    let bench = with_earlier_linkages().await;
    let story = walk_as(&bench, 0, seed_example::choices()).await;
    let mismatches = check(&story);
    assert!(mismatches.is_empty(), "{mismatches:#?}");

    // The service has its one linkage, changed, and the other service's is as it was.
    let linkages = linkages(&bench).await;
    let accounts = |client: &str| -> Vec<Vec<String>> {
        let of_client = linkages
            .iter()
            .filter(|linkage| linkage.client.as_str() == client);
        of_client
            .map(|linkage| {
                linkage
                    .scope
                    .accounts()
                    .iter()
                    .map(ToString::to_string)
                    .collect()
            })
            .collect()
    };
    assert_eq!(accounts("partner-a"), [[FIRST_ID, FOURTH_ID]]);
    assert_eq!(accounts("partner-b"), [[THIRD_ID]]);
    assert_eq!(bench.events("AccessGranted").await, 2);
    assert_eq!(bench.events("AccessAmended").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pin_beside_the_unticked_row_reaches_nobody() {
    let bench = with_earlier_linkages().await;
    let (requests, guesses) = (bench.bank.pin_requests().len(), pin_guesses(&bench));
    walk_as(&bench, 0, seed_example::choices()).await;

    // Two PINs are typed beside ticked rows, one of them twice: two guesses, and no third.
    let asked = bench.bank.pin_requests();
    assert_eq!(asked.len() - requests, 2);
    assert_eq!(pin_guesses(&bench) - guesses, 2);
    assert!(asked.iter().all(|request| {
        let expected = (BANK, CONTRACT, PIN_SCOPE);
        (
            &*request.bank_code,
            &*request.contract_id,
            &*request.pin_scope_id,
        ) == expected
    }));
    let reserved: i64 = sqlx::query_scalar("SELECT count(*) FROM guesses WHERE kind = 'pin'")
        .fetch_one(&bench.pool)
        .await
        .expect("a count");
    assert_eq!(usize::try_from(reserved).expect("a count"), asked.len());

    // Nor does any row hold it, in whichever table.
    assert_eq!(tables_with(&bench, UNSENT_PIN).await, Vec::<String>::new());
    // This search finds what is there.
    assert!(!tables_with(&bench, FIRST_ID).await.is_empty());
}

/// The tables that hold a text as a value of its own.
async fn tables_with(bench: &Bench, text: &str) -> Vec<String> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT c.oid::regclass::text FROM pg_class c
         JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
           AND has_table_privilege(c.oid, 'SELECT')",
    )
    .fetch_all(&bench.pool)
    .await
    .expect("tables");
    let mut found = Vec::new();
    for table in tables {
        let sql = format!("SELECT EXISTS (SELECT FROM {table} t WHERE t::text ~ $1)");
        let there: bool = sqlx::query_scalar(&sql)
            .bind(format!("[\"(,]{text}[\"),]"))
            .fetch_one(&bench.pool)
            .await
            .expect("a search");
        if there {
            found.push(table);
        }
    }
    found
}
