//! The product's fan-out, as its own processes run it: pass after pass until nothing is left.

use anyhow::bail;
use runtime::job::{Outcome, Report};
use runtime::{Backends, Config, ExitCode, process};

use crate::process::own_cpu_seconds;
use crate::sample::Sample;
use crate::stopwatch::Stopwatch;

/// Expands what the environment's configuration points to, and says what that took. The clock
/// runs once the stores are connected.
pub(super) fn run() -> anyhow::Result<Sample> {
    let config = Config::load(None)?;
    let mut sample = None;
    let code = process::run(config, |process| {
        let sample = &mut sample;
        async move {
            *sample = Some(expand(process).await);
            ExitCode::Done
        }
    });
    match sample {
        Some(sample) => sample,
        None => bail!("the fan-out did not run: {code:?}"),
    }
}

async fn expand(process: runtime::Process) -> anyhow::Result<Sample> {
    let (backends, embedded) = Backends::connect(&process).await?;
    let cpu_before = own_cpu_seconds()?;
    let stopwatch = Stopwatch::start();
    while jobs::fan_out::run(&backends).await?.outcome() == Outcome::WorkLeft {}
    let sample = Sample::taken(stopwatch, cpu_before);
    drop(backends);
    embedded.stop().await;
    sample
}
