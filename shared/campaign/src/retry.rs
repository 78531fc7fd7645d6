//! When to try again.
//!
//! One policy serves a push that a gateway put off and a chunk whose attempt was cut short:
//! exponential back-off with full jitter, never earlier than the gateway asked for, never past
//! the push's expiry. Chance is passed in, so a decision can be repeated exactly.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// How long to wait between attempts, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The upper bound of the first wait; doubled with each further attempt.
    pub base: Duration,
    /// The upper bound of every wait. A gateway's own word may exceed it.
    pub cap: Duration,
    /// Attempts in all, the first included.
    pub attempts: u32,
}

impl Default for Backoff {
    /// Waits of up to 1 s, 2 s, 4 s … 10 minutes, over 16 attempts: 34 minutes in the mean, 67 at most.
    fn default() -> Self {
        Self {
            base: Duration::from_secs(1),
            cap: Duration::from_secs(600),
            attempts: 16,
        }
    }
}

/// What to do after an attempt that did not succeed and may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Try again at this instant, not earlier.
    At(DateTime<Utc>),
    /// No further attempt fits before the expiry.
    PastExpiry,
    /// The attempts are used up.
    Exhausted,
}

impl Backoff {
    /// The wait after attempt number `attempt` (the first is 1).
    ///
    /// `chance` is uniform in `0.0..1.0`. `floor` is what the gateway asked for
    /// (`Retry-After`); the jitter comes on top of it, because all the pushes that one answer
    /// put off would otherwise come back at one instant.
    pub fn wait(&self, attempt: u32, chance: f64, floor: Option<Duration>) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        let bound = self.base.saturating_mul(1 << doublings).min(self.cap);
        let jitter = bound.mul_f64(chance.clamp(0.0, 1.0));
        floor.unwrap_or_default().saturating_add(jitter)
    }

    /// Decides what follows attempt number `attempt` (the first is 1), which ended at `now`.
    pub fn after(
        &self,
        attempt: u32,
        chance: f64,
        floor: Option<Duration>,
        now: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Retry {
        if attempt >= self.attempts {
            return Retry::Exhausted;
        }
        let at = later(now, self.wait(attempt, chance, floor));
        if at < expires_at {
            Retry::At(at)
        } else {
            Retry::PastExpiry
        }
    }
}

/// The instant that much later, or the last one that can be told.
pub(crate) fn later(at: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    chrono::TimeDelta::from_std(by)
        .ok()
        .and_then(|by| at.checked_add_signed(by))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    #[test]
    fn waits_double_up_to_the_cap() {
        let backoff = Backoff::default();

        let bounds: Vec<u64> = (1..=12)
            .map(|attempt| backoff.wait(attempt, 1.0, None).as_secs())
            .collect();

        assert_eq!(bounds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
    }

    #[test]
    fn a_gateway_may_ask_for_more_than_the_cap() {
        let hour = Duration::from_secs(3_600);

        assert!(Backoff::default().wait(1, 0.5, Some(hour)) > hour);
    }

    proptest! {
        #[test]
        fn a_retry_is_never_before_the_floor_nor_past_the_expiry(
            attempt in 1..100_u32,
            chance in 0.0..1.0_f64,
            floor in 0..7_200_u64,
            lifetime in 0..10_000_i64,
        ) {
            let backoff = Backoff { attempts: 50, ..Backoff::default() };
            let floor = Duration::from_secs(floor);
            let expires_at = NOW + chrono::TimeDelta::seconds(lifetime);

            match backoff.after(attempt, chance, Some(floor), NOW, expires_at) {
                Retry::At(at) => {
                    prop_assert!(at >= NOW + floor);
                    prop_assert!(at < expires_at);
                    prop_assert!(at <= NOW + floor + backoff.cap);
                }
                Retry::PastExpiry => {
                    prop_assert!(NOW + floor + backoff.cap >= expires_at);
                }
                Retry::Exhausted => prop_assert!(attempt >= 50),
            }
        }

        #[test]
        fn no_attempt_number_and_no_length_overflows(attempt: u32, seconds: u64) {
            let backoff = Backoff {
                base: Duration::from_secs(seconds),
                cap: Duration::MAX,
                attempts: u32::MAX,
            };
            let chance = 0.999;

            let retry = backoff.after(attempt, chance, Some(Duration::MAX), NOW, DateTime::<Utc>::MAX_UTC);

            prop_assert!(matches!(retry, Retry::PastExpiry | Retry::Exhausted));
        }
    }
}
