//! How passes are run, once and again and again.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use runtime::clock::ManualClock;
use runtime::job::{Nudge, Outcome, Repeat, Report, once};
use runtime::{Clock, Config, ExitCode, Failure, Process};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(60);
const INTERVAL: Duration = Duration::from_secs(3_600);

#[derive(Debug)]
struct Did(Outcome);

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl Report for Did {
    fn outcome(&self) -> Outcome {
        self.0
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the store is down")]
struct Down;

impl Failure for Down {
    fn exit_code(&self) -> ExitCode {
        ExitCode::Unavailable
    }
}

/// A loop on a manual clock whose passes are counted.
struct Loop {
    hand: ManualClock,
    process: Process,
    nudge: Nudge,
    passes: Arc<AtomicUsize>,
}

impl Loop {
    fn start(outcome: impl Fn(usize) -> Result<Did, Down> + Send + 'static) -> Self {
        let hand = ManualClock::at("2026-07-01T12:00:00Z".parse().unwrap());
        let process = Process::new(Config::default(), hand.clock());
        let (nudge, passes) = (Nudge::default(), Arc::new(AtomicUsize::new(0)));
        let counted = passes.clone();
        let repeat = Repeat {
            name: "test",
            interval: INTERVAL,
            nudge: nudge.clone(),
        };
        process.tasks.spawn(repeat.run(process.clone(), move || {
            let outcome = outcome(counted.fetch_add(1, Ordering::SeqCst) + 1);
            async move { outcome }
        }));
        Self {
            hand,
            process,
            nudge,
            passes,
        }
    }

    /// Waits until the loop waits, and gives the passes so far.
    async fn rest(&self) -> usize {
        timeout(SOON, self.hand.until_asleep(1)).await.unwrap();
        self.passes.load(Ordering::SeqCst)
    }

    /// Waits until there were so many passes and the loop waits again.
    async fn rest_after(&self, passes: usize) {
        let reached = async {
            while self.rest().await < passes {
                tokio::task::yield_now().await;
            }
        };
        timeout(SOON, reached).await.unwrap();
    }

    async fn stop(self) -> usize {
        self.process.stop.request();
        timeout(SOON, self.process.tasks.ended()).await.unwrap();
        self.passes.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_pass_that_left_work_is_followed_at_once() {
    let running = Loop::start(|pass| {
        Ok(Did(if pass < 3 {
            Outcome::WorkLeft
        } else {
            Outcome::Worked
        }))
    });

    assert_eq!(running.rest().await, 3);
    assert_eq!(running.stop().await, 3);
}

#[tokio::test]
async fn a_loop_waits_for_its_interval_with_some_jitter() {
    let running = Loop::start(|_| Ok(Did(Outcome::Idle)));
    assert_eq!(running.rest().await, 1);

    running.hand.advance(INTERVAL.mul_f64(0.79));
    assert_eq!(running.rest().await, 1);
    running.hand.advance(INTERVAL.mul_f64(0.41));

    running.rest_after(2).await;
    assert_eq!(running.stop().await, 2);
}

#[tokio::test]
async fn a_nudge_wakes_a_loop_early() {
    let running = Loop::start(|_| Ok(Did(Outcome::Idle)));
    assert_eq!(running.rest().await, 1);

    running.nudge.nudge();
    running.nudge.nudge();

    running.rest_after(2).await;
    running.stop().await;
}

#[tokio::test]
async fn a_loop_outlives_a_store_that_is_down_and_a_pass_that_panics() {
    let running = Loop::start(|pass| match pass {
        1 => Err(Down),
        2 => panic!("a fault of ours"),
        _ => Ok(Did(Outcome::Idle)),
    });

    for pass in 1..=3 {
        running.rest_after(pass).await;
        running.hand.advance(2 * INTERVAL);
    }

    assert!(running.stop().await >= 3);
}

#[tokio::test]
async fn after_a_failure_a_nudge_does_not_hurry_the_loop() {
    let running = Loop::start(|_| Err(Down));
    assert_eq!(running.rest().await, 1);

    running.nudge.nudge();
    tokio::task::yield_now().await;

    assert_eq!(running.rest().await, 1);
    assert_eq!(running.stop().await, 1);
}

#[tokio::test]
async fn the_end_of_one_pass_is_its_exit_code() {
    let process = Process::new(Config::default(), Clock::system());

    let done = once("test", &process, |_| async {
        Ok::<_, Down>(Did(Outcome::Worked))
    })
    .await;
    let down = once("test", &process, |_| async { Err::<Did, _>(Down) }).await;
    let fault = once("test", &process, |_| async {
        panic!("a fault of ours") as Result<Did, Down>
    })
    .await;

    assert_eq!([done, down, fault].map(ExitCode::code), [0, 69, 70]);
}
