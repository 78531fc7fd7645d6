//! Statements, written once for both engines.
//!
//! ```no_run
//! # async fn example(db: &database::Db) -> Result<(), database::Error> {
//! let grants: Vec<String> = database::sql("SELECT user_id FROM coupon_grant WHERE chunk_no = ?")
//!     .bind(7u32)
//!     .list(db, |row| row.get("user_id"))
//!     .await?;
//! # Ok(()) }
//! ```
//!
//! A list is bound to the marker `(?..)` and padded to the next power of two, so that lists of
//! all lengths share a handful of prepared statements.

use std::borrow::Cow;

use sqlx::error::BoxDynError;
use sqlx::mysql::MySqlArguments;
use sqlx::sqlite::SqliteArguments;

use super::error::Error;
use super::executor::Executor;
use super::row::Row;
use super::tx::Tx;
use super::value::Value;
use crate::outcome::{Change, Insertion};

const LIST: &str = "(?..)";

/// A statement with its values.
#[derive(Clone, Debug)]
#[must_use = "a statement does nothing until it is run"]
pub struct Statement<'a> {
    pub(crate) text: Cow<'static, str>,
    pub(crate) values: Vec<Value<'a>>,
    /// Whether the connection keeps it prepared. Not for texts that seldom come again.
    pub(crate) kept: bool,
}

/// Begins a statement in MySQL's words, with `?` for each value.
pub fn sql<'a>(text: &'static str) -> Statement<'a> {
    Statement {
        text: Cow::Borrowed(text),
        values: Vec::new(),
        kept: true,
    }
}

impl<'a> Statement<'a> {
    /// Binds the next placeholder.
    pub fn bind(mut self, value: impl Into<Value<'a>>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Binds the next `(?..)`, as in `IN (?..)`, to the values: any number of them up to 16,384.
    /// No values at all match nothing.
    pub fn bind_list<V: Into<Value<'a>>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        let before = self.values.len();
        self.values.extend(values.into_iter().map(Into::into));
        let placeholders = match self.values[before..].last().cloned() {
            Some(last) => {
                let count = (self.values.len() - before).next_power_of_two();
                // A value twice in a list changes nothing.
                self.values.resize(before + count, last);
                format!("({}?)", "?, ".repeat(count - 1))
            }
            // In so many words, since MariaDB keeps the type of a placeholder that was NULL once.
            None => "(NULL)".to_owned(),
        };
        self.text = Cow::Owned(self.text.replacen(LIST, &placeholders, 1));
        self
    }

    /// Runs it in the transaction and answers how many rows it matched or inserted. (An upsert
    /// counts differently on each engine: do not read its number.)
    pub async fn execute(self, tx: &mut Tx) -> Result<u64, Error> {
        tx.execute(self).await
    }

    /// Runs an INSERT of one row, which may be there already.
    pub(crate) async fn insert(self, tx: &mut Tx) -> Result<Insertion, Error> {
        match self.execute(tx).await {
            Ok(_) => Ok(Insertion::New),
            Err(Error::UniqueViolation(_)) => Ok(Insertion::Existing),
            Err(other) => Err(other),
        }
    }

    /// Runs an UPDATE or DELETE of one row, by its key and under conditions.
    pub(crate) async fn change(self, tx: &mut Tx) -> Result<Change, Error> {
        match self.execute(tx).await? {
            0 => Ok(Change::Stale),
            _ => Ok(Change::Applied),
        }
    }

    /// All rows of the answer. Ask for a bounded page.
    pub async fn fetch_all(self, on: impl Executor) -> Result<Vec<Row>, Error> {
        on.fetch_all(self).await
    }

    /// The row of an answer that always has one, as of an aggregate.
    pub async fn fetch_one(self, on: impl Executor) -> Result<Row, Error> {
        let first = self.fetch_all(on).await?.into_iter().next();
        first.ok_or_else(|| Error::fault("an answer without its row"))
    }

    /// What `read` makes of the first row of the answer, if there is one.
    pub async fn find<T>(
        self,
        on: impl Executor,
        read: fn(&Row) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        self.fetch_all(on).await?.first().map(read).transpose()
    }

    /// What `read` makes of all rows of the answer, in its order. Ask for a bounded page.
    pub async fn list<T, C: FromIterator<T>>(
        self,
        on: impl Executor,
        read: fn(&Row) -> Result<T, Error>,
    ) -> Result<C, Error> {
        self.fetch_all(on).await?.iter().map(read).collect()
    }

    pub(crate) fn mysql_arguments(&self) -> Result<MySqlArguments, BoxDynError> {
        let mut arguments = MySqlArguments::default();
        for value in &self.values {
            value.add_to_mysql(&mut arguments)?;
        }
        Ok(arguments)
    }

    pub(crate) fn sqlite_arguments(&self) -> Result<SqliteArguments, BoxDynError> {
        let mut arguments = SqliteArguments::default();
        for value in &self.values {
            value.add_to_sqlite(&mut arguments)?;
        }
        Ok(arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_padded_to_a_power_of_two_with_its_last_value() {
        let statement = sql("SELECT a FROM t WHERE b = ? AND c IN (?..) AND d > ?")
            .bind(1u32)
            .bind_list(["x", "y", "z"])
            .bind(2u32);

        assert_eq!(
            statement.text,
            "SELECT a FROM t WHERE b = ? AND c IN (?, ?, ?, ?) AND d > ?"
        );
        assert!(matches!(&statement.values[4], Value::Text(last) if last == "z"));
        assert!(matches!(statement.values[5], Value::Integer(2)));
    }

    #[test]
    fn an_empty_list_matches_nothing() {
        let statement = sql("SELECT a FROM t WHERE c IN (?..)").bind_list(Vec::<&str>::new());

        assert_eq!(statement.text, "SELECT a FROM t WHERE c IN (NULL)");
        assert!(statement.values.is_empty());
    }
}
