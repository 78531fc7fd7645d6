//! What every engine under `database` must do alike.
//!
//! The cases are stamped for SQLite and for MySQL or MariaDB. Those of `pitfalls` and `wire` are
//! the engines' and the driver's known traps, each by name.

#![expect(clippy::unwrap_used, reason = "in a test, what cannot go on has failed")]

mod audiences;
mod campaigns;
mod coupons;
mod deadlines;
mod engine;
mod intents;
mod migrations;
mod pitfalls;
mod proxy;
mod tallies;
mod users;
mod values;
mod wire;
mod work;
mod write;
