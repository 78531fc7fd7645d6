//! An import process, in all its lives.

use std::path::{Path, PathBuf};

use anyhow::Context;
use journeys::processes::Process;

use super::stage::PATIENCE;
use crate::job::Job;

/// One process.
#[derive(Debug)]
pub(super) struct Worker {
    program: PathBuf,
    settings: PathBuf,
    /// None between two lives.
    process: Option<Process>,
    /// CPU time at the last look, in the kernel's ticks.
    ticks: u64,
}

impl Worker {
    /// Starts one with that configuration.
    pub(super) fn start(program: PathBuf, settings: PathBuf) -> Self {
        let process = start(&program, &settings);
        Self {
            program,
            settings,
            process: Some(process),
            ticks: 0,
        }
    }

    /// CPU time since the last look: whoever imports has the most.
    pub(super) fn worked(&mut self) -> u64 {
        let ticks = self
            .process
            .as_ref()
            .and_then(|process| ticks(process.pid()).ok());
        let ticks = ticks.unwrap_or(self.ticks);
        let worked = ticks.saturating_sub(self.ticks);
        self.ticks = ticks;
        worked
    }

    /// Kills it (SIGKILL), and starts it again.
    pub(super) fn kill_and_start(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
        self.process = Some(start(&self.program, &self.settings));
        self.ticks = 0;
    }

    /// Ends it by a drain.
    pub(super) async fn end(self) -> anyhow::Result<()> {
        let process = self.process.context("it does not run")?;
        let status = process.terminate(PATIENCE).await;
        anyhow::ensure!(status.success(), "a process ended with {status}");
        Ok(())
    }
}

fn start(program: &Path, settings: &Path) -> Process {
    let command = Job::Import.command(program, settings);
    Process::start(command, settings.with_extension("log"))
}

/// CPU time of a process, its fields 14 and 15 by proc_pid_stat(5).
fn ticks(pid: u32) -> anyhow::Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, after_name) = stat.rsplit_once(')').context("no name")?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut next = || anyhow::Ok(fields.next().context("too short")?.parse::<u64>()?);
    Ok(next()? + next()?)
}
