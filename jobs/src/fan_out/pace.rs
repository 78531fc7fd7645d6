//! What commits teach of the store, and what is shown of that.

use std::time::Duration;

use pacing::{Learnt, Outcome, SharedLimit};
use push_store::Error;

/// How long a commit took, or why it was not made.
#[derive(Clone, Copy, Debug)]
pub(super) enum Felt {
    /// It was answered.
    Answered {
        /// After this time.
        after: Duration,
        /// How many mutations it held.
        mutations: u32,
    },
    /// The store is overloaded; the cause, as metrics name it.
    Overloaded(&'static str),
}

impl Felt {
    /// What an error of the store says of its load, if anything.
    pub(super) fn of(error: &Error) -> Option<Self> {
        match error {
            Error::Conflict(_) => Some(Self::Overloaded("aborted")),
            Error::Throttled(_) => Some(Self::Overloaded("throttled")),
            Error::Unreachable(_) => Some(Self::Overloaded("unreachable")),
            Error::Refused(_) | Error::Malformed { .. } | Error::TooLarge { .. } | Error::Client(_) => None,
        }
    }
}

/// Learns from a chunk that ended while `under_way` were, itself included.
pub(super) fn learn(limit: &SharedLimit, felt: Felt, under_way: usize) {
    let (learnt, cause) = match felt {
        Felt::Answered { after, mutations } => {
            metrics::histogram!("noroshi_fan_out_commit_seconds").record(after);
            let outcome = Outcome::Answered { after, mutations };
            (limit.learn(outcome, under_way), "queueing")
        }
        Felt::Overloaded(cause) => (limit.learn(Outcome::Overloaded, under_way), cause),
    };
    match learnt {
        Learnt::Nothing => return,
        Learnt::Round(mean) => round(mean),
        Learnt::Queueing(mean) => {
            round(mean);
            back_off(cause);
        }
        Learnt::Overload => back_off(cause),
    }
    // Far below 2^52.
    metrics::gauge!("noroshi_fan_out_limit").set(limit.get() as f64);
}

fn round(mean: Duration) {
    metrics::gauge!("noroshi_fan_out_round_seconds").set(mean.as_secs_f64());
}

fn back_off(cause: &'static str) {
    metrics::counter!("noroshi_fan_out_backoffs_total", "cause" => cause).increment(1);
}
