//! Databases: one each for a test, and one of its own for the demonstration.

use sqlx::{Connection, PgConnection};
use std::thread;
use std::time::Duration;
use url::Url;
use uuid::Uuid;

use super::error::PostgresError;

/// PostgreSQL's limit on a name.
const NAME_BYTES_MAX: usize = 63;
/// Copying a template fails while anybody is connected to it.
const TEMPLATE_ATTEMPTS: u32 = 50;

/// Creates an empty database, encoded in UTF-8.
///
/// # Errors
/// For a name that would need quoting; where the statement fails.
pub async fn create_database(admin_url: &str, name: &str) -> Result<(), PostgresError> {
    execute(admin_url, format!("CREATE DATABASE {}", checked(name)?)).await
}

/// Drops a database, ending the sessions in it; nothing happens where there is none.
///
/// # Errors
/// For a name that would need quoting; where the statement fails.
pub async fn drop_database(admin_url: &str, name: &str) -> Result<(), PostgresError> {
    execute(
        admin_url,
        format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", checked(name)?),
    )
    .await
}

/// Whether there is a database of that name.
///
/// # Errors
/// Where the server can't be asked.
pub async fn database_exists(admin_url: &str, name: &str) -> Result<bool, PostgresError> {
    let mut connection = PgConnection::connect(admin_url).await?;
    let exists = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(name)
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(exists)
}

/// Drops a role that owns nothing any more; nothing happens where there is none.
///
/// # Errors
/// For a name that would need quoting; where the statement fails.
pub async fn drop_role(admin_url: &str, name: &str) -> Result<(), PostgresError> {
    execute(admin_url, format!("DROP ROLE IF EXISTS {}", checked(name)?)).await
}

/// The same server, user and parameters with another database.
///
/// # Errors
/// Where `url` is not a URL.
pub fn with_database(url: &str, name: &str) -> Result<String, PostgresError> {
    let mut url = Url::parse(url).map_err(|error| sqlx::Error::Configuration(error.into()))?;
    url.set_path(checked(name)?);
    Ok(url.into())
}

/// A database for one test, dropped (as far as possible) with this value.
#[derive(Debug)]
pub struct TestDatabase {
    admin_url: String,
    name: String,
    url: String,
}

impl TestDatabase {
    /// Creates an empty one.
    ///
    /// # Errors
    /// Where the server can't be reached or refuses.
    pub async fn create(admin_url: &str) -> Result<Self, PostgresError> {
        let database = Self::named(admin_url)?;
        create_database(admin_url, &database.name).await?;
        Ok(database)
    }

    /// Creates a copy of another database of the same server, a migrated one for example; much
    /// faster than migrating. Nobody may stay connected to the other one. It is copied file by file:
    /// where the server does not wait for the disk, a third of the time of a copy by the log.
    ///
    /// # Errors
    /// Where the server can't be reached or refuses.
    pub async fn create_from(admin_url: &str, template: &str) -> Result<Self, PostgresError> {
        let database = Self::named(admin_url)?;
        let statement = format!(
            "CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy",
            database.name,
            checked(template)?
        );
        let mut attempt = 1;
        loop {
            match execute(admin_url, statement.clone()).await {
                Err(PostgresError::Statement(error))
                    if in_use(&error) && attempt < TEMPLATE_ATTEMPTS =>
                {
                    attempt += 1;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                outcome => return outcome.map(|()| database),
            }
        }
    }

    /// The superuser's URL with this database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn named(admin_url: &str) -> Result<Self, PostgresError> {
        let name = format!("test_{}", Uuid::new_v4().simple());
        let url = with_database(admin_url, &name)?;
        Ok(Self {
            admin_url: admin_url.to_owned(),
            name,
            url,
        })
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let admin_url = self.admin_url.clone();
        let name = self.name.clone();
        // A test's runtime can't block in a destructor; a thread with a runtime of its own can.
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            if let Ok(runtime) = runtime {
                // What can't be dropped goes with the server.
                drop(runtime.block_on(drop_database(&admin_url, &name)));
            }
        });
        drop(dropping.join());
    }
}

async fn execute(admin_url: &str, statement: String) -> Result<(), PostgresError> {
    let mut connection = PgConnection::connect(admin_url).await?;
    sqlx::raw_sql(&statement).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// SQLSTATE `object_in_use`.
fn in_use(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(|error| error.code())
        .as_deref()
        == Some("55006")
}

/// A name that stands in a statement as it is.
fn checked(name: &str) -> Result<&str, PostgresError> {
    let plain = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_'
    };
    let starts_well = name.starts_with(|character: char| character.is_ascii_lowercase());
    if starts_well && name.len() <= NAME_BYTES_MAX && name.chars().all(plain) {
        Ok(name)
    } else {
        Err(PostgresError::Name(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_needs_quoting_is_refused() {
        for name in ["", "a b", "a;drop", "A", "1a", "a\"", &"a".repeat(64)] {
            assert!(checked(name).is_err(), "{name}");
        }
        assert_eq!(checked("renkei_demo_2").expect("plain"), "renkei_demo_2");
    }

    #[test]
    fn another_database_keeps_the_user_and_the_parameters() {
        let url = with_database(
            "postgres://u:p@127.0.0.1:5/postgres?sslmode=disable",
            "other",
        );
        assert_eq!(
            url.expect("a URL"),
            "postgres://u:p@127.0.0.1:5/other?sslmode=disable"
        );
    }
}
