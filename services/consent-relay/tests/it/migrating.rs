use consent::provision::migrate;
use demo::postgres::{create_database, with_database};
use sqlx::PgPool;

use crate::bench::Bench;

/// A database of a release without a relay, which its owner migrates.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_the_relays_role_is_not_migrated_and_says_what_to_run() {
    let bench = Bench::new().await;
    let name = format!("old_{}", bench.name);
    create_database(&bench.admin_url, &name).await.unwrap();
    let url = with_database(&bench.admin_url, &name).unwrap();
    let admin = PgPool::connect(&url).await.unwrap();
    sqlx::raw_sql(&format!(
        "CREATE ROLE {name}_service; CREATE ROLE {name}_auditor;
         ALTER DATABASE {name} SET renkei.role_prefix = '{name}'"
    ))
    .execute(&admin)
    .await
    .unwrap();
    admin.close().await;

    let refused = migrate(&url).await.unwrap_err().to_string();
    let admin = PgPool::connect(&url).await.unwrap();
    sqlx::raw_sql(&format!("CREATE ROLE {name}_relay"))
        .execute(&admin)
        .await
        .unwrap();
    let migrated = migrate(&url).await;

    assert!(
        refused.contains(&format!("CREATE ROLE {name}_relay")),
        "{refused}"
    );
    assert!(migrated.is_ok(), "{migrated:?}");
}
