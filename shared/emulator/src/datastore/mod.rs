//! Datastore v1 over gRPC, to be used in the place of Google's emulator.
//!
//! Everything that a client can observe follows Datastore as documented and as Google's
//! emulator was measured to behave; where that is laxer than production (limits, composite
//! indexes, conflict detection by version) this one does as production does. Entities live in
//! memory or in one file. `store.rs` tells what reads see, `commit.rs` what commits do, and
//! `query/mod.rs` how queries are answered.

mod catalog;
mod commit;
mod config;
mod database;
mod encoding;
mod engine;
mod error;
mod history;
mod indexing;
mod key;
mod limits;
mod messages;
mod methods;
mod mutation;
mod query;
mod server;
mod store;
mod transactions;
mod versions;
mod wire;

pub use crate::storage::Storage;
pub use config::{CompositeIndex, Concurrency, Config, Direction};
pub use engine::file::OpenError;
pub use server::{Server, StartError};
