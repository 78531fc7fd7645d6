//! The pool: who gets the next stream, and when further connections are opened.
//!
//! A chunk of the bulk lane wants hundreds of streams at once, and a process has many such chunks
//! in hand. The fast lane does not wait behind them: whoever of it wants a stream has only one of
//! the bulk lane's ahead. A stream that is given back goes to the next in line, and wakes nobody
//! else.
//!
//! The number of connections follows the load. Further ones are opened, while those in line wait,
//! whenever every stream of those that are there is taken; so at rate × latency requests under
//! way there are as many connections as those need. Beyond a few, only where they help: see
//! [`rounds`](super::rounds). One less is kept after minutes in which three quarters of it would
//! have done.

use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use campaign::Lane;

use super::connection::{self, Connection};
use super::line::Waiting;
use super::slot::Slot;
use super::state::State;
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
}

/// What connections, slots and the pool share.
#[derive(Debug)]
pub(super) struct Shared {
    target: Target,
    settings: PoolSettings,
    state: std::sync::Mutex<State>,
}

impl Pool {
    /// A pool of connections to `target`, none of them open yet.
    pub(crate) fn new(target: Target, settings: PoolSettings) -> Self {
        let state = State::new(settings.connections.max(1), settings.streams.max(1));
        Self {
            shared: Arc::new(Shared {
                target,
                settings,
                state: std::sync::Mutex::new(state),
            }),
        }
    }

    /// Waits for a free stream on the least loaded connection. `None` if the gateway cannot be
    /// reached.
    pub(crate) async fn slot(&self, lane: Lane) -> Option<Slot> {
        let waiting = {
            let mut state = self.shared.state();
            match state.take() {
                Some(connection) => return Some(self.shared.slot(connection)),
                None => state.join(lane),
            }
        };
        open_as_needed(&self.shared);
        waiting.await.ok()
    }

    /// Whether nothing is on it.
    pub(crate) fn is_idle(&self) -> bool {
        self.shared.state().is_idle()
    }
}

impl Shared {
    /// Gives the free streams of a connection to those who are next in line.
    pub(super) fn serve(self: &Arc<Self>, connection: &Arc<Connection>) {
        while let Some(next) = self.next(connection) {
            // Whoever has left meanwhile gives it back, by dropping it.
            drop(next.send(self.slot(connection.clone())));
        }
    }

    /// Takes back a stream of a connection.
    pub(super) fn give_back(self: &Arc<Self>, connection: &Arc<Connection>) {
        let may_need_more = self.state().give_back(connection);
        self.serve(connection);
        if may_need_more {
            open_as_needed(self);
        }
    }

    /// Gives no more streams of a connection; what is on it goes on to its end.
    pub(super) fn retire(self: &Arc<Self>, connection: &Weak<Connection>) {
        self.state().retire(connection);
        open_as_needed(self);
    }

    /// Takes note that a connection carries another number of streams than before.
    pub(super) fn changed(self: &Arc<Self>, connection: &Arc<Connection>) {
        self.serve(connection);
        open_as_needed(self);
    }

    pub(super) fn has_surplus(&self) -> bool {
        self.state().has_surplus()
    }

    /// Whoever is to get a stream of that connection, which is taken.
    fn next(&self, connection: &Arc<Connection>) -> Option<Waiting> {
        self.state().next(connection)
    }

    /// Whether there is a connection, after one could not be opened. If not, those in line are sent
    /// away.
    fn are_others_open(&self) -> bool {
        let mut state = self.state();
        if state.is_empty() {
            state.give_up();
        }
        !state.is_empty()
    }

    fn slot(self: &Arc<Self>, connection: Arc<Connection>) -> Slot {
        Slot::new(connection, Arc::downgrade(self), self.settings.timeout)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens as many connections as those in line need, beside them.
#[expect(
    clippy::disallowed_methods,
    reason = "each ends within the time limit of a connection and a second"
)]
fn open_as_needed(shared: &Arc<Shared>) {
    if tokio::runtime::Handle::try_current().is_err() {
        // Whoever gives a stream back now is dropped with the runtime.
        return;
    }
    let wanted = shared.state().begin_to_open();
    for _ in 0..wanted {
        tokio::spawn(open(shared.clone()));
    }
}

async fn open(shared: Arc<Shared>) {
    match Connection::open(&shared.target, &shared.settings).await {
        Ok((connection, driver)) => {
            let connection = Arc::new(connection);
            let opened = shared.state().add(connection.clone());
            let apart = AGES_APART * u32::try_from(opened % 16).unwrap_or_default();
            connection::drive(
                driver,
                Arc::downgrade(&connection),
                Arc::downgrade(&shared),
                shared.settings.age + apart,
            );
            shared.changed(&connection);
        }
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a gateway cannot be reached"
            );
            if shared.are_others_open() {
                tokio::time::sleep(OPEN_AGAIN_AFTER).await;
            }
            shared.state().end_to_open();
            open_as_needed(&shared);
        }
    }
}
