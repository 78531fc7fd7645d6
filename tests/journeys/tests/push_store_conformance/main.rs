//! What the pipeline may rely on of its pushes and chunks in Datastore.
//!
//! Every promise of the `push-store` package is tested on our Datastore in memory under both
//! concurrency modes, on a file, and on Google's emulator where `tests/run` has started one.

#![expect(clippy::unwrap_used, reason = "in a test, what cannot go on has failed")]

mod due;
mod engine;
mod expansion;
mod grants;
mod leases;
mod settling;
mod users;
