//! One pass after the other, until the process is asked to stop.
//!
//! There is never a second pass of the same job in a process. Between two of them the loop
//! waits for the interval, a little more or less so that processes do not march in step, unless
//! it is nudged or the pass knows of something that is due sooner; after failures it waits longer
//! and longer.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::{Broken, Outcome, Report, observe};
use crate::exit::Failure;
use crate::process::Process;

/// Longest wait after failures.
const LONGEST: Duration = Duration::from_secs(30);

/// Wakes a loop early: there is something for it to do. Clones wake the same one. A nudge during
/// a pass is kept and makes the next one begin at once; several count as one.
#[derive(Clone, Debug, Default)]
pub struct Nudge(Arc<Notify>);

impl Nudge {
    /// Wakes the loop.
    pub fn nudge(&self) {
        self.0.notify_one();
    }

    /// Waits for a nudge, and takes it: for a pass that goes on for long, and learns by it what a
    /// new one would.
    pub async fn nudged(&self) {
        self.0.notified().await;
    }
}

/// How a pass is repeated.
#[derive(Clone, Debug)]
pub struct Repeat {
    /// The job's name, as in logs and metrics.
    pub name: &'static str,
    /// Wait between two passes.
    pub interval: Duration,
    /// What ends that wait early.
    pub nudge: Nudge,
}

impl Repeat {
    /// Runs `pass` again and again until `process` is asked to stop. A pass under way is brought
    /// to its end: it has the same stop to look at.
    pub async fn run<R, E, F, Fut>(self, process: Process, mut pass: F)
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<R, E>>,
        R: Report,
        E: Failure,
    {
        let mut failures = 0;
        while !process.stop.is_requested() {
            let (outcome, next_in) = match observe(self.name, &process.clock, async { pass().await }).await {
                Ok(report) => {
                    failures = 0;
                    (report.outcome(), report.next_in())
                }
                Err(Broken::Failed(_) | Broken::Panicked(_)) => {
                    failures += 1;
                    (Outcome::Idle, None)
                }
            };
            match outcome {
                Outcome::WorkLeft => tokio::task::yield_now().await,
                Outcome::Idle | Outcome::Worked => self.wait(&process, failures, next_in).await,
            }
        }
    }

    async fn wait(&self, process: &Process, failures: u32, next_in: Option<Duration>) {
        let wait = wait(self.interval, next_in, failures, rand::random_range(0.8..1.2));
        // Right after a failure a nudge says nothing new: the store is down all the same.
        let nudged = async {
            match failures {
                0 => self.nudge.nudged().await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            () = process.clock.sleep(wait) => {}
            () = nudged => {}
            () = process.stop.requested() => {}
        }
    }
}

/// The interval, doubled with each failure in a row up to [`LONGEST`], times `jitter`; less where
/// something is due before.
fn wait(interval: Duration, next_in: Option<Duration>, failures: u32, jitter: f64) -> Duration {
    let doubled = interval.saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX));
    let wait = doubled.min(LONGEST.max(interval)).mul_f64(jitter);
    next_in.map_or(wait, |next_in| next_in.min(wait))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_double_the_wait_up_to_half_a_minute() {
        let second = Duration::from_secs(1);
        let seconds = [0, 1, 2, 3, 4, 5, 40].map(|failures| wait(second, None, failures, 1.0).as_secs());

        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(
            wait(Duration::from_secs(3_600), None, 3, 1.0),
            Duration::from_secs(3_600)
        );
        assert_eq!(wait(second, None, 0, 0.8), Duration::from_millis(800));
    }

    #[test]
    fn what_is_due_before_the_interval_is_over_is_not_kept_waiting() {
        let second = Duration::from_secs(1);

        assert_eq!(wait(second, Some(second / 4), 0, 1.0), second / 4);
        assert_eq!(wait(second, Some(second * 4), 0, 1.0), second);
    }
}
