//! What a client in a process of its own took for its work, as it says itself.
//!
//! Each client prepares itself, works, and prints wall and CPU time of the work alone and the peak
//! of its resident memory. So the start of an interpreter is nobody's cost.

use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::process::own_cpu_seconds;
use crate::stopwatch::Stopwatch;

/// What the work took.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Sample {
    /// Wall time.
    pub(crate) seconds: f64,
    /// CPU time of all its threads and processes.
    pub(crate) cpu_seconds: f64,
    /// Most resident memory of the whole process, from its start.
    pub(crate) peak_rss_bytes: u64,
}

impl Sample {
    /// Of this process, which began to work when the stopwatch was started and its CPU time was
    /// read.
    pub(crate) fn taken(stopwatch: Stopwatch, cpu_before: f64) -> anyhow::Result<Self> {
        Ok(Self {
            seconds: stopwatch.elapsed().as_secs_f64(),
            cpu_seconds: own_cpu_seconds()? - cpu_before,
            peak_rss_bytes: noroshi::memory::peak_rss_bytes().context("only Linux tells a process's peak")?,
        })
    }

    /// Runs a client to its end; its last line is the sample.
    pub(crate) fn of(command: Command) -> anyhow::Result<Self> {
        last_line(command)
    }
}

/// Runs a client to its end, and reads its last line.
pub(crate) fn last_line<T: DeserializeOwned>(command: Command) -> anyhow::Result<T> {
    let said = output(command)?;
    match said.lines().next_back().map(serde_json::from_str) {
        Some(Ok(sample)) => Ok(sample),
        _ => bail!("its last line is no sample:\n{said}"),
    }
}

/// What a program says that ends well.
pub(crate) fn output(mut command: Command) -> anyhow::Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "ended with {}; it said:\n{}{said}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(said.into_owned())
}
