//! Before a chunk is leased: whether the load guard lets it be.
//!
//! A task waits a little, because places become free all the time. Then its chunk is put back and
//! comes due again later: a task that waited longer would hold a place in the queue for nothing.
//! Each lane has places of its own, so that small campaigns get through while large ones are slowed.

use std::time::Duration;

use campaign::Lane;
use runtime::Backends;
use runtime::guard::{Gate, Turn};

/// How long a task waits.
const WAIT: Duration = Duration::from_secs(1);

/// How long at least until the chunk of one that waited in vain comes due again; twice as long at
/// most, so that those who waited together do not come back together.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// The gates of all lanes. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Gates {
    fast: Gate,
    bulk: Gate,
}

impl Gates {
    /// Gates before as many places of each lane.
    pub(crate) fn new(backends: &Backends, of_a_lane: usize) -> Self {
        let gate = || Gate::new(backends.guard.clone(), backends.process.clock.clone(), of_a_lane);
        Self {
            fast: gate(),
            bulk: gate(),
        }
    }

    /// Leave to work on a chunk of the lane; `None` if there is none within a moment, or before
    /// the process is to stop.
    pub(crate) async fn enter(&self, lane: Lane, backends: &Backends) -> Option<Turn> {
        let gate = match lane {
            Lane::Fast => &self.fast,
            Lane::Bulk => &self.bulk,
        };
        let process = &backends.process;
        tokio::select! {
            biased;
            turn = gate.enter() => Some(turn),
            () = process.stop.requested() => None,
            () = process.clock.sleep(WAIT) => None,
        }
    }
}

/// How long until a chunk that got no leave comes due again.
pub(crate) fn again_after() -> Duration {
    AGAIN_AFTER.mul_f64(rand::random_range(1.0..2.0))
}
