//! What a MySQL or MariaDB server says of itself.

use crate::{Db, Error, Row, sql};

/// What a server says of its replication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replication {
    /// It applies what it receives.
    Running,
    /// It does not: until somebody starts it again, it falls behind without end.
    Stopped,
    /// It does not say, because it is no replica by its own word, or our user may not ask.
    Unknown,
}

/// Statements that run on the server at this moment, this one included; `None` on SQLite.
pub async fn threads_running(db: &Db) -> Result<Option<u32>, Error> {
    match db {
        Db::Sqlite(_) => Ok(None),
        Db::MySql(_) => {
            let row = sql("SHOW GLOBAL STATUS LIKE 'Threads_running'").fetch_one(db);
            let value = row.await?.get::<String>("Value")?;
            let parsed = value.parse();
            Ok(Some(parsed.map_err(|_| {
                Error::fault(format!("Threads_running is {value:?}"))
            })?))
        }
    }
}

/// How an engine is asked for its replication, and which of its words say whether that runs.
struct Words {
    status: &'static str,
    receiver: &'static str,
    applier: &'static str,
}

const MARIADB: Words = Words {
    status: "SHOW ALL SLAVES STATUS",
    receiver: "Slave_IO_Running",
    applier: "Slave_SQL_Running",
};

const MYSQL: Words = Words {
    status: "SHOW REPLICA STATUS",
    receiver: "Replica_IO_Running",
    applier: "Replica_SQL_Running",
};

/// Whether the server's replication runs, over all of its sources. Asking is privileged (MySQL's
/// `REPLICATION CLIENT`, MariaDB's `REPLICA MONITOR`).
pub async fn replication(db: &Db) -> Result<Replication, Error> {
    let words = match db {
        Db::Sqlite(_) => return Ok(Replication::Unknown),
        Db::MySql(_) if is_mariadb(db).await? => MARIADB,
        Db::MySql(_) => MYSQL,
    };
    let sources = match sql(words.status).fetch_all(db).await {
        // We may not ask.
        Err(Error::Unsuitable(_)) => return Ok(Replication::Unknown),
        sources => sources?,
    };
    if sources.is_empty() {
        return Ok(Replication::Unknown);
    }
    for source in sources {
        if is_stopped(&source, words.receiver)? || is_stopped(&source, words.applier)? {
            return Ok(Replication::Stopped);
        }
    }
    Ok(Replication::Running)
}

async fn is_mariadb(db: &Db) -> Result<bool, Error> {
    let row = sql("SELECT VERSION() AS version").fetch_one(db).await?;
    Ok(row.get::<String>("version")?.contains("MariaDB"))
}

/// A receiver that is `Connecting` is not: the heartbeat tells how far it is behind.
fn is_stopped(source: &Row, thread: &str) -> Result<bool, Error> {
    Ok(source.get::<String>(thread)? == "No")
}
