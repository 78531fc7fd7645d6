//! A token that a gateway refuses is made anew once; after that, the credential is at fault.
//!
//! Hundreds of messages are under way with one token when it is refused, and all of them hear of
//! it: only the first makes a new one, and the others learn that theirs is an old one.
//!
//! Tokens that we sign ourselves, Apple's and those of Web Push, cost no question to anybody and are
//! made long before they end, by the first message for which that is due: nobody waits, and so no
//! task makes them. Those that are fetched have one; `fcm::config` has how.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// Which token in a row a message carries.
pub(crate) type Generation = u64;

/// The generations of one credential's tokens.
#[derive(Debug)]
pub(crate) struct Renewal {
    current: Generation,
    /// When the current one was made because of a refusal.
    renewed_at: Option<DateTime<Utc>>,
    /// Not more often than this is a token made because of a refusal.
    at_most_every: Duration,
}

/// What follows from a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The message had an old token: there is a newer one already.
    Newer,
    /// The token is to be made anew.
    Renew,
    /// The token was made anew a moment ago: the credential itself is refused.
    Refused,
}

impl Renewal {
    pub(crate) fn new(at_most_every: Duration) -> Self {
        Self {
            current: 0,
            renewed_at: None,
            at_most_every,
        }
    }

    pub(crate) fn current(&self) -> Generation {
        self.current
    }

    /// A new token was made in time.
    pub(crate) fn made(&mut self) {
        self.current += 1;
        self.renewed_at = None;
    }

    /// A message with a token of `generation` was refused. After [`Verdict::Renew`] the token is
    /// of the next generation.
    pub(crate) fn refused(&mut self, generation: Generation, now: DateTime<Utc>) -> Verdict {
        if generation < self.current {
            return Verdict::Newer;
        }
        let every = TimeDelta::from_std(self.at_most_every).unwrap_or(TimeDelta::MAX);
        if self.renewed_at.is_some_and(|at| now - at < every) {
            return Verdict::Refused;
        }
        self.current += 1;
        self.renewed_at = Some(now);
        Verdict::Renew
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_refusal_makes_a_new_token_and_that_ones_refusal_is_final_for_a_while() {
        let now = DateTime::UNIX_EPOCH;
        let mut renewal = Renewal::new(Duration::from_secs(600));
        let first = renewal.current();

        let verdicts = [first, first, first + 1, first + 1].map(|of| renewal.refused(of, now));
        let later = renewal.refused(first + 1, now + TimeDelta::minutes(10));

        assert_eq!(
            verdicts,
            [Verdict::Renew, Verdict::Newer, Verdict::Refused, Verdict::Refused]
        );
        assert_eq!(later, Verdict::Renew);
    }
}
