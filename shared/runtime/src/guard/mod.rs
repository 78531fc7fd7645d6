//! The load guard: before the databases suffer from us, we slow down.
//!
//! A [`watch`](watch::Watcher) samples the SQL primary, its replicas and Datastore's errors about
//! once a second, and [`pacing::guard`] makes of that the share of our work that may begin.
//! Whoever begins units of work asks at a [`Gate`], or counts its [`Rests`]; what has begun is
//! never held. Without a watch everything is free.
//!
//! Each process watches for itself. So there is nobody who must be alive, and nothing to agree on.

mod gate;
mod replica;
mod rests;
mod show;
mod status;
pub(crate) mod watch;

use std::sync::Arc;

use tokio::sync::watch::{Receiver, Sender};

pub use gate::{Gate, Turn};
pub use pacing::guard::{Cause, Signals, State, Verdict};
pub use rests::Rests;
pub use status::{Hearing, ReplicaStatus, Status};

/// What a process knows of the load. Clones share it.
#[derive(Clone, Debug)]
pub struct Guard(Arc<Sender<Status>>);

impl Default for Guard {
    /// Nothing is watched, everything is free.
    fn default() -> Self {
        Self(Arc::new(Sender::new(Status::default())))
    }
}

impl Guard {
    /// What share of our work may begin, from 0 to 1.
    pub fn share(&self) -> f64 {
        self.0.borrow().verdict.share
    }

    /// All that is known.
    pub fn status(&self) -> Status {
        self.0.borrow().clone()
    }

    /// Makes it known to whoever waits.
    pub fn publish(&self, status: Status) {
        self.0.send_replace(status);
    }

    /// Tells of whatever becomes known from now on.
    fn changes(&self) -> Receiver<Status> {
        self.0.subscribe()
    }
}
