//! Ending transactions, with all three outcomes of a COMMIT.

use database::{Commit, Tx};

use crate::error::Error;

/// Commits. A lost answer is told as such: the client repeats the request under the same key.
pub(crate) async fn commit(tx: Tx) -> Result<(), Error> {
    match tx.commit().await {
        Commit::Committed => Ok(()),
        Commit::NotCommitted(error) => Err(error.into()),
        Commit::Unknown(error) => Err(Error::OutcomeUnknown(error)),
    }
}

/// Commits what was done, or rolls back what failed.
pub(crate) async fn conclude<T>(tx: Tx, outcome: Result<T, impl Into<Error>>) -> Result<T, Error> {
    match outcome {
        Ok(value) => commit(tx).await.map(|()| value),
        Err(error) => {
            tx.rollback().await;
            Err(error.into())
        }
    }
}
