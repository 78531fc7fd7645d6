//! A token bucket: paces the dispatches of a queue, and the messages of a project.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// Holds up to `burst` tokens and is refilled at `rate` tokens a second.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: f64,
    burst: f64,
    tokens: f64,
    filled_at: DateTime<Utc>,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn new(rate: f64, burst: f64, now: DateTime<Utc>) -> Self {
        Self {
            rate,
            burst,
            tokens: burst,
            filled_at: now,
        }
    }

    /// Changes the pace. What is in the bucket stays, as far as it fits.
    pub(crate) fn set(&mut self, rate: f64, burst: f64, now: DateTime<Utc>) {
        self.refill(now);
        self.rate = rate;
        self.burst = burst;
        self.tokens = self.tokens.min(burst);
    }

    /// Takes a token, or says when there will be one: at the end of time if chrono cannot hold it.
    pub(crate) fn take(&mut self, now: DateTime<Utc>) -> Result<(), DateTime<Utc>> {
        self.refill(now);
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        // A microsecond more: one early would find the bucket short and look again at once.
        let wait = Duration::try_from_secs_f64((1.0 - self.tokens) / self.rate + 1e-6).ok();
        let refilled_at = wait
            .and_then(|wait| TimeDelta::from_std(wait).ok())
            .and_then(|wait| now.checked_add_signed(wait));
        Err(refilled_at.unwrap_or(DateTime::<Utc>::MAX_UTC))
    }

    fn refill(&mut self, now: DateTime<Utc>) {
        let elapsed = (now - self.filled_at).to_std().unwrap_or_default();
        self.tokens = (self.tokens + elapsed.as_secs_f64() * self.rate).min(self.burst);
        self.filled_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_burst_tokens_come_at_the_rate() {
        let start = DateTime::UNIX_EPOCH;
        let mut bucket = Bucket::new(2.0, 3.0, start);

        let burst: Vec<bool> = (0..4).map(|_| bucket.take(start).is_ok()).collect();
        let next = bucket.take(start).unwrap_err();

        assert_eq!(burst, [true, true, true, false]);
        assert!(
            (next - start - TimeDelta::milliseconds(500))
                .num_milliseconds()
                .abs()
                <= 1
        );
        assert!(bucket.take(next).is_ok());
        assert!(bucket.take(next).is_err());
    }

    #[test]
    fn a_token_that_takes_longer_than_time_is_waited_for() {
        let start = DateTime::UNIX_EPOCH;
        let mut bucket = Bucket::new(f64::MIN_POSITIVE, 1.0, start);

        let first = bucket.take(start);
        let second = bucket.take(start);

        assert_eq!(first, Ok(()));
        assert_eq!(second, Err(DateTime::<Utc>::MAX_UTC));
    }

    #[test]
    fn an_idle_bucket_holds_no_more_than_its_burst() {
        let start = DateTime::UNIX_EPOCH;
        let mut bucket = Bucket::new(10.0, 2.0, start);

        let taken = (0..10)
            .filter(|_| bucket.take(start + TimeDelta::hours(1)).is_ok())
            .count();

        assert_eq!(taken, 2);
    }
}
