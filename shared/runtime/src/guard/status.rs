//! What is known of the load.

use chrono::{DateTime, Utc};
use pacing::guard::{Signals, Verdict};

/// The last sample, and what follows from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// When it was taken; `None` where nothing is watched.
    pub sampled_at: Option<DateTime<Utc>>,
    /// What follows.
    pub verdict: Verdict,
    /// What was found.
    pub signals: Signals,
    /// Each replica.
    pub replicas: Vec<ReplicaStatus>,
}

/// What is known of a replica.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaStatus {
    /// Its `host:port`.
    pub name: String,
    /// Whether it answers.
    pub hearing: Hearing,
    /// How far it is taken to be behind, in seconds, without end if it is stopped; `None` of one
    /// that is dropped.
    pub lag: Option<f64>,
}

/// Whether a replica answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// It does.
    Heard,
    /// It answers that it applies nothing.
    Stopped,
    /// It does not, and is taken to have applied nothing since it did.
    Silent,
    /// It has not for so long that it counts no more.
    Dropped,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            sampled_at: None,
            verdict: Verdict::FREE,
            signals: Signals::default(),
            replicas: Vec::new(),
        }
    }
}

impl Hearing {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Heard, Self::Stopped, Self::Silent, Self::Dropped];

    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Heard => "heard",
            Self::Stopped => "stopped",
            Self::Silent => "silent",
            Self::Dropped => "dropped",
        }
    }
}
