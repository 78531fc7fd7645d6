//! Cloud Tasks v2 over gRPC, with HTTP targets: an embedded task queue.
//!
//! A task is acknowledged once it is stored; a task that was being dispatched when the process
//! died is dispatched again. Only the soonest tasks of a queue are kept in memory. The same port
//! answers `GET /` with `Ok` and serves the keys that verify the OIDC tokens of dispatches.
//!
//! Not here: App Engine targets, OAuth access tokens, queue-level HTTP targets, batches and IAM
//! (each is refused as UNIMPLEMENTED), and Cloud Tasks' own throttling of a queue as a whole; a
//! `Retry-After` is honoured for its task alone.

mod api;
mod attempt;
mod headers;
mod identity;
mod names;
mod pages;
mod proto_time;
mod queue;
mod queue_settings;
mod server;
mod store;
mod task_request;
mod wire;

use std::sync::Arc;
use std::time::Duration;

pub use server::{Server, StartError};

use crate::clock::{Clock, SystemClock};
pub use crate::storage::Storage;

/// How a task queue server behaves. [`Config::new`] has Cloud Tasks' own values.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where queues and tasks are kept.
    pub storage: Storage,
    /// The clock of schedules, back-off, rates, deadlines and tokens.
    pub clock: Arc<dyn Clock>,
    /// The issuer of OIDC tokens; `None` is the server's own base URL, `http://{address}`.
    pub issuer: Option<String>,
    /// How many tasks of a queue are kept in memory, the soonest first.
    pub window_tasks: usize,
    /// How long [`Server::stop`] waits for dispatches and calls that are under way.
    pub drain: Duration,
}

impl Config {
    /// The documented behaviour of Cloud Tasks on that storage, by the machine's clock.
    pub fn new(storage: Storage) -> Self {
        Self {
            storage,
            clock: Arc::new(SystemClock),
            issuer: None,
            window_tasks: 10_000,
            drain: Duration::from_secs(5),
        }
    }
}
