//! A database, on whichever engine its URL names.

use std::fmt;
use std::time::Duration;

use super::connection::{Connection, Pooled};
use super::error::Error;
use super::mysql::MySqlDb;
use super::sqlite::SqliteDb;
use super::tx::Tx;

/// How to reach a database. Its `Debug` leaves out the URL, which may hold a password.
#[derive(Clone)]
pub struct Settings {
    /// `mysql://user:password@host:port/name?ssl-mode=REQUIRED`, or `sqlite:PATH`. A SQLite file
    /// is made if it is missing; a MySQL database is not.
    pub url: String,
    /// Connections at most; on SQLite, readers beside the one writer, and never more than four.
    pub max_connections: u32,
    /// How long to wait for a connection; on SQLite also for a writer of another process.
    pub connect_within: Duration,
    /// How long to wait for a statement's answer before the connection is given up.
    pub answer_within: Duration,
}

impl Settings {
    /// The URL with moderate limits: 8 connections, 10 s to get one, 30 s for an answer.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            max_connections: 8,
            connect_within: Duration::from_secs(10),
            answer_within: Duration::from_secs(30),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("max_connections", &self.max_connections)
            .field("connect_within", &self.connect_within)
            .field("answer_within", &self.answer_within)
            .finish_non_exhaustive()
    }
}

/// A database. Clones share its connections.
#[derive(Clone, Debug)]
pub enum Db {
    /// MySQL or MariaDB.
    MySql(MySqlDb),
    /// A SQLite file.
    Sqlite(SqliteDb),
}

/// When it is a writer's turn on SQLite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// After all that came before.
    InOrder,
    /// After the one that writes and at most one that waits.
    Ahead,
}

impl Db {
    /// Connects, and checks that the database suits.
    ///
    /// [`Error::Unsuitable`] for a URL that is neither kind, a database that is not there, or a
    /// MySQL database whose collation is not `utf8mb4_bin` (any other takes user K1 for k1).
    pub async fn connect(settings: &Settings) -> Result<Self, Error> {
        match settings.url.split_once(':').map(|(scheme, _)| scheme) {
            Some("mysql" | "mariadb") => Ok(Self::MySql(MySqlDb::connect(settings).await?)),
            Some("sqlite") => Ok(Self::Sqlite(SqliteDb::connect(settings).await?)),
            Some(_) | None => Err(Error::unsuitable("the URL is neither mysql:// nor sqlite:")),
        }
    }

    /// Begins a transaction that may write.
    ///
    /// On SQLite it waits for its turn to write. On MySQL it runs at READ COMMITTED.
    pub async fn begin(&self) -> Result<Tx, Error> {
        self.begin_at(Turn::InOrder).await
    }

    /// Like [`Db::begin`], ahead of all but one of those that wait for their turn on SQLite. For
    /// what a person wants stopped, and for what measures the store.
    pub async fn begin_ahead(&self) -> Result<Tx, Error> {
        self.begin_at(Turn::Ahead).await
    }

    async fn begin_at(&self, turn: Turn) -> Result<Tx, Error> {
        let writer = match self {
            Self::MySql(db) => Pooled::MySql(db.pool.acquire().await?),
            Self::Sqlite(db) => Pooled::Sqlite(db.acquire_writer(turn).await?),
        };
        Tx::begin(Connection::new(writer), self.answer_within()).await
    }

    /// Closes every connection, after waiting for those in use.
    pub async fn close(&self) {
        match self {
            Self::MySql(db) => db.pool.close().await,
            Self::Sqlite(db) => db.close().await,
        }
    }

    pub(crate) async fn reader(&self) -> Result<Connection, Error> {
        let reader = match self {
            Self::MySql(db) => Pooled::MySql(db.pool.acquire().await?),
            Self::Sqlite(db) => Pooled::Sqlite(db.readers.acquire().await?),
        };
        Ok(Connection::new(reader))
    }

    pub(crate) fn answer_within(&self) -> Duration {
        match self {
            Self::MySql(db) => db.answer_within,
            Self::Sqlite(db) => db.answer_within,
        }
    }
}
