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

/// Whether the server's replication runs, over all of its sources. Asking is privileged (MySQL's
/// `REPLICATION CLIENT`, MariaDB's `REPLICA MONITOR`).
pub async fn replication(db: &Db) -> Result<Replication, Error> {
    let (asked, runs): (_, fn(&Row) -> Result<bool, Error>) = match db {
        Db::Sqlite(_) => return Ok(Replication::Unknown),
        Db::MySql(_) if is_mariadb(db).await? => ("SHOW ALL SLAVES STATUS", |row| {
            runs(row, "Slave_IO_Running", "Slave_SQL_Running")
        }),
        Db::MySql(_) => ("SHOW REPLICA STATUS", |row| {
            runs(row, "Replica_IO_Running", "Replica_SQL_Running")
        }),
    };
    match sql(asked).list::<_, Vec<_>>(db, runs).await {
        Ok(sources) if sources.is_empty() => Ok(Replication::Unknown),
        Ok(sources) if sources.contains(&false) => Ok(Replication::Stopped),
        Ok(_) => Ok(Replication::Running),
        // We may not ask.
        Err(Error::Unsuitable(_)) => Ok(Replication::Unknown),
        Err(error) => Err(error),
    }
}

async fn is_mariadb(db: &Db) -> Result<bool, Error> {
    let row = sql("SELECT VERSION() AS version").fetch_one(db).await?;
    Ok(row.get::<String>("version")?.contains("MariaDB"))
}

/// A receiver that is `Connecting` is not stopped: the heartbeat tells how far it is behind.
fn runs(row: &Row, receiver: &str, applier: &str) -> Result<bool, Error> {
    let stopped = |thread| Ok::<_, Error>(row.get::<String>(thread)? == "No");
    Ok(!stopped(receiver)? && !stopped(applier)?)
}
