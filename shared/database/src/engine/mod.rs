//! One way to speak SQL to two engines.
//!
//! Everything that knows `sqlx` is here: connections and their pools, transactions whose
//! COMMIT has three outcomes, statements written once for both engines, rows, errors by what
//! a caller can do about them, and the schema's migrations. The tables' modules know none of it.

mod connection;
mod create;
mod db;
mod dialect;
mod error;
mod executor;
mod insert;
pub mod migrate;
mod mysql;
mod row;
mod sqlite;
mod statement;
mod tx;
mod value;

pub use create::{create_database, drop_database};
pub use db::{Db, Settings};
pub use error::{Cause, Error};
pub use executor::Executor;
pub use insert::insert_rows;
pub use row::{Column, Row};
pub use statement::{Statement, sql};
pub use tx::{Commit, Tx};
pub use value::Value;
