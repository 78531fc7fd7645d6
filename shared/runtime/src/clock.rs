//! The one source of time.
//!
//! Whoever needs the time, or needs to wait, is given a [`Clock`]. In production it is the
//! system's; in a test it is a [`ManualClock`]'s, which stands still until it is advanced, so
//! that an hour of back-off is tested in no time and without a race.

use std::ops::Add;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use tokio::sync::watch;

/// Tells the time and waits. Cheap to clone; clones agree.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<Manual>),
}

/// A point on a clock that never jumps, for measuring and for budgets. Comparable only with
/// moments of the same clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// Time from `earlier` to this; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0 + duration)
    }
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// The instant, in whole microseconds: what every store gives back as it was put in.
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System => system_now(),
            Source::Manual(manual) => manual.start + *manual.elapsed.borrow(),
        }
        .trunc_subsecs(6)
    }

    /// The moment, for measuring.
    pub fn monotonic(&self) -> Moment {
        match &self.0 {
            Source::System => Moment(system_elapsed()),
            Source::Manual(manual) => Moment(*manual.elapsed.borrow()),
        }
    }

    /// Waits for `duration`.
    pub async fn sleep(&self, duration: Duration) {
        match &self.0 {
            Source::System => tokio::time::sleep(duration).await,
            Source::Manual(manual) => manual.sleep(duration).await,
        }
    }

    /// Waits until the clock shows `at`, also when the system's time is set meanwhile: it looks
    /// again every minute. Returns at once when that has passed.
    pub async fn sleep_until(&self, at: DateTime<Utc>) {
        const LOOK_AGAIN: Duration = Duration::from_secs(60);
        while let Ok(left) = (at - self.now()).to_std()
            && !left.is_zero()
        {
            self.sleep(left.min(LOOK_AGAIN)).await;
        }
    }
}

static START: LazyLock<Instant> = LazyLock::new(system_instant);

#[expect(clippy::disallowed_methods, reason = "this is the clock")]
fn system_now() -> DateTime<Utc> {
    fault_points::skewed!(Utc::now())
}

#[expect(clippy::disallowed_methods, reason = "this is the clock")]
fn system_instant() -> Instant {
    Instant::now()
}

fn system_elapsed() -> Duration {
    let start = *START;
    system_instant().saturating_duration_since(start)
}

/// The hand that moves a test's clock.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Manual>);

#[derive(Debug)]
struct Manual {
    start: DateTime<Utc>,
    elapsed: watch::Sender<Duration>,
    sleepers: watch::Sender<usize>,
}

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn at(start: DateTime<Utc>) -> Self {
        let (elapsed, sleepers) = (watch::Sender::new(Duration::ZERO), watch::Sender::new(0));
        Self(Arc::new(Manual {
            start,
            elapsed,
            sleepers,
        }))
    }

    /// The clock to hand out.
    pub fn clock(&self) -> Clock {
        Clock(Source::Manual(self.0.clone()))
    }

    /// Moves the time on and wakes whoever has slept long enough.
    pub fn advance(&self, by: Duration) {
        self.0.elapsed.send_modify(|elapsed| *elapsed += by);
    }

    /// Moves the time on to `at`; nothing happens when that has passed.
    pub fn advance_to(&self, at: DateTime<Utc>) {
        let left = at
            .signed_duration_since(self.clock().now())
            .max(TimeDelta::zero());
        self.advance(left.to_std().unwrap_or_default());
    }

    /// Waits until `sleepers` sleeps are under way, so that an [`advance`](Self::advance) that
    /// follows is not too early for them.
    pub async fn until_asleep(&self, sleepers: usize) {
        let mut asleep = self.0.sleepers.subscribe();
        // The sender lives in `self`.
        let _ = asleep.wait_for(|asleep| *asleep >= sleepers).await;
    }
}

impl Manual {
    async fn sleep(&self, duration: Duration) {
        let mut elapsed = self.elapsed.subscribe();
        let until = *elapsed.borrow() + duration;
        let _sleeper = Sleeper::new(&self.sleepers);
        // The sender lives in `self`.
        let _ = elapsed.wait_for(|elapsed| *elapsed >= until).await;
    }
}

/// Counts a sleep for as long as it lasts, also when it is dropped.
struct Sleeper<'a>(&'a watch::Sender<usize>);

impl<'a> Sleeper<'a> {
    fn new(sleepers: &'a watch::Sender<usize>) -> Self {
        sleepers.send_modify(|sleepers| *sleepers += 1);
        Self(sleepers)
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|sleepers| *sleepers -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> DateTime<Utc> {
        "2026-07-01T12:00:00Z".parse().unwrap()
    }

    #[tokio::test]
    async fn a_manual_clock_stands_still_until_it_is_advanced() {
        let hand = ManualClock::at(noon());
        let clock = hand.clock();
        let started = clock.monotonic();

        hand.advance(Duration::from_secs(90));

        assert_eq!(clock.now(), noon() + TimeDelta::seconds(90));
        assert_eq!(clock.monotonic().since(started), Duration::from_secs(90));
        assert_eq!(started.since(clock.monotonic()), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_sleeper_wakes_when_its_time_has_come_and_not_before() {
        let hand = ManualClock::at(noon());
        let clock = hand.clock();
        let mut sleeper = Box::pin(clock.sleep_until(noon() + TimeDelta::hours(1)));

        hand.advance(Duration::from_secs(3_599));
        assert!(futures::poll!(&mut sleeper).is_pending());

        hand.advance(Duration::from_secs(1));
        sleeper.await;
    }

    #[tokio::test]
    async fn a_test_can_wait_for_the_sleepers_it_is_about_to_wake() {
        let hand = ManualClock::at(noon());
        let (first, second) = (hand.clock(), hand.clock());

        let asleep = futures::future::join(
            first.sleep(Duration::from_secs(1)),
            second.sleep(Duration::from_secs(2)),
        );
        let waker = async {
            hand.until_asleep(2).await;
            hand.advance_to(noon() + TimeDelta::seconds(2));
        };

        futures::future::join(asleep, waker).await;
        assert_eq!(*hand.0.sleepers.borrow(), 0);
    }

    #[tokio::test]
    async fn the_system_clock_counts_whole_microseconds() {
        let clock = Clock::system();

        assert_eq!(clock.now().timestamp_subsec_nanos() % 1_000, 0);
        assert!(clock.monotonic() <= clock.monotonic());
        clock.sleep_until(clock.now() - TimeDelta::seconds(1)).await;
    }
}
