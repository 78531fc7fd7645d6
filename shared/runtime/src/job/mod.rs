//! The shell around a pass.
//!
//! A pass is one bounded, repeatable round of background work. The shell runs it [once], as a
//! program that a scheduler calls, or [again and again](repeat) in a process that stays; in both
//! cases it logs one summary line, counts, and turns a panic into an error.
//!
//! ```no_run
//! # struct Report;
//! # impl std::fmt::Display for Report {
//! #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("3 chunks") }
//! # }
//! # impl runtime::job::Report for Report {
//! #     fn outcome(&self) -> runtime::job::Outcome { runtime::job::Outcome::Worked }
//! # }
//! # #[derive(Debug)] struct Error;
//! # impl std::fmt::Display for Error {
//! #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("down") }
//! # }
//! # impl std::error::Error for Error {}
//! # impl runtime::Failure for Error {
//! #     fn exit_code(&self) -> runtime::ExitCode { runtime::ExitCode::Unavailable }
//! # }
//! # async fn fan_out(_: &runtime::Process) -> Result<Report, Error> { Ok(Report) }
//! fn main() -> std::process::ExitCode {
//!     runtime::job::main("fan-out", |process| async move { fan_out(&process).await })
//! }
//! ```

mod once;
mod repeat;

use std::fmt::Display;
use std::time::Duration;

use tracing::{debug, error, info};

use crate::clock::{Clock, Moment};
use crate::exit::Failure;
use crate::spawn::{Panicked, catch};
use crate::telemetry::causes;

pub use once::{main, once};
pub use repeat::{Nudge, Repeat};

/// What a pass did. Displayed in its summary line: `12 chunks expanded, 3 were there`.
pub trait Report: Display + Send + 'static {
    /// How it went, which decides when the next pass begins.
    fn outcome(&self) -> Outcome;

    /// In how long there will be something to do for which this pass came too early, if it knows of
    /// anything: then the next pass need not wait for its interval.
    fn next_in(&self) -> Option<Duration> {
        None
    }
}

/// How a pass went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There was nothing to do.
    Idle,
    /// Everything there was is done.
    Worked,
    /// It ended at its bound with work left; the next pass begins at once.
    WorkLeft,
}

/// Why a pass came to no report.
enum Broken<E> {
    Failed(E),
    Panicked(Panicked),
}

/// Runs one pass and logs and counts how it went.
async fn observe<R, E>(
    name: &'static str,
    clock: &Clock,
    pass: impl Future<Output = Result<R, E>>,
) -> Result<R, Broken<E>>
where
    R: Report,
    E: Failure,
{
    let started = clock.monotonic();
    let outcome = match catch(pass).await {
        Ok(outcome) => outcome.map_err(Broken::Failed),
        Err(panic) => Err(Broken::Panicked(panic)),
    };
    let elapsed = since(clock, started);
    match &outcome {
        Ok(report) if report.outcome() == Outcome::Idle => {
            debug!(job = name, job.report = %report, elapsed_ms = millis(elapsed), "pass found nothing to do");
        }
        Ok(report) => info!(job = name, job.report = %report, elapsed_ms = millis(elapsed), "pass done"),
        Err(Broken::Failed(error)) => {
            error!(job = name, error = %causes(error), elapsed_ms = millis(elapsed), "pass failed");
        }
        Err(Broken::Panicked(panic)) => {
            error!(job = name, %panic, elapsed_ms = millis(elapsed), "pass panicked");
        }
    }
    let result = if outcome.is_ok() { "done" } else { "failed" };
    metrics::counter!("noroshi_passes_total", "job" => name, "result" => result).increment(1);
    metrics::histogram!("noroshi_pass_seconds", "job" => name).record(elapsed);
    outcome
}

fn since(clock: &Clock, started: Moment) -> Duration {
    clock.monotonic().since(started)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
