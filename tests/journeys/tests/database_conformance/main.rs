//! What every engine under `database` must do alike.
//!
//! The cases are stamped for SQLite and for MySQL or MariaDB. Those of `transactions`,
//! `limits` and `wire` are the engines' and the driver's known traps, each by name.

#![expect(clippy::unwrap_used, reason = "in a test, what cannot go on has failed")]

mod campaigns;
mod chunks;
mod control;
mod deadlines;
mod engine;
mod grants;
mod heartbeat;
mod idempotency;
mod import_work;
mod imports;
mod inconsistencies;
mod intents;
mod leftovers;
mod limits;
mod migrations;
mod pace;
mod quotas;
mod report_leases;
mod stock;
mod stripes;
mod tallies;
mod transactions;
mod uploads;
mod users;
mod values;
mod wire;
mod write;
