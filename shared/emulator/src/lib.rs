//! The outside world on loopback: servers that stand in for Google's, in one process.
//!
//! `tasks` is Cloud Tasks v2, `sink` a gateway of Firebase Cloud Messaging that remembers what
//! it accepted. They speak the public wire formats, know nothing of this pipeline's domain, and
//! are stricter than the emulators they replace wherever production is.

pub mod clock;
mod listener;
pub mod sink;
pub mod tasks;
mod token_bucket;
