//! Time that moves when it is told to.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use emulator::clock::Clock;
use tokio::sync::watch;

/// A clock that stands still.
#[derive(Debug)]
pub(crate) struct StandingClock(watch::Sender<DateTime<Utc>>);

impl StandingClock {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(DateTime::UNIX_EPOCH + TimeDelta::days(20_000)))
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.0.send_modify(|now| *now += by);
    }
}

impl Clock for StandingClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.borrow()
    }

    fn sleep_until(&self, at: DateTime<Utc>) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            let mut now = self.0.subscribe();
            // The sender lives as long as this clock, so waiting cannot fail.
            let _ = now.wait_for(|now| *now >= at).await;
        })
    }
}
