//! Connecting to a SQLite file.
//!
//! One connection writes, at most one per process; others read beside it, each on its own
//! snapshot. Writers of other processes are waited for. A commit is on the disk when it is
//! answered.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    Sqlite, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use tokio::sync::Mutex;

use super::db::{Settings, Turn};
use super::error::{Cause, Error};
use super::tx::within;

/// A few more than the statements that this program has.
const PREPARED_STATEMENTS: usize = 256;

/// Connections that read. Each has a thread and a cache of its own, and more are not faster: they
/// wait for one processor or one disk.
const MOST_READERS: u32 = 4;

/// What the writer may keep of the file in memory. Rows come sorted by nothing that the indexes are
/// sorted by: with SQLite's own 2 MiB, most pages that are changed would have to be read first.
const WRITER_CACHE_KIB: u32 = 16 << 10;

/// A SQLite file.
#[derive(Clone, Debug)]
pub struct SqliteDb {
    writer: SqlitePool,
    /// Held while waiting for the writer. So only one waits there, and whoever does not queue up
    /// here comes right behind it.
    queue: Arc<Mutex<()>>,
    pub(crate) readers: SqlitePool,
    connect_within: Duration,
    pub(crate) answer_within: Duration,
}

impl SqliteDb {
    pub(crate) async fn connect(settings: &Settings) -> Result<Self, Error> {
        let options = SqliteConnectOptions::from_str(&settings.url)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(settings.connect_within)
            .statement_cache_capacity(PREPARED_STATEMENTS)
            .disable_statement_logging();
        // The writer first: it makes the file and turns it to WAL.
        let writer = options
            .clone()
            .pragma("cache_size", format!("-{WRITER_CACHE_KIB}"));
        let writer = pool(settings, 1).connect_with(writer).await?;
        let readers = pool(settings, settings.max_connections.min(MOST_READERS))
            .connect_with(options.pragma("query_only", "ON"))
            .await?;
        Ok(Self {
            writer,
            queue: Arc::default(),
            readers,
            connect_within: settings.connect_within,
            answer_within: settings.answer_within,
        })
    }

    /// The writer, when its turn comes. A turn that does not come in time is a busy store, not
    /// an unreachable one.
    pub(crate) async fn acquire_writer(&self, turn: Turn) -> Result<PoolConnection<Sqlite>, Error> {
        let acquire = async {
            let _queue = match turn {
                Turn::InOrder => Some(self.queue.lock().await),
                Turn::Ahead => None,
            };
            self.writer.acquire().await
        };
        match within(self.connect_within, acquire).await {
            Some(Err(sqlx::Error::PoolTimedOut)) | None => {
                Err(Error::Busy(Cause::of(sqlx::Error::PoolTimedOut)))
            }
            Some(acquired) => Ok(acquired?),
        }
    }

    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn pool(settings: &Settings, connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(settings.connect_within)
        // Waiting for the only writer is how writers take turns here, and no fault to log.
        .acquire_slow_threshold(settings.connect_within)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}
