//! The outside world on loopback: servers that stand in for Google's, in one process.
//!
//! `datastore` is Datastore v1, `tasks` is Cloud Tasks v2, `sink` a gateway of Firebase Cloud
//! Messaging that remembers what it accepted. They speak the public wire formats and depend on
//! the wire messages only, never on the pipeline's own rules, so that they cannot share its
//! misreadings; and they are stricter than the emulators they replace wherever production is.

pub mod clock;
pub mod datastore;
mod grpc;
mod listener;
pub mod sink;
mod storage;
pub mod tasks;
mod token_bucket;

pub use listener::BindError;
