//! A gateway that remembers every message it accepted: FCM (HTTP v1), APNs and Web Push.
//!
//! It checks requests as strictly as the public references, writes each accepted message to a
//! ledger before it answers, and makes trouble by a script: errors by share, dead addresses,
//! delays, lost answers. `PUT /_sink/script` changes the script, `GET /_sink/stats` counts, and
//! `POST /_sink/subscriptions` hands out subscriptions to Web Push.
//!
//! It speaks HTTP/1 and HTTP/2 with prior knowledge on one port, without TLS; APNs only HTTP/2.

mod answer;
mod apns;
mod connection;
mod faults;
mod fcm;
mod gateway;
pub mod ledger;
mod script;
mod server;
mod stats;
mod token;
mod web_push;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use apns::Sender as ApnsSender;
pub use script::{Delay, Fault, Outcome, Script, ScriptError, Scripted};
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
    /// The bearer token that is good for FCM; `None` takes any that is not empty.
    pub bearer: Option<String>,
    /// Who may send through APNs; `None` takes anybody's token that is well-formed and not too old.
    pub apns: Option<ApnsSender>,
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
            apns: None,
            clock: Arc::new(SystemClock),
            drain: Duration::from_secs(2),
        }
    }
}
