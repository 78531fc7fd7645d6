//! Connecting to MySQL and MariaDB.
//!
//! Every session is made alike: UTC, strict, READ COMMITTED; it gives a lock 2 s, and the server
//! gives an idle session 60 s, after which a transaction in doubt is rolled back by itself.

use std::str::FromStr;
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlPool, MySqlPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor};

use super::db::Settings;
use super::error::Error;

/// A session's settings. The isolation level has a statement of its own, since its variable is
/// named differently on MySQL and on MariaDB.
const SESSION: &str = "SET SESSION \
     sql_mode = 'STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', \
     wait_timeout = 60, innodb_lock_wait_timeout = 2, lock_wait_timeout = 10; \
     SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

/// Shorter than `wait_timeout`: the pool closes an idle connection before the server does.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// A connection idle for longer is asked for a sign of life before it is lent: the server may
/// have been restarted.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// A few more than the statements that this program has.
const PREPARED_STATEMENTS: usize = 256;

/// A MySQL or MariaDB database.
#[derive(Clone, Debug)]
pub struct MySqlDb {
    pub(crate) pool: MySqlPool,
    pub(crate) answer_within: Duration,
}

impl MySqlDb {
    pub(crate) async fn connect(settings: &Settings) -> Result<Self, Error> {
        let pool = MySqlPoolOptions::new()
            .max_connections(settings.max_connections)
            .acquire_timeout(settings.connect_within)
            .idle_timeout(IDLE_TIMEOUT)
            .test_before_acquire(false)
            .before_acquire(|connection, idle| {
                Box::pin(async move {
                    if idle.idle_for > TRUSTED_FOR {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .after_connect(|connection, _| Box::pin(prepare_session(connection)))
            .connect_with(options(settings)?)
            .await?;
        let db = Self {
            pool,
            answer_within: settings.answer_within,
        };
        db.check_collation().await?;
        Ok(db)
    }

    async fn check_collation(&self) -> Result<(), Error> {
        let collation: String = sqlx::query_scalar("SELECT @@collation_database")
            .fetch_one(&self.pool)
            .await?;
        if collation == "utf8mb4_bin" {
            return Ok(());
        }
        Err(Error::unsuitable(format!(
            "the database's collation is {collation}, under which two users can be one; \
             make it with: CREATE DATABASE … CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        )))
    }
}

fn options(settings: &Settings) -> Result<MySqlConnectOptions, Error> {
    let options = MySqlConnectOptions::from_str(&settings.url)?;
    Ok(options
        .collation("utf8mb4_bin")
        .timezone(Some("+00:00".to_owned()))
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .statement_cache_capacity(PREPARED_STATEMENTS)
        .disable_statement_logging())
}

async fn prepare_session(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    connection.execute(SESSION).await?;
    Ok(())
}
