//! A pass as a program: connect, run until nothing is left, stop what is embedded.

use std::ops::AsyncFn;
use std::process::ExitCode;

use runtime::Backends;
use runtime::job::{self, Outcome, Report};
use tracing::info;

use crate::error::Error;

/// The whole of a job's `main`. A pass that leaves work is followed by the next at once, so that
/// one call from cron does what there is to do.
pub fn main<R: Report>(name: &'static str, pass: impl AsyncFn(&Backends) -> Result<R, Error>) -> ExitCode {
    job::main(name, |process| {
        // Boxed, since its type in the type of a process is deeper than the compiler follows.
        Box::pin(async move {
            let (backends, embedded) = Backends::connect(&process).await?;
            backends.watch_load().await?;
            let report = loop {
                match pass(&backends).await {
                    Ok(report) if report.outcome() == Outcome::WorkLeft && !process.stop.is_requested() => {
                        info!(job = name, job.report = %report, "pass left work, the next begins");
                    }
                    ended => break ended,
                }
            };
            drop(backends);
            embedded.stop().await;
            report
        })
    })
}
