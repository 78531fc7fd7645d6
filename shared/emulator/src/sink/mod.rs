//! A gateway of Firebase Cloud Messaging (HTTP v1) that remembers every message it accepted.
//!
//! It checks requests as strictly as the public reference, writes each accepted message to a
//! ledger before it answers, and makes trouble by a script: errors by share, dead addresses,
//! delays, lost answers. `PUT /_sink/script` changes the script, `GET /_sink/stats` counts.
//!
//! It speaks HTTP/1 and HTTP/2 with prior knowledge on one port, without TLS.

mod faults;
mod gateway;
pub mod ledger;
mod message;
mod problem;
mod request;
mod script;
mod server;
mod stats;
mod validation;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use script::{Delay, Fault, Outcome, Script, ScriptError};
pub use server::{Server, StartError};
pub use stats::Counts;

use crate::clock::{Clock, SystemClock};

/// How a sink behaves. [`Config::new`] accepts everything that is valid, at once.
#[derive(Clone, Debug)]
pub struct Config {
    /// The ledger file: made if it is missing, appended to if it is there.
    pub ledger: PathBuf,
    /// The trouble it makes, until it is changed by `PUT /_sink/script`.
    pub script: Script,
    /// The bearer token that is good; `None` takes any that is not empty.
    pub bearer: Option<String>,
    /// The clock of the ledger, of delays and quotas.
    pub clock: Arc<dyn Clock>,
    /// How long [`Server::stop`] waits for requests that are under way.
    pub drain: Duration,
}

impl Config {
    /// A sink that makes no trouble, with its ledger in that file.
    pub fn new(ledger: PathBuf) -> Self {
        Self {
            ledger,
            script: Script::default(),
            bearer: None,
            clock: Arc::new(SystemClock),
            drain: Duration::from_secs(2),
        }
    }
}
