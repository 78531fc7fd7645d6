//! The background passes.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::duration;

/// `[import]`: uploaded audience files become chunks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Import {
    /// Wait between two passes; one that left work is followed at once.
    #[serde(with = "duration")]
    pub interval: Duration,
    /// Most bytes of one chunk's pushes, so that its one Datastore commit is taken everywhere:
    /// Google's emulators refuse 4 MiB, production 10.
    pub chunk_max_bytes: NonZeroU32,
    /// Memory for the rows of one partition of a file; the whole import takes a few times that.
    pub partition_bytes: NonZeroU32,
    /// How long an import is a process's own without a sign of life.
    #[serde(with = "duration")]
    pub lease: Duration,
}

/// `[fan_out]`: chunks become pushes in Datastore.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FanOut {
    /// Wait between two passes; one that left work is followed at once.
    #[serde(with = "duration")]
    pub interval: Duration,
    /// Mutations of one commit at most, the marker among them; 500 is the upper limit.
    pub mutations: NonZeroU32,
    /// Commits that one process has under way at most; how many it has is found out while they run.
    pub in_flight: NonZeroU32,
    /// How long a stripe of chunks is a process's own without a sign of life.
    #[serde(with = "duration")]
    pub lease: Duration,
    /// Whether writes begin slowly, as cold key ranges need it.
    pub ramp_up: RampUp,
}

/// When a store is written to under Google's 500/50/5 rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RampUp {
    /// When it is Google's.
    Auto,
    /// Whatever it is.
    Always,
    /// It is warm.
    Never,
}

/// `[dispatch]`: due chunks become tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dispatch {
    /// Wait between two passes; one that left work is followed at once.
    #[serde(with = "duration")]
    pub interval: Duration,
    /// How long before its time a chunk is handed to the queue.
    #[serde(with = "duration")]
    pub look_ahead: Duration,
    /// How long after its time a chunk is handed over again that no sender has taken up; doubled
    /// with each hand-over in a row.
    #[serde(with = "duration")]
    pub pick_up: Duration,
    /// The longest that this becomes.
    #[serde(with = "duration")]
    pub pick_up_max: Duration,
    /// Chunks of one campaign that are in the queue at most.
    pub in_queue: NonZeroU32,
}

/// `[reconcile]`: what was left between the stores is brought to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reconcile {
    /// Wait between two passes; one that left work is followed at once.
    #[serde(with = "duration")]
    pub interval: Duration,
    /// Age from which an open intent is taken up; a younger one is still in its owner's hands.
    #[serde(with = "duration")]
    pub min_age: Duration,
}

/// `[prune]`: final campaigns are removed from Datastore.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prune {
    /// Wait between two passes; one that left work is followed at once.
    #[serde(with = "duration")]
    pub interval: Duration,
    /// How long a campaign is kept after its end; an hour at least.
    #[serde(with = "duration")]
    pub keep: Duration,
}

impl Default for Import {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            chunk_max_bytes: super::count(3_670_016),
            partition_bytes: super::count(4_194_304),
            lease: Duration::from_secs(10),
        }
    }
}

impl Default for FanOut {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            mutations: super::count(500),
            in_flight: super::count(16),
            lease: Duration::from_secs(5),
            ramp_up: RampUp::Auto,
        }
    }
}

impl Default for Dispatch {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            look_ahead: Duration::from_secs(30),
            pick_up: Duration::from_secs(60),
            pick_up_max: Duration::from_secs(30 * 60),
            in_queue: super::count(200),
        }
    }
}

impl Default for Reconcile {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            min_age: Duration::from_secs(2),
        }
    }
}

impl Default for Prune {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(3_600),
            keep: Duration::from_secs(30 * 86_400),
        }
    }
}
