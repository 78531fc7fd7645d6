//! The thread that writes.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::{schema, statements};
use crate::datastore::catalog::Catalog;
use crate::datastore::commit::{Batch, Committed, Ready};
use crate::datastore::engine::{Change, Record, Writing};
use crate::datastore::error::Error;
use crate::datastore::key::Key;
use crate::datastore::versions::Versions;

/// Writes behind which a group takes no further commit.
const GROUP_WRITES: usize = 8_000;
/// Size of the write-ahead log from which it is copied into the file, beside the writer.
const COPIED_FROM: u64 = 128 << 20;
/// Size from which the writer waits for that. It also bounds the start after a crash, which
/// reads the log once.
const WAITED_FROM: u64 = 512 << 20;

/// The way to the thread that writes.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: Mutex<Option<Sender<Job>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Debug)]
enum Job {
    Commit(Asked),
    Clear(oneshot::Sender<Result<(), Error>>),
}

/// Batches to be applied one after the other, up to the first that is refused.
#[derive(Debug)]
struct Asked {
    batches: Vec<Batch>,
    answer: oneshot::Sender<Outcome>,
}

type Outcome = Result<Vec<Committed>, Error>;
type Answer = (oneshot::Sender<Outcome>, Outcome);

impl Writer {
    /// Starts the thread that writes and the one that copies the log.
    pub(super) fn start(
        path: &Path,
        connection: Connection,
        catalog: Arc<Catalog>,
        versions: Versions,
    ) -> rusqlite::Result<Self> {
        let copying = schema::connect(path, schema::READER_CACHE_KIB)?;
        let (jobs, waiting) = channel();
        let (full, fullness) = sync_channel(1);
        let log = Log {
            path: log_path(path),
            full,
        };
        let mut thread = Thread {
            connection,
            catalog,
            versions,
            log,
        };
        let threads = vec![
            std::thread::spawn(move || thread.run(&waiting)),
            std::thread::spawn(move || copy_log(&copying, &fullness)),
        ];
        Ok(Self {
            jobs: Mutex::new(Some(jobs)),
            threads: Mutex::new(threads),
        })
    }

    /// Applies batches durably one after the other, each or nothing of it, up to the first that is
    /// refused.
    pub(super) async fn commit(&self, batches: Vec<Batch>) -> Outcome {
        let (answer, answered) = oneshot::channel();
        self.send(Job::Commit(Asked { batches, answer }))?;
        answered.await.map_err(|_| Error::Stopping)?
    }

    /// Drops everything.
    pub(super) async fn clear(&self) -> Result<(), Error> {
        let (answer, answered) = oneshot::channel();
        self.send(Job::Clear(answer))?;
        answered.await.map_err(|_| Error::Stopping)?
    }

    /// Finishes what is waiting; later commits are refused.
    pub(super) fn close(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the Datastore emulator's file panicked");
            }
        }
    }

    fn send(&self, job: Job) -> Result<(), Error> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let jobs = jobs.as_ref().ok_or(Error::Stopping)?;
        jobs.send(job).map_err(|_| Error::Stopping)
    }
}

struct Thread {
    connection: Connection,
    catalog: Arc<Catalog>,
    versions: Versions,
    log: Log,
}

impl Thread {
    fn run(&mut self, waiting: &Receiver<Job>) {
        while let Ok(first) = waiting.recv() {
            let mut group = Vec::new();
            let mut writes = 0;
            let mut next = Some(first);
            let mut clear = None;
            while let Some(job) = next.take() {
                match job {
                    Job::Commit(asked) => {
                        writes += asked
                            .batches
                            .iter()
                            .map(|batch| batch.writes.len())
                            .sum::<usize>();
                        group.push(asked);
                    }
                    Job::Clear(answer) => {
                        clear = Some(answer);
                        break;
                    }
                }
                if writes < GROUP_WRITES {
                    next = waiting.try_recv().ok();
                }
            }
            self.commit_group(group);
            if let Some(answer) = clear {
                // Whoever asked may be gone; it is done all the same.
                let _ = answer.send(self.clear());
            }
            self.log.look(&self.connection);
        }
    }

