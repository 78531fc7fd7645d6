//! A connection of either engine, borrowed from its pool.
//!
//! Whoever borrows one says when it is clean: dropped without [`Connection::give_back`], it is
//! closed, because it may hold an open transaction or half an answer. Nothing here knows about
//! transactions or time limits.

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, MySql, Sqlite};

use super::dialect;
use super::row::{EngineRow, Row};
use super::statement::Statement;

/// Closed when it is dropped, unless it was given back.
pub(crate) struct Connection {
    pooled: Pooled,
    clean: bool,
}

pub(crate) enum Pooled {
    MySql(PoolConnection<MySql>),
    Sqlite(PoolConnection<Sqlite>),
}

impl Connection {
    pub(crate) fn new(pooled: Pooled) -> Self {
        Self { pooled, clean: false }
    }

    /// Returns the connection to its pool. Only when every answer is in and no transaction is
    /// open.
    pub(crate) fn give_back(mut self) {
        self.clean = true;
    }

    /// The statement that begins a writing transaction. SQLite takes its one write lock at once:
    /// a deferred transaction that writes late fails with code 517, whatever the busy timeout.
    pub(crate) fn begin_statement(&self) -> &'static str {
        match self.pooled {
            Pooled::MySql(_) => "BEGIN",
            Pooled::Sqlite(_) => "BEGIN IMMEDIATE",
        }
    }

    /// Runs BEGIN, COMMIT or ROLLBACK. Not by `sqlx`'s own transactions: a cut BEGIN of theirs
    /// goes back to MySQL's pool open.
    pub(crate) async fn command(&mut self, text: &'static str) -> Result<(), sqlx::Error> {
        match &mut self.pooled {
            Pooled::MySql(connection) => {
                sqlx::raw_sql(text).execute(&mut **connection).await?;
            }
            Pooled::Sqlite(connection) => {
                sqlx::query(text).execute(&mut **connection).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn execute(&mut self, statement: Statement<'_>) -> Result<u64, sqlx::Error> {
        match &mut self.pooled {
            Pooled::MySql(connection) => {
                let arguments = statement.mysql_arguments().map_err(sqlx::Error::Encode)?;
                let done = sqlx::query_with(AssertSqlSafe(statement.text), arguments)
                    .persistent(statement.kept)
                    .execute(&mut **connection)
                    .await?;
                Ok(done.rows_affected())
            }
            Pooled::Sqlite(connection) => {
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
        match &mut self.pooled {
            Pooled::MySql(connection) => {
                let arguments = statement.mysql_arguments().map_err(sqlx::Error::Encode)?;
                let rows = sqlx::query_with(AssertSqlSafe(statement.text), arguments)
                    .persistent(statement.kept)
                    .fetch_all(&mut **connection)
                    .await?;
                Ok(rows.into_iter().map(|row| Row(EngineRow::MySql(row))).collect())
            }
            Pooled::Sqlite(connection) => {
                let arguments = statement.sqlite_arguments().map_err(sqlx::Error::Encode)?;
                let rows = sqlx::query_with(AssertSqlSafe(dialect::for_sqlite(statement.text)), arguments)
                    .persistent(statement.kept)
                    .fetch_all(&mut **connection)
                    .await?;
                Ok(rows.into_iter().map(|row| Row(EngineRow::Sqlite(row))).collect())
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.clean {
            return;
        }
        match &mut self.pooled {
            Pooled::MySql(connection) => connection.close_on_drop(),
            Pooled::Sqlite(connection) => connection.close_on_drop(),
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.pooled {
            Pooled::MySql(_) => "MySql",
            Pooled::Sqlite(_) => "Sqlite",
        })
    }
}
