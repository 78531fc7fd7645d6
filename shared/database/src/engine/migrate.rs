//! The schema and its history: one set of migrations for both engines.
//!
//! Any number of runners may run at once; one works, the others wait and find it done. On SQLite
//! all pending migrations are one transaction. MySQL commits each DDL statement by itself: a
//! migration that broke in its middle is reported and left to a person.

use std::borrow::Cow;

use sqlx::migrate::{AppliedMigration, Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, SqlSafeStr};

use super::db::{Db, Turn};
use super::error::{Cause, Error};

/// Adding a migration is adding a line; a published one never changes.
const MIGRATIONS: [(i64, &str, &str); 17] = [
    (
        1,
        "campaigns",
        include_str!("../../migrations/0001_campaigns.sql"),
    ),
    (
        2,
        "audiences",
        include_str!("../../migrations/0002_audiences.sql"),
    ),
    (3, "coupons", include_str!("../../migrations/0003_coupons.sql")),
    (4, "users", include_str!("../../migrations/0004_users.sql")),
    (5, "work", include_str!("../../migrations/0005_work.sql")),
    (
        6,
        "inconsistencies",
        include_str!("../../migrations/0006_inconsistencies.sql"),
    ),
    (7, "fan-out", include_str!("../../migrations/0007_fan_out.sql")),
    (8, "pace", include_str!("../../migrations/0008_pace.sql")),
    (
        9,
        "heartbeat",
        include_str!("../../migrations/0009_heartbeat.sql"),
    ),
    (10, "reports", include_str!("../../migrations/0010_reports.sql")),
    (11, "imports", include_str!("../../migrations/0011_imports.sql")),
    (
        12,
        "audience sources",
        include_str!("../../migrations/0012_audience_sources.sql"),
    ),
    (
        13,
        "device lives",
        include_str!("../../migrations/0013_device_lives.sql"),
    ),
    (14, "uploads", include_str!("../../migrations/0014_uploads.sql")),
    (15, "quotas", include_str!("../../migrations/0015_quotas.sql")),
    (16, "canary", include_str!("../../migrations/0016_canary.sql")),
    (17, "feedback", include_str!("../../migrations/0017_feedback.sql")),
];

const TABLE: &str = "_sqlx_migrations";
/// MySQL's advisory lock for the database; a lock's name has at most 64 characters.
const LOCK: &str = "SELECT GET_LOCK(CONCAT('noroshi migrate ', LEFT(SHA2(DATABASE(), 256), 32)), 60)";
const UNLOCK: &str = "SELECT RELEASE_LOCK(CONCAT('noroshi migrate ', LEFT(SHA2(DATABASE(), 256), 32)))";

/// One migration and whether the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its number, counted from 1.
    pub version: i64,
    /// What it is about.
    pub name: String,
    /// Whether the database has it.
    pub state: State,
}

/// Whether a database has a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It has.
    Applied,
    /// It has not; [`run`] would apply it.
    Pending,
    /// It has another text under this number, or a number that this program does not know: the
    /// database belongs to another version of this program.
    Foreign,
}

/// Applies what is pending, in order. A repeat does nothing.
///
/// [`Error::Unsuitable`] if the database belongs to another version of this program, or a
/// migration broke in its middle before. [`Error::Busy`] if another runner took over a minute.
pub async fn run(db: &Db) -> Result<(), Error> {
    match db {
        Db::MySql(db) => {
            let mut connection = db.pool.acquire().await?;
            // Never give a connection that may hold the lock to somebody else.
            connection.close_on_drop();
            run_on_mysql(&mut connection).await
        }
        Db::Sqlite(db) => {
            let mut connection = db.acquire_writer(Turn::InOrder).await?;
            let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
            migrator()
                .run_direct(None, &mut *tx, false)
                .await
                .map_err(failed)?;
            Ok(tx.commit().await?)
        }
    }
}

/// Every migration that the program or the database knows, in order.
pub async fn status(db: &Db) -> Result<Vec<Status>, Error> {
    let applied = match db {
        Db::MySql(db) => db.pool.acquire().await?.list_applied_migrations(TABLE).await,
        Db::Sqlite(db) => db.readers.acquire().await?.list_applied_migrations(TABLE).await,
    };
    let applied = match applied.map_err(failed) {
        Ok(applied) => applied,
        // A database that was never migrated has no such table.
        Err(Error::Unsuitable(_)) => Vec::new(),
        Err(other) => return Err(other),
    };
    Ok(compare(&migrator(), &applied))
}

/// Runs under a lock of our own, because sqlx's is none on MariaDB: GET_LOCK with a negative
/// timeout answers NULL there, at once.
async fn run_on_mysql(connection: &mut MySqlConnection) -> Result<(), Error> {
    let locked: Option<i64> = sqlx::query_scalar(LOCK).fetch_one(&mut *connection).await?;
    if locked != Some(1) {
        return Err(Error::Busy(Cause::of("another runner is migrating")));
    }
    let ran = migrator()
        .run_direct(None, &mut *connection, false)
        .await
        .map_err(failed);
    sqlx::query(UNLOCK).execute(connection).await?;
    ran
}

fn migrator() -> Migrator {
    let migrations = MIGRATIONS.into_iter().map(|(version, name, text)| {
        Migration::new(
            version,
            Cow::Borrowed(name),
            MigrationType::Simple,
            AssertSqlSafe(text).into_sql_str(),
            false,
        )
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    migrator.set_locking(false);
    migrator
}

fn compare(migrator: &Migrator, applied: &[AppliedMigration]) -> Vec<Status> {
    let known = migrator.iter().map(|migration| {
        let found = applied
            .iter()
            .find(|applied| applied.version == migration.version);
        let state = match found {
            None => State::Pending,
            Some(applied) if applied.checksum == migration.checksum => State::Applied,
            Some(_) => State::Foreign,
        };
        Status {
            version: migration.version,
            name: migration.description.to_string(),
            state,
        }
    });
    let unknown = applied
        .iter()
        .filter(|applied| !migrator.version_exists(applied.version));
    let unknown = unknown.map(|applied| Status {
        version: applied.version,
        name: "unknown".to_owned(),
        state: State::Foreign,
    });
    let mut all: Vec<_> = known.chain(unknown).collect();
    all.sort_by_key(|status| status.version);
    all
}

fn failed(error: MigrateError) -> Error {
    match error {
        MigrateError::Execute(error) => error.into(),
        other => Error::Unsuitable(Cause::of(other)),
    }
}
