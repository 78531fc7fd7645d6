//! When a failed task is tried again, and when it is given up.

use std::time::Duration;

use gcloud_sdk::google::cloud::tasks::v2::RetryConfig;

use crate::tasks::proto_time::duration;

/// A queue's or a task's retry settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retry {
    max_attempts: Option<u32>,
    max_duration: Option<Duration>,
    min_backoff: Duration,
    max_backoff: Duration,
    max_doublings: u32,
}

impl Retry {
    /// Reads settings whose fields are all explicit and valid.
    pub(super) fn new(config: &RetryConfig) -> Self {
        let length =
            |given: &Option<prost_types::Duration>| given.as_ref().and_then(duration).unwrap_or_default();
        Self {
            max_attempts: u32::try_from(config.max_attempts).ok(),
            max_duration: Some(length(&config.max_retry_duration)).filter(|limit| !limit.is_zero()),
            min_backoff: length(&config.min_backoff),
            max_backoff: length(&config.max_backoff),
            max_doublings: u32::try_from(config.max_doublings).unwrap_or(0),
        }
    }

    /// The delay before the next attempt after `attempts` failed ones (at least 1).
    ///
    /// It starts at `min_backoff`, doubles `max_doublings` times, then grows by the last doubled
    /// step each time, up to `max_backoff`: with 10 s, 300 s and 3 doublings it is 10, 20, 40,
    /// 80, 160, 240, 300, 300 s (Cloud Tasks v2, `RetryConfig.max_doublings`).
    pub(super) fn delay(&self, attempts: u32) -> Duration {
        let retries = attempts.saturating_sub(1);
        let doublings = retries.min(self.max_doublings);
        let steps = 1 + retries - doublings;
        let factor = 1_u32
            .checked_shl(doublings)
            .filter(|factor| *factor > 0)
            .unwrap_or(u32::MAX);
        self.min_backoff
            .saturating_mul(factor)
            .saturating_mul(steps)
            .min(self.max_backoff)
    }

    /// Whether a task with so many failed attempts, the first of them `age` ago, is given up:
    /// every limit that is set must be reached, and without any it never is.
    pub(super) fn gives_up(&self, attempts: u32, age: Duration) -> bool {
        match (self.max_attempts, self.max_duration) {
            (None, None) => false,
            (Some(most), None) => attempts >= most,
            (None, Some(longest)) => age >= longest,
            (Some(most), Some(longest)) => attempts >= most && age >= longest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documented() -> Retry {
        Retry {
            max_attempts: Some(5),
            max_duration: None,
            min_backoff: Duration::from_secs(10),
            max_backoff: Duration::from_secs(300),
            max_doublings: 3,
        }
    }

    #[test]
    fn the_back_off_is_the_one_of_the_reference() {
        let delays: Vec<u64> = (1..=8)
            .map(|attempts| documented().delay(attempts).as_secs())
            .collect();

        assert_eq!(delays, [10, 20, 40, 80, 160, 240, 300, 300]);
    }

    #[test]
    fn no_number_of_attempts_overflows_the_delay() {
        let retry = Retry {
            max_doublings: u32::MAX,
            ..documented()
        };

        assert_eq!(retry.delay(u32::MAX), Duration::from_secs(300));
        assert_eq!(retry.delay(33), Duration::from_secs(300));
    }

    #[test]
    fn every_limit_that_is_set_must_be_reached() {
        let hour = Duration::from_secs(3_600);
        let both = Retry {
            max_duration: Some(hour),
            ..documented()
        };

        assert!(documented().gives_up(5, Duration::ZERO));
        assert!(!both.gives_up(5, hour / 2));
        assert!(!both.gives_up(4, hour));
        assert!(both.gives_up(5, hour));
        assert!(
            !Retry {
                max_attempts: None,
                ..documented()
            }
            .gives_up(u32::MAX, hour)
        );
    }
}
