//! A database for one test, with this module's tables in it.

use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::store::Statement;

const MIGRATION: &str = include_str!("../../../../migrations/0004_authorization_server.sql");
const ROTATION: &str = include_str!("../../../../migrations/0059_rotation_of_signing_keys.sql");
/// Roles belong to the server, so the tests of one server share them.
const ROLES: &str = "DO $$ DECLARE name text; BEGIN \
    FOREACH name IN ARRAY ARRAY['renkei_protocol_test_service', 'renkei_protocol_test_auditor'] \
    LOOP BEGIN EXECUTE format('CREATE ROLE %I NOLOGIN', name); \
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END; END LOOP; END $$";

pub(crate) struct TestDatabase {
    pool: PgPool,
    // Dropped after the pool is closed.
    _database: demo::postgres::TestDatabase,
}

impl TestDatabase {
    pub(crate) async fn create() -> Self {
        let admin_url = demo::postgres::test_server_url()
            .expect("these tests need PostgreSQL: set RENKEI_TEST_DATABASE_URL");
        let database = demo::postgres::TestDatabase::create(&admin_url)
            .await
            .expect("the server of RENKEI_TEST_DATABASE_URL refused to create a database");
        let pool = PgPoolOptions::new()
            .max_connections(20)
            .test_before_acquire(false)
            .connect(database.url())
            .await
            .unwrap();
        let mut connection = pool.acquire().await.unwrap();
        for statement in [
            ROLES,
            "SET renkei.role_prefix = 'renkei_protocol_test'",
            MIGRATION,
            ROTATION,
        ] {
            sqlx::raw_sql(statement)
                .execute(&mut *connection)
                .await
                .unwrap();
        }
        drop(connection);
        Self {
            pool,
            _database: database,
        }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub(crate) async fn drop(self) {
        self.pool.close().await;
    }
}

/// Writes by itself what a command writes beside its events.
pub(super) async fn write_alone(pool: &PgPool, companion: impl FnOnce(&mut Statement) -> String) {
    let mut statement = Statement::default();
    let body = companion(&mut statement);
    statement.with("companion", &body);
    let (sql, values) = statement.finish("SELECT 1").unwrap();
    sqlx::query_with(&sql, values).execute(pool).await.unwrap();
}
