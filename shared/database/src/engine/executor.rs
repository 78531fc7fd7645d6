//! Where a read can run: in a transaction, or outside one on a connection of its own.

use std::future::Future;

use super::connection::Connection;
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
        let mut reader = Reader(Some(self.reader().await?));
        let connection = reader
            .0
            .as_mut()
            .ok_or_else(|| Error::fault("a reader without connection"))?;
        match within(self.answer_within(), connection.fetch_all(statement)).await {
            Some(answer) => {
                reader.0 = None;
                Ok(answer?)
            }
            None => Err(no_answer(self.answer_within())),
        }
    }
}

/// Closes its connection unless the answer came: a read that hangs would hang its next borrower.
struct Reader(Option<Connection>);

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            connection.close();
        }
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for &mut super::Tx {}
    impl Sealed for &super::Db {}
}
