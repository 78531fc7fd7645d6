//! The sections of the configuration: one struct each, whose `Default` is the default.

mod admin;
mod delivery;
mod feedback;
mod files;
mod guard;
mod passes;
mod provider;
mod stores;

pub use admin::{Admin, Log, LogFormat};
pub use delivery::{Retry, Sender};
pub use feedback::Feedback;
pub use files::Files;
pub use guard::Guard;
pub use passes::{Dispatch, FanOut, Import, Prune, RampUp, Reconcile};
pub use provider::{Apns, Fcm, Provider, WebPush};
pub use stores::{Concurrency, Data, Database, Datastore, Queue};

use std::num::NonZeroU32;

/// A default that must not be zero.
const fn count(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).expect("every default in this module is above zero")
}
