//! The durable side: one SQLite database, written by one thread in groups.
//!
//! Work is queued and answered in order. Everything that waits when the writer is free is
//! committed together, so that many callers share one fsync; each has a savepoint of its own,
//! so that one's failure undoes nobody else's work. What a caller is told, it is told after
//! the commit.

mod queues;
mod schema;
mod tasks;
mod writer;

use std::sync::mpsc;
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

pub(super) use queues::{delete_queue, delete_tasks_through, insert_queue, list_queues, update_queue};
pub(super) use schema::{find_signing_key, insert_signing_key};
pub(super) use tasks::{
    Entry, Inserted, Key, Page, delete_task, find_task, insert_task, last_task, list_due, list_tasks,
    reschedule, settle,
};

use super::Storage;

/// Why the store could not do what was asked. The work was not done, or its outcome is not known.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum StoreError {
    /// SQLite refused: the disk is full, the file is damaged.
    #[error("the task store failed: {0}")]
    Failed(String),
    /// The server is stopping.
    #[error("the task store is closed")]
    Closed,
}

/// A handle to the writer thread, which ends when the last handle is dropped.
#[derive(Clone, Debug)]
pub(super) struct Store {
    jobs: mpsc::Sender<writer::Job>,
}

impl Store {
    /// Opens the database, makes what is missing in it, and starts its writer.
    pub(super) fn open(storage: &Storage) -> rusqlite::Result<(Self, JoinHandle<()>)> {
        let mut connection = match storage {
            Storage::Memory => Connection::open_in_memory()?,
            Storage::File(path) => Connection::open(path)?,
        };
        schema::prepare(&mut connection)?;
        let (jobs, queue) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("tasks-store".to_owned())
            .spawn(move || writer::run(&mut connection, &queue))
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok((Self { jobs }, thread))
    }

    /// Queues `work`; once it is committed, or has failed, `then` is called on the writer's
    /// thread. Calls of `then` come in the order in which work was submitted.
    pub(super) fn submit<T, W, D>(&self, work: W, then: D)
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
        D: FnOnce(Result<T, StoreError>) + Send + 'static,
    {
        if let Err(mpsc::SendError(job)) = self.jobs.send(writer::job(work, then)) {
            job.refuse(StoreError::Closed);
        }
    }

    /// Does `work` and returns once it is committed.
    pub(super) async fn run<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.run_and_tell(work, |_| ()).await
    }

    /// Does `work` and returns once it is committed. Before that, and in the order of the
    /// commits, `tell` passes the result on.
    pub(super) async fn run_and_tell<T, W, D>(&self, work: W, tell: D) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
        D: FnOnce(&T) + Send + 'static,
    {
        let (done, outcome) = oneshot::channel();
        self.submit(work, move |result| {
            if let Ok(result) = &result {
                tell(result);
            }
            // Who asked may have gone; the work stands.
            let _ = done.send(result);
        });
        outcome.await.unwrap_or(Err(StoreError::Closed))
    }
}
