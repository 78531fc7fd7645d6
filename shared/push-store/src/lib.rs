//! Chunks and pushes in Datastore: expand, due, queue, lease, grant, settle, re-arm.
//!
//! A chunk and its pushes are one entity group, `Chunk/ChunkId → Push/PushId`, so one
//! transaction touches one narrow key range. Every transaction that changes a chunk or its
//! pushes reads the chunk first, and decides by the rules of the `campaign` crate; push states
//! only rise. So every step may be repeated, and nothing here is ever undone.

mod chunk;
mod chunks;
mod client;
mod commit;
mod count;
mod counts;
mod entity;
mod error;
mod expand;
mod fields;
mod grant;
mod lease;
mod prune;
mod push;
mod query;
mod queue;
mod reading;
mod settle;
mod transaction;
mod triggered;
mod users;

pub use chunk::Chunk;
pub use chunks::MAX_LOOKUP_KEYS;
pub use client::{PushStore, Settings};
pub use counts::Commits;
pub use error::Error;
pub use expand::{Expansion, FIRST_VERSION, MAX_MUTATIONS, NewChunk, NewPush};
pub use grant::Redone;
pub use push::Push;
pub use settle::{Afterwards, AttemptCount};
pub use transaction::{Commit, Open};
pub use triggered::NewTriggered;
