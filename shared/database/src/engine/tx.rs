//! Transactions whose end is known, or known to be unknown.
//!
//! A transaction owns its connection. It is *doomed* from the moment a statement is on its way
//! until the answer is there, and for good after any error but a unique violation. What is
//! doomed never commits, and its connection is closed, never pooled: so a `begin` dropped before
//! its answer, a `Tx` dropped unfinished and a COMMIT cut short poison no later borrower.

use std::future::Future;
use std::time::Duration;

use super::connection::Connection;
use super::error::{Error, failed_commit};
use super::row::Row;
use super::statement::Statement;

/// An open transaction. Dropped without [`Tx::commit`] or [`Tx::rollback`], it is rolled back by
/// closing its connection, which costs a new one: roll back where that is foreseen.
#[derive(Debug)]
#[must_use = "a transaction that is dropped is rolled back"]
pub struct Tx {
    connection: Connection,
    /// Why nothing more can be done in it.
    doom: Option<Error>,
    answer_within: Duration,
}

/// What became of a COMMIT. An unknown outcome is not a failure: nobody may finish it by guess.
#[derive(Clone, Debug)]
#[must_use = "all three outcomes of a commit must be handled"]
pub enum Commit {
    /// The store has it, durably.
    Committed,
    /// The store does not have it and never will.
    NotCommitted(Error),
    /// The answer was lost: the store has it, or does not, or will have it in a moment. Only a
    /// lock on a row of the transaction tells (FOR UPDATE); a plain SELECT does not.
    Unknown(Error),
}

impl Commit {
    /// `Ok` if committed. For callers that do the same again in both other cases, because
    /// everything in their transaction may be repeated.
    pub fn repeatable(self) -> Result<(), Error> {
        match self {
            Self::Committed => Ok(()),
            Self::NotCommitted(error) | Self::Unknown(error) => Err(error),
        }
    }
}

impl Tx {
    /// Begins on `connection`. Dropped before the answer, the connection is closed.
    pub(crate) async fn begin(connection: Connection, answer_within: Duration) -> Result<Self, Error> {
        let begin = connection.begin_statement();
        let mut tx = Self {
            connection,
            doom: None,
            answer_within,
        };
        tx.command(begin).await?;
        Ok(tx)
    }

    /// Commits. A transaction in which a statement failed or was cut is `NotCommitted` without
    /// asking the store.
    pub async fn commit(mut self) -> Commit {
        if let Err(doom) = self.enter() {
            return Commit::NotCommitted(doom);
        }
        match within(self.answer_within, self.connection.command("COMMIT")).await {
            Some(Ok(())) => {
                self.connection.give_back();
                Commit::Committed
            }
            Some(Err(error)) => failed_commit(error),
            None => Commit::Unknown(no_answer(self.answer_within)),
        }
    }

    /// Rolls back and gives the connection back; a connection that cannot is closed, which is
    /// the same to the store.
    pub async fn rollback(mut self) {
        if self.command("ROLLBACK").await.is_ok() {
            self.connection.give_back();
        }
    }

    pub(crate) async fn execute(&mut self, statement: Statement<'_>) -> Result<u64, Error> {
        self.enter()?;
        let answer = within(self.answer_within, self.connection.execute(statement)).await;
        self.leave(answer)
    }

    pub(crate) async fn fetch_all(&mut self, statement: Statement<'_>) -> Result<Vec<Row>, Error> {
        self.enter()?;
        let answer = within(self.answer_within, self.connection.fetch_all(statement)).await;
        self.leave(answer)
    }

    async fn command(&mut self, text: &'static str) -> Result<(), Error> {
        self.enter()?;
        let answer = within(self.answer_within, self.connection.command(text)).await;
        self.leave(answer)
    }

    /// Dooms the transaction until [`Tx::leave`], which a future that is dropped never reaches.
    fn enter(&mut self) -> Result<(), Error> {
        match &self.doom {
            Some(doom) => Err(doom.clone()),
            None => {
                self.doom = Some(Error::unreachable("a statement was cut before its answer"));
                Ok(())
            }
        }
    }

    fn leave<T>(&mut self, answer: Option<Result<T, sqlx::Error>>) -> Result<T, Error> {
        let answer = match answer {
            Some(answer) => answer.map_err(Error::from),
            None => Err(no_answer(self.answer_within)),
        };
        self.doom = match &answer {
            Ok(_) => None,
            Err(error) if error.leaves_transaction_usable() => None,
            Err(error) => Some(error.clone()),
        };
        answer
    }
}

/// The answer, or `None` if it does not come in time.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, work).await.ok()
}

pub(crate) fn no_answer(limit: Duration) -> Error {
    Error::unreachable(format!("no answer within {limit:?}"))
}
