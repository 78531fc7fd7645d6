//! What people decided, in SQL: campaigns, audiences, coupons, grants, devices.
//!
//! One implementation on two engines, MySQL (and MariaDB) and SQLite. [`Db`] and [`Tx`] speak
//! to them; each table has a module of small functions, one statement each, that say what they
//! need locked and what a repeat does. Writes take `&mut Tx`, reads take `&Db` or `&mut Tx`.
//!
//! The modules at the root belong to the main database. Those under [`shard`] belong to the
//! database that holds a user's grants, and [`upload_part`] and [`report`] to that of files; each
//! may be another: nothing joins them.
//!
//! User ids come here trimmed: to MySQL's `utf8mb4_bin`, trailing spaces are none.

pub mod audience;
pub mod audience_chunk;
pub mod campaign;
pub mod campaign_pace;
pub mod chunk_tally;
pub mod control;
pub mod coupon;
pub mod device;
mod engine;
pub mod erasure;
pub mod fan_out_progress;
pub mod fan_out_stripe;
pub mod feedback;
pub mod heartbeat;
pub mod idempotency;
pub mod import_key;
pub mod import_work;
pub mod inconsistency;
pub mod opt_out;
mod outcome;
pub mod quota;
pub mod ramp;
pub mod report;
pub mod server;
pub mod shard;
pub mod stock;
pub mod stock_reservation;
mod text;
pub mod upload;
pub mod upload_part;
mod word;

pub use engine::{
    Cause, Column, Commit, Db, Error, Executor, Row, Settings, Statement, Tx, Value, create_database,
    drop_database, insert_rows, migrate, sql,
};
pub use outcome::{Change, Insertion};
