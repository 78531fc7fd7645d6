//! Where a read can run: in a transaction, or outside one on a connection of its own.

use std::future::Future;

use super::db::Db;
use super::error::Error;
use super::row::Row;
use super::statement::Statement;
use super::tx::{Tx, no_answer, within};

/// Runs reads. `&mut Tx` sees what its transaction wrote; `&Db` sees what is committed. Writes
/// take `&mut Tx`.
pub trait Executor: Send + sealed::Sealed {
    /// All rows that answer `statement`.
    fn fetch_all(self, statement: Statement<'_>) -> impl Future<Output = Result<Vec<Row>, Error>> + Send;
}

impl Executor for &mut Tx {
    async fn fetch_all(self, statement: Statement<'_>) -> Result<Vec<Row>, Error> {
        Tx::fetch_all(self, statement).await
    }
}

impl Executor for &Db {
    async fn fetch_all(self, statement: Statement<'_>) -> Result<Vec<Row>, Error> {
        let mut connection = self.reader().await?;
        match within(self.answer_within(), connection.fetch_all(statement)).await {
            Some(answer) => {
                connection.give_back();
                Ok(answer?)
            }
            None => Err(no_answer(self.answer_within())),
        }
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for &mut super::Tx {}
    impl Sealed for &super::Db {}
}
