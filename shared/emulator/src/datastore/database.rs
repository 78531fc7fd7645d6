//! What every method works on: the store, the open transactions, the settings.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use gcloud_sdk::google::datastore::v1 as wire;
use tokio::sync::Semaphore;
use wire::read_options::{ConsistencyType, ReadConsistency};
use wire::transaction_options::Mode;

use super::catalog::Catalog;
use super::commit::{Batch, Committed, Ready};
use super::config::{Concurrency, Config};
use super::engine::file::{OpenError, Opened};
use super::engine::{Engine, File, Memory, Writing};
use super::error::Error;
use super::key::Scope;
use super::store::Store;
use super::transactions::{self, Access, Reading, TransactionId, Transactions};
use super::versions::{Snapshot, Versions};
use crate::storage::Storage;

/// The databases of a server, all projects together.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) store: Store,
    pub(crate) transactions: Transactions,
    pub(crate) config: Config,
    last_id: AtomicI64,
    aside: Semaphore,
}

/// Where a read looks.
#[derive(Debug)]
pub(crate) struct ReadAt {
    pub(crate) snapshot: Arc<Snapshot>,
    /// The transaction that is to remember what was read.
    pub(crate) transaction: Option<TransactionId>,
    /// What the answer says of a transaction that was begun with the read.
    pub(crate) begun: Vec<u8>,
}

impl Database {
    /// The database of that storage: what is in the file, or nothing.
    pub(crate) fn open(config: Config) -> Result<Self, OpenError> {
        let now = config.clock.now();
        let store = match &config.storage {
            Storage::Memory => Store {
                catalog: Arc::new(Catalog::new(config.indexes.clone())),
                versions: Versions::default(),
                engine: Engine::Memory(Memory::default()),
            },
            Storage::File(path) => {
                let Opened {
                    file,
                    catalog,
                    versions,
                } = File::open(path, config.indexes.clone())?;
                Store {
                    catalog,
                    versions,
                    engine: Engine::File(file),
                }
            }
        };
        Ok(Self {
            store,
            transactions: Transactions::new(now),
            config,
            last_id: AtomicI64::new(now.timestamp_micros()),
            aside: Semaphore::new(threads_aside()),
        })
    }

