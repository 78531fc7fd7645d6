//! The pool: who gets the next stream, and when one more connection is opened.
//!
//! A chunk of the bulk lane wants hundreds of streams at once, and a process has many such chunks
//! in hand. The fast lane does not wait behind them: whoever of it wants a stream has only one of
//! the bulk lane's ahead.
//!
//! The number of connections follows the load. One more is opened, while the next in turn waits,
//! whenever every stream of those that are there is taken; so at rate × latency requests under
//! way there are as many connections as those need. One less is kept after minutes in which
//! three quarters of it would have done.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use campaign::Lane;
use tokio::sync::{Mutex, Notify};

use super::connection::{self, Connection};
use super::slot::Slot;
use super::state::{Next, State};
use super::target::Target;

/// Between two tries to open one more connection while others are there.
const OPEN_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// By how much the ages differ that connections reach, so that they do not all end at once.
const AGES_APART: Duration = Duration::from_secs(20);

/// How a pool behaves.
#[derive(Clone, Copy, Debug)]
pub struct PoolSettings {
    /// Connections at most; each is opened when those that are there have no stream left.
    pub connections: usize,
    /// Requests at once on each connection, if its peer allows as many. Gateways allow about 100.
    pub streams: usize,
    /// The longest a connection may take to open, and a request to be answered.
    pub timeout: Duration,
    /// The age at which a connection is replaced.
    pub age: Duration,
    /// What a connection carries at first.
    pub proving: Proving,
}

/// What a new connection carries until an answer has shown that the peer takes our credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proving {
    /// As much as any other.
    NotNeeded,
    /// One request at a time.
    OneStream,
}

/// A pool of connections to one gateway.
#[derive(Debug)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
    /// Held by whoever is next; all others queue for it.
    turn: Mutex<()>,
    /// Held by the bulk lane while it waits for a stream, so that only one of it waits there.
    bulk_queue: Mutex<()>,
}

/// What connections, slots and the pool share.
#[derive(Debug)]
pub(super) struct Shared {
    target: Target,
    settings: PoolSettings,
    state: std::sync::Mutex<State>,
    changed: Notify,
}

impl Pool {
    /// A pool of connections to `target`, none of them open yet.
    pub(crate) fn new(target: Target, settings: PoolSettings) -> Self {
        Self {
            shared: Arc::new(Shared {
                target,
                settings,
                state: std::sync::Mutex::default(),
                changed: Notify::new(),
            }),
            turn: Mutex::default(),
            bulk_queue: Mutex::default(),
        }
    }

    /// Waits for a free stream on the least loaded connection. `None` if the gateway cannot be
    /// reached.
    pub(crate) async fn slot(&self, lane: Lane) -> Option<Slot> {
        let failures = self.shared.state().failures;
        let _of_bulk = match lane {
            Lane::Bulk => Some(self.bulk_queue.lock().await),
            Lane::Fast => None,
        };
        let _turn = self.turn.lock().await;
        loop {
            // Only the one whose turn it is waits here, so a change is kept for it.
            match self.shared.next(failures) {
                Next::Send(connection) => {
                    let timeout = self.shared.settings.timeout;
                    return Some(Slot::new(connection, Arc::downgrade(&self.shared), timeout));
                }
                Next::Open => open(self.shared.clone()),
                Next::Wait => self.shared.changed.notified().await,
                Next::GiveUp => return None,
            }
        }
    }

    /// Whether nothing is on it.
    pub(crate) fn is_idle(&self) -> bool {
        self.shared.state().is_idle()
    }
}

impl Shared {
    /// Wakes whoever waits for a stream.
    pub(super) fn changed(&self) {
        self.changed.notify_one();
    }

    pub(super) fn retire(&self, connection: &std::sync::Weak<Connection>) {
        self.state().retire(connection);
        self.changed();
    }

    pub(super) fn has_surplus(&self) -> bool {
        self.state().has_surplus(self.settings.streams)
    }

    fn next(&self, failures: u64) -> Next {
        let PoolSettings {
            connections, streams, ..
        } = self.settings;
        self.state().next(failures, connections.max(1), streams.max(1))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens one more connection, beside whoever waits for it: it is of use to the next as well.
#[expect(
    clippy::disallowed_methods,
    reason = "it ends within the time limit of a connection and a second"
)]
fn open(shared: Arc<Shared>) {
    tokio::spawn(async move {
        match Connection::open(&shared.target, &shared.settings).await {
            Ok((connection, driver)) => {
                let connection = Arc::new(connection);
                let mut state = shared.state();
                let apart = AGES_APART * u32::try_from(state.opened % 16).unwrap_or_default();
                connection::drive(
                    driver,
                    Arc::downgrade(&connection),
                    Arc::downgrade(&shared),
                    shared.settings.age + apart,
                );
                state.add(connection);
                state.is_opening = false;
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a gateway cannot be reached"
                );
                shared.state().failures += 1;
                if !shared.state().is_empty() {
                    tokio::time::sleep(OPEN_AGAIN_AFTER).await;
                }
                shared.state().is_opening = false;
            }
        }
        shared.changed();
    });
}
