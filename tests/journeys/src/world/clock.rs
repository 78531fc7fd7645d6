//! A clock that goes by itself and can be put forward.
//!
//! The pipeline waits all the time, for the next pass or poll, so a clock that stands still would
//! stop it. This one goes as fast as the machine's; an hour of back-off takes one call.

use std::time::Duration;

use chrono::{DateTime, Utc};
use runtime::Clock;
use runtime::clock::ManualClock;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// How often the clock's hand is moved.
const TICK: Duration = Duration::from_millis(4);

/// The clock of one world.
#[derive(Debug)]
pub struct WorldClock {
    hand: ManualClock,
    going: JoinHandle<()>,
}

impl WorldClock {
    /// A clock that goes from `start` on, driven by `threads`.
    pub(super) fn start(threads: &Handle, start: DateTime<Utc>) -> Self {
        let hand = ManualClock::at(start);
        let going = drive(threads, hand.clone());
        Self { hand, going }
    }

    /// The clock to hand out.
    pub fn clock(&self) -> Clock {
        self.hand.clock()
    }

    /// What it shows.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock().now()
    }

    /// Puts it forward.
    pub fn advance(&self, by: Duration) {
        self.hand.advance(by);
    }

    /// Puts it forward to `at`; nothing happens when that has passed.
    pub fn advance_to(&self, at: DateTime<Utc>) {
        self.hand.advance_to(at);
    }
}

impl Drop for WorldClock {
    fn drop(&mut self) {
        self.going.abort();
    }
}

fn drive(threads: &Handle, hand: ManualClock) -> JoinHandle<()> {
    threads.spawn(async move {
        let machine = Clock::system();
        let mut then = machine.monotonic();
        loop {
            tokio::time::sleep(TICK).await;
            let now = machine.monotonic();
            hand.advance(now.since(then));
            then = now;
        }
    })
}
