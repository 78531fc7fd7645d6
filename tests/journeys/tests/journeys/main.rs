//! What a user of Noroshi sees, from a file of recipients to the gateway's ledger.
//!
//! Each journey has a [`journeys::world::World`] of its own and is stamped once for each set of
//! stores. At its end the books of every campaign are gone over, so that a journey that is about
//! something else still finds a push that was lost.

#![expect(clippy::unwrap_used, reason = "in a test, what cannot go on has failed")]

mod campaigns;
mod canary;
mod checker;
mod control;
mod costs;
mod coupons;
mod delivery;
mod devices;
mod error_tables;
mod feedback;
mod files;
mod gateway;
mod guard;
mod inconsistencies;
mod locks;
mod outage;
mod recipients;
mod rehearsal;
mod replication;
mod schedule;
mod shell;
mod stamp;
mod tasks;
mod triggered;
mod verification;