    /// Does short work on the store: in place when all is in memory, else aside.
    pub(crate) async fn run<T, F>(self: &Arc<Self>, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    {
        match &self.store.engine {
            Engine::Memory(_) => work(self),
            Engine::File(_) => self.run_aside(work).await,
        }
    }

    /// Does work on the store that may be long, where it keeps no other request waiting: on a few
    /// threads, since each keeps a connection and memory of its own.
    pub(crate) async fn run_aside<T, F>(self: &Arc<Self>, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    {
        let _turn = self.aside.acquire().await.map_err(|_| Error::Stopping)?;
        let database = self.clone();
        match tokio::task::spawn_blocking(move || work(&database)).await {
            Ok(worked) => worked,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(Error::Stopping),
        }
    }

    /// Applies batches one after the other, each or nothing of it, up to the first that is
    /// refused.
    pub(crate) async fn commit(&self, batches: Vec<Batch>) -> Result<Vec<Committed>, Error> {
        self.transactions.sweep(self.config.clock.now());
        match &self.store.engine {
            Engine::Memory(memory) => batches
                .into_iter()
                .map(|batch| self.commit_to(memory, batch))
                .collect(),
            Engine::File(file) => file.commit(batches).await,
        }
    }

    fn commit_to(&self, memory: &Memory, batch: Batch) -> Result<Committed, Error> {
        let mut writing = memory.write();
        let mut ready = Ready::new(&self.store.catalog, &self.store.versions, &mut writing, batch)?;
        ready.publish(&mut self.store.versions.lock());
        for change in ready.changes {
            writing.apply(change)?;
        }
        Ok(ready.committed)
    }

    /// Drops every entity of every project, and every transaction.
    pub(crate) async fn reset(&self) -> Result<(), Error> {
        self.transactions.clear();
        match &self.store.engine {
            Engine::Memory(memory) => memory.clear(),
            Engine::File(file) => file.clear().await?,
        }
        Ok(())
    }

    /// Finishes what is waiting to be stored. Later commits are refused.
    pub(crate) async fn close(self: Arc<Self>) {
        let closed = tokio::task::spawn_blocking(move || match &self.store.engine {
            Engine::Memory(_) => {}
            Engine::File(file) => file.close(),
        });
        if closed.await.is_err() {
            tracing::error!("the file of the Datastore emulator was not closed well");
        }
    }

    /// The present instant in microseconds.
    pub(crate) fn now(&self) -> i64 {
        self.config.clock.now().timestamp_micros()
    }

    /// Begins a transaction with the options of a request.
    pub(crate) fn begin(
        &self,
        scope: &Scope,
        options: Option<&wire::TransactionOptions>,
    ) -> Result<TransactionId, Error> {
        let access = match options.and_then(|options| options.mode.as_ref()) {
            None | Some(Mode::ReadWrite(_)) => Access::ReadWrite,
            Some(Mode::ReadOnly(read_only)) if read_only.read_time.is_none() => Access::ReadOnly,
            Some(Mode::ReadOnly(_)) => {
                return Err(Error::Unimplemented("reading at a past time is not supported"));
            }
        };
        let now = self.config.clock.now();
        self.transactions.sweep(now);
        Ok(self.transactions.begin(scope.clone(), access, now))
    }

    /// Where a read with these options looks.
    pub(crate) fn read_at(&self, scope: &Scope, options: Option<wire::ReadOptions>) -> Result<ReadAt, Error> {
        match options.and_then(|options| options.consistency_type) {
            None => Ok(self.latest()),
            Some(ConsistencyType::ReadConsistency(level)) => match ReadConsistency::try_from(level) {
                Ok(_) => Ok(self.latest()),
                Err(_) => Err(Error::invalid("The read consistency is unknown.")),
            },
            Some(ConsistencyType::Transaction(bytes)) => {
                let id = transactions::from_bytes(&bytes)?;
                self.in_transaction(scope, id, Vec::new())
            }
            Some(ConsistencyType::NewTransaction(options)) => {
                let id = self.begin(scope, Some(&options))?;
                self.in_transaction(scope, id, transactions::to_bytes(id))
            }
            Some(ConsistencyType::ReadTime(_)) => {
                Err(Error::Unimplemented("reading at a past time is not supported"))
            }
        }
    }

    /// The next automatic id: different from all before, also from those of a former process,
    /// and scattered over the key space.
    pub(crate) fn allocate_id(&self) -> i64 {
        const BITS: u32 = 52;
        let now = self.config.clock.now().timestamp_micros();
        let later = |last: i64| Some(now.max(last + 1));
        let last = self
            .last_id
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, later);
        let sequence = now.max(last.unwrap_or_else(|last| last) + 1).unsigned_abs();
        // Turning the bits round puts ids that follow each other far apart, and maps no two to
        // one.
        let scattered = (sequence << (u64::BITS - BITS)).reverse_bits();
        i64::try_from(scattered).unwrap_or(i64::MAX).max(1)
    }

    fn latest(&self) -> ReadAt {
        let snapshot = Arc::new(self.store.versions.snapshot());
        ReadAt {
            snapshot,
            transaction: None,
            begun: Vec::new(),
        }
    }

    fn in_transaction(&self, scope: &Scope, id: TransactionId, begun: Vec<u8>) -> Result<ReadAt, Error> {
        let reading = match self.config.concurrency {
            Concurrency::Optimistic => Reading::First,
            Concurrency::Pessimistic { .. } => Reading::Newest,
        };
        let (versions, now) = (&self.store.versions, self.config.clock.now());
        let snapshot = self.transactions.snapshot(id, scope, reading, versions, now)?;
        Ok(ReadAt {
            snapshot,
            transaction: Some(id),
            begun,
        })
    }
}

/// Threads that work aside: more than processors, because some wait for the disk.
fn threads_aside() -> usize {
    2 * std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::ManualClock;

    #[tokio::test]
    async fn an_abandoned_transaction_holds_no_history_once_it_has_expired() {
        let clock = Arc::new(ManualClock::new(chrono::DateTime::UNIX_EPOCH));
        let config = Config {
            clock: clock.clone(),
            ..Config::default()
        };
        let database = Database::open(config).unwrap();
        let scope = Scope::new("project".to_owned(), String::new()).unwrap();
        let commit = || Batch {
            writes: Vec::new(),
            reads: None,
            now: database.now(),
        };
        let holds_history = || !database.store.versions.lock().history.is_empty();
        let id = database.begin(&scope, None).unwrap();
        database.in_transaction(&scope, id, Vec::new()).unwrap();

        database.commit(vec![commit()]).await.unwrap();
        let before = holds_history();
        clock.advance(Duration::from_secs(61));
        database.commit(vec![commit()]).await.unwrap();

        assert!(before);
        assert!(!holds_history());
    }
}
