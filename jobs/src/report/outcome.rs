//! What a report pass did, in one line.

use std::fmt;

use runtime::job::Outcome;

/// How the making of one report ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It is whole.
    Ready,
    /// Somebody else has it now, or nobody can make it.
    Lost,
    /// The process is to stop; somebody else goes on.
    Stopped,
}

/// Counts of one pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Reports that are whole now.
    pub ready: u32,
    /// Reports that somebody else goes on with, or nobody.
    pub given_up: u32,
    /// Whether the pass ended at its bound.
    pub(super) is_bounded: bool,
}

impl Report {
    pub(super) fn count(&mut self, ended: Ended) {
        match ended {
            Ended::Ready => self.ready += 1,
            Ended::Lost | Ended::Stopped => self.given_up += 1,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} reports ready, {} given up", self.ready, self.given_up)
    }
}

impl runtime::job::Report for Report {
    fn outcome(&self) -> Outcome {
        if self.is_bounded {
            Outcome::WorkLeft
        } else if self.ready + self.given_up == 0 {
            Outcome::Idle
        } else {
            Outcome::Worked
        }
    }
}