    fn commit_group(&mut self, group: Vec<Asked>) {
        if group.is_empty() {
            return;
        }
        let published = self.versions.lock().published();
        let (answers, stored) = match self.store_group(group) {
            (answers, Ok(last)) => {
                self.versions.lock().publish(last);
                (answers, true)
            }
            (answers, Err(error)) => {
                tracing::error!(error.cause = %error, "a group of commits could not be stored");
                self.versions.lock().history.take_back(published);
                (answers, false)
            }
        };
        for (answer, outcome) in answers {
            // A client that went away learns nothing; what it asked for is done all the same.
            let _ = answer.send(if stored { outcome } else { Err(Error::Unstored) });
        }
    }

    /// Stores what can be stored of a group, all at once; the last version of it.
    fn store_group(&mut self, group: Vec<Asked>) -> (Vec<Answer>, rusqlite::Result<i64>) {
        let mut answers = Vec::with_capacity(group.len());
        let transaction = match self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
        {
            Ok(transaction) => transaction,
            Err(error) => {
                answers.extend(
                    group
                        .into_iter()
                        .map(|asked| (asked.answer, Err(Error::Unstored))),
                );
                return (answers, Err(error));
            }
        };
        let mut last = self.versions.lock().published();
        let mut broken = None;
        for Asked { batches, answer } in group {
            if broken.is_some() {
                answers.push((answer, Err(Error::Unstored)));
                continue;
            }
            let stored = batches.into_iter().map(|batch| {
                let committed = store_batch(&transaction, &self.catalog, &self.versions, batch)?;
                last = committed.version;
                Ok(committed)
            });
            match stored.collect() {
                Ok(committed) => answers.push((answer, Ok(committed))),
                Err(Error::Storage(cause)) => {
                    broken = Some(cause);
                    answers.push((answer, Err(Error::Unstored)));
                }
                Err(refused) => answers.push((answer, Err(refused))),
            }
        }
        if let Some(cause) = broken {
            return (answers, Err(cause));
        }
        let names = self.catalog.take_unsaved();
        let stored = schema::save_names(&transaction, &names)
            .and_then(|()| transaction.execute("UPDATE last_commit SET version = ?1", [last]))
            .and_then(|_| transaction.commit());
        if stored.is_err() {
            self.catalog.put_back(names);
        }
        (answers, stored.map(|()| last))
    }

    fn clear(&mut self) -> Result<(), Error> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch("DELETE FROM entity; DELETE FROM entry;")?;
        transaction.commit()?;
        Ok(())
    }
}

fn store_batch(
    connection: &Connection,
    catalog: &Catalog,
    versions: &Versions,
    batch: Batch,
) -> Result<Committed, Error> {
    let mut writing = Open(connection);
    let mut ready = Ready::new(catalog, versions, &mut writing, batch)?;
    // Readers may meet the changes from the moment they are stored, so the images come first.
    ready.leave_images(&mut versions.lock());
    for change in ready.changes {
        writing.apply(change)?;
    }
    Ok(ready.committed)
}

/// The connection inside its transaction.
struct Open<'a>(&'a Connection);

impl Writing for Open<'_> {
    fn find(&mut self, key: &Key) -> Result<Option<Record>, Error> {
        Ok(statements::find(self.0, key)?)
    }

    fn apply(&mut self, change: Change) -> Result<(), Error> {
        Ok(statements::apply(self.0, &change)?)
    }
}

/// The write-ahead log, watched for its size.
struct Log {
    path: PathBuf,
    full: SyncSender<()>,
}

impl Log {
    fn look(&self, connection: &Connection) {
        let size = std::fs::metadata(&self.path).map_or(0, |log| log.len());
        if size >= WAITED_FROM {
            report(connection.pragma(None, "wal_checkpoint", "TRUNCATE", |_| Ok(())));
        } else if size >= COPIED_FROM {
            match self.full.try_send(()) {
                // The other thread is at it already, or has ended with the server.
                Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => {}
            }
        }
    }
}

fn copy_log(connection: &Connection, fullness: &Receiver<()>) {
    while fullness.recv().is_ok() {
        report(connection.pragma(None, "wal_checkpoint", "PASSIVE", |_| Ok(())));
    }
    report(connection.pragma(None, "wal_checkpoint", "TRUNCATE", |_| Ok(())));
}

fn report(copied: rusqlite::Result<()>) {
    if let Err(error) = copied {
        tracing::warn!(error.cause = %error, "the write-ahead log could not be copied into the file");
    }
}

fn log_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}
