//! What an import pass did, in one line.

use std::fmt;

use runtime::job::Outcome;

use super::halt::Ended;

/// Counts of one pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Audiences that are ready now.
    pub ready: u32,
    /// Recipients in them.
    pub recipients: u64,
    /// Rows of their files that were rejected.
    pub rejected_rows: u64,
    /// Files that were refused.
    pub refused: u32,
    /// Imports that somebody else goes on with, or nobody.
    pub given_up: u32,
    /// Whether the pass ended at its bound.
    pub(super) is_bounded: bool,
}

impl Report {
    pub(super) fn count(&mut self, ended: &Ended) {
        match ended {
            Ended::Done {
                recipients,
                rejected_rows,
            } => {
                self.ready += 1;
                self.recipients += recipients;
                self.rejected_rows += rejected_rows;
            }
            Ended::Refused => self.refused += 1,
            Ended::Lost | Ended::Stopped => self.given_up += 1,
            // Its turn comes again.
            Ended::GaveWay => {}
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            ready,
            recipients,
            rejected_rows,
            refused,
            given_up,
            is_bounded: _,
        } = self;
        write!(
            f,
            "{ready} audiences ready ({recipients} recipients, {rejected_rows} rows rejected), \
             {refused} refused, {given_up} given up"
        )
    }
}

impl runtime::job::Report for Report {
    fn outcome(&self) -> Outcome {
        if self.is_bounded {
            Outcome::WorkLeft
        } else if self.ready + self.refused + self.given_up == 0 {
            Outcome::Idle
        } else {
            Outcome::Worked
        }
    }
}
