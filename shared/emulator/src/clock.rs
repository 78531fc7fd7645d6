//! The clock that every server here is given.
//!
//! All decisions about time (when a task is due, when a token runs out, when a transaction is
//! too old) ask it, so that a test can move an hour in no time: [`ManualClock`] stands still
//! until it is advanced, and wakes whoever sleeps on it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

/// Tells the time, and sleeps by it.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present instant.
    fn now(&self) -> DateTime<Utc>;

    /// Resolves once `now()` has reached `at`; at once if it has already.
    fn sleep_until(&self, at: DateTime<Utc>) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The longest nap between two looks at the wall clock, which may be set or may have slept with
/// the machine.
const LONGEST_NAP: Duration = Duration::from_secs(30);

/// The machine's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else is told to ask"
    )]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn sleep_until(&self, at: DateTime<Utc>) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            while let Ok(left) = (at - self.now()).to_std()
                && !left.is_zero()
            {
                tokio::time::sleep(left.min(LONGEST_NAP)).await;
            }
        })
    }
}

/// A clock that stands still until it is advanced.
///
/// Share it behind an `Arc`: the server sleeps on it, the test advances it.
#[derive(Debug)]
pub struct ManualClock {
    now: watch::Sender<DateTime<Utc>>,
}

impl ManualClock {
    /// A clock that says `start` until it is advanced.
    pub fn new(start: DateTime<Utc>) -> Self {
        Self {
            now: watch::Sender::new(start),
        }
    }

    /// Moves the clock on by `by` and wakes every sleeper whose instant is reached.
    ///
    /// # Panics
    ///
    /// If the new instant is beyond what chrono can hold (the year 262142).
    pub fn advance(&self, by: Duration) {
        let by = TimeDelta::from_std(by).expect("a test advances by less than 292 million years");
        self.now.send_modify(|now| *now += by);
    }

    /// Moves the clock on to `at`; a clock that is already past it stays where it is.
    pub fn advance_to(&self, at: DateTime<Utc>) {
        self.now.send_modify(|now| *now = at.max(*now));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.now.borrow()
    }

    fn sleep_until(&self, at: DateTime<Utc>) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut now = self.now.subscribe();
        Box::pin(async move {
            now.wait_for(|now| *now >= at)
                .await
                .expect("the sender lives as long as the borrowed clock");
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_its_instant_is_reached_and_not_before() {
        let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        let at = DateTime::UNIX_EPOCH + TimeDelta::seconds(10);
        let mut sleeper = std::pin::pin!(clock.sleep_until(at));

        clock.advance(Duration::from_secs(9));
        let early = futures::poll!(sleeper.as_mut());
        clock.advance(Duration::from_secs(1));
        sleeper.await;

        assert!(early.is_pending());
        assert_eq!(clock.now(), at);
    }

    #[tokio::test]
    async fn the_past_needs_no_sleep() {
        SystemClock.sleep_until(DateTime::UNIX_EPOCH).await;
    }
}
