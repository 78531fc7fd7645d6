//! One of those who read, as a process of its own, which prints its own figures.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::{ours, reader};
use crate::process::own_cpu_seconds;
use crate::stopwatch::Stopwatch;

/// What the reading took.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct Sample {
    /// Wall time.
    pub(super) seconds: f64,
    /// CPU time of all its threads; none where another program's was not measured.
    pub(super) cpu_seconds: Option<f64>,
    /// Most resident memory of the whole process, from its start.
    pub(super) peak_rss_bytes: Option<u64>,
    /// Users that it found.
    pub(super) users: u64,
}

impl Sample {
    /// Of this process, which began when the stopwatch was started and its CPU time was read.
    pub(super) fn taken(stopwatch: Stopwatch, cpu_before: f64, users: u64) -> anyhow::Result<Self> {
        Ok(Self {
            seconds: stopwatch.elapsed().as_secs_f64(),
            cpu_seconds: Some(own_cpu_seconds()? - cpu_before),
            peak_rss_bytes: noroshi::memory::peak_rss_bytes(),
            users,
        })
    }
}

/// Which of them a process is.
#[derive(Debug, clap::Args)]
pub(crate) struct ClientArguments {
    #[command(subcommand)]
    client: Which,
}

#[derive(Debug, clap::Subcommand)]
enum Which {
    /// The product's import, configured by the environment.
    Ours,
    /// The reader alone.
    Reader { file: PathBuf },
    /// The reader with the ids in memory.
    HashSet { file: PathBuf },
}

/// Reads, and prints the sample.
pub(super) fn run(arguments: &ClientArguments) -> anyhow::Result<()> {
    let sample = match &arguments.client {
        Which::Ours => ours::run()?,
        Which::Reader { file } => reader::run(file, reader::Keeping::Nothing)?,
        Which::HashSet { file } => reader::run(file, reader::Keeping::Ids)?,
    };
    noroshi::output::line(serde_json::to_string(&sample)?);
    Ok(())
}

/// This program as the process of a client.
pub(super) fn itself() -> anyhow::Result<Command> {
    let program = std::env::current_exe().context("this program does not know where it lies")?;
    let mut command = Command::new(program);
    command.arg("import-client");
    Ok(command)
}
