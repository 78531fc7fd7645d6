//! Where the load guard lets parts of files in, one after the other.

use std::time::Duration;

use runtime::guard::{Gate, Turn};
use runtime::{Backends, Process};

use crate::error::Error;

/// Parts that one process stores at once while the guard slows it down.
const PLACES: usize = 2;

/// The gate of one process, for all its uploads.
#[derive(Clone, Debug)]
pub(crate) struct UploadGate(Gate);

impl UploadGate {
    /// The gate in front of what these backends store.
    pub(crate) fn new(backends: &Backends) -> Self {
        let clock = backends.process.clock.clone();
        Self(Gate::new(backends.guard.clone(), clock, PLACES))
    }

    /// Waits until a part may be stored; [`Error::HeldBack`] if that takes longer than `patience`.
    pub(crate) async fn enter(&self, process: &Process, patience: Duration) -> Result<Turn, Error> {
        tokio::select! {
            biased;
            turn = self.0.enter() => Ok(turn),
            () = process.clock.sleep(patience) => Err(Error::HeldBack),
            () = process.stop.requested() => Err(Error::Stopping),
        }
    }
}
