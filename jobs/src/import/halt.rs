//! Why an import goes no further in this turn.

use crate::Error;

/// How an import's turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The audience is ready, and its report as well.
    Done {
        /// Recipients in it.
        recipients: u64,
        /// Rows of its file that were rejected.
        rejected_rows: u64,
    },
    /// Its file is refused.
    Refused,
    /// Somebody else has it now, it is paused, or nobody wants it any more.
    Lost,
    /// The process is to stop; somebody else goes on.
    Stopped,
    /// Others have waited longer.
    GaveWay,
}

/// What ends a phase before its end: nothing more to do for now, or a failure.
#[derive(Debug)]
pub(super) enum Halt {
    /// Nothing is wrong.
    Ended(Ended),
    /// What was done stays done; the next turn goes on from there.
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Halt {
    pub(super) fn into_result(self) -> Result<Ended, Error> {
        match self {
            Self::Ended(ended) => Ok(ended),
            Self::Failed(error) => Err(error),
        }
    }
}
