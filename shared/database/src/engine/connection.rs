//! A connection of either engine, borrowed from its pool.
//!
//! Dropped, it goes back to the pool; [`Connection::close`] is for one that may hold an open
//! transaction. Nothing here knows about transactions or deadlines.

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, MySql, Sqlite};

use super::dialect;
use super::row::{EngineRow, Row};
use super::statement::Statement;

pub(crate) enum Connection {
    MySql(PoolConnection<MySql>),
    Sqlite(PoolConnection<Sqlite>),
}

impl Connection {
    /// The statement that begins a writing transaction. SQLite takes its one write lock at once:
    /// a deferred transaction that writes late fails with code 517, whatever the busy timeout.
    pub(crate) fn begin_statement(&self) -> &'static str {
        match self {
            Self::MySql(_) => "BEGIN",
            Self::Sqlite(_) => "BEGIN IMMEDIATE",
        }
    }

    /// Runs BEGIN, COMMIT or ROLLBACK. Not by `sqlx`'s own transactions: a cut BEGIN of theirs
    /// goes back to the pool open.
    pub(crate) async fn command(&mut self, text: &'static str) -> Result<(), sqlx::Error> {
        match self {
            Self::MySql(connection) => sqlx::raw_sql(text).execute(&mut **connection).await.map(drop),
            Self::Sqlite(connection) => sqlx::query(text).execute(&mut **connection).await.map(drop),
        }
    }

    pub(crate) async fn execute(&mut self, statement: Statement<'_>) -> Result<u64, sqlx::Error> {
        match self {
            Self::MySql(connection) => {
                let arguments = statement.mysql_arguments().map_err(sqlx::Error::Encode)?;
                let done = sqlx::query_with(AssertSqlSafe(statement.text), arguments)
                    .persistent(statement.kept)
                    .execute(&mut **connection)
                    .await?;
                Ok(done.rows_affected())
            }
            Self::Sqlite(connection) => {
                let arguments = statement.sqlite_arguments().map_err(sqlx::Error::Encode)?;
                let done = sqlx::query_with(AssertSqlSafe(dialect::for_sqlite(statement.text)), arguments)
                    .persistent(statement.kept)
                    .execute(&mut **connection)
                    .await?;
                Ok(done.rows_affected())
            }
        }
    }

    pub(crate) async fn fetch_all(&mut self, statement: Statement<'_>) -> Result<Vec<Row>, sqlx::Error> {
        match self {
            Self::MySql(connection) => {
                let arguments = statement.mysql_arguments().map_err(sqlx::Error::Encode)?;
                let rows = sqlx::query_with(AssertSqlSafe(statement.text), arguments)
                    .persistent(statement.kept)
                    .fetch_all(&mut **connection)
                    .await?;
                Ok(rows.into_iter().map(|row| Row(EngineRow::MySql(row))).collect())
            }
            Self::Sqlite(connection) => {
                let arguments = statement.sqlite_arguments().map_err(sqlx::Error::Encode)?;
                let rows = sqlx::query_with(AssertSqlSafe(dialect::for_sqlite(statement.text)), arguments)
                    .persistent(statement.kept)
                    .fetch_all(&mut **connection)
                    .await?;
                Ok(rows.into_iter().map(|row| Row(EngineRow::Sqlite(row))).collect())
            }
        }
    }

    /// Closes the connection instead of giving it back; the server rolls back what is open.
    pub(crate) fn close(self) {
        match self {
            Self::MySql(mut connection) => connection.close_on_drop(),
            Self::Sqlite(mut connection) => connection.close_on_drop(),
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::MySql(_) => "MySql",
            Self::Sqlite(_) => "Sqlite",
        })
    }
}
