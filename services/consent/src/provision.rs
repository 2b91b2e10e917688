//! Makes a database of the service's own with its four roles, and migrates it.

use std::str::FromStr as _;

use serde::Serialize;
use sqlx::{
    ConnectOptions as _, Connection as _, Executor as _, PgConnection,
    migrate::MigrateError,
    postgres::{PgConnectOptions, PgDatabaseError},
};
use url::Url;

use crate::entropy;

/// The migrations, in the order of their names.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

/// Where the database is, per role.
#[derive(Debug, Serialize)]
pub struct Provisioned {
    /// For `database_url` in the settings: reads and writes, but can't change events.
    pub service_url: String,
    /// Owns the tables: for migrations only.
    pub owner_url: String,
    /// Reads.
    pub auditor_url: String,
    /// For the relay's `database_url`: reads events, writes the log.
    pub relay_url: String,
}

/// Why provisioning failed.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// The name can't be a database's.
    #[error("a database name is 1 to 40 characters of a-z, 0-9 and _, beginning with a letter")]
    Name,
    /// The address can't be read.
    #[error("not a database address: {0}")]
    Address(#[from] url::ParseError),
    /// The database refused.
    #[error("the database refused: {0}")]
    Database(#[from] sqlx::Error),
    /// A migration failed.
    #[error("migration failed: {0}")]
    Migration(MigrateError),
    /// A migration failed, and says what to do.
    #[error("migration failed: {error}. {hint}")]
    Hinted {
        /// How it failed.
        error: MigrateError,
        /// What to do.
        hint: String,
    },
}

/// Makes the database and the roles `NAME_owner`, `NAME_service`, `NAME_auditor` and `NAME_relay` where
/// they are missing, gives the roles fresh passwords, and migrates. Touches nothing else on the server.
///
/// # Errors
/// [`ProvisionError`].
pub async fn provision(admin_url: &str, name: &str) -> Result<Provisioned, ProvisionError> {
    let plain = name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !plain || name.len() > 40 || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err(ProvisionError::Name);
    }
    let mut admin = PgConnection::connect(admin_url).await?;
    let [owner, service, auditor, relay] =
        ["owner", "service", "auditor", "relay"].map(|r| format!("{name}_{r}"));
    let mut urls = Vec::new();
    for role in [&owner, &service, &auditor, &relay] {
        let password = entropy::random_token();
        let exists: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)")
                .bind(role)
                .fetch_one(&mut admin)
                .await?;
        let verb = if exists { "ALTER" } else { "CREATE" };
        // Names and password are of characters that need no quoting.
        let password = password.expose();
        admin
            .execute(format!("{verb} ROLE {role} LOGIN PASSWORD '{password}'").as_str())
            .await?;
        urls.push(address(admin_url, name, role, password)?);
    }
    let exists: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(name)
            .fetch_one(&mut admin)
            .await?;
    if !exists {
        // A role that may create databases, but is no superuser, must be a member of the owner.
        admin
            .execute(format!("GRANT {owner} TO CURRENT_USER").as_str())
            .await?;
        admin
            .execute(format!("CREATE DATABASE {name} OWNER {owner}").as_str())
            .await?;
    }
    admin
        .execute(format!("ALTER DATABASE {name} SET renkei.role_prefix = '{name}'").as_str())
        .await?;
    admin
        .execute(format!("REVOKE CONNECT, TEMPORARY ON DATABASE {name} FROM PUBLIC").as_str())
        .await?;
    admin
        .execute(
            format!("GRANT CONNECT ON DATABASE {name} TO {service}, {auditor}, {relay}").as_str(),
        )
        .await?;
    see_other_sessions(&mut admin, &relay).await?;
    admin.close().await?;
    let mut urls = urls.into_iter();
    let (Some(owner_url), Some(service_url), Some(auditor_url), Some(relay_url)) =
        (urls.next(), urls.next(), urls.next(), urls.next())
    else {
        return Err(ProvisionError::Name);
    };
    migrate(&owner_url).await?;
    Ok(Provisioned {
        service_url,
        owner_url,
        auditor_url,
        relay_url,
    })
}

/// The relay names the session that holds the log back, which it can see as a member of
/// `pg_read_all_stats`. Where the administrator may not make it one, the alarm comes without the name.
async fn see_other_sessions(admin: &mut PgConnection, relay: &str) -> Result<(), sqlx::Error> {
    let granted = admin
        .execute(format!("GRANT pg_read_all_stats TO {relay}").as_str())
        .await;
    match granted {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42501") => {
            tracing::warn!(relay, "not a member of pg_read_all_stats");
            Ok(())
        }
        granted => granted.map(drop),
    }
}

/// Applies the migrations that are missing, as the owner.
///
/// # Errors
/// [`ProvisionError::Database`], [`ProvisionError::Migration`], [`ProvisionError::Hinted`].
pub async fn migrate(owner_url: &str) -> Result<(), ProvisionError> {
    let mut owner = PgConnectOptions::from_str(owner_url)?.connect().await?;
    MIGRATIONS.run(&mut owner).await.map_err(hinted)?;
    owner.close().await?;
    Ok(())
}

/// An error's own text leaves the database's hint out.
fn hinted(error: MigrateError) -> ProvisionError {
    let hint = match &error {
        MigrateError::ExecuteMigration(sqlx::Error::Database(refusal), _) => refusal
            .try_downcast_ref::<PgDatabaseError>()
            .and_then(|refusal| refusal.hint().map(str::to_owned)),
        _ => None,
    };
    match hint {
        Some(hint) => ProvisionError::Hinted { error, hint },
        None => ProvisionError::Migration(error),
    }
}

fn address(
    admin_url: &str,
    database: &str,
    role: &str,
    password: &str,
) -> Result<String, ProvisionError> {
    let mut url = Url::parse(admin_url)?;
    url.set_path(database);
    url.set_username(role)
        .and_then(|()| url.set_password(Some(password)))
        .map_err(|()| ProvisionError::Address(url::ParseError::EmptyHost))?;
    Ok(url.into())
}
