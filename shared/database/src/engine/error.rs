//! What can go wrong, by what a caller can do about it.
//!
//! The engines' codes are read here and nowhere else. After every error but
//! [`Error::UniqueViolation`] the transaction it happened in is doomed: InnoDB has rolled a
//! deadlock's victim back and would run what follows in autocommit.

use std::fmt;
use std::sync::Arc;

use super::tx::Commit;

/// Why a statement, a transaction or a connection failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The store is down, full, read-only or did not answer: come back later.
    #[error("the SQL store is not reachable")]
    Unreachable(#[source] Cause),
    /// A lock was not to be had in time, or a deadlock was broken: do the transaction again.
    #[error("the SQL store is busy")]
    Busy(#[source] Cause),
    /// A row with this key is there already. The transaction stays usable.
    #[error("a row with this key exists")]
    UniqueViolation(#[source] Cause),
    /// The store takes a value of some row for wrong and does not say of which: leave that row out.
    /// A constraint, a trigger or a column's type says so.
    #[error("the SQL store refuses a row")]
    Refused(#[source] Cause),
    /// The database is not one that this program can work on: change the configuration, or
    /// migrate.
    #[error("the SQL database does not suit")]
    Unsuitable(#[source] Cause),
    /// A statement or a stored value that no correct program makes: a fault of ours.
    #[error("a fault in the use of the SQL store")]
    Fault(#[source] Cause),
}

/// What lies under an [`Error`]: the engine's own words.
#[derive(Clone)]
pub struct Cause(Arc<dyn std::error::Error + Send + Sync>);

impl Error {
    pub(crate) fn fault(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Fault(Cause::of(what))
    }

    pub(crate) fn unsuitable(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unsuitable(Cause::of(what))
    }

    /// The store cannot be reached, for that reason.
    pub fn unreachable(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unreachable(Cause::of(what))
    }

    /// Whether the transaction in which this happened can go on.
    pub(crate) fn leaves_transaction_usable(&self) -> bool {
        match self {
            Self::UniqueViolation(_) => true,
            Self::Unreachable(_)
            | Self::Busy(_)
            | Self::Refused(_)
            | Self::Unsuitable(_)
            | Self::Fault(_) => false,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let kind = match &error {
            // MySQL's words name the value, which may be a user's id or an address.
            sqlx::Error::Database(answer) if answer.is_unique_violation() => {
                return Self::UniqueViolation(Cause::of(violated_key(answer.message())));
            }
            // So may the words of a column or of a trigger.
            sqlx::Error::Database(answer) if is_of_a_row(answer.as_ref()) => {
                let code = answer.code().unwrap_or_default();
                return Self::Refused(Cause::of(format!("a value of a row is refused, code {code}")));
            }
            sqlx::Error::Database(answer) => classify(answer.as_ref()),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => Self::Unreachable,
            sqlx::Error::Configuration(_) => Self::Unsuitable,
            // The rest is misuse of sqlx or of the schema; the enum is non-exhaustive.
            _ => Self::Fault,
        };
        kind(Cause::of(error))
    }
}

/// What an error in answer to COMMIT, or none at all, says about the transaction.
///
/// Only the codes with which an engine promises that it kept nothing make `NotCommitted`.
/// Everything else leaves the outcome open, a connection that broke above all.
pub(crate) fn failed_commit(error: sqlx::Error) -> Commit {
    let undone = match &error {
        sqlx::Error::Database(answer) => is_undone_at_commit(answer.as_ref()),
        _ => false,
    };
    if undone {
        Commit::NotCommitted(error.into())
    } else {
        Commit::Unknown(error.into())
    }
}

/// Of `Duplicate entry '…' for key '…'` the part behind the value. SQLite names none.
fn violated_key(message: &str) -> &str {
    message.rfind("for key ").map_or(message, |key| &message[key..])
}

fn classify(answer: &dyn sqlx::error::DatabaseError) -> fn(Cause) -> Error {
    match engine_code(answer) {
        Code::MySql(number) => classify_mysql(number),
        // SQLite has one code for these and for every other mistake in a statement.
        Code::Sqlite(_) if answer.message().starts_with("no such ") => Error::Unsuitable,
        Code::Sqlite(primary) => classify_sqlite(primary),
    }
}

/// Whether the store has looked at a row and does not take what it holds.
fn is_of_a_row(answer: &dyn sqlx::error::DatabaseError) -> bool {
    match engine_code(answer) {
        // Out of range, truncated, not a date, not of the character set, too long, a foreign key,
        // a trigger's SIGNAL, CHECK of MySQL and of MariaDB.
        Code::MySql(number) => {
            matches!(
                number,
                1264 | 1265 | 1292 | 1366 | 1406 | 1452 | 1644 | 3819 | 4025
            )
        }
        // TOOBIG, CONSTRAINT, MISMATCH.
        Code::Sqlite(primary) => matches!(primary, 18..=20),
    }
}

/// Numbers of MySQL's and MariaDB's server errors.
fn classify_mysql(number: u16) -> fn(Cause) -> Error {
    match number {
        // Lock wait timeout, deadlock, NOWAIT, changed since last read, killed statement.
        1205 | 1213 | 3572 | 1020 | 1317 => Error::Busy,
        // Too many connections, shutdown, aborted or killed connection, read-only after a
        // failover, disk full, idle connection closed.
        1040 | 1053 | 1080 | 1129 | 1152 | 1184 | 1203 | 1290 | 1792 | 1836 | 1021 | 1114 | 1927 | 2006
        | 2013 | 4031 => Error::Unreachable,
        // Access denied, a privilege missing, unknown database, unknown table or column.
        1044 | 1045 | 1227 | 1049 | 1142 | 1146 | 1054 | 1698 => Error::Unsuitable,
        _ => Error::Fault,
    }
}

/// SQLite's primary result codes.
fn classify_sqlite(primary: i32) -> fn(Cause) -> Error {
    match primary {
        // BUSY, LOCKED.
        5 | 6 => Error::Busy,
        // IOERR, FULL, CANTOPEN.
        10 | 13 | 14 => Error::Unreachable,
        // PERM, READONLY, CORRUPT, AUTH, NOTADB.
        3 | 8 | 11 | 23 | 26 => Error::Unsuitable,
        _ => Error::Fault,
    }
}

fn is_undone_at_commit(answer: &dyn sqlx::error::DatabaseError) -> bool {
    match engine_code(answer) {
        // Deadlock or certification conflict, lock wait timeout, read-only server, rolled back
        // by group replication. The connection is closed next, which ends what is still open.
        Code::MySql(number) => matches!(number, 1205 | 1213 | 1290 | 1792 | 1836 | 3101),
        // BUSY, LOCKED, CONSTRAINT: SQLite leaves the transaction open, and closing undoes it.
        Code::Sqlite(primary) => matches!(primary, 5 | 6 | 19),
    }
}

enum Code {
    MySql(u16),
    /// The primary code: the low byte of the extended one.
    Sqlite(i32),
}

fn engine_code(answer: &dyn sqlx::error::DatabaseError) -> Code {
    if let Some(mysql) = answer.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return Code::MySql(mysql.number());
    }
    let extended: i32 = answer.code().and_then(|code| code.parse().ok()).unwrap_or(1);
    Code::Sqlite(extended & 0xff)
}

impl Cause {
    pub(crate) fn of(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(Arc::from(cause.into()))
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
