//! The writer thread: takes whatever waits, commits it as one group, then answers in order.

use std::sync::mpsc::Receiver;

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

/// The most jobs that share a commit. It bounds how long the first of them waits.
const GROUP: usize = 512;

/// One caller's work and what to do with its result.
pub(super) struct Job(Box<dyn Step>);

impl Job {
    /// Answers the caller without doing the work.
    pub(super) fn refuse(self, error: StoreError) {
        self.0.refuse(error);
    }
}

/// Boxes `work` and `then` as a job.
pub(super) fn job<T, W, D>(work: W, then: D) -> Job
where
    T: Send + 'static,
    W: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    D: FnOnce(Result<T, StoreError>) + Send + 'static,
{
    Job(Box::new(Work { work, then }))
}

type Answer = Box<dyn FnOnce(Result<(), StoreError>)>;

trait Step: Send {
    fn perform(self: Box<Self>, connection: &Connection) -> Answer;
    fn refuse(self: Box<Self>, error: StoreError);
}

struct Work<W, D> {
    work: W,
    then: D,
}

impl<T, W, D> Step for Work<W, D>
where
    T: 'static,
    W: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    D: FnOnce(Result<T, StoreError>) + Send + 'static,
{
    fn perform(self: Box<Self>, connection: &Connection) -> Answer {
        let Self { work, then } = *self;
        let result = in_savepoint(connection, work).map_err(failed);
        Box::new(move |committed| then(committed.and(result)))
    }

    fn refuse(self: Box<Self>, error: StoreError) {
        (self.then)(Err(error));
    }
}

fn in_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.prepare_cached("SAVEPOINT job")?.execute([])?;
    let result = work(connection);
    if result.is_err() {
        connection.prepare_cached("ROLLBACK TO job")?.execute([])?;
    }
    connection.prepare_cached("RELEASE job")?.execute([])?;
    result
}

fn failed(error: rusqlite::Error) -> StoreError {
    StoreError::Failed(error.to_string())
}

/// Serves jobs until every sender is gone.
pub(super) fn run(connection: &mut Connection, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let group = std::iter::once(first).chain(jobs.try_iter()).take(GROUP);
        commit(connection, group);
    }
}

fn commit(connection: &mut Connection, group: impl Iterator<Item = Job>) {
    let transaction = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
        Ok(transaction) => transaction,
        Err(error) => {
            let error = failed(error);
            group.for_each(|job| job.refuse(error.clone()));
            return;
        }
    };
    let answers: Vec<Answer> = group.map(|job| job.0.perform(&transaction)).collect();
    let committed = transaction.commit().map_err(failed);
    for answer in answers {
        answer(committed.clone());
    }
}
