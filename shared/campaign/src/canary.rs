//! The canary: the first part of a campaign goes ahead, and the others follow if it is well.
//!
//! Which chunks are its canary is told by their numbers, so everybody knows without asking. How it
//! went is judged by counts, again and again, until that is decided for good: it fails as soon as
//! enough was tried and too much of it failed, and it passes when all of it is through. Pure.

use serde::{Deserialize, Serialize};

use crate::word::words;
use crate::{PushState, Reason, Tally};

/// What goes ahead, and how well it has to go.
///
/// ```json
/// {"percent": 1, "max_failure_rate": 0.05, "min_sent": 500}
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// How much of the campaign's chunks: above 0, at most 50.
    pub percent: f64,
    /// The part of what was tried that may fail, from 0 to 1.
    pub max_failure_rate: f64,
    /// With fewer tried than this, nothing is decided but at the end; 1 at least.
    pub min_sent: u64,
}

words! {
    /// How far a campaign's canary is.
    CanaryState {
        /// It is under way, and the others wait.
        Open = "open",
        /// It went well, and the others have followed.
        Passed = "passed",
        /// It did not, and the campaign was paused.
        Failed = "failed",
        /// It did not, and a person let the others follow all the same.
        Waived = "waived",
    }
}

/// A canary that means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct CanaryError {
    /// The field's name.
    pub field: &'static str,
    /// What it must be.
    pub reason: &'static str,
}

/// What follows from the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not enough is known.
    Wait,
    /// The others may follow.
    Pass,
    /// They must not.
    Fail,
}

/// What was tried of a canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Accepted by a gateway.
    pub sent: u64,
    /// Failed for a reason that another message, credential or gateway would have changed.
    pub failed: u64,
}

impl Canary {
    /// Whether it means something.
    pub fn validate(&self) -> Result<(), CanaryError> {
        let refuse = |field, reason| Err(CanaryError { field, reason });
        if !(self.percent > 0.0 && self.percent <= 50.0) {
            return refuse("percent", "must be more than 0 and at most 50");
        }
        if !(0.0..=1.0).contains(&self.max_failure_rate) {
            return refuse("max_failure_rate", "must be from 0 to 1");
        }
        if self.min_sent == 0 {
            return refuse("min_sent", "must be at least 1");
        }
        Ok(())
    }

    /// How many of so many chunks, those with the lowest numbers: one at least.
    pub fn chunks(&self, of: u32) -> u32 {
        // Of a number of 32 bits, and less than it.
        let chunks = (f64::from(of) * self.percent / 100.0).ceil() as u32;
        chunks.clamp(1, of.max(1))
    }

    /// Judges what was tried until now; `is_through` if nothing of the canary is left. One of which
    /// too little was tried to tell fails at its end: a person decides.
    pub fn judge(&self, tried: Tried, is_through: bool) -> Verdict {
        let all = tried.sent + tried.failed;
        if all < self.min_sent {
            return if is_through { Verdict::Fail } else { Verdict::Wait };
        }
        if tried.rate() > self.max_failure_rate {
            Verdict::Fail
        } else if is_through {
            Verdict::Pass
        } else {
            Verdict::Wait
        }
    }

    /// Why one that was tried so failed, in words.
    pub fn reason(&self, tried: Tried) -> String {
        let all = tried.sent + tried.failed;
        if all < self.min_sent {
            return format!(
                "its canary is too small: {all} were tried of the {} that tell",
                self.min_sent
            );
        }
        format!(
            "its canary failed: {} of {all} pushes, {:.1} % of the {:.1} % that may",
            tried.failed,
            tried.rate() * 100.0,
            self.max_failure_rate * 100.0
        )
    }
}

impl Tried {
    /// Of these counts. That an address is gone is no fault of a campaign's.
    pub fn of(tally: &Tally) -> Self {
        let failed = tally
            .settled
            .iter()
            .filter(|(reason, _)| reason.state() == PushState::Failed && **reason != Reason::Unregistered);
        Self {
            sent: tally.count(PushState::Sent),
            failed: failed.map(|(_, pushes)| pushes).sum(),
        }
    }

    /// The part that failed.
    pub fn rate(self) -> f64 {
        let all = (self.sent + self.failed).max(1);
        self.failed as f64 / all as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: Canary = Canary {
        percent: 1.0,
        max_failure_rate: 0.05,
        min_sent: 100,
    };

    fn judge(sent: u64, failed: u64, is_through: bool) -> Verdict {
        CANARY.judge(Tried { sent, failed }, is_through)
    }

    #[test]
    fn it_is_a_part_of_the_chunks_and_one_at_least() {
        let of = |percent| Canary { percent, ..CANARY };

        assert_eq!(
            [0, 1, 100, 101, 20_000].map(|all| CANARY.chunks(all)),
            [1, 1, 1, 2, 200]
        );
        assert_eq!([of(0.001).chunks(20_000), of(50.0).chunks(3)], [1, 2]);
    }

    #[test]
    fn it_fails_as_soon_as_enough_is_known_and_passes_at_its_end() {
        assert_eq!(judge(0, 99, false), Verdict::Wait);
        assert_eq!(judge(94, 6, false), Verdict::Fail);
        assert_eq!(judge(95, 5, false), Verdict::Wait);
        assert_eq!(judge(95, 5, true), Verdict::Pass);
        assert_eq!(judge(94, 6, true), Verdict::Fail);
    }

    #[test]
    fn one_that_is_too_small_to_tell_is_for_a_person_to_judge() {
        assert_eq!(judge(99, 0, true), Verdict::Fail);
        assert_eq!(
            CANARY.reason(Tried { sent: 99, failed: 0 }),
            "its canary is too small: 99 were tried of the 100 that tell"
        );
    }

    #[test]
    fn an_address_that_is_gone_is_no_failure() {
        let mut tally = Tally::default();
        for (reason, pushes) in [
            (Reason::Accepted, 90),
            (Reason::Unregistered, 40),
            (Reason::PayloadWrong, 10),
            (Reason::OptedOut, 7),
        ] {
            tally.add(crate::Standing::Settled(reason), pushes);
        }

        let tried = Tried::of(&tally);

        assert_eq!(tried, Tried { sent: 90, failed: 10 });
        assert_eq!(
            CANARY.reason(tried),
            "its canary failed: 10 of 100 pushes, 10.0 % of the 5.0 % that may"
        );
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for canary in [
            Canary {
                percent: 0.0,
                ..CANARY
            },
            Canary {
                percent: 50.1,
                ..CANARY
            },
            Canary {
                percent: f64::NAN,
                ..CANARY
            },
            Canary {
                max_failure_rate: 1.1,
                ..CANARY
            },
            Canary {
                min_sent: 0,
                ..CANARY
            },
        ] {
            assert!(canary.validate().is_err(), "{canary:?}");
        }
        assert_eq!(CANARY.validate(), Ok(()));
    }
}
