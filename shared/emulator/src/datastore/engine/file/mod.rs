//! Everything in one SQLite file, durably.
//!
//! One thread writes (`writer`): it takes whatever commits are waiting into one transaction of
//! SQLite, so that many share the wait for the disk, and answers them when they are safe.
//! Reads go through connections of their own beside it. The write-ahead log may grow large
//! before another thread copies it into the file, so the writer seldom waits for that. What
//! SQLite keeps in memory is bounded, whatever the file's size.

mod schema;
mod statements;
mod writer;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use super::{Record, Sense, Source, Span};
use crate::datastore::catalog::Catalog;
use crate::datastore::commit::{Batch, Committed};
use crate::datastore::config::CompositeIndex;
use crate::datastore::error::Error;
use crate::datastore::key::Key;
use crate::datastore::versions::Versions;
use writer::Writer;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another server of this one, has it.
    #[error("{0} is in use by another emulator")]
    InUse(PathBuf),
    /// The lock beside it cannot be made.
    #[error("cannot lock {0}")]
    Lock(PathBuf, #[source] std::io::Error),
    /// It is no SQLite file, broken, or cannot be read.
    #[error("cannot open {0}")]
    Sqlite(PathBuf, #[source] rusqlite::Error),
    /// An entity cannot have the entries that a newly declared index asks for.
    #[error("the declared indexes of {0} cannot be built: {1}")]
    Index(PathBuf, String),
    /// Another program wrote it, or a version of this one that is too new.
    #[error("{0} has the format {1}, which this version does not know")]
    Format(PathBuf, i64),
}

/// An open file.
#[derive(Debug)]
pub(crate) struct File {
    path: PathBuf,
    writer: Writer,
    idle_readers: Mutex<Vec<Connection>>,
    // Held for as long as the file is open; the system lets go of it when the process ends.
    _lock: fs::File,
}

/// What a file knew of names and versions when it was opened.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) file: File,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) versions: Versions,
}

impl File {
    /// Opens or makes a file, and brings its declared indexes in line.
    pub(crate) fn open(path: &Path, declared: Vec<CompositeIndex>) -> Result<Opened, OpenError> {
        let lock = lock(path)?;
        let failed = |cause| OpenError::Sqlite(path.to_owned(), cause);
        let mut connection = schema::connect(path, schema::WRITER_CACHE_KIB).map_err(failed)?;
        let format = schema::prepare(&mut connection).map_err(failed)?;
        if format != schema::FORMAT {
            return Err(OpenError::Format(path.to_owned(), format));
        }
        let (catalog, last) = schema::load(&mut connection, declared).map_err(|error| match error {
            Error::Storage(cause) => failed(cause),
            refused => OpenError::Index(path.to_owned(), refused.to_string()),
        })?;
        let catalog = Arc::new(catalog);
        let versions = Versions::default();
        versions.lock().publish(last);
        let writer = Writer::start(path, connection, catalog.clone(), versions.clone()).map_err(failed)?;
        let file = Self {
            path: path.to_owned(),
            writer,
            idle_readers: Mutex::default(),
            _lock: lock,
        };
        Ok(Opened {
            file,
            catalog,
            versions,
        })
    }

    /// The entities at the keys, in their order.
    pub(crate) fn find_all(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, Error> {
        self.read(|connection| keys.iter().map(|key| statements::find(connection, key)).collect())
    }

    /// At most `limit` byte strings of a span, in that sense.
    pub(crate) fn scan(
        &self,
        source: Source,
        span: &Span,
        sense: Sense,
        limit: usize,
    ) -> Result<Vec<Arc<[u8]>>, Error> {
        self.read(|connection| statements::scan(connection, source, span, sense, limit))
    }

    /// Applies batches durably one after the other, each or nothing of it, up to the first that is
    /// refused.
    pub(crate) async fn commit(&self, batches: Vec<Batch>) -> Result<Vec<Committed>, Error> {
        self.writer.commit(batches).await
    }

    /// Drops everything.
    pub(crate) async fn clear(&self) -> Result<(), Error> {
        self.writer.clear().await
    }

    /// Finishes what is waiting and closes the file.
    pub(crate) fn close(&self) {
        self.writer.close();
        self.idle_readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>) -> Result<T, Error> {
        let idle = self
            .idle_readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = match idle {
            Some(connection) => connection,
            None => schema::connect(&self.path, schema::READER_CACHE_KIB)?,
        };
        let answer = work(&connection)?;
        self.idle_readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(connection);
        Ok(answer)
    }
}

fn lock(path: &Path) -> Result<fs::File, OpenError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let failed = |cause| OpenError::Lock(name.clone(), cause);
    let file = fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&name)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(OpenError::InUse(path.to_owned())),
        Err(fs::TryLockError::Error(cause)) => Err(failed(cause)),
    }
}
